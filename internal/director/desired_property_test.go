package director

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// plainTable is a table that is wanted as one that the kernel has.
func plainTable(w ipvs.Wanted) ipvs.Table {
	t := ipvs.Table{}
	for key, s := range w.All() {
		t[key] = ipvs.Entry{Service: s.Service, Destinations: maps.Collect(s.Destinations.All())}
	}
	return t
}

func sortedAddresses(m map[netip.AddrPort]ipvs.Destination) []netip.AddrPort {
	return slices.SortedFunc(maps.Keys(m), netip.AddrPort.Compare)
}

// TestServerInTableIffHealthy: a server is in its service's table when none of its checks fails,
// with its weight; when one fails it is gone, or there with weight 0 if it is to be inhibited.
func TestServerInTableIffHealthy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		down := someFailures(t, cfg)
		w := desire(cfg, health{down: down})
		all := services(cfg)
		if w.services.Len() != len(all) {
			t.Fatalf("%d services wanted of %d", w.services.Len(), len(all))
		}
		for _, s := range all {
			table := maps.Collect(destinations(w.services, s.key).All())
			count := 0
			for j := range s.RealServers {
				r := &s.RealServers[j]
				fails := false
				for _, spec := range specs(r) {
					fails = fails || down[spec]
				}
				got, there := table[s.at(r.Address, r.Forwarding)]
				fails = fails || w.memory.sorryServes(s.VirtualServer) // which takes every server out
				switch {
				case !fails && (!there || got.Weight != uint32(r.Weight)):
					t.Fatalf("healthy %s: in the table %t, weight %d of %d", r.Address, there, got.Weight, r.Weight)
				case fails && r.InhibitOnFailure && (!there || got.Weight != 0):
					t.Fatalf("inhibited %s: in the table %t, weight %d", r.Address, there, got.Weight)
				case fails && !r.InhibitOnFailure && there:
					t.Fatalf("failing %s is in the table", r.Address)
				}
				if there {
					count++
				}
			}
			if got, there := table[s.at(sorryAddress, s.Sorry.Forwarding)]; there {
				count++
				if serves := w.memory.sorryServes(s.VirtualServer); !serves && !s.Sorry.Inhibit || (got.Weight > 0) != serves {
					t.Fatalf("the sorry server of %s has weight %d, and serves: %t", s.key, got.Weight, serves)
				}
			} else if s.Sorry.Address.IsValid() && (s.Sorry.Inhibit || w.memory.sorryServes(s.VirtualServer)) {
				t.Fatalf("the sorry server of %s is not there", s.key)
			}
			if count != len(table) {
				t.Fatalf("%d destinations for %d servers of %s", len(table), count, s.key)
			}
		}
	})
}

// TestDesiredIsDeterministic: the same input gives the same, and is left as it is.
func TestDesiredIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		down := someFailures(t, cfg)
		kept := maps.Clone(down)
		first := desire(cfg, health{down: down})
		second := desire(cfg, health{down: down})
		if diff := gocmp.Diff(render(first), render(second)); diff != "" {
			t.Fatal(diff)
		}
		if !equal(first.services, second.services) {
			t.Fatal("the tables differ")
		}
		if !maps.Equal(kept, down) {
			t.Fatal("the failing specs were changed")
		}
	})
}

// TestEqualChecksAreOneSpec: there is one spec for each distinct probe, however many services
// want it.
func TestEqualChecksAreOneSpec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		wanted := map[check.Spec]struct{}{}
		for i := range cfg.Services {
			for j := range cfg.Services[i].RealServers {
				for _, spec := range specs(&cfg.Services[i].RealServers[j]) {
					wanted[spec] = struct{}{}
				}
			}
		}
		alone := desire(cfg, health{}).checks
		if !maps.Equal(alone, wanted) {
			t.Fatalf("%d checks, want %d", len(alone), len(wanted))
		}
		twice := *cfg
		for _, s := range cfg.Services { // the same servers behind other addresses
			s.Address = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), s.Address.Port())
			twice.Services = append(twice.Services, s)
		}
		if both := desire(&twice, health{}).checks; !maps.Equal(alone, both) {
			t.Fatalf("%d checks for twice the services, want %d", len(both), len(alone))
		}
	})
}

// TestHealthSaysNothingOfTheNetwork: verdicts change services and nothing else.
func TestHealthSaysNothingOfTheNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		with, without := desire(cfg, health{down: someFailures(t, cfg)}), desire(cfg, health{})
		with.services, without.services = ipvs.Wanted{}, ipvs.Wanted{}
		if diff := gocmp.Diff(render(without), render(with), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// sorryAddress is that of every sorry server; no real server has it.
var sorryAddress = netip.MustParseAddrPort("10.9.9.9:80")

// TestNeverEmptyWhileSomebodyServes: a service has a destination that takes connections as long as
// a server with a weight is up, or there is a sorry server.
func TestNeverEmptyWhileSomebodyServes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		h := health{}
		for range 3 { // of the quorums that were, too
			h.down = someFailures(t, cfg)
			before, w := h.memory, desire(cfg, h)
			h.memory = w.memory
			for _, s := range services(cfg) {
				candidate := s.Sorry.Address.IsValid()
				for j := range s.RealServers {
					r := &s.RealServers[j]
					candidate = candidate || r.Weight > 0 && h.up(specs(r), before.server(member{serviceName(s.VirtualServer), r.Address}))
				}
				if got := serves(w.services, s.key); got != candidate {
					t.Fatalf("%s serves: %t, somebody could: %t", s.key, got, candidate)
				}
			}
		}
	})
}

// TestMemoryIsStable: what desired remembers makes it say the same again.
func TestMemoryIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		h := health{down: someFailures(t, cfg)}
		h.untried = map[check.Spec]bool{}
		for spec := range h.down {
			h.untried[spec] = spec.Alpha
		}
		first := desire(cfg, h)
		h.memory = first.memory
		second := desire(cfg, h)
		if diff := gocmp.Diff(render(first), render(second)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestWhatStaysIsNotMadeAnew: what desired takes over from the last time is what it would make anew, through
// whatever happened in between, and what it gave out is left as it was.
func TestWhatStaysIsNotMadeAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		for i := range cfg.Services {
			s := &cfg.Services[i]
			s.PanicThreshold = rapid.SampledFrom([]int{0, 50}).Draw(t, "panic_threshold")
			for j := range s.RealServers {
				s.RealServers[j].SlowStart = rapid.SampledFrom([]time.Duration{0, 4 * time.Second}).Draw(t, "slow_start")
			}
		}
		c, h := compile(cfg, groupID), health{now: time.Unix(1000, 0)}
		var given ipvs.Wanted
		var last ipvs.Table // what it was
		for range 5 {
			if rapid.Bool().Draw(t, "something happened") {
				h.down, h.orders = someFailures(t, cfg), someOrders(t, cfg)
				h.untried, h.findings = map[check.Spec]bool{}, map[check.Spec]check.Finding{}
				for _, spec := range sortedSpecs(c.fixed.checks) {
					switch rapid.IntRange(0, 4).Draw(t, spec.String()+" says") {
					case 0:
						h.findings[spec] = check.Finding{Weighted: true, Weight: 5}
					case 1:
						h.untried[spec] = h.down[spec]
					}
				}
			}
			h.now = h.now.Add(time.Second)
			kept, anew := desired(c, h), desire(cfg, h)
			if !equal(kept.services, anew.services) {
				t.Fatalf("%s", gocmp.Diff(plainTable(anew.services), plainTable(kept.services)))
			}
			if !maps.Equal(kept.memory.others, anew.memory.others) || !slices.Equal(kept.memory.quorums, anew.memory.quorums) ||
				!maps.Equal(kept.memory.risen, anew.memory.risen) || !kept.memory.next.Equal(anew.memory.next) {
				t.Fatalf("%+v, anew %+v", kept.memory, anew.memory)
			}
			if whole := looking(c, h.memory); h.memory.compiled != nil {
				if all := judge(c, &h, &whole); !maps.Equal(kept.memory.others, all.others) || !slices.Equal(kept.memory.quorums, all.quorums) ||
					!maps.Equal(kept.memory.risen, all.risen) || !kept.memory.next.Equal(all.next) {
					t.Fatalf("%+v, looking at every server %+v", kept.memory, all)
				}
			}
			if last != nil && !equal(given, last.Wanted()) {
				t.Fatal("the table that was given out before has changed")
			}
			given, last = kept.services, plainTable(kept.services)
			h.memory = kept.memory
		}
	})
}

// looking is the same memory with something to be said of every server.
func looking(c *compiled, m memory) memory {
	whole := m.in(c)
	m = whole
	whole.others, whole.settled = map[int]standing{}, false
	for i := range c.services {
		for j := range c.services[i].RealServers {
			whole.others[c.services[i].first+j] = m.at(i, j)
		}
	}
	return whole
}

// TestQuorate: lost below the quorum less the hysteresis, gained at both together.
func TestQuorate(t *testing.T) {
	s := &conf.VirtualServer{Quorum: 7, Hysteresis: 2}
	had := false
	for _, step := range []struct {
		weight int
		want   bool
	}{{7, false}, {8, false}, {9, true}, {8, true}, {5, true}, {4, false}, {8, false}, {10, true}, {0, false}} {
		if had = quorate(s, step.weight, had); had != step.want {
			t.Fatalf("at weight %d: %t", step.weight, had)
		}
	}
	if one := (&conf.VirtualServer{Quorum: 1}); quorate(one, 0, true) || !quorate(one, 1, false) || !quorate(one, 1, true) {
		t.Error("a quorum of one is not one server")
	}
}

// TestAlpha: a server with alpha is out until its check succeeds; one that was up stays until it
// fails.
func TestAlpha(t *testing.T) {
	r := conf.RealServer{Address: netip.MustParseAddrPort("10.0.0.1:80"), Weight: 1,
		Checks: []conf.Check{{Kind: conf.TCPCheck, Timing: conf.Timing{Interval: time.Second, Timeout: time.Second, Alpha: true}}}}
	s := conf.VirtualServer{Address: netip.MustParseAddrPort("192.0.2.1:80"), Protocol: conf.TCP, Family: 4, Quorum: 1,
		RealServers: []conf.RealServer{r}}
	cfg := &conf.Config{Services: []conf.VirtualServer{s}}
	spec := specs(&r)[0]
	if !spec.Alpha {
		t.Fatalf("%+v has no alpha", spec)
	}
	there := func(h health) bool {
		return destinations(desire(cfg, h).services, services(cfg)[0].key).Len() == 1
	}
	pending := health{down: set(spec), untried: set(spec)}
	if there(pending) {
		t.Error("a new server is in before its first check")
	}
	was := desire(cfg, health{}).memory
	pending.memory = was
	if !there(pending) {
		t.Error("a server that was up is out with its new check")
	}
	if there(health{down: set(spec), memory: was}) {
		t.Error("a server is in though its check failed")
	}
}

// someConfig draws services whose servers and checks come from a small world, so that many are
// shared.
func someConfig(t *rapid.T) *conf.Config {
	cfg := &conf.Config{}
	for port := range rapid.IntRange(0, 4).Draw(t, "services") {
		methods := rapid.SampledFrom([]conf.Forwarding{conf.NAT, conf.DR, conf.TUN})
		s := conf.VirtualServer{Address: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(port)),
			Protocol: conf.TCP, Family: 4, Scheduler: "rr", Forwarding: methods.Draw(t, "forwarding"),
			Quorum: rapid.IntRange(1, 4).Draw(t, "quorum")}
		s.Hysteresis = rapid.IntRange(0, s.Quorum-1).Draw(t, "hysteresis")
		if rapid.Bool().Draw(t, "sorry") {
			s.Sorry = conf.SorryServer{Address: sorryAddress, Forwarding: methods.Draw(t, "sorry forwarding"),
				Inhibit: rapid.Bool().Draw(t, "inhibited sorry")}
		}
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 6), 0, 5, rapid.ID[int]).Draw(t, "servers") {
			s.RealServers = append(s.RealServers, conf.RealServer{
				Address:          netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 80),
				Weight:           rapid.IntRange(0, 3).Draw(t, "weight"),
				Forwarding:       methods.Draw(t, "server forwarding"),
				UpperThreshold:   rapid.IntRange(0, 1).Draw(t, "uthreshold"),
				InhibitOnFailure: rapid.Bool().Draw(t, "inhibit"),
				Checks:           rapid.SliceOfN(rapid.Custom(someCheck), 0, 3).Draw(t, "checks"),
			})
		}
		cfg.Services = append(cfg.Services, s)
	}
	if n := len(cfg.Services); n > 0 && rapid.Bool().Draw(t, "group") {
		cfg.ServerGroups = []conf.ServerGroup{someGroup(t)}
		s := &cfg.Services[n-1]
		s.Group, s.Address = cfg.ServerGroups[0].Name, netip.AddrPort{}
	}
	return cfg
}

// someGroup draws a group of a few addresses, none of them another service's, and marks.
func someGroup(t *rapid.T) conf.ServerGroup {
	g := conf.ServerGroup{Name: "g"}
	first := netip.MustParseAddr("192.0.2.10")
	for port := range rapid.IntRange(0, 2).Draw(t, "ranges") {
		last := first
		for range rapid.IntRange(0, 3).Draw(t, "addresses") {
			last = last.Next()
		}
		g.Members = append(g.Members, conf.GroupMember{First: first, Last: last, Port: uint16(port), Family: 4})
	}
	for mark := range rapid.IntRange(0, 2).Draw(t, "marks") {
		g.Members = append(g.Members, conf.GroupMember{FWMark: uint32(mark + 1), Family: rapid.SampledFrom([]uint8{0, 4, 6}).Draw(t, "family")})
	}
	return g
}

func someCheck(t *rapid.T) conf.Check {
	c := conf.Check{
		Kind: rapid.SampledFrom([]conf.CheckKind{conf.PingCheck, conf.TCPCheck, conf.HTTPGet, conf.SSLGet,
			conf.UDPCheck, conf.SMTPCheck}).Draw(t, "kind"),
		Timing: conf.Timing{Interval: time.Duration(rapid.IntRange(1, 2).Draw(t, "interval")) * time.Second, Timeout: time.Second,
			Alpha: rapid.Bool().Draw(t, "alpha")},
		Socket: conf.Socket{ConnectPort: rapid.SampledFrom([]uint16{0, 80, 81}).Draw(t, "port")},
	}
	switch c.Kind {
	case conf.UDPCheck:
		c.UDP = &conf.UDPPacket{RequireReply: rapid.Bool().Draw(t, "reply")}
	case conf.SMTPCheck:
		c.SMTP = &conf.SMTPTalk{Hosts: rapid.SampledFrom([][]conf.Host{nil, {{}}, {{}, {Socket: conf.Socket{ConnectPort: 81}}}}).Draw(t, "hosts")}
	case conf.HTTPGet, conf.SSLGet:
		c.HTTP = &conf.HTTP{Protocol: "1.1"}
		for _, path := range rapid.SliceOfN(rapid.SampledFrom([]string{"/", "/a"}), 1, 2).Draw(t, "paths") {
			codes := conf.StatusRange{First: 200, Last: 200 + 99*rapid.IntRange(0, 1).Draw(t, "codes")}
			c.HTTP.URLs = append(c.HTTP.URLs, conf.URL{Path: path, StatusCodes: []conf.StatusRange{codes},
				VirtualHost: rapid.SampledFrom([]string{"", "a.example"}).Draw(t, "virtualhost")})
		}
	}
	return c
}

func someFailures(t *rapid.T, cfg *conf.Config) map[check.Spec]bool {
	down := map[check.Spec]bool{}
	for _, spec := range sortedSpecs(desire(cfg, health{}).checks) {
		if rapid.Bool().Draw(t, spec.String()+" fails") {
			down[spec] = true
		}
	}
	return down
}
