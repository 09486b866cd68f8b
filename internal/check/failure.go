package check

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// fault is an error of ours, which says nothing of the target.
type fault struct {
	op    string
	cause error // a syscall.Errno or one of this package's errors; equal causes are one fault
}

func (f *fault) Error() string { return f.op + ": " + f.cause.Error() }
func (f *fault) Unwrap() error { return f.cause }

// isFault reports whether an error of a probe is one of ours.
func isFault(err error) bool {
	if err == nil {
		return false
	}
	var f *fault
	return errors.As(err, &f)
}

// failure makes the error of a probe out of the error of what it did. It is a *fault when the cause
// is ours: no descriptors, buffers, memory or local ports left, or a socket that we may not have.
//
// A target without a route (ENETUNREACH, EHOSTUNREACH), or with one that forbids it (EACCES when
// sending), has failed: traffic for it takes the same route. When the interface to the servers is
// down, all of them are therefore down, as with keepalived.
func failure(op string, err error) error {
	var refused *optionError
	if errors.As(err, &refused) {
		return &fault{op: op + ": set " + refused.option, cause: refused.errno}
	}
	cause := err
	var errno syscall.Errno
	if errors.As(err, &errno) {
		cause = errno
		if isLocal(err) {
			return &fault{op: op, cause: errno}
		}
	}
	return fmt.Errorf("%s: %w", op, cause)
}

// isLocal reports whether an error of the network stack is an error of ours.
func isLocal(err error) bool {
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var call *os.SyscallError
	if !errors.As(err, &call) {
		return false
	}
	switch call.Syscall {
	case "socket", "setsockopt", "bind":
		return true
	}
	return false
}

// optionError says that a socket was refused an option.
type optionError struct {
	option string
	errno  error
}

func (e *optionError) Error() string { return "set " + e.option + ": " + e.errno.Error() }
