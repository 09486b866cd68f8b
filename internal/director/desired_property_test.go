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

func sortedAddresses(m map[netip.AddrPort]ipvs.Destination) []netip.AddrPort {
	return slices.SortedFunc(maps.Keys(m), netip.AddrPort.Compare)
}

// TestServerInTableIffHealthy: a server is in its service's table when none of its checks fails,
// with its weight; when one fails it is gone, or there with weight 0 if it is to be inhibited.
func TestServerInTableIffHealthy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		down := someFailures(t, cfg)
		w := desired(cfg, down, groupID)
		if len(w.services) != len(cfg.Services) {
			t.Fatalf("%d services wanted of %d", len(w.services), len(cfg.Services))
		}
		for i := range cfg.Services {
			s := &cfg.Services[i]
			table := w.services[serviceKey(s)].Destinations
			count := 0
			for j := range s.RealServers {
				r := &s.RealServers[j]
				fails := false
				for _, spec := range specs(r) {
					fails = fails || down[spec]
				}
				got, there := table[r.Address]
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
			if count != len(table) {
				t.Fatalf("%d destinations for %d servers of %s", len(table), count, serviceKey(s))
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
		first := desired(cfg, down, groupID)
		second := desired(cfg, down, groupID)
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
		alone := desired(cfg, nil, groupID).checks
		if !maps.Equal(alone, wanted) {
			t.Fatalf("%d checks, want %d", len(alone), len(wanted))
		}
		twice := *cfg
		for _, s := range cfg.Services { // the same servers behind other addresses
			s.Address = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), s.Address.Port())
			twice.Services = append(twice.Services, s)
		}
		if both := desired(&twice, nil, groupID).checks; !maps.Equal(alone, both) {
			t.Fatalf("%d checks for twice the services, want %d", len(both), len(alone))
		}
	})
}

// TestHealthSaysNothingOfTheNetwork: verdicts change services and nothing else.
func TestHealthSaysNothingOfTheNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := someConfig(t)
		with, without := desired(cfg, someFailures(t, cfg), groupID), desired(cfg, nil, groupID)
		with.services, without.services = nil, nil
		if diff := gocmp.Diff(render(without), render(with), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// someConfig draws services whose servers and checks come from a small world, so that many are
// shared.
func someConfig(t *rapid.T) *conf.Config {
	cfg := &conf.Config{}
	for port := range rapid.IntRange(0, 4).Draw(t, "services") {
		s := conf.VirtualServer{Address: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(port)),
			Protocol: conf.TCP, Scheduler: "rr",
			Forwarding: rapid.SampledFrom([]conf.Forwarding{conf.NAT, conf.DR, conf.TUN}).Draw(t, "forwarding")}
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 6), 0, 5, rapid.ID[int]).Draw(t, "servers") {
			s.RealServers = append(s.RealServers, conf.RealServer{
				Address:          netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 80),
				Weight:           rapid.IntRange(0, 3).Draw(t, "weight"),
				InhibitOnFailure: rapid.Bool().Draw(t, "inhibit"),
				Checks:           rapid.SliceOfN(rapid.Custom(someCheck), 0, 3).Draw(t, "checks"),
			})
		}
		cfg.Services = append(cfg.Services, s)
	}
	return cfg
}

func someCheck(t *rapid.T) conf.Check {
	c := conf.Check{
		Kind:     rapid.SampledFrom([]conf.CheckKind{conf.PingCheck, conf.TCPCheck, conf.HTTPGet, conf.SSLGet}).Draw(t, "kind"),
		Interval: time.Duration(rapid.IntRange(1, 2).Draw(t, "interval")) * time.Second, Timeout: time.Second,
	}
	if c.Kind == conf.HTTPGet || c.Kind == conf.SSLGet {
		for _, path := range rapid.SliceOfN(rapid.SampledFrom([]string{"/", "/a"}), 1, 2).Draw(t, "paths") {
			codes := conf.StatusRange{First: 200, Last: 200 + 99*rapid.IntRange(0, 1).Draw(t, "codes")}
			c.URLs = append(c.URLs, conf.URL{Path: path, StatusCodes: []conf.StatusRange{codes}})
		}
	}
	return c
}

func someFailures(t *rapid.T, cfg *conf.Config) map[check.Spec]bool {
	down := map[check.Spec]bool{}
	for _, spec := range sortedSpecs(desired(cfg, nil, groupID).checks) {
		if rapid.Bool().Draw(t, spec.String()+" fails") {
			down[spec] = true
		}
	}
	return down
}
