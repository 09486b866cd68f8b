package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// maxHeader bounds what is read of a response before its body, in bytes.
const maxHeader = 64 << 10

var (
	errLongHeader = fmt.Errorf("response header is longer than %d KiB", maxHeader>>10)
	errNoResponse = errors.New("connection closed without a response")
	errNoHTTP2    = errors.New("the server does not speak HTTP/2")
)

// http sends one GET over a connection of its own and wants a response with an accepted status and
// body, whole or, if any body will do, at least maxIgnored bytes of it. Redirects are not followed:
// their status is the answer.
//
// In the clear, HTTP/1 is the business of connections, and comes here only where that has handed it over
// (talk_linux.go). It is spoken directly, not through net/http's client: the context's deadline then is one for
// connect, handshake, header and body, whatever the server does.
func (p *probers) http(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(HTTPRequest)
	tcp, err := open(ctx, spec)
	if err != nil {
		return err
	}
	defer tcp.Close()

	var conn net.Conn = tcp
	beneath := &watched{Conn: tcp}
	if spec.Kind == HTTPS {
		secure, err := p.secure(ctx, beneath, spec, tlsRequest{serverName: q.ServerName, verified: q.verified(), trust: q.Trust,
			http2: q.Version == HTTP2})
		if err != nil {
			return err
		}
		conn = secure
	}
	var unwanted string
	if q.Version == HTTP2 {
		unwanted, err = p.getHTTP2(ctx, conn, spec, q)
	} else if _, err = io.WriteString(conn, q.text(spec.Addr)); err == nil {
		response := io.Reader(conn)
		switch {
		case spec.Kind != HTTPS:
		case q.Strict:
			response = strict{conn, beneath}
		default:
			response = lenient{conn}
		}
		limited := &io.LimitedReader{R: response}
		unwanted, err = p.readHTTP1(q, limited, bufio.NewReader(limited))
	}
	return responseError(ctx, spec, q, unwanted, err)
}

// responseError is the error of a probe whose response is unwanted, or was not had.
func responseError(ctx context.Context, spec Spec, q HTTPRequest, unwanted string, err error) error {
	switch {
	case unwanted != "":
		return errors.New(unwanted)
	case err != nil && (timedOut(err) || ctx.Err() != nil):
		return fmt.Errorf("no complete response within %v", spec.Timeout)
	case err != nil:
		return failure("GET "+q.target(), err)
	}
	return nil
}

// readHTTP1 judges the response that a reader has, whose own reader is limited.
func (p *probers) readHTTP1(q HTTPRequest, limited *io.LimitedReader, reader *bufio.Reader) (unwanted string, err error) {
	limited.N = maxHeader
	for {
		response, err := http.ReadResponse(reader, nil)
		switch {
		case err != nil && limited.N <= 0:
			return "", errLongHeader
		case errors.Is(err, io.ErrUnexpectedEOF) && limited.N == maxHeader:
			return "", errNoResponse
		case err != nil:
			return "", err
		}
		// Interim responses come before the response (RFC 9110 §15.2).
		if response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			limited.N = 2 * maxBody
			return p.judge(q, response, reader)
		}
	}
}

// watched is a connection that remembers whether it ended.
type watched struct {
	net.Conn
	ended bool
}

func (c *watched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.ended = c.ended || errors.Is(err, io.EOF)
	return n, err
}

// strict takes the end of a connection without TLS's word of it for an error. Go does so only within a record.
type strict struct {
	io.Reader
	beneath *watched
}

func (s strict) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if errors.Is(err, io.EOF) && s.beneath.ended {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// lenient takes the end of a connection without TLS's word of it for its end all the same.
type lenient struct{ io.Reader }

func (l lenient) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
