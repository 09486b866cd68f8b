package netif

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func via(gateway, dev string) Nexthops {
	h := Nexthop{Dev: dev}
	if gateway != "" {
		h.Via = netip.MustParseAddr(gateway)
	}
	return Hops(h)
}

func route(to string, hops Nexthops) Route {
	return Route{Type: unix.RTN_UNICAST, To: netip.MustParsePrefix(to), Table: unix.RT_TABLE_MAIN, Protocol: Protocol, Nexthops: hops}.canonical()
}

func blackhole(to string) Route {
	r := route(to, "")
	r.Type = unix.RTN_BLACKHOLE
	return r
}

func with(r Route, change func(*Route)) Route {
	change(&r)
	return r
}

var (
	net1   = route("203.0.113.0/24", via("192.0.2.1", "eth0"))
	other1 = route("203.0.113.0/24", via("192.0.2.254", "eth0"))
	net2   = route("198.18.0.0/15", via("192.0.2.1", "")) // the kernel finds the interface
	both   = route("198.51.0.0/16", Hops(
		Nexthop{Via: netip.MustParseAddr("192.0.2.1"), Dev: "eth0", Weight: 2}, Nexthop{Via: netip.MustParseAddr("192.0.2.254"), Dev: "eth0"}))
	web6 = route("2001:db8:1::/48", via("fe80::1", "eth0"))
	two6 = route("2001:db8:2::/48", Hops(
		Nexthop{Via: netip.MustParseAddr("fe80::1"), Dev: "eth0"}, Nexthop{Via: netip.MustParseAddr("fe80::2"), Dev: "eth0"}))
	hole     = blackhole("203.0.113.99/32")
	viaTable = Rule{Family: 4, Priority: 1000, From: netip.MustParsePrefix("192.0.2.0/24"), Action: ActionTable, Table: 100, Protocol: Protocol}
)

// seen is a route as a kernel shows it that has found the interface.
func seen(r Route) Route {
	hops := r.Nexthops.List()
	for i := range hops {
		if hops[i].Dev == "" {
			hops[i].Dev = "eth0"
		}
	}
	r.Nexthops = Hops(hops...)
	return r
}

func entries[E comparable](list ...E) map[E]struct{} {
	s := make(map[E]struct{})
	for _, e := range list {
		s[e] = struct{}{}
	}
	return s
}

func TestPlanRoutes(t *testing.T) {
	want := func(routes ...Route) Want {
		return Want{Instances: map[string]Instance{"web": {Routes: routes}}}
	}
	static := func(routes ...Route) Want {
		return Want{Instances: map[string]Instance{"static": {Routes: routes, Static: true}}}
	}
	twice := Want{Instances: map[string]Instance{"static": {Routes: []Route{other1}, Static: true}, "eth0/51": {Routes: []Route{net1}}}}
	master := map[string]Role{"web": {Master: true, Until: start.Add(1)}, "eth0/51": {Master: true, Until: start.Add(1)}}
	stale := map[string]Role{"web": {Master: true, Until: start}}
	foreign := with(net1, func(r *Route) { r.Protocol = unix.RTPROT_STATIC })
	wide := with(net1, func(r *Route) { r.Metrics[unix.RTAX_MTU] = 1400 })
	wide6 := with(web6, func(r *Route) { r.Metrics[unix.RTAX_MTU] = 1400 })
	six := two6.parts()
	behind := other1
	behind.Append = true

	for _, c := range []struct {
		name          string
		want          Want
		roles         map[string]Role
		have          map[Route]struct{}
		owned         map[Route]struct{}
		before, after string
	}{
		{"a master's are added", want(net1, net2, hole), master, nil, nil,
			"", "[add 203.0.113.0/24 via 192.0.2.1 dev eth0] [add 198.18.0.0/15 via 192.0.2.1] [add blackhole 203.0.113.99/32]"},
		{"what is there is left", want(net1, net2, hole, both), master, entries(net1, seen(net2), hole, both), entries(net1, net2, hole, both), "", ""},
		{"a backup's go, the last one first", want(net1, hole), nil, entries(net1, hole), entries(net1, hole),
			"[delete blackhole 203.0.113.99/32] [delete 203.0.113.0/24 via 192.0.2.1 dev eth0]", ""},
		{"those of a master that nobody vouches for too", want(net2), stale, entries(seen(net2)), entries(net2),
			"[delete 198.18.0.0/15 via 192.0.2.1 dev eth0]", ""},
		{"what a crash left is known by its protocol", want(net1), nil, entries(net1, foreign), nil,
			"[delete 203.0.113.0/24 via 192.0.2.1 dev eth0]", ""},
		{"a backup leaves what others made", want(foreign), nil, entries(foreign), nil, "", ""},
		{"but for what it made", want(foreign), nil, entries(foreign), entries(foreign),
			"[delete 203.0.113.0/24 via 192.0.2.1 dev eth0]", ""},
		{"what nobody wants any more goes", Want{}, nil, entries(net1, both), entries(net1), "[delete 203.0.113.0/24 via 192.0.2.1 dev eth0]", ""},
		{"static ones need no master", static(net1), nil, nil, nil, "", "[add 203.0.113.0/24 via 192.0.2.1 dev eth0]"},
		{"another way comes before the old one goes", want(other1), master, entries(net1), entries(net1),
			"", "[add 203.0.113.0/24 via 192.0.2.254 dev eth0] [delete 203.0.113.0/24 via 192.0.2.1 dev eth0]"},
		{"so do other metrics", want(wide), master, entries(net1), entries(net1),
			"", "[add 203.0.113.0/24 via 192.0.2.1 dev eth0] [delete 203.0.113.0/24 via 192.0.2.1 dev eth0]"},
		{"IPv6 has no room for both", want(wide6), master, entries(web6), entries(web6),
			"", "[delete 2001:db8:1::/48 via fe80::1 dev eth0] [add 2001:db8:1::/48 via fe80::1 dev eth0]"},
		{"nexthops of IPv6 come one by one", want(two6), master, entries(six[0]), entries(six...),
			"", "[add 2001:db8:2::/48 via fe80::2 dev eth0]"},
		{"a static route goes behind a virtual one", twice, master, entries(net1), nil,
			"", "[add 203.0.113.0/24 via 192.0.2.254 dev eth0 append]"},
		{"and a virtual one before a static one", twice, master, nil, nil,
			"", "[add 203.0.113.0/24 via 192.0.2.254 dev eth0] [add 203.0.113.0/24 via 192.0.2.1 dev eth0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := PlanRoutes(c.want, c.roles, c.have, c.owned, start)
			if got := changesText(before); got != c.before {
				t.Errorf("before: %s, want %s", got, c.before)
			}
			if got := changesText(after); got != c.after {
				t.Errorf("after: %s, want %s", got, c.after)
			}
		})
	}
}

func changesText[E entry[E]](list []Change[E]) string {
	text := ""
	for _, c := range list {
		how := ""
		if c.Entry != c.Entry.key() {
			how = " append"
		}
		text += fmt.Sprintf(" [%s %s%s]", c.Kind, c.Entry, how)
	}
	if text == "" {
		return ""
	}
	return text[1:]
}

func TestPlanRules(t *testing.T) {
	want := Want{Instances: map[string]Instance{"web": {Rules: []Rule{viaTable}}}}
	master := map[string]Role{"web": {Master: true, Until: start.Add(1)}}
	elsewhere, foreign, inverse := viaTable, viaTable, viaTable
	elsewhere.Table, foreign.Protocol, inverse.Not = 200, unix.RTPROT_STATIC, true
	for _, c := range []struct {
		name          string
		roles         map[string]Role
		have, owned   map[Rule]struct{}
		before, after string
	}{
		{"added", master, nil, nil, "", "[add from 192.0.2.0/24 table 100 preference 1000]"},
		{"there", master, entries(viaTable), nil, "", ""},
		{"of a backup", nil, entries(viaTable, foreign), nil, "[delete from 192.0.2.0/24 table 100 preference 1000]", ""},
		{"another table", master, entries(elsewhere), entries(elsewhere),
			"", "[add from 192.0.2.0/24 table 100 preference 1000] [delete from 192.0.2.0/24 table 200 preference 1000]"},
		{"the kernel takes them for the same", master, entries(inverse), entries(inverse),
			"[delete not from 192.0.2.0/24 table 100 preference 1000]", "[add from 192.0.2.0/24 table 100 preference 1000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := PlanRules(want, c.roles, c.have, c.owned, start)
			if got := changesText(before); got != c.before {
				t.Errorf("before: %s, want %s", got, c.before)
			}
			if got := changesText(after); got != c.after {
				t.Errorf("after: %s, want %s", got, c.after)
			}
		})
	}
}

// someRoute draws one of few routes, so that they meet.
func someRoute(t *rapid.T) Route {
	r := Route{Type: unix.RTN_UNICAST, Table: unix.RT_TABLE_MAIN, Protocol: Protocol}
	gateways := []string{"192.0.2.1", "192.0.2.254"}
	if rapid.Bool().Draw(t, "IPv6") {
		r.To, gateways = netip.MustParsePrefix("2001:db8::/32"), []string{"fe80::1", "fe80::2"}
	} else {
		r.To = netip.MustParsePrefix("203.0.113.0/24")
	}
	r.Metric = rapid.SampledFrom([]uint32{0, 7}).Draw(t, "metric")
	r.Protocol = rapid.SampledFrom([]uint8{Protocol, unix.RTPROT_STATIC}).Draw(t, "protocol")
	if rapid.IntRange(0, 3).Draw(t, "type") == 0 {
		r.Type = unix.RTN_BLACKHOLE
		return r.canonical()
	}
	r.Metrics[unix.RTAX_MTU] = rapid.SampledFrom([]uint32{0, 1400}).Draw(t, "mtu")
	for _, g := range gateways[:rapid.IntRange(1, 2).Draw(t, "nexthops")] {
		h := Nexthop{Via: netip.MustParseAddr(g), Dev: rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "dev")}
		if r.To.Addr().Is4() && rapid.Bool().Draw(t, "found") {
			h.Dev = ""
		}
		r.Nexthops = Hops(append(r.Nexthops.List(), h)...)
	}
	return r.canonical()
}

// TestPlanRoutesMakesEqual: what a plan says, done in its order by a kernel, leads to what is wanted;
// then the plan is empty, and nothing of others was touched. Where several wanted routes leave the same
// interfaces to the kernel, it may take a second plan.
func TestPlanRoutesMakesEqual(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := newFakeKernel(t, "eth0", "eth1")
		want := Want{Instances: map[string]Instance{
			"a":      {Routes: rapid.SliceOfN(rapid.Custom(someRoute), 0, 4).Draw(rt, "a")},
			"b":      {Routes: rapid.SliceOfN(rapid.Custom(someRoute), 0, 4).Draw(rt, "b")},
			"static": {Routes: rapid.SliceOfN(rapid.Custom(someRoute), 0, 2).Draw(rt, "static"), Static: true},
		}}
		roles := map[string]Role{"a": {Master: rapid.Bool().Draw(rt, "a is master"), Until: start.Add(time.Hour)}}
		owned := make(map[Route]struct{})
		foreign := make(map[Route]bool)
		for _, r := range rapid.SliceOfN(rapid.Custom(someRoute), 0, 6).Draw(rt, "have") {
			for _, one := range r.parts() {
				one.Append = true
				if k.AddRoute(one) != nil {
					continue
				}
				if rapid.Bool().Draw(rt, "ours") {
					owned[seen(one.key())] = struct{}{}
				} else {
					foreign[seen(one.key())] = true
				}
			}
		}
		impossible := make(map[Route]bool)
		for round := 0; ; round++ {
			before, after := PlanRoutes(want, roles, entries(k.routes...), owned, start)
			todo := slices.DeleteFunc(slices.Concat(before, after), func(c Change[Route]) bool { return impossible[c.Entry.key()] })
			if len(todo) == 0 {
				break
			}
			if round == 3 {
				rt.Fatalf("still to do: %s of %v", changesText(todo), k.routing())
			}
			for _, c := range todo {
				if c.Kind == Add {
					switch err := k.AddRoute(c.Entry.beside()); err {
					case nil:
						owned[seen(c.Entry.key())] = struct{}{}
					default: // another one is in its place, or the kernel has found the same way for another
						impossible[c.Entry.key()] = true
					}
					continue
				}
				if _, mine := owned[c.Entry]; !mine && c.Entry.Protocol != Protocol {
					rt.Fatalf("deletes %s of somebody else", c.Entry)
				}
				if err := k.DeleteRoute(c.Entry); err != nil {
					rt.Fatalf("delete %s: %v", c.Entry, err)
				}
				delete(foreign, c.Entry)
			}
		}
		for r := range foreign {
			if !slices.Contains(k.routes, r) {
				rt.Fatalf("%s of somebody else is gone", r)
			}
		}
		due, _ := claims(want, roles, start, routesOf(want))
		for _, c := range due {
			if !slices.ContainsFunc(k.routes, func(r Route) bool { return c.entry.is(r) }) && !slices.ContainsFunc(k.routes, c.entry.excludes) {
				rt.Fatalf("%s is not there: %v", c.entry, k.routing())
			}
		}
	})
}

// TestHops: what is written is read as it was.
func TestHops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var hops []Nexthop
		for range rapid.IntRange(0, 4).Draw(t, "number") {
			h := Nexthop{Dev: rapid.SampledFrom([]string{"", "eth0", "via", "nexthop", "onlink"}).Draw(t, "dev"),
				Weight: rapid.SampledFrom([]uint16{0, 2, 256}).Draw(t, "weight"), Onlink: rapid.Bool().Draw(t, "onlink")}
			if rapid.Bool().Draw(t, "via") {
				h.Via = netip.MustParseAddr(rapid.SampledFrom([]string{"192.0.2.1", "fe80::1"}).Draw(t, "gateway"))
			}
			hops = append(hops, h)
		}
		if d := cmp.Diff(hops, Hops(hops...).List(), comparePrefix); d != "" {
			t.Fatalf("%q: %s", Hops(hops...), d)
		}
	})
}
