package director

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"lvsd/internal/check"
)

func TestSeveralProcessors(t *testing.T) {
	specs := func(n int, kind check.Kind, interval time.Duration) map[check.Spec]struct{} {
		all := map[check.Spec]struct{}{}
		for i := range n {
			s := check.Spec{Kind: kind, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)}
			s.Interval = interval
			all[s] = struct{}{}
		}
		return all
	}
	for _, c := range []struct {
		name   string
		checks map[check.Spec]struct{}
		want   bool
	}{
		{"no checks", nil, false},
		{"many connections", specs(10_000, check.TCP, time.Second), false},
		{"many pings", specs(10_000, check.ICMP, time.Second), false},
		{"some mail servers", specs(99, check.SMTP, time.Second), false},
		{"many mail servers", specs(100, check.SMTP, time.Second), true},
		{"many mail servers, seldom", specs(500, check.SMTP, 10*time.Second), false},
		{"a mail server, very often", specs(1, check.SMTP, 0), true},
	} {
		if got := several(c.checks); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// TestProcessorsOfAReload: a configuration is read on several, whether it is taken or refused.
func TestProcessorsOfAReload(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	n.write(t, "x = 1\n")
	n.Reload()
	n.wait(t, ReloadRefused)
	n.write(t, serviceText("192.0.2.2", twoServers))
	n.Reload()
	n.wait(t, Reloaded)
	n.status(t) // after the reload has returned
	n.mu.Lock()
	defer n.mu.Unlock()
	if want := []bool{false, true, false, true, false}; !slices.Equal(n.allots, want) {
		t.Errorf("%v, want %v", n.allots, want)
	}
}
