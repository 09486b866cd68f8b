package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// maxReply bounds the bytes of one reply of a mail server, all its lines together.
const maxReply = 16 << 10

// SMTPRequest is what SMTP says to a mail server.
type SMTPRequest struct {
	// Name is what HELO says; empty is the probe's own address (RFC 5321 §4.1.3).
	Name string
}

// Words are what the request says in keepalived's words.
func (q SMTPRequest) Words() []Word { return []Word{{Name: "helo_name", Value: q.Name}} }

func (SMTPRequest) suffix() string { return "" }

// probeSMTP wants to be greeted, says HELO and QUIT, and wants each accepted (RFC 5321 §4.3.2).
func probeSMTP(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(SMTPRequest)
	conn, err := open(ctx, spec)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := q.Name
	if name == "" {
		name = literal(conn.LocalAddr())
	}
	limited := &io.LimitedReader{R: conn}
	reader := bufio.NewReader(limited)
	for _, step := range []struct{ say, hear, what string }{
		{"", "220", "greeting"},
		{"HELO " + name + "\r\n", "250", "reply to HELO"},
		{"QUIT\r\n", "221", "reply to QUIT"},
	} {
		if _, err := io.WriteString(conn, step.say); err != nil {
			return missing(ctx, spec, step.what, err)
		}
		limited.N = maxReply
		code, line, err := reply(reader)
		if err != nil {
			return missing(ctx, spec, step.what, err)
		}
		if code != step.hear {
			return fmt.Errorf("%s is %q, want %s", step.what, line, step.hear)
		}
	}
	return nil
}

// literal is an address as HELO has it.
func literal(addr net.Addr) string {
	ip := netip.Addr{}
	if tcp, ok := addr.(*net.TCPAddr); ok {
		ip = tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	if ip.Is6() {
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}

// reply reads a reply of one or more lines: its code and its last line (RFC 5321 §4.2.1).
func reply(reader *bufio.Reader) (code, line string, err error) {
	for {
		text, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", "", err
		}
		for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
			text = text[:len(text)-1]
		}
		if len(text) < 4 || text[3] != '-' {
			return text[:min(len(text), 3)], text[:min(len(text), 200)], nil
		}
	}
}
