package check

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile are ways in which a server that takes connections can hold on to whoever asks. What it reads first is whatever the
// check says first; some wait for nothing.
func hostile() map[string]func(net.Conn) {
	drip := func(conn net.Conn, part string) {
		for _, err := io.WriteString(conn, part); err == nil; _, err = io.WriteString(conn, part) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	heard := func(conn net.Conn) { conn.Read(make([]byte, 1)) }
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // an empty frame of HTTP/2's
	return map[string]func(net.Conn){
		"silent":                         silent,
		"closes at once":                 func(net.Conn) {},
		"closes when spoken to":          heard,
		"resets at once":                 reset(0),
		"resets when spoken to":          reset(1),
		"ends its half, and holds":       func(conn net.Conn) { tcpOf(conn).CloseWrite(); silent(conn) },
		"drips bytes":                    func(conn net.Conn) { drip(conn, "2") },
		"drips bytes of a TLS handshake": dripRecord,
		"drips lines":                    func(conn net.Conn) { drip(conn, "220-still here\r\n") },
		"drips frames of HTTP/2":         func(conn net.Conn) { drip(conn, settings) },
		"begins well, and stops":         hold("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
		"says too little":                answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"),
		"says nonsense without end":      repeatAtOnce(strings.Repeat("nonsense", 1<<10)),
		"says lines without end":         repeatAtOnce(strings.Repeat("220-still here\r\n", 1<<9)),
		"says frames without end":        repeatAtOnce(strings.Repeat(settings, 1<<9)),
		"says zeros without end":         repeatAtOnce(strings.Repeat("\x00", 8<<10)),
		"drips a body":                   repeat("HTTP/1.1 200 OK\r\n\r\n", "x", 10*time.Millisecond),
		"has a body without end":         repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 8<<10), 0),
		"reads slowly, and is silent":    slowly,
	}
}

// slowly reads a byte now and then.
func slowly(conn net.Conn) {
	for one := make([]byte, 1); ; time.Sleep(50 * time.Millisecond) {
		if _, err := conn.Read(one); err != nil {
			return
		}
	}
}

// talkers are the kinds of check that speak over TCP, with what none of the hostile servers says.
func talkers(addr netip.AddrPort, timeout time.Duration) map[string]Spec {
	healthy, _ := ParseDigest("5eb63bbbe01eeed093cb22bb8f5acdc3")
	get := func(v HTTPVersion) HTTPRequest {
		return HTTPRequest{Path: "/", Status: okStatus(), Version: v, Digest: healthy} // so all of the body counts
	}
	return map[string]Spec{
		"TCP":         asks(TCP, addr, timeout, TCPRequest{"x", Match{Expression: "healthy"}}),
		"HTTP/1.0":    asks(HTTP, addr, timeout, get(HTTP10)),
		"HTTP/1.1":    asks(HTTP, addr, timeout, get(HTTP11)),
		"HTTP/2":      asks(HTTP, addr, timeout, get(HTTP2)),
		"HTTPS":       asks(HTTPS, addr, timeout, get(HTTP11)),
		"HTTPS/2":     asks(HTTPS, addr, timeout, get(HTTP2)),
		"SMTP":        asks(SMTP, addr, timeout, SMTPRequest{Name: "lb.example.org"}),
		"gRPC":        asks(GRPC, addr, timeout, GRPCRequest{}),
		"gRPC by TLS": asks(GRPC, addr, timeout, GRPCRequest{TLS: true}),
	}
}

// Whatever a server does to a check that speaks to it, the probe fails, and by its deadline: probeOnce sees to that. main_test.go
// sees to it that no goroutine is left.
func TestHostileServers(t *testing.T) {
	var together gang
	for way, handle := range hostile() {
		for kind, s := range talkers(serve(t, handle), short) {
			together.probe(t, kind+" "+way, s)
		}
	}
	together.Wait()
}

// The same behind a TLS handshake that succeeds.
func TestHostileServersBehindTLS(t *testing.T) {
	const timeout = time.Second // for the handshake on a busy machine
	dir := t.TempDir()
	authority(t, dir)
	issue(t, dir, "server", "DNS:www.example.org", 30)
	pair, err := tls.LoadX509KeyPair(dir+"/server.pem", dir+"/server.key")
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	var together gang
	for way, handle := range hostile() {
		addr := serve(t, func(conn net.Conn) {
			if secure := tls.Server(conn, config); secure.Handshake() == nil {
				handle(secure)
			}
		})
		for kind, s := range talkers(addr, timeout) {
			if q, grpc := s.Detail.Request().(GRPCRequest); s.Kind == HTTPS || grpc && q.TLS {
				together.probe(t, kind+" "+way, s)
			}
		}
	}
	together.Wait()
}

// gang probes so many servers at once as wait for something most of the time.
type gang struct {
	sync.WaitGroup
	once  sync.Once
	limit chan struct{}
}

// probe probes a server from which nothing good can come.
func (g *gang) probe(t *testing.T, name string, s Spec) {
	g.once.Do(func() { g.limit = make(chan struct{}, 10) })
	g.limit <- struct{}{}
	g.Go(func() {
		defer func() { <-g.limit }()
		if err := probeOnce(t, s); err == nil {
			t.Errorf("%s: healthy", name)
		}
	})
}
