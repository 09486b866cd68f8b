package realserver

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// items draws what a host may need, in the order of Find.
func items(t *rapid.T) []Item {
	var list []Item
	dr, tun, nat := rapid.Bool().Draw(t, "dr"), rapid.Bool().Draw(t, "tun"), rapid.Bool().Draw(t, "nat")
	if dr || tun {
		list = append(list, Setting{Name: "net.ipv4.conf.all.arp_ignore", Value: "1", Good: "2 8"})
	}
	tunnel := Tunnel{Dev: "lvsd-gre0", Kind: "gre", Local: netip.MustParseAddr("10.0.0.1"), Checksum: rapid.Bool().Draw(t, "checksum")}
	if tun {
		list = append(list, Port{4, rapid.SampledFrom([]uint16{5555, 6080}).Draw(t, "port")}, tunnel, tunnel.filter())
	}
	for i := range 3 {
		vip := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		if dr && rapid.Bool().Draw(t, fmt.Sprint("lo ", i)) {
			list = append(list, Address{vip, loopback})
		}
		if tun && rapid.Bool().Draw(t, fmt.Sprint("tunnel ", i)) {
			list = append(list, Address{vip, tunnel.Dev})
		}
	}
	if nat {
		list = append(list, Gateway{netip.AddrFrom4([4]byte{10, 0, 0, rapid.SampledFrom([]byte{8, 9}).Draw(t, "gate")}), "eth0"})
	}
	return list
}

// host draws what may be there before.
func host(t *rapid.T) Host {
	h := having("10.0.0.1/24 eth0")
	h.Settings["net.ipv4.conf.all.arp_ignore"] = rapid.SampledFrom([]string{"0", "1", "2", "3"}).Draw(t, "arp_ignore")
	if rapid.Bool().Draw(t, "address") {
		h.Addresses[Address{netip.MustParseAddr("192.0.2.1"), loopback}] = netip.MustParsePrefix("192.0.2.1/24")
	}
	if rapid.Bool().Draw(t, "default") {
		h.Defaults = []Gateway{{netip.AddrFrom4([4]byte{10, 0, 0, rapid.SampledFrom([]byte{9, 254}).Draw(t, "router")}), "eth0"}}
	}
	return h
}

func after(h Host, steps []Step) Host {
	h = h.clone()
	for _, s := range steps {
		h.take(s)
	}
	return h
}

// However often the configuration changes: nothing is missing after a plan, another one is empty, and when
// all is taken down the host is as it was.
func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := host(t)
		h, m := before, Memory{}
		for range rapid.IntRange(1, 4).Draw(t, "configurations") {
			wanted := items(t)
			steps, next := Plan(wanted, h, m)
			h, m = after(h, steps), next
			for _, i := range wanted {
				if lack := i.Lacks(h); lack != "" {
					t.Fatalf("after %v: %s: %s", steps, i, lack)
				}
			}
			if again, same := Plan(wanted, h, m); len(again) > 0 || !cmp.Equal(same, m, cmpopts.EquateComparable(netip.Addr{})) {
				t.Fatalf("after %v there is %v left, and %v is remembered, not %v", steps, again, same, m)
			}
		}
		steps, m := Plan(nil, h, m)
		h = after(h, steps)
		if diff := cmp.Diff(before, h, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" || len(m.list()) > 0 {
			t.Fatalf("not as before, after %v (-before +after):\n%s\nremembered: %v", steps, diff, m)
		}
	})
}

// A host never has a virtual address while it would answer for it.
func TestPlanSettingsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := func(h Host) bool {
			is := h.Settings["net.ipv4.conf.all.arp_ignore"]
			return is == "0" || is == "3"
		}
		h, m := having("10.0.0.1/24 eth0"), Memory{}
		h.Settings["net.ipv4.conf.all.arp_ignore"] = rapid.SampledFrom([]string{"0", "3"}).Draw(t, "arp_ignore")
		for _, wanted := range [][]Item{items(t), items(t), nil} {
			var steps []Step
			steps, m = Plan(wanted, h, m)
			for i := range steps {
				h = after(h, steps[i:i+1])
				for a := range h.Addresses {
					if netip.MustParsePrefix("192.0.2.0/24").Contains(a.IP) && answers(h) {
						t.Fatalf("%s while ARP is answered, at the last of %v", a, steps[:i+1])
					}
				}
			}
		}
	})
}

// What somebody has changed since is left as it is.
func TestPlanLeavesWhatOthersChanged(t *testing.T) {
	setting := Setting{Name: "net.ipv4.conf.all.arp_ignore", Value: "1", Good: "2 8"}
	vip := Address{netip.MustParseAddr("192.0.2.1"), loopback}
	h := having()
	h.Settings[setting.Name] = "0"
	steps, m := Plan([]Item{setting, vip}, h, Memory{})
	h = after(h, steps)
	h.Settings[setting.Name] = "2"
	delete(h.Addresses, vip)
	if steps, m = Plan(nil, h, m); len(steps) > 0 || len(m.list()) > 0 {
		t.Errorf("steps %v, remembered %v", steps, m)
	}
}

// A default route that is there is told before it loses its place.
func TestPlanTellsTheRouteBefore(t *testing.T) {
	gate, other := Gateway{netip.MustParseAddr("10.0.0.9"), "eth0"}, Gateway{netip.MustParseAddr("10.0.0.254"), "eth0"}
	other6 := Gateway{netip.MustParseAddr("fe80::1"), "eth0"}
	for _, c := range []struct {
		defaults []Gateway
		before   []Gateway // of the steps
	}{
		{nil, []Gateway{{}}},
		{[]Gateway{other6}, []Gateway{{}}},
		{[]Gateway{other}, []Gateway{other}},
		{[]Gateway{gate, other}, nil},
		{[]Gateway{other, gate}, []Gateway{{}, other}}, // it goes, and comes in front
	} {
		h := having("10.0.0.1/24 eth0")
		h.Defaults = c.defaults
		steps, _ := Plan([]Item{gate}, h, Memory{})
		var before []Gateway
		for _, s := range steps {
			b := Gateway{}
			if s.Before != nil {
				b = *s.Before
			}
			before = append(before, b)
		}
		if !slices.Equal(before, c.before) {
			t.Errorf("with %v: before %v, not %v", c.defaults, before, c.before)
		}
	}
}
