package vrrp

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// conn is the raw socket of one interface. It belongs to the election's thread, which waits for
// it in poll(2) itself.
type conn struct {
	fd     int
	index  int
	source netip.Addr // what IP_MULTICAST_IF was last set to
	group  unix.SockaddrInet4
}

// internetControl is the TOS of routing protocols (RFC 791, precedence 6), so that adverts pass
// a full queue before other traffic.
const internetControl = 0xc0

// listen opens the socket of an interface: bound to it, a member of the group there only, and
// deaf to its own packets.
func listen(ifname string, index int) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open VRRP socket: %w", err)
	}
	group := &unix.IPMreqn{Multiaddr: Group.As4(), Ifindex: int32(index)}
	set := func(option, value int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, option, value) }
	err = errors.Join(
		unix.BindToDevice(fd, ifname),
		// Without it, a membership of any socket on the host delivers here (ip(7)).
		set(unix.IP_MULTICAST_ALL, 0),
		set(unix.IP_MULTICAST_LOOP, 0),
		set(unix.IP_MULTICAST_TTL, hopLimit),
		set(unix.IP_TOS, internetControl),
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group),
	)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen for VRRP on %s: %w", ifname, err)
	}
	return &conn{fd: fd, index: index, group: unix.SockaddrInet4{Addr: Group.As4()}}, nil
}

// send sends an encoded advert to the group. The source is set by IP_MULTICAST_IF: a bound
// address would keep the group's packets out.
func (c *conn) send(source netip.Addr, packet []byte) error {
	if c.source != source {
		from := &unix.IPMreqn{Address: source.As4(), Ifindex: int32(c.index)}
		if err := unix.SetsockoptIPMreqn(c.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, from); err != nil {
			return fmt.Errorf("send from %s: %w", source, err)
		}
		c.source = source
	}
	if err := unix.Sendto(c.fd, packet, unix.MSG_DONTWAIT, &c.group); err != nil {
		return fmt.Errorf("send advert from %s: %w", source, err)
	}
	return nil
}

// read reads one packet with its IP header; ok is false when none is queued.
func (c *conn) read(buf []byte) (n int, ok bool) {
	for {
		n, err := unix.Read(c.fd, buf)
		switch {
		case err == nil:
			return n, true
		case errors.Is(err, unix.EINTR):
		default:
			return 0, false
		}
	}
}

func (c *conn) close() { _ = unix.Close(c.fd) }
