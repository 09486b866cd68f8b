package check

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func digest(t *testing.T, body string) Digest {
	t.Helper()
	d, ok := ParseDigest(fmt.Sprintf("%x", md5.Sum([]byte(body))))
	if !ok {
		t.Fatal("no digest")
	}
	return d
}

// The digest is that of the body. Of a chunked one, that of its content and that of what genhash(1)
// hashes, its framing included, are as good.
func TestHTTPDigest(t *testing.T) {
	const framed = "5\r\nhello\r\n0\r\n\r\n"
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ name, response, of, want string }{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", ""},
		{"to the end", "HTTP/1.0 200 OK\r\n\r\nhello", "hello", ""},
		{"nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ""},
		{"another", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo", "hello", "digest 598d4c200461b81522a3328565c25f7c, want 5d41402abc4b2a76b9719d911017c592"},
		{"chunked, its content", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed, "hello", ""},
		{"chunked, as genhash has it", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed, framed, ""},
		{"chunked, another", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed, "x", "digest 5d41402abc4b2a76b9719d911017c592, want 9dd4e461268c8034f5c8564e155c67a6"},
		{"long", "HTTP/1.1 200 OK\r\n\r\n" + long, long, ""},
		{"status first", "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello", "hello", "status 500, want 200-299"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spec(HTTP, serve(t, answer(c.response)), 10*time.Second)
			wantError(t, probeOnce(t, s.asking(func(q *HTTPRequest) { q.Digest = digest(t, c.of) })), c.want)
		})
	}
	endless := spec(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 64<<10), 0)), 20*time.Second)
	wantError(t, probeOnce(t, endless.asking(func(q *HTTPRequest) { q.Digest = digest(t, "x") })), "GET /healthz: body is longer than 16 MiB")
}

func TestParseDigest(t *testing.T) {
	for text, want := range map[string]bool{
		"5d41402abc4b2a76b9719d911017c592": true, "5D41402ABC4B2A76B9719D911017C592": true,
		"": false, "5d41": false, "5d41402abc4b2a76b9719d911017c59g": false, "5d41402abc4b2a76b9719d911017c592ff": false,
	} {
		if d, ok := ParseDigest(text); ok != want || ok && d.String() != strings.ToLower(text) {
			t.Errorf("%q: %v, %t", text, d, ok)
		}
	}
}

func TestHTTPMatch(t *testing.T) {
	for _, c := range []struct {
		name, body string
		match      Match
		want       string
	}{
		{"found", "hello world", Match{Expression: "w.rl"}, ""},
		{"not found", "hello", Match{Expression: "w.rl"}, `body does not match regex "w.rl"`},
		{"unwanted", "hello world", Match{Expression: "w.rl", Unwanted: true}, `body matches regex "w.rl"`},
		{"unwanted and not found", "hello", Match{Expression: "w.rl", Unwanted: true}, ""},
		{"anchored", "hello", Match{Expression: `\Ahello\z`}, ""},
		{"empty body", "", Match{Expression: `x`}, `body does not match regex "x"`},
		{"from an offset", "aXa", Match{Expression: "a", Min: 1, Max: 2}, ""},
		{"before the offset", "aXX", Match{Expression: "a", Min: 1}, `body does not match regex "a"`},
		{"at the last offset", "XXa", Match{Expression: "a", Max: 2}, ""},
		{"behind the last offset", "XXXa", Match{Expression: "a", Max: 2}, `body does not match regex "a"`},
		{"offset behind the end", "a", Match{Expression: "a", Min: 7}, `body does not match regex "a"`},
		{"a byte is a character", "\xc3\xb6", Match{Expression: "\\A..\\z"}, ""},
		{"a byte above 127", "x\xff", Match{Expression: "\\x{ff}"}, ""},
		{"a character of two bytes", "ö", Match{Expression: "\\A.\\z", UTF8: true}, ""},
		{"far behind", strings.Repeat("x", 3<<20) + "y", Match{Expression: "y"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spec(HTTP, serve(t, answer("HTTP/1.1 200 OK\r\n\r\n"+c.body)), 10*time.Second)
			wantError(t, probeOnce(t, s.asking(func(q *HTTPRequest) { q.Match = c.match })), c.want)
		})
	}
	cut := spec(HTTP, serve(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello")), 10*time.Second)
	wantError(t, probeOnce(t, cut.asking(func(q *HTTPRequest) { q.Match = Match{Expression: "x", Unwanted: true} })), "GET /healthz: unexpected EOF")
	endless := spec(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 64<<10), 0)), 30*time.Second)
	for _, m := range []Match{{Expression: "y"}, {Expression: "y", Unwanted: true}, {Expression: "y", Unwanted: true, Min: 1}, {Expression: "y", Min: 16 << 20}} {
		wantError(t, probeOnce(t, endless.asking(func(q *HTTPRequest) { q.Match = m })), "GET /healthz: body is longer than 16 MiB")
	}
}

func TestHTTPVersions(t *testing.T) {
	hear := func(s Spec, handler http.HandlerFunc) Spec {
		s.Addr = webServer(t, s.Kind == HTTPS, handler)
		return s
	}
	for _, kind := range []Kind{HTTP, HTTPS} {
		for _, v := range []HTTPVersion{HTTP10, HTTP10C, HTTP11, HTTP2} {
			t.Run(kind.String()+v.String(), func(t *testing.T) {
				heard := make(chan *http.Request, 1)
				s := hear(spec(kind, closedPort(t), 10*time.Second), func(w http.ResponseWriter, r *http.Request) {
					heard <- r
					fmt.Fprint(w, "hello")
				})
				s = s.asking(func(q *HTTPRequest) {
					q.Version, q.Host, q.ServerName, q.Digest = v, "www.example.com:81", "sni.example.com", digest(t, "hello")
				})
				wantError(t, probeOnce(t, s), "")
				r := <-heard
				want := map[HTTPVersion]string{HTTP10: "HTTP/1.0", HTTP10C: "HTTP/1.0", HTTP11: "HTTP/1.1", HTTP2: "HTTP/2.0"}[v]
				if r.Proto != want || r.Host != "www.example.com:81" || r.URL.Path != "/healthz" || r.UserAgent() != "lvsd" {
					t.Errorf("asked %s %s %s %q, want %s", r.Proto, r.Host, r.URL, r.UserAgent(), want)
				}
				if closing := r.Close; closing != (v != HTTP2) { // 1.0 closes by itself
					t.Errorf("the connection is to be closed: %t", closing)
				}
				if kind == HTTPS && r.TLS.ServerName != "sni.example.com" {
					t.Errorf("asked for the certificate of %q", r.TLS.ServerName)
				}
				s = s.asking(func(q *HTTPRequest) { q.Status = StatusCodes{}; q.Status.Add(404, 404) })
				wantError(t, probeOnce(t, s), "status 200, want 404")
				<-heard
			})
		}
	}
	plain := spec(HTTP, serve(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), 10*time.Second)
	if err := probeOnce(t, plain.asking(func(q *HTTPRequest) { q.Version = HTTP2 })); err == nil {
		t.Error("a server without HTTP/2 is healthy")
	}
	hangs := spec(HTTP, serve(t, silent), short)
	wantError(t, probeOnce(t, hangs.asking(func(q *HTTPRequest) { q.Version = HTTP2 })), "no complete response within 300ms")
}

// What is asked for in HTTP/2 goes out as it was written. What no server can make sense of is the server's to refuse, not an
// error of ours.
func TestHTTP2SendsWhatWasWritten(t *testing.T) {
	for _, kind := range []Kind{HTTP, HTTPS} {
		heard := make(chan *http.Request, 1)
		s := spec(kind, webServer(t, kind == HTTPS, func(_ http.ResponseWriter, r *http.Request) { heard <- r }), 10*time.Second)
		s = s.asking(func(q *HTTPRequest) { q.Version, q.Path, q.Host = HTTP2, "/a%2Fb/..//c?d=%41&e", "a%zz.example" })
		if err := probeOnce(t, s); err != nil {
			t.Fatal(err)
		}
		if r := <-heard; r.RequestURI != "/a%2Fb/..//c?d=%41&e" || r.Host != "a%zz.example" {
			t.Errorf("asked %s for %s", r.Host, r.RequestURI)
		}
		for _, path := range []string{"/100%", "/%zz"} {
			if err := probeOnce(t, s.asking(func(q *HTTPRequest) { q.Path = path })); err == nil || isFault(err) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
