package check

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

// call is what package net makes of an error of a system call.
func call(name string, errno syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError(name, errno)}
}

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		ours bool
		want string
	}{
		{"refused", call("connect", syscall.ECONNREFUSED), false, "connect 192.0.2.1:80: connection refused"},
		{"reset", call("read", syscall.ECONNRESET), false, "connect 192.0.2.1:80: connection reset by peer"},
		{"no route to the network", call("connect", syscall.ENETUNREACH), false, "connect 192.0.2.1:80: network is unreachable"},
		{"no route to the host", call("connect", syscall.EHOSTUNREACH), false, "connect 192.0.2.1:80: no route to host"},
		{"prohibit route", call("connect", syscall.EACCES), false, "connect 192.0.2.1:80: permission denied"},
		{"firewall", call("sendto", syscall.EPERM), false, "connect 192.0.2.1:80: operation not permitted"},
		{"blackhole route", call("connect", syscall.EINVAL), false, "connect 192.0.2.1:80: invalid argument"},
		{"no descriptors", call("socket", syscall.EMFILE), true, "connect 192.0.2.1:80: too many open files"},
		{"no descriptors in the system", call("socket", syscall.ENFILE), true, "connect 192.0.2.1:80: too many open files in system"},
		{"no buffers", call("sendto", syscall.ENOBUFS), true, "connect 192.0.2.1:80: no buffer space available"},
		{"no memory", call("connect", syscall.ENOMEM), true, "connect 192.0.2.1:80: cannot allocate memory"},
		{"no local port", call("connect", syscall.EADDRNOTAVAIL), true, "connect 192.0.2.1:80: cannot assign requested address"},
		{"local port taken", call("bind", syscall.EADDRINUSE), true, "connect 192.0.2.1:80: address already in use"},
		{"socket not permitted", call("socket", syscall.EACCES), true, "connect 192.0.2.1:80: permission denied"},
		{"raw socket not permitted", call("socket", syscall.EPERM), true, "connect 192.0.2.1:80: operation not permitted"},
		{"no such family", call("socket", syscall.EAFNOSUPPORT), true, "connect 192.0.2.1:80: address family not supported by protocol"},
		{"option not permitted", call("setsockopt", syscall.EPERM), true, "connect 192.0.2.1:80: operation not permitted"},
		{"not of the kernel", io.ErrUnexpectedEOF, false, "connect 192.0.2.1:80: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := failure("connect 192.0.2.1:80", c.err)
			var f *fault
			if errors.As(err, &f) != c.ours {
				t.Errorf("%v: a fault of ours: %v, want %v", err, !c.ours, c.ours)
			}
			if err.Error() != c.want {
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}
