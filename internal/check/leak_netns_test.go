//go:build netns

package check

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Of 100,000 probes of every kind, of servers that work and of those that are hostile, nothing stays,
// each ends by its deadline, and says of its server what is so. Some 1,500 of them run a program.
func TestHundredThousandProbesLeaveNothing(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		const pause, long = 5 * time.Millisecond, 20 * time.Second
		ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
		quiet, closed := serve(t, silent), closedPort(t)
		mail := mailServer(map[string]string{"": "220 a\r\n", "HELO": "250 b\r\n", "QUIT": "221 c\r\n"}, nil)
		echo := datagrams(t, func(p []byte) [][]byte { return [][]byte{p} })
		// No port that a probe may come from: one that comes from its target's hears itself.
		unheard := netip.MustParseAddrPort("127.0.0.1:9")
		get := func(change func(*HTTPRequest)) HTTPRequest {
			q := HTTPRequest{Path: "/", Status: okStatus()}
			change(&q)
			return q
		}
		none := func(*HTTPRequest) {}
		plain, secure := webServer(t, false, ok), webServer(t, true, ok)
		healthy := healthServer(t, func(string) (message, status string) { return "00000000020801", "0" })
		halfOpen := serve(t, func(conn net.Conn) { tcpOf(conn).CloseWrite(); silent(conn) })
		works := map[Spec]bool{}
		well := func(s Spec) Spec {
			works[s] = true
			return s
		}
		noFile := asks(File, netip.AddrPort{}, long, FileRequest{Path: t.TempDir(), Factor: 1}) // an error of our own
		targets := []Spec{
			well(pingSpec("127.0.0.1", long)),
			well(spec(TCP, quiet, long)), spec(TCP, closed, long), spec(TCP, fullBacklog(t), pause),
			asks(TCP, quiet, pause, TCPRequest{"x", Match{Expression: "y"}}),
			well(asks(HTTP, plain, long, get(none))), well(asks(HTTP, plain, long, get(func(q *HTTPRequest) { q.Version = HTTP2 }))),
			well(asks(HTTP, plain, long, get(func(q *HTTPRequest) { q.Match = Match{Expression: "hell"} }))),
			asks(HTTP, serve(t, serveReset), long, get(none)),
			asks(HTTP, serve(t, answer("nonsense")), long, get(none)),
			asks(HTTP, halfOpen, long, get(none)), asks(HTTPS, halfOpen, long, get(none)),
			asks(HTTP, serve(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx")), long, get(none)),
			well(asks(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 8<<10), 0)), long, get(none))),
			asks(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", "x", pause)), pause, get(none)),
			asks(HTTP, serve(t, hold("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")), pause, get(none)),
			asks(HTTP, quiet, pause, get(func(q *HTTPRequest) { q.Version = HTTP2 })),
			well(asks(HTTPS, secure, long, get(none))), well(asks(HTTPS, secure, long, get(func(q *HTTPRequest) { q.Version = HTTP2 }))), asks(HTTPS, quiet, pause, get(none)), asks(HTTPS, serve(t, dripRecord), pause, get(none)),
			well(asks(SMTP, serve(t, mail), long, SMTPRequest{})), asks(SMTP, quiet, pause, SMTPRequest{}),
			asks(DNS, unheard, long, DNSRequest{Name: ".", Type: 6}), asks(DNS, echo, pause, DNSRequest{Name: ".", Type: 6}),
			well(asks(UDP, echo, long, UDPRequest{Require: true, Max: 255})), asks(UDP, unheard, long, UDPRequest{Max: 255}),
			asks(GRPC, plain, long, GRPCRequest{}), asks(GRPC, quiet, pause, GRPCRequest{}),
			well(asks(GRPC, webServer(t, false, healthy), long, GRPCRequest{})),
			well(asks(GRPC, webServer(t, true, healthy), long, GRPCRequest{TLS: true})), asks(GRPC, quiet, pause, GRPCRequest{TLS: true}),
			well(asks(File, netip.AddrPort{}, long, FileRequest{Path: file(t, t.TempDir(), "seven", "7\n"), Factor: 1})),
			noFile,
		}
		// A program is not run twice at once, and costs as much as a hundred other probes.
		programs := []Spec{well(shell(t, "exit 0", long, false)), shell(t, "exit 1", long, true), shell(t, "sleep 60", pause, false),
			shell(t, "sleep 60 & sleep 60", pause, false)}
		const everyProgram = 67
		goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
		s := newAsker()
		var running sync.WaitGroup
		var wrong sync.Map // what those said that said something else
		var late sync.Map  // how long those took that ended later than their deadline
		limit := make(chan struct{}, 64)
		for i := range 100_000 {
			limit <- struct{}{}
			running.Go(func() {
				defer func() { <-limit }()
				target := targets[i%len(targets)]
				if i%everyProgram == 0 {
					target = programs[i/everyProgram%len(programs)]
				}
				r := s.once(target)
				if r.end.Sub(r.start) > target.Timeout+grace {
					late.Store(target, r.end.Sub(r.start))
				}
				if works[target] != (r.err == nil) || isFault(r.err) != (target == noFile) {
					wrong.Store(target, fmt.Sprint(r.err))
				}
			})
		}
		running.Wait()
		s.Close()
		settle(t, goroutines, fds)
		wrong.Range(func(target, said any) bool {
			t.Errorf("%s, %+v: %s", target, target.(Spec).Detail.Request(), said)
			return true
		})
		late.Range(func(target, took any) bool {
			t.Errorf("%s, %v: returned after %v", target, target.(Spec).Timeout, took)
			return true
		})
	})
}
