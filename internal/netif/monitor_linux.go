package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

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

// notice is a notification, as far as anybody wants to know: its header, that of what it is about,
// and of an address all attributes that say which.
type notice []byte

const (
	leastNotice = unix.SizeofNlMsghdr + unix.SizeofRtMsg
	mostNotice  = 256
)

func anything(notice) bool { return true }

// renewed is the address that a notification says is there, as after it was added or its lifetime
// changed; false where it says something else.
func (n notice) renewed() (index int, ip netip.Addr, ok bool) {
	if binary.NativeEndian.Uint16(n[4:]) != unix.RTM_NEWADDR {
		return 0, netip.Addr{}, false
	}
	index = int(binary.NativeEndian.Uint32(n[unix.SizeofNlMsghdr+4:]))
	for rest := n[unix.SizeofNlMsghdr+unix.SizeofIfAddrmsg:]; len(rest) >= unix.SizeofRtAttr; {
		length := int(binary.NativeEndian.Uint16(rest))
		if length < unix.SizeofRtAttr || length > len(rest) {
			break
		}
		// IPv6 has IFA_LOCAL only beside a peer.
		kind := binary.NativeEndian.Uint16(rest[2:])
		if a, valid := netip.AddrFromSlice(rest[unix.SizeofRtAttr:length]); valid && (kind == unix.IFA_LOCAL || kind == unix.IFA_ADDRESS && !ip.IsValid()) {
			ip = a
		}
		rest = rest[min(len(rest), (length+3)&^3):]
	}
	return index, ip, ip.IsValid()
}

// drain empties the socket and reports whether there was anything to read that matters, or anything
// lost.
func (m monitor) drain(matters func(notice) bool) (changed bool, err error) {
	var buf [mostNotice]byte
	for {
		size, err := unix.Read(int(m), buf[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return changed, nil
		case err == nil:
			changed = size < leastNotice || matters(buf[:size]) || changed
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			changed = true
		case !errors.Is(err, unix.EINTR):
			return changed, fmt.Errorf("read rtnetlink notifications: %w", err)
		}
	}
}

func (m monitor) close() error { return unix.Close(int(m)) }
