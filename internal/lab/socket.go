package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dial connects from the host over TCP. The address is a literal one, since names are not looked up in the lab. Only the socket
// is made on the host's thread: a thread for each connection would cost more than the connection.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp" {
		return nil, fmt.Errorf("dial %s %s: not TCP and a literal address", network, address)
	}
	var f *os.File
	err = h.onLauncher(func() error {
		f, err = connect(to)
		return err
	})
	if err == nil {
		defer f.Close() // net.FileConn copies it
		if err = connected(ctx, f); err == nil {
			return net.FileConn(f)
		}
	}
	return nil, fmt.Errorf("dial %s: %w", address, err)
}

// connect opens a socket in the calling thread's namespace and begins to connect it.
func connect(to netip.AddrPort) (*os.File, error) {
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, sa); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), to.String()), nil
}

// connected waits until a connection stands, or is refused, or ctx ends.
func connected(ctx context.Context, f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = f.SetDeadline(deadline)
	}
	defer context.AfterFunc(ctx, func() { _ = f.SetDeadline(time.Unix(1, 0)) })()
	var refused error
	err = raw.Write(func(fd uintptr) bool {
		if _, err := unix.Getpeername(int(fd)); err == nil {
			return true
		}
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			refused = err
		} else if n != 0 {
			refused = unix.Errno(n)
		}
		return refused != nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, refused)
}

// Listen listens on the host. The address is a literal one.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	var l net.Listener
	err := h.Do(func() error {
		var err error
		l, err = new(net.ListenConfig).Listen(context.Background(), network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", h.Name, err)
	}
	return l, nil
}

// HTTPClient returns a client on the host that makes a new connection for each request, which may take timeout in all.
func (h *Host) HTTPClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: true},
	}
}
