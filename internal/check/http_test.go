package check

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHTTPStatus(t *testing.T) {
	reply := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	for _, kind := range []Kind{HTTP, HTTPS} {
		for _, c := range []struct {
			status int
			want   string
		}{
			{200, ""},
			{204, ""},
			{299, ""},
			{300, "status 300, want 200-299"},
			{304, "status 304, want 200-299"},
			{404, "status 404, want 200-299"},
			{500, "status 500, want 200-299"},
		} {
			t.Run(fmt.Sprint(kind, c.status), func(t *testing.T) {
				addr := webServer(t, kind == HTTPS, reply(c.status))
				wantError(t, probeOnce(t, spec(kind, addr, 5*time.Second)), c.want)
			})
		}
	}
	t.Run("as configured", func(t *testing.T) {
		s := spec(HTTP, webServer(t, false, reply(404)), 5*time.Second)
		s = s.asking(func(q *HTTPRequest) { q.Status = StatusCodes{}; q.Status.Add(401, 401) })
		wantError(t, probeOnce(t, s), "status 404, want 401")
		s = s.asking(func(q *HTTPRequest) { q.Status.Add(404, 410) })
		wantError(t, probeOnce(t, s), "")
	})
}

func TestHTTPResponses(t *testing.T) {
	const long = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
	for _, c := range []struct {
		name   string
		handle func(net.Conn)
		want   string
	}{
		{"HTTP/1.0", answer("HTTP/1.0 200 OK\r\n\r\nhello"), ""},
		{"no body", answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ""},
		{"chunked", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), ""},
		{"without a reason", answer("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), ""},
		{"bare line feeds", answer("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"), ""},
		{"interim responses", answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), ""},
		{"only interim responses", answer("HTTP/1.1 100 Continue\r\n\r\n"), "GET /healthz: unexpected EOF"},
		{"more than was announced", answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello"), ""},
		{"less than was announced", answer("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello"), "GET /healthz: unexpected EOF"},
		{"chunk cut off", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello"), "GET /healthz: unexpected EOF"},
		{"header cut off", answer("HTTP/1.1 200 OK\r\nX: y\r\n"), "GET /healthz: unexpected EOF"},
		{"switching protocols", answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "status 101, want 200-299"},
		{"another protocol", answer("SSH-2.0-OpenSSH_9.2\r\n"), `GET /healthz: malformed HTTP response "SSH-2.0-OpenSSH_9.2"`},
		{"status out of range", answer("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), "status 999, want 200-299"},
		{"closes", answer(""), "GET /healthz: connection closed without a response"},
		{"resets", serveReset, "GET /healthz: connection reset by peer"},
		{"endless body", repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 16<<10), 0), ""},
		{"endless body with a length", repeat(long, strings.Repeat("x", 16<<10), 0), ""},
		{"endless chunks", repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", 0), ""},
		{"endless error page", repeat("HTTP/1.1 500 No\r\n\r\n", strings.Repeat("x", 16<<10), 0), "status 500, want 200-299"},
		{"endless header", repeat("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n", 0), "GET /healthz: response header is longer than 64 KiB"},
		{"endless header line", repeat("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 1000), 0), "GET /healthz: response header is longer than 64 KiB"},
		{"endless interim responses", repeat("", "HTTP/1.1 100 Continue\r\n\r\n", 0), "GET /healthz: response header is longer than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, probeOnce(t, spec(HTTP, serve(t, c.handle), 10*time.Second)), c.want)
		})
	}
}

// serveReset answers a request with a reset.
func serveReset(conn net.Conn) {
	readRequest(conn)
	conn.(*net.TCPConn).SetLinger(0)
}

// However a server stretches its answer, the probe ends by its deadline.
func TestHTTPEndsByItsDeadline(t *testing.T) {
	const pause = 20 * time.Millisecond
	full := fullBacklog(t)
	for _, c := range []struct {
		name string
		kind Kind
		addr netip.AddrPort
		want string
	}{
		{"no connection", HTTP, full, "connect " + full.String() + ": no answer within 300ms"},
		{"no connection for TLS", HTTPS, full, "connect " + full.String() + ": no answer within 300ms"},
		{"no response", HTTP, serve(t, silent), "no complete response within 300ms"},
		{"header dripping", HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\nX: ", "x", pause)), "no complete response within 300ms"},
		{"header lines dripping", HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n", "X: y\r\n", pause)), "no complete response within 300ms"},
		{"body dripping", HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", "x", pause)), "no complete response within 300ms"},
		{"chunks dripping", HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", pause)), "no complete response within 300ms"},
		{"body never comes", HTTP, serve(t, hold("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")), "no complete response within 300ms"},
		{"TLS: silence", HTTPS, serve(t, silent), "no TLS handshake within 300ms"},
		{"TLS: handshake dripping", HTTPS, serve(t, dripRecord), "no TLS handshake within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			wantError(t, probeOnce(t, spec(c.kind, c.addr, short)), c.want)
			if took := time.Since(start); took < short {
				t.Errorf("gave up after %v, before its timeout", took)
			}
		})
	}
}

func TestHTTPSEndsByItsDeadline(t *testing.T) {
	// Long enough for the handshake on a busy machine.
	s := spec(HTTPS, webServer(t, true, dripBody), 2*time.Second)
	wantError(t, probeOnce(t, s), "no complete response within 2s")
}

// dripBody sends a body a byte at a time, until the client is gone.
func dripBody(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		fmt.Fprint(w, "x")
		w.(http.Flusher).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

func TestTLSWithoutTLS(t *testing.T) {
	plain := serve(t, answer("HTTP/1.1 400 Bad Request\r\n\r\n"))
	err := probeOnce(t, spec(HTTPS, plain, short))
	if err == nil || !strings.HasPrefix(err.Error(), "no TLS handshake") && !strings.HasPrefix(err.Error(), "TLS handshake: ") {
		t.Errorf("got %v, want a handshake that failed", err)
	}
	resets := serve(t, reset(1))
	wantError(t, probeOnce(t, spec(HTTPS, resets, 5*time.Second)), "TLS handshake: connection reset by peer")
}

func TestHTTPRequest(t *testing.T) {
	requests := make(chan string, 1)
	addr := serve(t, func(conn net.Conn) {
		request, _ := readRequest(conn)
		requests <- request
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		silent(conn)
	})
	for _, c := range []struct{ path, want string }{
		{"", "/"},
		{"/healthz", "/healthz"},
		{"/a%20b?c=d&e", "/a%20b?c=d&e"},
		{"/a b\r\nX: y", "/a%20b%0D%0AX:%20y"},
		{"/ä", "/%C3%A4"},
	} {
		s := spec(HTTP, addr, 5*time.Second).asking(func(q *HTTPRequest) { q.Path = c.path })
		wantError(t, probeOnce(t, s), "")
		want := "GET " + c.want + " HTTP/1.1\r\nHost: " + addr.String() + "\r\nUser-Agent: lvsd\r\nAccept: */*\r\nConnection: close\r\n\r\n"
		if got := <-requests; got != want {
			t.Errorf("path %q: sent %q, want %q", c.path, got, want)
		}
	}
}

func TestHTTPFollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	target := webServer(t, false, func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	addr := webServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+target.String()+"/", http.StatusFound)
	})
	wantError(t, probeOnce(t, spec(HTTP, addr, 5*time.Second)), "status 302, want 200-299")
	if followed.Load() {
		t.Error("the redirect was followed")
	}
}

// Every probe has a connection of its own: one that was kept would not show that the server no
// longer accepts any.
func TestHTTPConnectsAnew(t *testing.T) {
	var connections atomic.Int32
	addr := serve(t, func(conn net.Conn) {
		connections.Add(1)
		answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")(conn)
	})
	for range 3 {
		wantError(t, probeOnce(t, spec(HTTP, addr, 5*time.Second)), "")
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("3 probes made %d connections", n)
	}
}

// The target's address is no name: none is sent (RFC 6066 §3).
func TestHTTPSSendsNoServerName(t *testing.T) {
	names := make(chan string, 1)
	addr := webServer(t, true, func(_ http.ResponseWriter, r *http.Request) { names <- r.TLS.ServerName })
	wantError(t, probeOnce(t, spec(HTTPS, addr, 5*time.Second)), "")
	if name := <-names; name != "" {
		t.Errorf("sent the server name %q", name)
	}
}

// A connection over TLS that ends without saying so may have been cut off: tls_compliant has it fail.
func TestTLSThatIsCutOff(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	cutOff := serve(t, func(conn net.Conn) {
		secure := tls.Server(conn, &tls.Config{Certificates: server.TLS.Certificates})
		if _, err := readRequest(secure); err != nil {
			return
		}
		_, _ = io.WriteString(secure, "HTTP/1.0 200 OK\r\n\r\nhello") // and serve closes the connection beneath
	})
	s := spec(HTTPS, cutOff, 10*time.Second)
	wantError(t, probeOnce(t, s), "")
	wantError(t, probeOnce(t, s.asking(func(q *HTTPRequest) { q.Strict = true })), "GET /healthz: unexpected EOF")
}
