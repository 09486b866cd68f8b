package check

import (
	"net"
	"net/netip"
	"slices"
	"sync"
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

// BenchmarkLateness makes 10,000 TCP checks a second, of which a hundred are not answered, and reports how
// late probes begin and how late their ends are noticed, in milliseconds. Both are a part of the time
// in which a server is found to be down.
func BenchmarkLateness(b *testing.B) {
	const checks, silent, timeout = 10_000, 100, 300 * time.Millisecond
	// Nobody need accept a connection that is reset before it is one.
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	full := fullBacklog(b)
	all := map[Spec]struct{}{}
	for i := range checks {
		s := spec(TCP, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), port), timeout)
		if i < silent {
			s.Addr = full
		}
		s.Warmup, s.Rise = time.Second, i // distinct ones
		all[s] = struct{}{}
	}
	var mu sync.Mutex
	var begun, noticed []time.Duration
	p := newProbers()
	s := newSet(Options{}, p.probe, p.wait, newSockets(p))
	s.heard = func(c *check, r result, tell notices) notices {
		mu.Lock()
		begun = append(begun, (c.began-c.state.first.Sub(s.epoch))%time.Second)
		if r.err != nil {
			noticed = append(noticed, r.end.Sub(r.start)-timeout)
		}
		mu.Unlock()
		return s.judge(c, r, tell)
	}
	s.Apply(all)
	time.Sleep(2 * time.Second)
	mu.Lock()
	begun, noticed = nil, nil
	mu.Unlock()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	s.Close()
	for name, late := range map[string][]time.Duration{"begun": begun, "noticed": noticed} {
		slices.Sort(late)
		for at, share := range map[string]int{"p50": 500, "p99": 990, "p99.9": 999} {
			b.ReportMetric(float64(late[len(late)*share/1000].Microseconds())/1000, "ms-"+name+"-"+at)
		}
	}
	b.ReportMetric(float64(len(begun))/float64(b.N), "checks/op")
}
