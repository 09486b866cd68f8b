package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// probeTCP connects, and closes at once. The close is a reset, so that neither side keeps the
// connection in TIME_WAIT: the target sees SYN, ACK, RST.
func probeTCP(ctx context.Context, spec Spec) error {
	conn, err := connect(ctx, spec)
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		// It was accepted, and reset before we looked: a reset in answer to the SYN is
		// ECONNREFUSED (tcp_reset in net/ipv4/tcp_input.c).
		return nil
	case err != nil:
		return err
	}
	conn.Close() // what a close says after the connect does not matter
	return nil
}

// connect opens a connection to the target that will be reset when it is closed.
func connect(ctx context.Context, spec Spec) (*net.TCPConn, error) {
	op := "connect " + spec.Addr.String()
	dialer := net.Dialer{KeepAlive: -1}
	// Not DialTCP: with no local address it binds all the same, which takes a port from every
	// other target.
	dialed, err := dialer.DialContext(ctx, "tcp", spec.Addr.String())
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

// timedOut reports whether err says that the time of a probe was over.
func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
