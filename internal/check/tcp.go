package check

import (
	"context"
	"errors"
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
