package check

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// However many parts a response comes in, it is judged as if it had come at once: in the first few
// without a goroutine, in more, or with more in them, by one.
func TestHTTPInParts(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
	body := strings.Repeat("0123456789", 10_000)
	for _, parts := range []int{1, 2, 5, 30} {
		response := head + body
		addr := serve(t, func(conn net.Conn) {
			readRequest(conn)
			for part := range parts {
				from, to := len(response)*part/parts, len(response)*(part+1)/parts
				if parts == 2 {
					from, to = []int{0, 10}[part], []int{10, len(response)}[part]
				}
				io.WriteString(conn, response[from:to])
				time.Sleep(5 * time.Millisecond)
			}
		})
		s := spec(HTTP, addr, 20*time.Second)
		for want, q := range map[string]HTTPRequest{
			"":                                {Status: okStatus(), Digest: digest(t, body)},
			"status 200, want none":           {},
			`body does not match regex "ABC"`: {Status: okStatus(), Match: Match{Expression: "ABC"}},
			`body matches regex "8901"`:       {Status: okStatus(), Match: Match{Expression: "8901", Unwanted: true}},
		} {
			s.Detail = NewDetail(Socket{}, q)
			wantError(t, probeOnce(t, s), want)
		}
	}
}

// A request that is longer than what a socket takes at once is sent as a whole all the same.
func TestHTTPLongRequest(t *testing.T) {
	heard := make(chan int, 1)
	addr := serve(t, func(conn net.Conn) {
		time.Sleep(50 * time.Millisecond) // until the socket is full
		n := 0
		for b := make([]byte, 1<<20); ; {
			k, err := conn.Read(b)
			if n += k; err != nil || bytes.HasSuffix(b[:k], []byte("\r\n\r\n")) {
				break
			}
		}
		heard <- n
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	s := spec(HTTP, addr, 20*time.Second).asking(func(q *HTTPRequest) { q.Path = "/" + strings.Repeat("x", 16<<20) })
	wantError(t, probeOnce(t, s), "")
	q, _ := s.Detail.Request().(HTTPRequest)
	if n := <-heard; n != len(q.text(addr)) {
		t.Errorf("the server heard %d bytes of %d", n, len(q.text(addr)))
	}
}

// A response that is there before the request is one.
func TestHTTPBeforeItIsAsked(t *testing.T) {
	addr := serve(t, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		silent(conn)
	})
	for range 50 {
		wantError(t, probeOnce(t, spec(HTTP, addr, 20*time.Second)), "")
	}
}

// Probes that are handed over end with their set.
func TestHTTPHandedOverEndsWithItsSet(t *testing.T) {
	addr := serve(t, repeat("HTTP/1.1 200 OK\r\nX: ", "x", time.Millisecond))
	goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
	a := newAsker()
	for range 20 {
		a.begin(spec(HTTP, addr, time.Hour))
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() < goroutines+21; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was handed over")
		}
	}
	a.Set.mu.Lock()
	a.mu.Lock()
	for c := range a.waiting {
		a.stop(c)
	}
	a.mu.Unlock()
	a.Set.mu.Unlock()
	a.Close()
	settle(t, goroutines, fds)
}

// What is judged before all of a response is there is judged as the whole is, and the end of a
// connection settles every one.
func FuzzResponseInParts(f *testing.F) {
	for _, r := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200 OK\n\nhello", "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 x\r\nX: y\r\n z\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
	} {
		for i := range 4 {
			f.Add([]byte(r), len(r)*i/3, byte(i))
		}
	}
	t := newTalk(newProbers())
	sum, _ := ParseDigest("5d41402abc4b2a76b9719d911017c592")
	questions := []HTTPRequest{
		{Status: okStatus()}, {Status: okStatus(), Digest: sum}, {Status: okStatus(), Match: Match{Expression: "l+"}},
		{Status: okStatus(), Match: Match{Expression: "l+", Unwanted: true}, Digest: sum},
	}
	f.Fuzz(func(test *testing.T, response []byte, cut int, which byte) {
		q := questions[int(which)%len(questions)]
		cut = min(max(cut, 0), len(response))
		unwanted, err := t.judge(q, response[:cut], errIncomplete)
		whole, wholeErr := t.judge(q, response, io.EOF)
		if errors.Is(wholeErr, errIncomplete) {
			test.Fatal("the end of the connection settles nothing")
		}
		if errors.Is(err, errIncomplete) {
			return
		}
		if unwanted != whole || (err == nil) != (wholeErr == nil) {
			test.Errorf("in part: %q %v, as a whole: %q %v", unwanted, err, whole, wholeErr)
		}
	})
}

// A long body in which an expression is looked for, and that a reset cuts off, is cut off.
func TestHTTPResetIsNoEnd(t *testing.T) {
	addr := serve(t, func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 2*maxMatched))
		time.Sleep(20 * time.Millisecond)
		conn.(*net.TCPConn).SetLinger(0)
	})
	s := spec(HTTP, addr, 20*time.Second).asking(func(q *HTTPRequest) { q.Match = Match{Expression: "y", Unwanted: true} })
	for range 20 {
		wantError(t, probeOnce(t, s), "GET /healthz: connection reset by peer")
	}
}
