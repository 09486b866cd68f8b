//go:build netns

package netif

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// routers makes an interface with addresses of both families beside two routers.
func routers(t testing.TB) {
	t.Helper()
	segment(t, "eth0")
	ip(t, "addr add 192.0.2.2/24 dev eth0")
	ip(t, "addr add 2001:db8::2/64 dev eth0 nodad")
}

// ours lists what ip(8) shows of lvsd's routes and rules.
func ours(t testing.TB) string {
	t.Helper()
	text := ip(t, "-4 route show table all proto keepalived") + ip(t, "-6 route show table all proto keepalived") +
		ip(t, "-4 rule") + ip(t, "-6 rule")
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "lookup local") || strings.HasPrefix(line, "32766:") || strings.HasPrefix(line, "32767:") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// becomes waits until ip(8) shows something.
func becomes(t *testing.T, what, want string) {
	t.Helper()
	got := ""
	defer func() {
		if t.Failed() {
			t.Logf("%s: got\n%s\nwant\n%s", what, got, want)
		}
	}()
	eventually(t, what, func() bool {
		got = strings.Join(strings.Fields(ours(t)), " ")
		return got == strings.Join(strings.Fields(want), " ")
	})
}

// manyRoutes has each kind of route that the kernel of a test can have.
func manyRoutes() []Route {
	gateway := func(g string) Nexthop { return Nexthop{Via: netip.MustParseAddr(g), Dev: "eth0"} }
	link := via("", "eth0")
	all := []Route{
		with(route("203.0.113.0/24", via("192.0.2.1", "")), func(r *Route) { r.Src = netip.MustParseAddr("192.0.2.2") }),
		with(route("203.0.114.0/24", link), func(r *Route) { r.Scope = unix.RT_SCOPE_LINK }),
		with(route("0.0.0.0/0", via("192.0.2.1", "")), func(r *Route) { r.Table = 100 }),
		with(route("198.18.0.0/15", via("192.0.2.1", "eth0")), func(r *Route) { r.Table, r.Metric, r.TOS = 70000, 5, 0x10 }),
		with(route("203.0.115.0/24", Hops(Nexthop{Via: netip.MustParseAddr("192.0.2.1"), Weight: 3}, gateway("192.0.2.254"))), func(r *Route) {}),
		with(route("203.0.116.0/24", Hops(Nexthop{Via: netip.MustParseAddr("10.9.9.9"), Dev: "eth0", Onlink: true})), func(r *Route) {}),
		with(route("203.0.117.0/24", via("fe80::1", "eth0")), func(r *Route) {}),
		with(route("203.0.118.0/24", via("192.0.2.1", "eth0")), func(r *Route) {
			r.Metrics = Metrics{unix.RTAX_LOCK: 1 << unix.RTAX_MTU, unix.RTAX_MTU: 1400, unix.RTAX_WINDOW: 4000, unix.RTAX_RTT: 800, unix.RTAX_RTTVAR: 400,
				unix.RTAX_SSTHRESH: 9, unix.RTAX_CWND: 8, unix.RTAX_ADVMSS: 1300, unix.RTAX_REORDERING: 4, unix.RTAX_HOPLIMIT: 9,
				unix.RTAX_INITCWND: 20, unix.RTAX_FEATURES: 1, unix.RTAX_RTO_MIN: 30, unix.RTAX_INITRWND: 21, unix.RTAX_QUICKACK: 1, unix.RTAX_FASTOPEN_NO_COOKIE: 1}
			r.Congctl = "reno"
		}),
		blackhole("203.0.113.99/32"),
		with(blackhole("203.0.113.98/32"), func(r *Route) { r.Type = unix.RTN_UNREACHABLE }),
		with(blackhole("203.0.113.97/32"), func(r *Route) { r.Type = unix.RTN_PROHIBIT }),
		with(blackhole("203.0.113.96/32"), func(r *Route) { r.Type, r.Table = unix.RTN_THROW, 100 }),
		with(route("203.0.113.95/32", via("", "eth0")), func(r *Route) { r.Type, r.Scope, r.Table = unix.RTN_LOCAL, unix.RT_SCOPE_HOST, 100 }),
		web6, two6,
		route("2001:db8:5::/48", link),
		with(route("::/0", via("2001:db8::1", "")), func(r *Route) { r.Table, r.Metric, r.Pref = 100, 7, 1 }),
		with(route("2001:db8:6::/48", via("2001:db8::1", "eth0")), func(r *Route) {
			r.Src = netip.MustParseAddr("2001:db8::2")
			r.Metrics[unix.RTAX_MTU], r.Metrics[unix.RTAX_HOPLIMIT] = 1400, 9
		}),
		route("2001:db8:7::/48", Hops(Nexthop{Via: netip.MustParseAddr("2001:db8::1"), Dev: "eth0", Weight: 5}, gateway("2001:db8::3"))),
		blackhole("2001:db8:99::/48"),
		with(blackhole("2001:db8:98::/48"), func(r *Route) { r.Type = unix.RTN_UNREACHABLE }),
		with(blackhole("2001:db8:97::/48"), func(r *Route) { r.Type = unix.RTN_PROHIBIT }),
		with(blackhole("2001:db8:96::/48"), func(r *Route) { r.Type, r.Table = unix.RTN_THROW, 100 }),
	}
	return all
}

// TestNetnsRoutingRoundTrip: what is written is read as it was written, by the kernel that keeps it:
// a second look finds nothing to do.
func TestNetnsRoutingRoundTrip(t *testing.T) {
	routers(t)
	before := ours(t)
	k := new(hostKernel)
	if err := k.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if _, err := k.Dump(); err != nil {
		t.Fatal(err)
	}
	read := func() (map[Route]struct{}, map[Rule]struct{}) {
		routes, rules, err := k.Routing(map[uint8]bool{Protocol: true})
		if err != nil {
			t.Fatal(err)
		}
		return entries(routes...), entries(rules...)
	}
	want := Want{Instances: map[string]Instance{"static": {Static: true, Routes: manyRoutes(), Rules: manyRules()}}}
	routes, rules := read()
	_, addRoutes := PlanRoutes(want, nil, routes, nil, start)
	_, addRules := PlanRules(want, nil, rules, nil, start)
	for _, c := range addRoutes {
		if err := k.AddRoute(c.Entry.beside()); err != nil {
			t.Errorf("add %s: %v", c.Entry, err)
		}
	}
	for _, c := range addRules {
		if err := k.AddRule(c.Entry); err != nil {
			t.Errorf("add %s: %v", c.Entry, err)
		}
	}
	routes, rules = read()
	_, again := PlanRoutes(want, nil, routes, nil, start)
	for _, c := range again {
		t.Errorf("again: %s %+v", c.Kind, c.Entry)
	}
	_, againRules := PlanRules(want, nil, rules, nil, start)
	for _, c := range againRules {
		t.Errorf("again: %s %+v", c.Kind, c.Entry)
	}
	if t.Failed() {
		for r := range routes {
			t.Logf("have %+v", r)
		}
		for r := range rules {
			t.Logf("have %+v", r)
		}
		t.Logf("%s", ours(t))
	}
	for r := range routes {
		if err := k.DeleteRoute(r); err != nil {
			t.Errorf("delete %s: %v", r, err)
		}
	}
	for r := range rules {
		if err := k.DeleteRule(r); err != nil {
			t.Errorf("delete %s: %v", r, err)
		}
	}
	if after := ours(t); after != before {
		t.Errorf("left:\n%s", after)
	}
}

// TestNetnsRouting: routes and rules come after the address that they need and go before it; what
// somebody deletes comes back at once; what somebody else made stays.
func TestNetnsRouting(t *testing.T) {
	routers(t)
	ip(t, "route add 203.0.113.0/24 via 192.0.2.99 dev eth0")
	t.Cleanup(func() { _ = exec.Command("ip", "rule", "del", "preference", "1000").Run() })
	virtual := netip.MustParsePrefix("198.51.100.9/24")
	w := Want{Instances: map[string]Instance{
		"static": {Static: true, Addresses: []Address{{Prefix: netip.MustParsePrefix("198.51.101.1/24"), Dev: "eth0"}},
			Routes: []Route{route("198.51.102.0/24", via("198.51.101.254", "eth0"))}},
		"web": {Addresses: []Address{{Prefix: virtual, Dev: "eth0"}},
			Routes: []Route{net1, route("10.1.0.0/16", via("198.51.100.254", "eth0")), two6, with(hole, func(r *Route) { r.Table = 100 })},
			Rules:  []Rule{viaTable}},
	}}
	file := filepath.Join(t.TempDir(), "state.json")
	r := startApplier(t, Options{StateFile: file})
	r.Want(1, w)
	r.applied(1)
	const static = "198.51.102.0/24 via 198.51.101.254 dev eth0\n"
	becomes(t, "static routes", static)

	r.master("web")
	const master = `blackhole 203.0.113.99 table 100
		10.1.0.0/16 via 198.51.100.254 dev eth0
		198.51.102.0/24 via 198.51.101.254 dev eth0
		203.0.113.0/24 via 192.0.2.1 dev eth0
		2001:db8:2::/48 metric 1024 pref medium
			nexthop via fe80::1 dev eth0 weight 1
			nexthop via fe80::2 dev eth0 weight 1
		1000: from 192.0.2.0/24 lookup 100 proto keepalived`
	becomes(t, "routes of the master", master)

	if got := ip(t, "route get 203.0.113.7"); !strings.Contains(got, "via 192.0.2.1 ") {
		t.Errorf("the virtual route is not the one that counts: %s", got)
	}
	for _, args := range []string{"route del 10.1.0.0/16", "-6 route del 2001:db8:2::/48 via fe80::2", "rule del preference 1000",
		"route del blackhole 203.0.113.99 table 100", "route flush proto keepalived", "addr del 198.51.100.9/24 dev eth0"} {
		ip(t, args)
		becomes(t, "back after ip "+args, master)
	}
	ip(t, "link set eth0 down")
	ip(t, "link set eth0 up")
	ip(t, "addr replace 2001:db8::2/64 dev eth0 nodad")
	becomes(t, "back after the interface was down", master)
	ip(t, "route append 203.0.113.0/24 via 192.0.2.99 dev eth0") // the interface took it along

	// A crash, and a start with another configuration: exactly what lvsd made goes.
	r.stop()
	ip(t, "route add 203.0.119.0/24 via 192.0.2.1 proto keepalived")
	web := w.Instances["web"]
	web.Routes, web.Rules = web.Routes[1:2], nil
	r = startApplier(t, Options{StateFile: file})
	r.Want(2, Want{Instances: map[string]Instance{"static": w.Instances["static"], "web": web}})
	r.applied(2)
	becomes(t, "what is left after a restart as backup", static+"203.0.119.0/24 via 192.0.2.1 dev eth0")
	ip(t, "route del 203.0.119.0/24")
	if got := ip(t, "route show 203.0.113.0/24"); !strings.Contains(got, "via 192.0.2.99 ") {
		t.Errorf("somebody else's route: %q", got)
	}
	r.Want(3, Want{})
	r.applied(3)
	becomes(t, "nothing is left", "")
}

// TestNetnsRoutesAsIPHasThem: what ip(8) makes of a line is what a Route or a Rule of the same words is.
func TestNetnsRoutesAsIPHasThem(t *testing.T) {
	routers(t)
	k := new(hostKernel)
	if err := k.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if _, err := k.Dump(); err != nil {
		t.Fatal(err)
	}
	metric := func(kind int, v uint32) func(*Route) { return func(r *Route) { r.Metrics[kind] = v } }
	net3 := "198.18.0.0/15"
	way := via("192.0.2.1", "eth0")
	for line, want := range map[string]Route{
		net3 + " via 192.0.2.1":                                       route(net3, way),
		net3 + " dev eth0":                                            with(route(net3, via("", "eth0")), func(r *Route) { r.Scope = unix.RT_SCOPE_LINK }),
		net3 + " via 192.0.2.1 rtt 100ms":                             with(route(net3, way), metric(unix.RTAX_RTT, 800)),
		net3 + " via 192.0.2.1 rttvar 100ms":                          with(route(net3, way), metric(unix.RTAX_RTTVAR, 400)),
		net3 + " via 192.0.2.1 features ecn":                          with(route(net3, way), metric(unix.RTAX_FEATURES, 1)),
		net3 + " via 192.0.2.1 quickack 1":                            with(route(net3, way), metric(unix.RTAX_QUICKACK, 1)),
		net3 + " via 192.0.2.1 fastopen_no_cookie 1":                  with(route(net3, way), metric(unix.RTAX_FASTOPEN_NO_COOKIE, 1)),
		net3 + " via 192.0.2.1 congctl reno":                          with(route(net3, way), func(r *Route) { r.Congctl = "reno" }),
		net3 + " via inet6 fe80::1 dev eth0":                          route(net3, via("fe80::1", "eth0")),
		net3 + " via 192.0.2.1 tos 0x10 metric 7 scope site table 70": with(route(net3, way), func(r *Route) { r.TOS, r.Metric, r.Scope, r.Table = 0x10, 7, 200, 70 }),
		net3 + " nexthop via 192.0.2.1 weight 2 nexthop via 192.0.2.254 dev eth0": route(net3, Hops(
			Nexthop{Via: netip.MustParseAddr("192.0.2.1"), Dev: "eth0", Weight: 2}, Nexthop{Via: netip.MustParseAddr("192.0.2.254"), Dev: "eth0"})),
		net3 + " via 192.0.2.1 mtu lock 1400 rto_min 30ms": with(route(net3, way), func(r *Route) {
			r.Metrics[unix.RTAX_MTU], r.Metrics[unix.RTAX_RTO_MIN], r.Metrics[unix.RTAX_LOCK] = 1400, 30, 1<<unix.RTAX_MTU|1<<unix.RTAX_RTO_MIN
		}),
		"local 203.0.113.9 dev lo table 100": with(route("203.0.113.9/32", via("", "lo")), func(r *Route) {
			r.Type, r.Scope, r.Table = unix.RTN_LOCAL, unix.RT_SCOPE_HOST, 100
		}),
		"throw " + net3 + " table 100":                       with(blackhole(net3), func(r *Route) { r.Type, r.Table = unix.RTN_THROW, 100 }),
		"-6 2001:db8:9::/48 via 2001:db8::1":                 route("2001:db8:9::/48", via("2001:db8::1", "eth0")),
		"-6 default via fe80::1 dev eth0 pref high metric 7": with(route("::/0", via("fe80::1", "eth0")), func(r *Route) { r.Pref, r.Metric = 1, 7 }),
		"-6 unreachable 2001:db8:9::/48":                     with(blackhole("2001:db8:9::/48"), func(r *Route) { r.Type = unix.RTN_UNREACHABLE }),
		"-6 2001:db8:9::/48 via 2001:db8::1 src 2001:db8::2 table 9": with(route("2001:db8:9::/48", via("2001:db8::1", "eth0")), func(r *Route) {
			r.Src, r.Table = netip.MustParseAddr("2001:db8::2"), 9
		}),
	} {
		family := ""
		if rest, six := strings.CutPrefix(line, "-6 "); six {
			family, line = "-6 ", rest
		}
		// The protocol is before the nexthops, where there are some.
		words := strings.Replace(line+" ", " nexthop", " proto keepalived nexthop", 1)
		if words == line+" " {
			words = line + " proto keepalived"
		}
		ip(t, family+"route add "+words)
		routes, _, err := k.Routing(map[uint8]bool{Protocol: true})
		if err != nil || len(routes) != 1 || !want.is(routes[0]) {
			t.Errorf("%s is\n%+v, want\n%+v: %v", line, routes, want, err)
		}
		for _, r := range routes {
			if err := k.DeleteRoute(r); err != nil {
				t.Errorf("delete %s: %v", r, err)
			}
		}
	}
	for line, want := range map[string]Rule{
		"from 192.0.2.0/24 lookup 100 pref 1000":                       viaTable,
		"not to 192.0.2.0/24 blackhole pref 1000":                      {Family: 4, Priority: 1000, Not: true, To: netip.MustParsePrefix("192.0.2.0/24"), Action: ActionBlackhole},
		"fwmark 4/0xff lookup main suppress_prefixlength 0 pref 1000":  {Family: 4, Priority: 1000, Mark: 4, Mask: 0xff, Action: ActionTable, Table: 254, SuppressPrefix: 1},
		"fwmark 4 iif eth0 goto 2000 pref 1000":                        {Family: 4, Priority: 1000, Mark: 4, Mask: ^uint32(0), Iif: "eth0", Action: ActionGoto, Goto: 2000},
		"ipproto tcp dport 80 sport 10-20 lookup 7 pref 1000":          {Family: 4, Priority: 1000, IPProto: 6, Dport: Range{80, 80}, Sport: Range{10, 20}, Action: ActionTable, Table: 7},
		"uidrange 0-99 oif eth9 lookup 7 suppress_ifgroup 0 pref 1000": {Family: 4, Priority: 1000, UIDs: Range{0, 99}, UIDRange: true, Oif: "eth9", Action: ActionTable, Table: 7, SuppressGroup: 1},
		"-6 from 2001:db8::/32 tos 0x10 prohibit pref 1000":            {Family: 6, Priority: 1000, From: netip.MustParsePrefix("2001:db8::/32"), TOS: 0x10, Action: ActionProhibit},
	} {
		want.Protocol = Protocol
		family := ""
		if rest, six := strings.CutPrefix(line, "-6 "); six {
			family, line = "-6 ", rest
		}
		ip(t, family+"rule add "+line+" protocol keepalived")
		_, rules, err := k.Routing(map[uint8]bool{Protocol: true})
		if err != nil || len(rules) != 1 || rules[0] != want.canonical() {
			t.Errorf("%s is\n%+v, want\n%+v: %v", line, rules, want, err)
		}
		for _, r := range rules {
			if err := k.DeleteRule(r); err != nil {
				t.Errorf("delete %s: %v", r, err)
			}
		}
	}
}

// TestNetnsPrimaryGoes: the kernel takes the other addresses of a subnet off with the first one, and
// what goes by them; all of lvsd's is back. With promote_secondaries nothing of it goes.
func TestNetnsPrimaryGoes(t *testing.T) {
	routers(t)
	address := func(prefix string) Address { return Address{Prefix: netip.MustParsePrefix(prefix), Dev: "eth0"} }
	byVIP := with(route("10.1.0.0/16", via("198.51.100.254", "eth0")), func(r *Route) { r.Src = netip.MustParseAddr("198.51.100.9") })
	want := Want{Instances: map[string]Instance{
		"static": {Static: true, Addresses: []Address{address("198.51.100.2/24"), address("198.51.100.3/24")}},
		"web":    {Addresses: []Address{address("198.51.100.9/24")}, Routes: []Route{byVIP}},
	}}
	const there = "10.1.0.0/16 via 198.51.100.254 dev eth0 src 198.51.100.9"
	r := startApplier(t, Options{})
	r.Want(1, want)
	r.applied(1)
	r.master("web")
	becomes(t, "the route by the virtual address", there)
	ip(t, "addr del 198.51.100.2/24 dev eth0")
	shows(t, "eth0", "198.51.100.2/24", "198.51.100.3/24", "198.51.100.9/24")
	becomes(t, "the route is back", there)

	want.Sysctls = []Sysctl{{Name: "net.ipv4.conf.eth0.promote_secondaries", Value: "1"}}
	r.Want(2, want)
	r.applied(2)
	await(r, func(SysctlSet) bool { return true })
	for _, a := range []string{"198.51.100.2/24", "198.51.100.3/24", "198.51.100.9/24"} {
		ip(t, "addr del "+a+" dev eth0")
		shows(t, "eth0", "198.51.100.2/24", "198.51.100.3/24", "198.51.100.9/24")
		becomes(t, "the route is back after the loss of "+a, there)
	}
}
