package director

import (
	"net/netip"
	"testing"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

func TestUplinkGuard(t *testing.T) {
	cfg, _ := pool(12, func(*conf.VirtualServer) {})
	cfg.UplinkGuard = conf.UplinkGuard{Address: netip.MustParseAddr("10.0.0.254"), Interface: "eth1"}
	guard, _ := guardSpec(cfg)
	start := time.Unix(1000, 0)
	verdicts := map[check.Spec]check.Verdict{guard: {Known: true, Healthy: true, Since: start}}
	spec := func(n int) check.Spec { return specs(&cfg.Services[0].RealServers[n-1])[0] }
	for n := 1; n <= 12; n++ {
		verdicts[spec(n)] = check.Verdict{Known: true, Healthy: true, Since: start}
	}
	set := func(healthy bool, at time.Duration, list ...check.Spec) {
		for _, s := range list {
			verdicts[s] = check.Verdict{Known: true, Healthy: healthy, Since: start.Add(at)}
		}
	}
	some := func(first, last int) (list []check.Spec) {
		for n := first; n <= last; n++ {
			list = append(list, spec(n))
		}
		return list
	}
	var s suspicion
	look := func(name string, at time.Duration, held int, suspected bool, next time.Duration) {
		t.Helper()
		s = suspect(cfg, verdicts, s, start.Add(at))
		if len(s.held) != held && (suspected || len(s.held) != 0) || s.since.IsZero() == suspected {
			t.Errorf("%s: %d held, suspected %t, want %d, %t", name, len(s.held), !s.since.IsZero(), held, suspected)
		}
		if got := s.next; got.IsZero() != (next == 0) || next != 0 && !got.Equal(start.Add(next)) {
			t.Errorf("%s: next %v, want %v", name, got.Sub(start), next)
		}
	}
	const second = time.Second // a target that fails is found within 2 s: every second, within one
	set(false, 5*second, some(1, 1)...)
	look("one fails", 5*second, 0, false, 0)
	set(false, 20*second, some(2, 10)...)
	look("most fail, and the guard answers", 20*second, 0, false, 0)
	set(false, 21*second, guard)
	look("the guard is silent too", 21*second, 9, true, 0) // not the one that failed long before
	set(false, 40*second, some(11, 11)...)
	look("another fails meanwhile", 40*second, 10, true, 0)
	look("for long", 500*second, 10, true, 0)
	set(true, 600*second, guard)
	set(true, 600*second, some(2, 5)...)
	look("the guard answers, some are back", 600*second, 6, true, 602*second)
	set(false, 601*second, some(5, 5)...)
	look("one that came back fails again", 601*second, 6, true, 602*second)
	look("those that are not back in time fail", 602*second, 0, false, 0)

	set(true, 700*second, some(1, 12)...)
	look("all are back", 700*second, 0, false, 0)
	set(false, 800*second, append(some(1, 6), guard)...)
	look("half of them is not more than half", 800*second, 0, false, 0)
	set(false, 801*second, some(7, 12)...)
	look("all fail within the time", 802*second, 12, true, 0)
	small, _ := pool(9, func(*conf.VirtualServer) {})
	small.UplinkGuard = cfg.UplinkGuard
	few := map[check.Spec]check.Verdict{guard: verdicts[guard]}
	for n := 1; n <= 9; n++ {
		few[spec(n)] = verdicts[spec(n)]
	}
	if got := suspect(small, few, suspicion{}, start.Add(802*second)); !got.since.IsZero() {
		t.Error("nine targets mean something")
	}
	cfg.UplinkGuard = conf.UplinkGuard{}
	if got := suspect(cfg, verdicts, s, start.Add(803*second)); !got.since.IsZero() || len(got.held) != 0 {
		t.Error("a guard that is taken away still holds")
	}
}

// TestUplinkIsTold: that the uplink is suspected is told with the interface that it is, also where nobody wrote that.
func TestUplinkIsTold(t *testing.T) {
	for _, c := range []struct {
		guard conf.UplinkGuard
		want  any
	}{
		{conf.UplinkGuard{Address: netip.MustParseAddr("127.0.0.1")}, "lo"},
		{conf.UplinkGuard{Address: netip.MustParseAddr("127.0.0.1"), Interface: "eth7"}, "eth7"},
		{conf.UplinkGuard{Address: netip.MustParseAddr("fe80::1")}, nil}, // no interface, no way
	} {
		d, logs := silentDirector(&conf.Config{UplinkGuard: c.guard})
		since := time.Unix(1000, 0)
		d.noteUplink(suspicion{}, suspicion{since: since, fails: 6, of: 10})
		d.health.now = since.Add(time.Minute)
		d.noteUplink(suspicion{since: since}, suspicion{})
		said := entries(logs)
		if len(said) != 2 || said[0]["event"] != "uplink_suspected" || said[0]["interface"] != c.want || said[1]["event"] != "uplink_cleared" {
			t.Errorf("%+v: %v", c.guard, said)
		}
	}
}
