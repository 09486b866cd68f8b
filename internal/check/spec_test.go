package check

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestKindNames(t *testing.T) {
	for _, c := range []struct {
		kind          Kind
		name, keyword string
	}{
		{ICMP, "ping", "PING_CHECK"},
		{TCP, "tcp", "TCP_CHECK"},
		{HTTP, "http", "HTTP_GET"},
		{HTTPS, "https", "SSL_GET"},
		{0, "kind 0", "kind 0"},
		{99, "kind 99", "kind 99"},
	} {
		if got := c.kind.String(); got != c.name {
			t.Errorf("Kind(%d).String() = %q, want %q", c.kind, got, c.name)
		}
		if got := c.kind.Keyword(); got != c.keyword {
			t.Errorf("Kind(%d).Keyword() = %q, want %q", c.kind, got, c.keyword)
		}
	}
}

func TestParseKind(t *testing.T) {
	for k := ICMP; k <= HTTPS; k++ {
		if got, ok := ParseKind(k.Keyword()); !ok || got != k {
			t.Errorf("ParseKind(%q) = %v, %v", k.Keyword(), got, ok)
		}
	}
	for _, word := range []string{"", "ping", "tcp_check", "BFD_CHECK", "kind 0"} {
		if got, ok := ParseKind(word); ok {
			t.Errorf("ParseKind(%q) = %v, want none", word, got)
		}
	}
}

func TestEveryKindHasAChecker(t *testing.T) {
	for k, c := range checkers() {
		if k != 0 && (c.probe == nil || c.name == "" || c.keyword == "") {
			t.Errorf("no whole checker for %v", Kind(k))
		}
	}
}

func TestSpecString(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Kind: ICMP, Addr: netip.MustParseAddrPort("10.10.10.11:0")}, "ping 10.10.10.11"},
		{Spec{Kind: ICMP, Addr: netip.MustParseAddrPort("[2001:db8::1]:0")}, "ping 2001:db8::1"},
		{Spec{Kind: TCP, Addr: netip.MustParseAddrPort("10.10.10.11:80")}, "tcp 10.10.10.11:80"},
		{Spec{Kind: TCP, Addr: netip.MustParseAddrPort("[2001:db8::1]:80")}, "tcp [2001:db8::1]:80"},
		{Spec{Kind: HTTP, Addr: netip.MustParseAddrPort("10.10.10.11:80"), Detail: NewDetail(Socket{}, HTTPRequest{Path: "/a?b=c"})}, "http 10.10.10.11:80/a?b=c"},
		{Spec{Kind: HTTPS, Addr: netip.MustParseAddrPort("10.10.10.11:443"), Detail: NewDetail(Socket{}, HTTPRequest{Path: "/", Host: "www.example.org"})}, "https 10.10.10.11:443 www.example.org/"},
	} {
		if got := c.spec.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestStatusCodes(t *testing.T) {
	type span struct{ first, last int }
	for _, c := range []struct {
		spans []span
		want  string
	}{
		{nil, "none"},
		{[]span{{200, 299}}, "200-299"},
		{[]span{{404, 404}, {200, 204}}, "200-204,404"},
		{[]span{{200, 250}, {240, 299}}, "200-299"},
		{[]span{{200, 209}, {210, 219}}, "200-219"},
		{[]span{{100, 599}}, "100-599"},
		{[]span{{0, 1000}}, "100-599"},
		{[]span{{599, 599}}, "599"},
		{[]span{{163, 164}}, "163-164"},
		{[]span{{-5, 99}, {600, 611}}, "none"},
		{[]span{{299, 200}}, "none"},
	} {
		var s StatusCodes
		for _, sp := range c.spans {
			s.Add(sp.first, sp.last)
		}
		if got := s.String(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.spans, got, c.want)
		}
	}
}

func TestStatusCodesAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s StatusCodes
		model := map[int]bool{}
		for range rapid.IntRange(0, 5).Draw(t, "ranges") {
			first := rapid.IntRange(50, 650).Draw(t, "first")
			last := rapid.IntRange(50, 650).Draw(t, "last")
			s.Add(first, last)
			for code := first; code <= last; code++ {
				model[code] = code >= 100 && code <= 599
			}
		}
		var same StatusCodes
		for code := 700; code >= -100; code-- {
			if s.Has(code) != model[code] {
				t.Fatalf("Has(%d) = %v, want %v", code, s.Has(code), model[code])
			}
			if model[code] {
				same.Add(code, code)
			}
		}
		if s != same {
			t.Fatalf("two sets of the same codes differ: %v and %v", s, same)
		}
	})
}

// The phase is the same in every process and release: checks keep their place over a restart.
func TestPhaseIsStable(t *testing.T) {
	for addr, want := range map[string]time.Duration{
		"10.10.10.11:80": 1568382341,
		"10.10.10.12:80": 2523585138,
	} {
		if got := tcpSpec(addr).phase(); got != want {
			t.Errorf("%s: phase %d, want %d", addr, got, want)
		}
	}
}

func TestPhaseLiesWithinTheWarmup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tcpSpec(fmt.Sprintf("10.0.%d.%d:80", rapid.Byte().Draw(t, "c"), rapid.Byte().Draw(t, "d")))
		s.Warmup = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "warmup"))
		now := t0.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "now")))
		if wait := s.first(now).Sub(now); wait < 0 || wait >= max(s.Warmup, 1) {
			t.Fatalf("first probe after %v of warmup %v", wait, s.Warmup)
		}
	})
}

// A check that starts again, after a restart or a reload, has the place in its interval that it had.
func TestPhaseOutlivesARestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tcpSpec("10.10.10.11:80")
		s.Interval = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "interval"))
		s.Warmup = s.Interval
		again := t0.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "restart")))
		if off := s.first(again).Sub(s.first(t0)) % s.Interval; off != 0 {
			t.Fatalf("the first probe after a restart is %v off", off)
		}
	})
}

// Neighbouring addresses, as servers have, are spread over the interval: of 10,000 targets each
// hundredth of the interval gets about 100 (standard deviation 10).
func TestPhasesSpreadEvenly(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, time.Minute} {
		var slots [100]int
		for i := range 10000 {
			s := tcpSpec(fmt.Sprintf("10.10.%d.%d:80", i/250, i%250))
			s.Warmup = interval
			slots[s.phase()*100/interval]++
		}
		for i, n := range slots {
			if n < 50 || n > 150 {
				t.Errorf("interval %v: %d of 10000 probes start in slot %d of 100", interval, n, i)
			}
		}
	}
}
