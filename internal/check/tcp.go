package check

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
)

// TCPRequest is what is said on a connection that was accepted, and what has to be heard.
type TCPRequest struct {
	Send   string // sent first; empty is nothing
	Expect Match  // what the server has to say
}

// Words are what the request says in lvsd's words, which keepalived does not have.
func (q TCPRequest) Words() []Word {
	return []Word{{Name: "send", Value: escaped(q.Send)}, {Name: "expect", Value: q.Expect.Expression}}
}

// escaped is a text with what cannot be printed as an escape; empty if it is empty.
func escaped(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

func (TCPRequest) suffix() string { return "" }

// maxExpected bounds what is read of what a server says, in bytes.
const maxExpected = 64 << 10

// tcp connects, and closes at once unless there is something to say or to hear. The close is a
// reset, so that neither side keeps the connection in TIME_WAIT: the target sees SYN, ACK, RST.
func (p *probers) tcp(ctx context.Context, spec Spec) error {
	q, asks := spec.Detail.Request().(TCPRequest)
	if !asks {
		return accepts(ctx, spec)
	}
	conn, err := open(ctx, spec)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, q.Send); err != nil {
		return missing(ctx, spec, "answer", err)
	}
	if q.Expect == (Match{}) {
		return nil
	}
	unwanted, err := p.expressions.match(q.Expect, io.LimitReader(conn, maxExpected))
	switch {
	case err != nil:
		return missing(ctx, spec, "answer that matches "+strconv.Quote(q.Expect.Expression), err)
	case unwanted != "":
		return errors.New("the answer" + strings.TrimPrefix(unwanted, "body"))
	}
	return nil
}

// accepts wants a connection to be accepted.
func accepts(ctx context.Context, spec Spec) error {
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
