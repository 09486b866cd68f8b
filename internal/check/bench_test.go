package check

import (
	"net"
	"testing"
	"time"
)

// benchmarkProbe measures one probe after the other on loopback, the server's part included.
func benchmarkProbe(b *testing.B, s Spec) {
	a := newAsker()
	defer a.Close()
	b.ReportAllocs()
	for b.Loop() {
		if r := a.once(s); r.err != nil {
			b.Fatal(r.err)
		}
	}
}

func BenchmarkTCPProbe(b *testing.B) {
	benchmarkProbe(b, spec(TCP, serve(b, func(net.Conn) {}), time.Hour))
}

func BenchmarkHTTPProbe(b *testing.B) {
	benchmarkProbe(b, spec(HTTP, serve(b, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), time.Hour))
}

// BenchmarkPingProbe needs net.ipv4.ping_group_range open, or CAP_NET_RAW.
func BenchmarkPingProbe(b *testing.B) {
	benchmarkProbe(b, spec(ICMP, closedPort(b), time.Hour))
}

func BenchmarkStep(b *testing.B) {
	check := tcpSpec("10.10.10.11:80")
	now := time.Now()
	s := newState(check, now)
	for b.Loop() {
		end := now.Add(time.Millisecond)
		s, now = step(check, s, result{start: now, end: end})
	}
}
