package netif

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// monitor is an rtnetlink(7) socket that receives notifications. What they say is hardly read: that
// there was one is enough to read the tables again, and nothing is lost if the socket overruns.
type monitor int

// monitorBuffer holds some thousand notifications.
const monitorBuffer = 1 << 20

func openMonitor(groups uint32) (monitor, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fmt.Errorf("open an rtnetlink socket: %w", err)
	}
	// More than net.core.rmem_max takes CAP_NET_ADMIN; with less, overruns come sooner.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, monitorBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, monitorBuffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return -1, errors.Join(fmt.Errorf("subscribe to link and address changes: %w", err), unix.Close(fd))
	}
	return monitor(fd), nil
}

// notice is the start of a notification: its header and that of what it is about. The rest of the
// datagram goes with it.
type notice [unix.SizeofNlMsghdr + unix.SizeofRtMsg]byte

func anything(notice) bool { return true }

// drain empties the socket and reports whether there was anything to read that matters, or anything
// lost.
func (m monitor) drain(matters func(notice) bool) (changed bool, err error) {
	for {
		var n notice
		_, err := unix.Read(int(m), n[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return changed, nil
		case err == nil:
			changed = changed || matters(n)
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			changed = true
		case !errors.Is(err, unix.EINTR):
			return changed, fmt.Errorf("read rtnetlink notifications: %w", err)
		}
	}
}

func (m monitor) close() error { return unix.Close(int(m)) }
