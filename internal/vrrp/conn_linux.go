package vrrp

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// conn is the raw socket of one interface and family. It belongs to the election's thread, which
// waits for it in poll(2) itself.
type conn struct {
	fd     int
	index  int
	six    bool
	joined map[netip.Addr]bool
	// What a packet is sent and received with, used again for each.
	to4     unix.SockaddrInet4
	to6     unix.SockaddrInet6
	control []byte
	arrival arrival
}

// internetControl is the TOS and traffic class of routing protocols (RFC 791, precedence 6), so
// that adverts pass a full queue before other traffic.
const internetControl = 0xc0

// listen opens the socket of an interface and family: bound to the interface, deaf to its own
// packets, and in no group yet.
func listen(key Key, index int) (*conn, error) {
	family := unix.AF_INET
	if key.IPv6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open VRRP socket: %w", err)
	}
	c := &conn{fd: fd, index: index, six: key.IPv6, joined: map[netip.Addr]bool{}, control: make([]byte, controlSize)}
	if err = errors.Join(unix.BindToDevice(fd, key.Interface), c.set()); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen for VRRP on %s: %w", key.Interface, err)
	}
	return c, nil
}

// set sets the options of the socket. Without MULTICAST_ALL off, a membership of any socket on the
// host delivers here (ip(7)). TRANSPARENT lets adverts come from an address that the host has not,
// as mcast_src_ip and unicast_src_ip may say.
func (c *conn) set() error {
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	level, options := unix.IPPROTO_IP, [][2]int{{unix.IP_MULTICAST_ALL, 0}, {unix.IP_MULTICAST_LOOP, 0},
		{unix.IP_TOS, internetControl}, {unix.IP_TRANSPARENT, 1}}
	if c.six {
		level, options = unix.IPPROTO_IPV6, [][2]int{{unix.IPV6_MULTICAST_ALL, 0}, {unix.IPV6_MULTICAST_LOOP, 0},
			{unix.IPV6_TCLASS, internetControl}, {unix.IPV6_TRANSPARENT, 1},
			{unix.IPV6_RECVPKTINFO, 1}, {unix.IPV6_RECVHOPLIMIT, 1}}
	}
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer); err != nil {
		return err
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(c.fd, level, o[0], o[1]); err != nil {
			return err
		}
	}
	return nil
}

// receiveBuffer is half of what the kernel keeps adverts for us in, of which each takes some 770 bytes: 2,700 of them, so that
// a flood in which we are not scheduled for a moment does not push out the master's.
const receiveBuffer = 1 << 20

// hearOnly has the kernel drop what is not for one of the virtual routers given: other pairs of the segment, and a flood of
// them, wake nobody. The filter is a classic BPF program (socket(7), SO_ATTACH_FILTER).
func (c *conn) hearOnly(vrids []uint8) error {
	program := []unix.SockFilter{{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH}, // the length of the IPv4 header
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_IND, K: 1}}
	if c.six { // which comes without its header
		program = []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 1}}
	}
	for n, id := range vrids {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(id), Jt: uint8(len(vrids) - n)})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16})
	err := unix.SetsockoptSockFprog(c.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("filter by virtual_router_id: %w", err)
	}
	return nil
}

// join makes groups the whole of those that the socket is a member of.
func (c *conn) join(groups map[netip.Addr]bool) error {
	for g := range c.joined {
		if !groups[g] {
			if err := c.member(g, unix.IP_DROP_MEMBERSHIP, unix.IPV6_LEAVE_GROUP); err != nil {
				return fmt.Errorf("leave %s: %w", g, err)
			}
			delete(c.joined, g)
		}
	}
	for g := range groups {
		if !c.joined[g] {
			if err := c.member(g, unix.IP_ADD_MEMBERSHIP, unix.IPV6_JOIN_GROUP); err != nil {
				return fmt.Errorf("join %s: %w", g, err)
			}
			c.joined[g] = true
		}
	}
	return nil
}

func (c *conn) member(group netip.Addr, option4, option6 int) error {
	if c.six {
		return unix.SetsockoptIPv6Mreq(c.fd, unix.IPPROTO_IPV6, option6,
			&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(c.index)})
	}
	return unix.SetsockoptIPMreqn(c.fd, unix.IPPROTO_IP, option4,
		&unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(c.index)})
}

// send sends an encoded advert. Source and hop limit go beside it: a bound address would keep the
// group's packets out.
func (c *conn) send(a *Advert, packet []byte) error {
	var to unix.Sockaddr = &c.to4
	if c.six {
		c.to6.Addr, c.to6.ZoneId = a.Destination.As16(), uint32(c.index)
		to = &c.to6
	} else {
		c.to4.Addr = a.Destination.As4()
	}
	if _, err := unix.SendmsgN(c.fd, packet, sendControl(c.control, a, c.index), to, unix.MSG_DONTWAIT); err != nil {
		return fmt.Errorf("send advert from %s to %s: %w", a.Source, a.Destination, err)
	}
	return nil
}

// read reads one advert into a; ok is false when no packet is queued, err is what decoding says.
func (c *conn) read(buf []byte, a *Advert) (ok bool, err error) {
	for {
		n, err := c.arrival.receive(c.fd, buf)
		switch {
		case err == nil && c.six:
			return true, a.decode6(c.arrival.source, c.arrival.destination, c.arrival.hops, buf[:n])
		case err == nil:
			return true, a.decode(buf[:n])
		case errors.Is(err, unix.EINTR):
		default:
			return false, nil
		}
	}
}

func (c *conn) close() { _ = unix.Close(c.fd) }
