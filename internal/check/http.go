package check

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// maxResponse bounds what is read of a response, its header included, in bytes.
const maxResponse = 64 << 10

// probeHTTP sends one GET over a connection of its own and wants a response with an accepted status,
// whole or at least maxResponse bytes of it. Redirects are not followed: their status is the
// answer. Over TLS the certificate is not verified and no server name is sent.
//
// The connection is spoken to directly, not through net/http's client: the context's deadline then
// is one for connect, handshake, header and body, whatever the server does.
func probeHTTP(ctx context.Context, spec Spec) error {
	tcp, err := connect(ctx, spec)
	if err != nil {
		return err
	}
	defer tcp.Close()
	stop := context.AfterFunc(ctx, func() { _ = tcp.SetDeadline(time.Unix(0, 1)) })
	defer stop()

	var conn net.Conn = tcp
	if spec.Kind == HTTPS {
		secure := tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
		if err := secure.Handshake(); err != nil {
			if timedOut(err) {
				return fmt.Errorf("no TLS handshake within %v", spec.Timeout)
			}
			return failure("TLS handshake", err)
		}
		conn = secure
	}
	status, err := get(conn, spec)
	switch {
	case err != nil && timedOut(err):
		return fmt.Errorf("no complete response within %v", spec.Timeout)
	case err != nil:
		return failure("GET "+path(spec), err)
	case !spec.Status.Has(status):
		return fmt.Errorf("status %d, want %s", status, spec.Status)
	}
	return nil
}

var (
	errLongHeader = fmt.Errorf("response header is longer than %d KiB", maxResponse>>10)
	errNoResponse = errors.New("connection closed without a response")
)

// get sends the request and returns the status of the response once it was read.
func get(conn net.Conn, spec Spec) (status int, err error) {
	// Host is the target itself (RFC 9110 §7.2), without an IPv6 zone, which means nothing to it.
	host := netip.AddrPortFrom(spec.Addr.Addr().WithZone(""), spec.Addr.Port())
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lvsd\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		path(spec), host)
	if err != nil {
		return 0, err
	}
	limited := &io.LimitedReader{R: conn, N: maxResponse}
	reader := bufio.NewReader(limited)
	for {
		response, err := http.ReadResponse(reader, nil)
		switch {
		case err != nil && limited.N <= 0:
			return 0, errLongHeader
		case errors.Is(err, io.ErrUnexpectedEOF) && limited.N == maxResponse:
			return 0, errNoResponse
		case err != nil:
			return 0, err
		}
		// Interim responses come before the response (RFC 9110 §15.2).
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err != nil && limited.N > 0 {
			return 0, err
		}
		return response.StatusCode, nil
	}
}

// path is what the request line asks for: bytes that would end or break it are escaped (RFC 3986 §2.1).
func path(spec Spec) string {
	if spec.Path == "" {
		return "/"
	}
	var b strings.Builder
	for i := range len(spec.Path) {
		if c := spec.Path[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
