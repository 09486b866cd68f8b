package director

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// ordered are orders of the servers of a pool, by their number.
func ordered(cfg *conf.Config, list map[int]order) orders {
	o := orders{}
	for i, is := range list {
		o[member{serviceName(&cfg.Services[0]), cfg.Services[0].RealServers[i-1].Address}] = is
	}
	return o
}

// The orders of these tests.
func drains1() order          { return order{drain: drainOrder{ordered: true}} }
func drainedOut() order       { return order{drain: drainOrder{ordered: true, drained: true}} }
func weighs(weight int) order { return order{weight: weightOrder{ordered: true, weight: weight}} }

// TestOrderAfter: what each word makes of what was said before.
func TestOrderAfter(t *testing.T) {
	now, before := time.Unix(1000, 0), time.Unix(900, 0)
	timeout := func(s float64) *float64 { return &s }
	running := drainOrder{ordered: true, since: before, until: before.Add(time.Hour), uid: 1}
	out := drainOrder{ordered: true, since: before, drained: true, uid: 1}
	weight := weightOrder{ordered: true, weight: 7, since: before, uid: 1}
	for _, c := range []struct {
		name  string
		was   order
		q     OrderRequest
		limit time.Duration
		gone  bool
		want  order
	}{
		{name: "drain", q: OrderRequest{Verb: Drain}, want: order{drain: drainOrder{ordered: true, since: now, uid: 2}}},
		{name: "drain with the service's time", q: OrderRequest{Verb: Drain}, limit: time.Minute,
			want: order{drain: drainOrder{ordered: true, since: now, until: now.Add(time.Minute), uid: 2}}},
		{name: "drain with its own time", q: OrderRequest{Verb: Drain, Timeout: timeout(1.5)}, limit: time.Minute,
			want: order{drain: drainOrder{ordered: true, since: now, until: now.Add(1500 * time.Millisecond), uid: 2}}},
		{name: "drain without time", q: OrderRequest{Verb: Drain, Timeout: timeout(0)}, limit: time.Minute,
			want: order{drain: drainOrder{ordered: true, since: now, until: now, drained: true, uid: 2}}},
		{name: "drain of one that is not in the kernel", q: OrderRequest{Verb: Drain}, gone: true,
			want: order{drain: drainOrder{ordered: true, since: now, drained: true, uid: 2}}},
		{name: "drain again", was: order{drain: running}, q: OrderRequest{Verb: Drain}, limit: time.Minute, want: order{drain: running}},
		{name: "drain again with another time", was: order{drain: running}, q: OrderRequest{Verb: Drain, Timeout: timeout(5)},
			want: order{drain: drainOrder{ordered: true, since: before, until: now.Add(5 * time.Second), uid: 2}}},
		{name: "cut it short", was: order{drain: running}, q: OrderRequest{Verb: Drain, Timeout: timeout(0)},
			want: order{drain: drainOrder{ordered: true, since: before, until: now, drained: true, uid: 2}}},
		{name: "drain what is drained", was: order{drain: out}, q: OrderRequest{Verb: Drain, Timeout: timeout(5)}, want: order{drain: out}},
		{name: "drain what has a weight", was: order{weight: weight}, q: OrderRequest{Verb: Drain},
			want: order{weight: weight, drain: drainOrder{ordered: true, since: now, uid: 2}}},
		{name: "undrain", was: order{drain: running}, q: OrderRequest{Verb: Undrain}},
		{name: "undrain what is out", was: order{drain: out, weight: weight}, q: OrderRequest{Verb: Undrain}, want: order{weight: weight}},
		{name: "undrain nothing", q: OrderRequest{Verb: Undrain}},
		{name: "weight", q: OrderRequest{Verb: SetWeight, Weight: 9}, want: order{weight: weightOrder{true, 9, now, 2}}},
		{name: "weight 0", q: OrderRequest{Verb: SetWeight}, want: order{weight: weightOrder{true, 0, now, 2}}},
		{name: "the same weight", was: order{weight: weight}, q: OrderRequest{Verb: SetWeight, Weight: 7}, want: order{weight: weight}},
		{name: "another weight", was: order{weight: weight, drain: running}, q: OrderRequest{Verb: SetWeight, Weight: 8},
			want: order{weight: weightOrder{true, 8, now, 2}, drain: running}},
		{name: "reset", was: order{weight: weight, drain: running}, q: OrderRequest{Verb: ResetWeight}, want: order{drain: running}},
		{name: "reset nothing", q: OrderRequest{Verb: ResetWeight}},
	} {
		if got := c.was.after(c.q, 2, now, c.limit, !c.gone); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestDesiredWithOrders: what the kernel is to have of two servers, of which the first is up or down and
// has been spoken of.
func TestDesiredWithOrders(t *testing.T) {
	for _, c := range []struct {
		name    string
		order   order
		up      string // what the kernel has of both while all is up
		down    string // while the first fails
		inhibit string // while it fails, and is to be inhibited
	}{
		{"nothing", order{}, "100 100", "- 100", "0 100"},
		{"draining", drains1(), "0 100", "0 100", "0 100"},
		{"drained", drainedOut(), "- 100", "- 100", "- 100"},
		{"a weight", weighs(7), "7 100", "- 100", "0 100"},
		{"weight 0", weighs(0), "0 100", "- 100", "0 100"},
		{"draining with a weight", order{drains1().drain, weighs(7).weight}, "0 100", "0 100", "0 100"},
	} {
		for _, inhibit := range []bool{false, true} {
			cfg, down := pool(2, func(s *conf.VirtualServer) { s.RealServers[0].InhibitOnFailure = inhibit })
			h := health{orders: ordered(cfg, map[int]order{1: c.order})}
			if got := weights(cfg, desire(cfg, h)); got != c.up {
				t.Errorf("%s, up: %s, want %s", c.name, got, c.up)
			}
			h.down = down(1)
			want := c.down
			if inhibit {
				want = c.inhibit
			}
			if got := weights(cfg, desire(cfg, h)); got != want {
				t.Errorf("%s, down, inhibit %t: %s, want %s", c.name, inhibit, got, want)
			}
		}
	}
}

// TestDrainOfTheLastServer: it counts for no quorum, the sorry server serves, and the connections are
// finished all the same.
func TestDrainOfTheLastServer(t *testing.T) {
	sorry := netip.MustParseAddrPort("10.0.0.9:80")
	cfg, down := pool(2, func(s *conf.VirtualServer) {
		s.Sorry = conf.SorryServer{Address: sorry, Forwarding: conf.NAT}
	})
	name := serviceName(&cfg.Services[0])
	h := health{down: down(2), orders: ordered(cfg, map[int]order{1: drains1()})}
	w := desire(cfg, h)
	first := services(cfg)[0].key
	table := plainTable(w.services)[first].Destinations
	if has, _ := w.memory.quorate(name); has || weights(cfg, w) != "0 -" || table[sorry].Weight != 1 {
		t.Errorf("%+v", table)
	}
	h.orders = ordered(cfg, map[int]order{1: drainedOut()})
	w = desire(cfg, h)
	if table = plainTable(w.services)[first].Destinations; weights(cfg, w) != "- -" || len(table) != 1 {
		t.Errorf("%+v", table)
	}
	h.orders = ordered(cfg, map[int]order{1: weighs(0)}) // nobody takes connections either
	w = desire(cfg, h)
	if has, _ := w.memory.quorate(name); has {
		t.Error("a weight of 0 makes a quorum")
	}
}

// TestPanicThresholdWithoutDrained: a server that is drained is neither counted nor kept.
func TestPanicThresholdWithoutDrained(t *testing.T) {
	cfg, down := pool(4, func(s *conf.VirtualServer) { s.PanicThreshold = 50 })
	h := health{orders: ordered(cfg, map[int]order{1: drainedOut(), 2: drains1()})}
	h.memory = desire(cfg, h).memory
	h.down = down(1, 3)
	w := desire(cfg, h) // one of two is left, which is enough
	if got := weights(cfg, w); got != "- 0 - 100" {
		t.Errorf("%s", got)
	}
	h.memory, h.down = w.memory, down(1, 2, 3, 4)
	if got := weights(cfg, desire(cfg, h)); got != "- 0 - 100" {
		t.Errorf("of the last two one has to stay: %s", got)
	}
}

// TestSlowStartAfterADrain: a server that an operator gives back starts slowly, to the weight that he
// says; while it drains nothing grows.
func TestSlowStartAfterADrain(t *testing.T) {
	cfg, _ := pool(2, func(s *conf.VirtualServer) { s.RealServers[0].SlowStart = 20 * time.Second })
	at := time.Unix(1000, 0)
	h := health{now: at}
	see := func(after time.Duration, want string, o order) {
		t.Helper()
		h.now, h.orders = at.Add(after), ordered(cfg, map[int]order{1: o})
		w := desire(cfg, h)
		if h.memory = w.memory; weights(cfg, w) != want {
			t.Errorf("after %s: %s, want %s", after, weights(cfg, w), want)
		}
	}
	see(0, "100 100", order{})
	see(time.Second, "0 100", drains1())
	see(100*time.Second, "- 100", drainedOut())
	see(200*time.Second, "1 100", order{})
	see(210*time.Second, "50 100", order{})
	see(210*time.Second, "20 100", weighs(40))
	see(220*time.Second, "40 100", weighs(40))
	see(221*time.Second, "0 100", drains1())
	see(230*time.Second, "1 100", order{})
}

// TestWeightBeforeFindings: what an operator says stands in the place of what checks find.
func TestWeightBeforeFindings(t *testing.T) {
	cfg, _ := pool(1, func(*conf.VirtualServer) {})
	spec := specs(&cfg.Services[0].RealServers[0])[0]
	h := health{findings: map[check.Spec]check.Finding{spec: {Weighted: true, Weight: 30, Offset: 5}}}
	if got := weights(cfg, desire(cfg, h)); got != "35" {
		t.Errorf("%s", got)
	}
	h.orders = ordered(cfg, map[int]order{1: weighs(100)})
	if got := weights(cfg, desire(cfg, h)); got != "100" {
		t.Errorf("%s", got)
	}
}

// TestOrdersOnlyTakeAway: whatever was said, all else stands as it does without; a service serves exactly
// while somebody could who is not drained; and what drains is there with weight 0.
func TestOrdersOnlyTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		h := health{}
		for range 3 {
			h.down, h.orders = someFailures(t, cfg), someOrders(t, cfg)
			before, w := h.memory, desire(cfg, h)
			plain := desire(cfg, health{down: h.down, memory: h.memory})
			h.memory = w.memory
			if !maps.Equal(w.checks, plain.checks) || gocmp.Diff(plain.network, w.network) != "" || w.services.Len() != plain.services.Len() {
				t.Fatal("orders change more than services")
			}
			for _, s := range services(cfg) {
				name := serviceName(s.VirtualServer)
				candidate := s.Sorry.Address.IsValid()
				for j := range s.RealServers {
					r := &s.RealServers[j]
					o := h.orders[member{name, r.Address}]
					weight := r.Weight
					if o.weight.ordered {
						weight = o.weight.weight
					}
					candidate = candidate || weight > 0 && h.up(specs(r), before.server(member{name, r.Address})) && !o.drain.ordered
					at := s.at(r.Address, r.Forwarding)
					if at == s.at(s.Sorry.Address, s.Sorry.Forwarding) {
						continue
					}
					d, there := destinations(w.services, s.key).Get(at)
					if o.drain.runs() && (!there || d.Weight != 0) || o.drain.drained && there {
						t.Fatalf("%s of %s: %+v there %t, with the order %+v", r.Address, s.key, d, there, o)
					}
				}
				if got := serves(w.services, s.key); got != candidate {
					t.Fatalf("%s serves: %t, somebody could: %t", s.key, got, candidate)
				}
			}
		}
	})
}

// someOrders draws orders for some servers.
func someOrders(t *rapid.T, cfg *conf.Config) orders {
	o := orders{}
	for i := range cfg.Services {
		for _, r := range cfg.Services[i].RealServers {
			is := rapid.SampledFrom([]order{{}, {}, drains1(), drainedOut(), weighs(0), weighs(5),
				{drains1().drain, weighs(5).weight}}).Draw(t, "order")
			if is != (order{}) {
				o[member{serviceName(&cfg.Services[i]), r.Address}] = is
			}
		}
	}
	return o
}

// TestPlanOverlooksOrders: what an operator said is no change of a file, and is nothing that a file undoes.
func TestPlanOverlooksOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		h := health{down: someFailures(t, cfg), orders: someOrders(t, cfg)}
		h.memory = desire(cfg, h).memory
		if p := plan(cfg, cfg, facts{live: true, health: h}, groupID); !p.Empty() || len(p.Consequences) > 0 {
			t.Fatalf("%+v", p)
		}
	})
}

// TestConfigured: orders stand as long as the configuration has their servers.
func TestConfigured(t *testing.T) {
	cfg, _ := pool(3, func(*conf.VirtualServer) {})
	o := ordered(cfg, map[int]order{1: drains1(), 3: weighs(1)})
	if kept, forgotten := o.configured(cfg); len(forgotten) > 0 || !maps.Equal(kept, o) {
		t.Errorf("%v, %v", kept, forgotten)
	}
	less, _ := pool(2, func(*conf.VirtualServer) {})
	kept, forgotten := o.configured(less)
	if want := []member{{"TCP 192.0.2.1:80", netip.MustParseAddrPort("10.0.0.3:80")}}; len(kept) != 1 || !slices.Equal(forgotten, want) {
		t.Errorf("%v, %v", kept, forgotten)
	}
	other, _ := pool(3, func(s *conf.VirtualServer) { s.Address = netip.MustParseAddrPort("192.0.2.2:80") })
	if kept, forgotten := o.configured(other); len(kept) > 0 || len(forgotten) != 2 {
		t.Errorf("%v, %v", kept, forgotten)
	}
}

// TestOrdersDrained: the drain of a server is over when it is so in every service that it is in.
func TestOrdersDrained(t *testing.T) {
	cfg, _ := pool(2, func(s *conf.VirtualServer) { s.Group = "g" })
	cfg.ServerGroups = []conf.ServerGroup{{Name: "g", Members: []conf.GroupMember{
		{First: netip.MustParseAddr("192.0.2.1"), Last: netip.MustParseAddr("192.0.2.2"), Port: 80, Family: 4}}}}
	o := ordered(cfg, map[int]order{1: drains1(), 2: weighs(3)})
	until, of := o.finishing(cfg)
	if len(until) != 2 || len(of) != 2 {
		t.Fatalf("%v", of)
	}
	keys := slices.Collect(maps.Keys(until))
	if next, late := o.drained(of, map[serverKey]bool{keys[0]: false}); len(late) > 0 || !maps.Equal(next, o) {
		t.Errorf("%v", late)
	}
	next, late := o.drained(of, map[serverKey]bool{keys[0]: false, keys[1]: true})
	key := of[keys[0]]
	if !next[key].drain.drained || o[key].drain.drained || len(late) != 1 || !late[key] {
		t.Errorf("%v %v", next, late)
	}
	if until, _ := next.finishing(cfg); len(until) > 0 {
		t.Errorf("%v", until)
	}
}
