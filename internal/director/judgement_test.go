package director

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

func TestRamp(t *testing.T) {
	for _, c := range []struct {
		weight      int
		slow, since time.Duration
		now         int
		next        time.Duration
	}{
		{100, 20 * time.Second, 0, 1, time.Second},
		{100, 20 * time.Second, 999 * time.Millisecond, 1, time.Second},
		{100, 20 * time.Second, time.Second, 5, 2 * time.Second},
		{100, 20 * time.Second, 10500 * time.Millisecond, 50, 11 * time.Second},
		{100, 20 * time.Second, 19 * time.Second, 95, 20 * time.Second},
		{100, 20 * time.Second, 20 * time.Second, 100, 0},
		{3, 20 * time.Second, 6 * time.Second, 1, 7 * time.Second},
		{3, 20 * time.Second, 14 * time.Second, 2, 15 * time.Second},
		{1, 20 * time.Second, 0, 1, 0}, // no less is left of it
		{0, 20 * time.Second, 0, 0, 0},
		{100, 0, 0, 100, 0},
		{100, 20 * time.Second, -time.Second, 1, time.Second}, // the clock was set back
		{65535, 3, 0, 1, 1},
	} {
		if now, next := ramp(c.weight, c.slow, c.since); now != c.now || next != c.next {
			t.Errorf("weight %d in %v, after %v: %d until %v, want %d until %v", c.weight, c.slow, c.since, now, next, c.now, c.next)
		}
	}
}

// pool is a virtual server with servers 1 to n, each with one check.
func pool(n int, change func(*conf.VirtualServer)) (*conf.Config, func(fails ...int) map[check.Spec]bool) {
	s := conf.VirtualServer{Address: netip.MustParseAddrPort("192.0.2.1:80"), Protocol: conf.TCP, Family: 4, Quorum: 1}
	for i := range n {
		s.RealServers = append(s.RealServers, conf.RealServer{Weight: 100,
			Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 80),
			Checks:  []conf.Check{{Kind: conf.TCPCheck, Timing: conf.Timing{Interval: time.Second, Timeout: time.Second, Rise: 1}}}})
	}
	change(&s)
	cfg := &conf.Config{Services: []conf.VirtualServer{s}}
	return cfg, func(fails ...int) map[check.Spec]bool {
		down := map[check.Spec]bool{}
		for _, i := range fails {
			down[specs(&cfg.Services[0].RealServers[i-1])[0]] = true
		}
		return down
	}
}

// weights are the kernel's weights of a pool, "-" where a server is not there.
func weights(cfg *conf.Config, w want) string {
	var all []string
	for _, r := range cfg.Services[0].RealServers {
		text := "-"
		for _, s := range w.services.All() {
			if d, there := s.Destinations.Get(r.Address); there {
				text = fmt.Sprint(d.Weight)
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// A server that comes back starts slowly, in its own time; one that was there from the start, or
// is new, does not.
func TestSlowStart(t *testing.T) {
	cfg, down := pool(2, func(s *conf.VirtualServer) {
		s.RealServers[0].SlowStart = 20 * time.Second
	})
	start := time.Unix(1000, 0)
	var m memory
	for _, step := range []struct {
		after time.Duration
		fails []int
		want  string
		next  time.Duration // 0 for none
	}{
		{0, nil, "100 100", 0},
		{time.Second, []int{1, 2}, "- -", 0},
		{10 * time.Second, nil, "1 100", 11 * time.Second},
		{12 * time.Second, nil, "10 100", 13 * time.Second},
		{20 * time.Second, []int{2}, "50 -", 21 * time.Second},
		{21 * time.Second, []int{1}, "- 100", 0},
		{22 * time.Second, nil, "1 100", 23 * time.Second}, // anew
		{42 * time.Second, nil, "100 100", 0},
		{43 * time.Second, nil, "100 100", 0},
	} {
		w := desire(cfg, health{down: down(step.fails...), now: start.Add(step.after), memory: m})
		if got := weights(cfg, w); got != step.want {
			t.Errorf("after %v: %s, want %s", step.after, got, step.want)
		}
		next := time.Duration(0)
		if !w.memory.next.IsZero() {
			next = w.memory.next.Sub(start)
		}
		if next != step.next {
			t.Errorf("after %v: next at %v, want %v", step.after, next, step.next)
		}
		m = w.memory
	}
}

// The last servers stay, whatever the checks say: those that were up until then.
func TestPanicThreshold(t *testing.T) {
	cfg, down := pool(4, func(s *conf.VirtualServer) { s.PanicThreshold = 50 })
	var m memory
	for _, step := range []struct {
		name  string
		fails []int
		want  string
		kept  string
	}{
		{"all up", nil, "100 100 100 100", ""},
		{"one fails", []int{1}, "- 100 100 100", ""},
		{"half fail", []int{1, 2}, "- - 100 100", ""},
		{"more fail", []int{1, 2, 4}, "- - 100 100", "4"},
		{"all fail", []int{1, 2, 3, 4}, "- - 100 100", "3 4"},
		{"one that was out comes back", []int{2, 3, 4}, "100 - 100 -", "3"},
		{"and another", []int{3, 4}, "100 100 - -", ""},
		{"all fail at once", []int{1, 2, 3, 4}, "100 100 - -", "1 2"},
		{"all back", nil, "100 100 100 100", ""},
		{"all fail at once again", []int{1, 2, 3, 4}, "100 100 - -", "1 2"},
	} {
		w := desire(cfg, health{down: down(step.fails...), memory: m})
		m = w.memory
		if got := weights(cfg, w); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
		var kept []string
		for i, r := range cfg.Services[0].RealServers {
			if m.server(member{serviceName(&cfg.Services[0]), r.Address}).kept {
				kept = append(kept, fmt.Sprint(i+1))
			}
		}
		if got := strings.Join(kept, " "); got != step.kept {
			t.Errorf("%s: kept %s, want %s", step.name, got, step.kept)
		}
	}
	fresh := desire(cfg, health{down: down(1, 2, 3, 4)})
	if got := weights(cfg, fresh); got != "100 100 - -" {
		t.Errorf("at the start: %s", got)
	}
	untried := desire(cfg, health{down: down(1, 2, 3, 4), untried: down(1, 2, 3, 4)})
	if got := weights(cfg, untried); got != "- - - -" {
		t.Errorf("at the start, with alpha: %s", got)
	}
}

// That a server is kept, and that it leaves in the end, is told; that it is lost meanwhile is not.
func TestKeptServersAreTold(t *testing.T) {
	cfg, down := pool(2, func(s *conf.VirtualServer) { s.PanicThreshold = 50 })
	d, logs := silentDirector(cfg)
	for _, step := range []struct {
		fails []int
		want  []string
	}{
		{nil, nil},
		{[]int{1}, []string{"server_lost 10.0.0.1:80"}},
		{[]int{1, 2}, []string{"server_kept 10.0.0.2:80"}},
		{[]int{2}, []string{"server_restored 10.0.0.1:80", "server_lost 10.0.0.2:80"}},
		{nil, []string{"server_restored 10.0.0.2:80"}},
	} {
		before := d.health
		before.memory = before.memory.in(d.compiled)
		d.health.down = down(step.fails...)
		d.want = desired(d.compiled, d.health)
		d.health.memory = d.want.memory
		d.noteHealth(before, nil)
		d.noteKept(&before.memory)
		var got []string
		for _, l := range entries(logs) {
			got = append(got, fmt.Sprintf("%s %s", l["event"], l["real_server"]))
		}
		if diff := gocmp.Diff(step.want, got); diff != "" {
			t.Errorf("%v fail (-want +got):\n%s", step.fails, diff)
		}
	}
}
