package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// connect opens a TCP connection to the target that will be reset when it is closed.
func connect(ctx context.Context, spec Spec) (*net.TCPConn, error) {
	op := "connect " + spec.Addr.String()
	dialed, err := dial(ctx, "tcp", spec)
	if err != nil {
		if timedOut(err) {
			return nil, fmt.Errorf("%s: no answer within %v", op, spec.Timeout)
		}
		return nil, failure(op, err)
	}
	conn := dialed.(*net.TCPConn)
	if err := conn.SetLinger(0); err != nil {
		conn.Close()
		return nil, failure(op, err)
	}
	return conn, nil
}

// bounded is a connection on which everything is over when a context is.
type bounded struct {
	*net.TCPConn
	stop func() bool
}

// open is connect, with all that is done on the connection ended by ctx.
func open(ctx context.Context, spec Spec) (bounded, error) {
	conn, err := connect(ctx, spec)
	if err != nil {
		return bounded{}, err
	}
	return bounded{conn, cutOff(ctx, conn)}, nil
}

// cutOff ends all that is done on a connection when ctx is over. The function that it returns undoes
// it.
func cutOff(ctx context.Context, conn net.Conn) (undo func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
}

func (b bounded) Close() error {
	b.stop()
	return b.TCPConn.Close()
}

// dial connects to the target of a spec from where its socket says, over "tcp" or "udp".
func dial(ctx context.Context, network string, spec Spec) (net.Conn, error) {
	// Not DialTCP: with no local address it binds all the same, which takes a port from every
	// other target.
	dialer := net.Dialer{KeepAlive: -1}
	addr := spec.Addr
	if s := spec.Detail.Socket(); s != (Socket{}) {
		addr = s.target(addr)
		dialer.Control = func(_, _ string, raw syscall.RawConn) error { return s.configure(raw) }
		dialer.LocalAddr = s.local(network, addr.Addr())
	}
	return dialer.DialContext(ctx, network, addr.String())
}

// target gives a link-local address the zone without which it means nothing (RFC 4007 §6).
func (s Socket) target(addr netip.AddrPort) netip.AddrPort {
	if a := addr.Addr(); s.Interface != "" && a.Zone() == "" && a.Is6() && a.IsLinkLocalUnicast() {
		return netip.AddrPortFrom(a.WithZone(s.Interface), addr.Port())
	}
	return addr
}

// local is the address to bind a socket of a network to, nil for none.
func (s Socket) local(network string, target netip.Addr) net.Addr {
	source, bound := s.from(familyOf(target))
	switch {
	case !bound:
		return nil
	case network == "udp":
		return net.UDPAddrFromAddrPort(source)
	default:
		return net.TCPAddrFromAddrPort(source)
	}
}

// from is the address to bind a socket of a family to; the second result is false for none.
func (s Socket) from(family int) (source netip.AddrPort, bound bool) {
	addr := s.Source
	if s.Server.IsValid() && !addr.IsValid() {
		addr = towards(s.Server)
	}
	switch {
	case addr.IsValid():
	case s.Port == 0:
		return netip.AddrPort{}, false
	case family == unix.AF_INET6:
		addr = netip.IPv6Unspecified()
	default:
		addr = netip.IPv4Unspecified()
	}
	return s.target(netip.AddrPortFrom(addr, s.Port)), true
}

// towards is the address that packets to a server would come from, the zero value without a route to it.
// A probe of a service that this node has itself would come from the service's own address, and never
// be answered.
func towards(server netip.AddrPort) netip.Addr {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(server.Addr(), max(server.Port(), 1))))
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// configure sets the options of a socket before it is bound.
func (s Socket) configure(raw syscall.RawConn) error {
	var err error
	controlErr := raw.Control(func(fd uintptr) { err = s.set(int(fd)) })
	return errors.Join(err, controlErr)
}

// set sets the options of a socket before it is bound.
func (s Socket) set(fd int) error {
	if s.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(s.Mark)); err != nil {
			return &optionError{"SO_MARK", err}
		}
	}
	if s.Interface != "" {
		if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, s.Interface); err != nil {
			return &optionError{"SO_BINDTODEVICE", err}
		}
	}
	switch {
	case s.Port != 0:
		// Probes of several targets may have the port at once.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return &optionError{"SO_REUSEADDR", err}
		}
	case s.Source.IsValid() || s.Server.IsValid():
		// The port is chosen when connecting: one is enough for many targets (ip(7)).
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return &optionError{"IP_BIND_ADDRESS_NO_PORT", err}
		}
	}
	return nil
}

// missing makes the error of a probe that waited for something in vain: of its time, or of what it
// did.
func missing(ctx context.Context, spec Spec, what string, err error) error {
	if timedOut(err) || ctx.Err() != nil {
		return fmt.Errorf("no %s within %v", what, spec.Timeout)
	}
	return failure("wait for "+what, err)
}

// timedOut reports whether err says that the time of a probe was over.
func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
