package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// writeRouting writes what stands beside the addresses of an owner.
func writeRouting(prefix string, routes []Route, rules []Rule, s syntax) []string {
	var routeLines, ruleLines []string
	for _, r := range routes {
		routeLines = append(routeLines, routeText(r))
	}
	for _, r := range rules {
		ruleLines = append(ruleLines, ruleText(r))
	}
	return []string{s.lines(prefix+"_routes", routeLines), s.lines(prefix+"_rules", ruleLines)}
}

// routeText spells every value of a route out.
func routeText(r Route) string {
	var words []string
	put := func(there bool, format string, args ...any) {
		if there {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	for name, kind := range routeTypes() {
		put(kind == r.Type, "%s", name)
	}
	is6 := r.To.Addr().Is6()
	put(is6, "inet6")
	if r.To.Bits() == 0 {
		put(true, "default")
	} else {
		put(true, "to %s", r.To)
	}
	put(true, "table %d metric %d protocol %d", r.Table, r.Metric, r.Protocol)
	put(!is6, "scope %d tos %#x", r.Scope, r.TOS)
	put(r.Src.IsValid(), "src %s", r.Src)
	for name, m := range routeMetrics() {
		v, lock := r.Metrics[m.number], ""
		if r.Metrics[metricLock]&(1<<m.number) != 0 && !m.lock {
			lock = "lock "
		}
		put(v != 0, "%s %s%d", name, lock, uint64(v)/max(m.unit, 1))
	}
	put(r.Metrics[metricFeatures] != 0, "features ecn")
	put(r.Congctl != "", "congctl %s", r.Congctl)
	put(is6 && r.Pref != 0, "pref %d", r.Pref)
	put(r.Append, "append")
	put(r.Untracked, "no_track")
	for _, h := range r.Nexthops {
		put(true, "nexthop weight %d", h.Weight)
		put(h.Via.IsValid() && h.Via.Is6() == is6, "via %s", h.Via)
		put(h.Via.IsValid() && h.Via.Is6() != is6, "via inet6 %s", h.Via)
		put(h.Dev != "", "dev %s", h.Dev)
		put(h.Onlink, "onlink")
	}
	return strings.Join(words, " ")
}

// ruleText spells every value of a rule out.
func ruleText(r Rule) string {
	var words []string
	put := func(there bool, format string, args ...any) {
		if there {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	all := func(p netip.Prefix) string {
		if p.IsValid() {
			return p.String()
		}
		return "all"
	}
	put(r.Family == 6, "inet6")
	put(r.Not, "not")
	put(true, "from %s to %s preference %d protocol %d", all(r.From), all(r.To), r.Priority, r.Protocol)
	put(r.Iif != "", "iif %s", r.Iif)
	put(r.Oif != "", "oif %s", r.Oif)
	put(r.Mask != 0, "fwmark %#x/%d", r.Mark, r.Mask)
	put(r.TOS != 0, "tos %d", r.TOS)
	put(r.IPProto != 0, "ipproto %d", r.IPProto)
	put(r.Sport != PortRange{}, "sport %d-%d", r.Sport.First, r.Sport.Last)
	put(r.Dport != PortRange{}, "dport %d-%d", r.Dport.First, r.Dport.Last)
	put(!r.AnyUID, "uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	put(r.TunID != 0, "tun_id %d", r.TunID)
	put(r.L3mdev, "l3mdev")
	put(r.Action == RuleTable && !r.L3mdev, "table %d", r.Table)
	put(r.Action == RuleGoto, "goto %d", r.Goto)
	for name, action := range ruleActions() {
		put(action == r.Action && name != "unicast", "%s", name)
	}
	put(r.SuppressPrefix >= 0, "suppress_prefixlength %d", r.SuppressPrefix)
	put(r.SuppressGroup >= 0, "suppress_ifgroup %d", r.SuppressGroup)
	put(r.Untracked, "no_track")
	return strings.Join(words, " ")
}

func drawRoutes(t *rapid.T) []Route {
	var all []Route
	for k := range rapid.IntRange(0, 3).Draw(t, "routes") {
		all = append(all, drawRoute(t, k))
	}
	return all
}

// drawRoute draws a route whose table is of its own.
func drawRoute(t *rapid.T, k int) Route {
	r := Route{
		Type:     rapid.SampledFrom([]uint8{Unicast, Local, Broadcast, Anycast, Multicast, Blackhole, Unreachable, Prohibit, Throw}).Draw(t, "type"),
		To:       rapid.SampledFrom([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.1/32")}).Draw(t, "to"),
		Table:    uint32(k) + rapid.SampledFrom([]uint32{1, 250, 1 << 31}).Draw(t, "table"),
		Protocol: rapid.Uint8Range(1, 255).Draw(t, "protocol"), Scope: rapid.Uint8().Draw(t, "scope"), TOS: rapid.Uint8().Draw(t, "tos") &^ 3,
		Metric: rapid.Uint32().Draw(t, "metric"), Congctl: rapid.SampledFrom([]string{"", "cubic"}).Draw(t, "congctl"),
		Append: rapid.Bool().Draw(t, "append"), Untracked: rapid.Bool().Draw(t, "no_track"),
	}
	gateways := []string{"192.168.0.1", "192.168.0.2", "fe80::1", ""}
	if rapid.Bool().Draw(t, "IPv6") {
		r.To = rapid.SampledFrom([]netip.Prefix{netip.MustParsePrefix("::/0"), netip.MustParsePrefix("2001:db8::/32")}).Draw(t, "to6")
		r.Scope, r.TOS, r.Metric, r.Pref = 0, 0, max(r.Metric, 1), rapid.SampledFrom([]uint8{0, 1, 3}).Draw(t, "pref")
		gateways = []string{"2001:db8::1", "fe80::1", ""}
	} else if rapid.Bool().Draw(t, "src") {
		r.Src = netip.MustParseAddr("192.168.0.9")
	}
	for name, m := range routeMetrics() {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		r.Metrics[m.number] = uint32(rapid.Uint64Range(max(m.lo, 1), m.hi).Draw(t, name) * max(m.unit, 1))
		if m.lock || name == "mtu" {
			r.Metrics[metricLock] |= 1 << m.number
		}
	}
	for range rapid.IntRange(1, 3).Draw(t, "nexthops") {
		if r.Type >= Blackhole {
			break
		}
		h := Nexthop{Dev: rapid.SampledFrom([]string{"eth0", "bond0.5"}).Draw(t, "dev"), Weight: rapid.Uint16Range(1, 256).Draw(t, "weight")}
		if g := rapid.SampledFrom(gateways).Draw(t, "via"); g != "" {
			h.Via = netip.MustParseAddr(g)
			h.Onlink = rapid.Bool().Draw(t, "onlink")
		}
		if !h.Onlink && h.Via.IsValid() && !h.Via.IsLinkLocalUnicast() && rapid.Bool().Draw(t, "found") {
			h.Dev = ""
		}
		r.Nexthops = append(r.Nexthops, h)
	}
	if r.To.Addr().Is4() && r.Type < Blackhole {
		scopeThatGoes(t, &r)
	}
	return r
}

// scopeThatGoes gives an IPv4 route a scope that goes with its type and its ways.
func scopeThatGoes(t *rapid.T, r *Route) {
	lo, hi := uint8(0), uint8(scopeHost)
	switch r.Type {
	case Local:
		lo, r.Nexthops = scopeHost, []Nexthop{{Dev: "eth0", Weight: 1}}
	case Broadcast:
		lo = scopeLink
	}
	for k := range r.Nexthops {
		h := &r.Nexthops[k]
		if r.Type == Broadcast {
			h.Onlink = false
		}
		if h.Onlink {
			hi = min(hi, scopeLink-1)
		}
		if h.Via.IsValid() || k > 0 {
			hi = min(hi, scopeLink)
		}
	}
	r.Scope = rapid.Uint8Range(lo, hi).Draw(t, "scope that goes")
}

func drawRules(t *rapid.T) []Rule {
	var all []Rule
	for k := range rapid.IntRange(0, 3).Draw(t, "rules") {
		all = append(all, drawRule(t, k))
	}
	return all
}

// drawRule draws a rule whose preference is of its own.
func drawRule(t *rapid.T, k int) Rule {
	r := Rule{
		Family: 4, Priority: uint32(k + 1), Not: rapid.Bool().Draw(t, "not"), AnyUID: rapid.Bool().Draw(t, "any user"),
		Iif: rapid.SampledFrom([]string{"", "eth0"}).Draw(t, "iif"), Oif: rapid.SampledFrom([]string{"", "eth1"}).Draw(t, "oif"),
		TOS: rapid.Uint8().Draw(t, "tos") &^ 3, IPProto: rapid.Uint8().Draw(t, "ipproto"), TunID: rapid.Uint64().Draw(t, "tun_id"),
		Action:   rapid.SampledFrom([]uint8{RuleTable, RuleGoto, RuleNop, RuleBlackhole, RuleUnreachable, RuleProhibit}).Draw(t, "action"),
		Protocol: rapid.Uint8Range(1, 255).Draw(t, "protocol"), Untracked: rapid.Bool().Draw(t, "no_track"), SuppressPrefix: -1, SuppressGroup: -1,
	}
	from, to := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.1.1/32")
	if rapid.Bool().Draw(t, "IPv6") {
		r.Family, from, to = 6, netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001:db8::1/128")
	} else {
		r.TOS &= ruleTOS4
	}
	if rapid.Bool().Draw(t, "from") {
		r.From = from
	}
	if rapid.Bool().Draw(t, "to") {
		r.To = to
	}
	if rapid.Bool().Draw(t, "fwmark") {
		r.Mark, r.Mask = rapid.Uint32().Draw(t, "mark"), rapid.Uint32Range(1, 1<<32-1).Draw(t, "mask")
	}
	if r.IPProto != 0 {
		r.Sport = PortRange{1, rapid.Uint16Range(1, 65535).Draw(t, "sport")}
		r.Dport = PortRange{80, 80}
	}
	if !r.AnyUID {
		r.UIDs = UIDRange{0, rapid.Uint32Range(0, 1<<32-2).Draw(t, "user")}
	}
	switch r.Action {
	case RuleGoto:
		r.Goto = 9
	case RuleTable:
		if r.L3mdev = rapid.Bool().Draw(t, "l3mdev"); !r.L3mdev {
			r.Table = rapid.Uint32Range(1, 1<<32-1).Draw(t, "table")
		}
		r.SuppressPrefix, r.SuppressGroup = rapid.IntRange(-1, 128).Draw(t, "length"), rapid.Int64Range(-1, 1<<31-1).Draw(t, "group")
	}
	return r
}

func drawStaticAddresses(t *rapid.T) []VirtualAddress {
	var all []VirtualAddress
	for _, addr := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"10.9.0.1", "10.9.0.2", "2001:db8::9"}), 0, 3, rapid.ID[string]).Draw(t, "static") {
		all = append(all, drawAddress(t, netip.MustParseAddr(addr)))
	}
	return all
}

// In HCL a route or a rule may be an object, with the words of its line as keys.
func TestRoutesAsObjects(t *testing.T) {
	c := valid(t, HCL, `
static_routes = [
  { to = "default", via = "192.168.0.1", dev = "eth0", metric = 5, mtu = ["lock", 1400], onlink = true, no_track = false },
  { to = "10.0.0.0/8", nexthop = ["via 192.168.0.1 weight 2", "dev eth1"], table = "main" },
  { blackhole = true, to = "10.1.0.0/16" },
  { to = "10.2.0.0/16", via = ["inet6", "fe80::1"], dev = "eth0" },
]
static_rules = [
  { from = "10.0.0.0/8", lookup = 100, preference = 7, not = true },
  { goto = 9, inet6 = true, pref = 8 },
]
static_ipaddress = ["2001:db8::1/64 dev eth0", { address = "10.9.0.1", dev = "eth1", scope = "link" }]
`)
	var got []string
	for _, r := range c.StaticRoutes {
		got = append(got, routeText(r))
	}
	for _, r := range c.StaticRules {
		got = append(got, ruleText(r))
	}
	for _, a := range c.StaticAddresses {
		got = append(got, fmt.Sprint(a.Prefix, " ", a.Dev, " ", a.Scope))
	}
	want := []string{
		"unicast default table 254 metric 5 protocol 18 scope 0 tos 0x0 mtu lock 1400 nexthop weight 1 via 192.168.0.1 dev eth0 onlink",
		"unicast to 10.0.0.0/8 table 254 metric 0 protocol 18 scope 0 tos 0x0 nexthop weight 2 via 192.168.0.1 nexthop weight 1 dev eth1",
		"blackhole to 10.1.0.0/16 table 254 metric 0 protocol 18 scope 0 tos 0x0",
		"unicast to 10.2.0.0/16 table 254 metric 0 protocol 18 scope 0 tos 0x0 nexthop weight 1 via inet6 fe80::1 dev eth0",
		"not from 10.0.0.0/8 to all preference 7 protocol 18 table 100",
		"inet6 from all to all preference 8 protocol 18 goto 9",
		"2001:db8::1/64 eth0 0",
		"10.9.0.1/32 eth1 253",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Words of ip-route(8) in all their spellings, in keepalived.conf.
func TestWordsOfRoutes(t *testing.T) {
	const usual = " metric 0 protocol 18 scope 0 tos 0x0"
	for line, want := range map[string]string{
		"src 192.168.100.1 192.168.109.0/24 via 192.168.200.254 dev eth1": "unicast to 192.168.109.0/24 table 254" + usual + " src 192.168.100.1 nexthop weight 1 via 192.168.200.254 dev eth1",
		"0.0.0.0/0 gw 192.168.0.1 table 100":                              "unicast default table 100" + usual + " nexthop weight 1 via 192.168.0.1",
		"10.0.0.0/8 via 10.0.0.1 or 10.0.0.2 dev eth0":                    "unicast to 10.0.0.0/8 table 254" + usual + " nexthop weight 1 via 10.0.0.1 dev eth0 nexthop weight 1 via 10.0.0.2 dev eth0",
		"10.0.0.1 dev eth0":                                    "unicast to 10.0.0.1/32 table 254 metric 0 protocol 18 scope 253 tos 0x0 nexthop weight 1 dev eth0",
		"local 10.0.0.1 dev lo table local":                    "local to 10.0.0.1/32 table 255 metric 0 protocol 18 scope 254 tos 0x0 nexthop weight 1 dev lo",
		"blackhole 10.0.0.0/8 priority 7 proto bird":           "blackhole to 10.0.0.0/8 table 254 metric 7 protocol 12 scope 0 tos 0x0",
		"10.0.0.0/8 blackhole dsfield 0x10 preference 7":       "blackhole to 10.0.0.0/8 table 254 metric 7 protocol 18 scope 0 tos 0x10",
		"default via fe80::1 dev eth0":                         "unicast inet6 default table 254 metric 1024 protocol 18 nexthop weight 1 via fe80::1 dev eth0",
		"default inet6 dev eth0":                               "unicast inet6 default table 254 metric 1024 protocol 18 nexthop weight 1 dev eth0",
		"default via inet6 fe80::1 dev eth0":                   "unicast default table 254" + usual + " nexthop weight 1 via inet6 fe80::1 dev eth0",
		"inet default dev eth0 scope global":                   "unicast default table 254" + usual + " nexthop weight 1 dev eth0",
		"10.0.0.0/8 oif eth0 rtt 100ms rttvar 2s rto_min lock": "",
		"10.0.0.0/8 dev eth0 scope site rtt 100ms":             "unicast to 10.0.0.0/8 table 254 metric 0 protocol 18 scope 200 tos 0x0 rtt 100 nexthop weight 1 dev eth0",
		"10.0.0.0/8 dev eth0 scope site rttvar 2s":             "unicast to 10.0.0.0/8 table 254 metric 0 protocol 18 scope 200 tos 0x0 rttvar 2000 nexthop weight 1 dev eth0",
		"10.0.0.0/8 dev eth0 scope site quickack 0 no_track":   "unicast to 10.0.0.0/8 table 254 metric 0 protocol 18 scope 200 tos 0x0 no_track nexthop weight 1 dev eth0",
		"10.0.0.0/8 dev eth0 scope site features ecn prepend":  "unicast to 10.0.0.0/8 table 254 metric 0 protocol 18 scope 200 tos 0x0 features ecn nexthop weight 1 dev eth0",
		"2001:db8::/32 via 2001:db8::1 tos 4 scope link":       "unicast inet6 to 2001:db8::/32 table 254 metric 1024 protocol 18 nexthop weight 1 via 2001:db8::1",
	} {
		r := read(t, Keepalived, "static_routes {\n"+line+"\n}\n")
		if want == "" {
			if r.Config != nil {
				t.Errorf("%s is taken", line)
			}
			continue
		}
		if r.Config == nil || len(r.Config.StaticRoutes) != 1 {
			t.Errorf("%s: %s", line, lines(r.Diags))
			continue
		}
		if got := routeText(r.Config.StaticRoutes[0]); got != want {
			t.Errorf("%s\n is %s\nnot %s", line, got, want)
		}
	}
}

// Rules without a preference have the ones that keepalived gives them.
func TestPreferencesOfRules(t *testing.T) {
	r := read(t, Keepalived, `static_rules {
from 10.0.0.0/8 table 1
to 10.0.0./24 table 1
to 10.0.0.0/8
iif eth0 table 2 preference 7
inet6 oif eth0 lookup 2
}
vrrp_instance a {
interface eth0
virtual_router_id 1
priority 100
virtual_ipaddress { 10.0.0.1 }
virtual_rules { to 10.0.0.0/8 table 3 }
}
`)
	if r.Config == nil {
		t.Fatal(lines(r.Diags))
	}
	var got []uint32
	for _, rule := range append(r.Config.StaticRules, r.Config.Instances[0].Rules...) {
		got = append(got, rule.Priority)
	}
	if want := []uint32{16384, 7, 16384, 16383}; !slices.Equal(got, want) {
		t.Errorf("preferences %v, want %v: %v", got, want, lines(r.Diags))
	}
}

// Of routes in one place the last one counts; those that say append stand behind it.
func TestRoutesInOnePlace(t *testing.T) {
	c := read(t, Keepalived, `static_routes {
10.0.0.0/8 via 10.0.0.1
10.0.0.0/8 via 10.0.0.2 append
10.0.0.0/8 via 10.0.0.3
10.0.0.0/8 via 10.0.0.4 table 5
}
`).Config
	var got []string
	for _, r := range c.StaticRoutes {
		got = append(got, r.Nexthops[0].Via.String())
	}
	if want := []string{"10.0.0.2", "10.0.0.3", "10.0.0.4"}; !slices.Equal(got, want) {
		t.Errorf("routes via %v, want %v", got, want)
	}
}
