package check

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
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

// tcp connects, says what there is to say, and wants to hear what it is told to. That a connection
// is accepted at all is what connections_linux.go probes.
func (p *probers) tcp(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(TCPRequest)
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
	unwanted, err := p.expressions.heard(q.Expect, io.LimitReader(conn, maxExpected))
	switch {
	case err != nil:
		return missing(ctx, spec, "answer that matches "+strconv.Quote(q.Expect.Expression), err)
	case unwanted != "":
		return errors.New("the answer" + strings.TrimPrefix(unwanted, "body"))
	}
	return nil
}
