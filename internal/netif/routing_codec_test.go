package netif

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// dumped is a message as a dump shows it: what is asked for and what is there have the same form.
func dumped(header *nl.RtMsg, attributes []*nl.RtAttr) []byte {
	b := header.Serialize()
	for _, a := range attributes {
		b = append(b, a.Serialize()...)
	}
	return b
}

func devIndexes() map[string]int { return map[string]int{"eth0": 2, "eth1": 3} }

func devNames() map[int]string { return map[int]string{2: "eth0", 3: "eth1"} }

func encoded(r Route) []byte {
	var indexes []int
	for _, h := range r.Nexthops.List() {
		indexes = append(indexes, devIndexes()[h.Dev])
	}
	return dumped(r.message(indexes))
}

// TestRouteRoundTrip: a route that is written is read as it was.
func TestRouteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := seen(someRoute(t).key())
		r.Table, r.TOS = rapid.Uint32().Draw(t, "table"), rapid.Uint8().Draw(t, "tos")
		r.Scope, r.Congctl = rapid.Uint8().Draw(t, "scope"), rapid.SampledFrom([]string{"", "reno"}).Draw(t, "congctl")
		if r.To.Addr().Is6() {
			r.Pref = rapid.SampledFrom([]uint8{0, 1, 3}).Draw(t, "pref")
		}
		for kind := unix.RTAX_LOCK; kind < len(r.Metrics); kind++ {
			if kind != unix.RTAX_CC_ALGO { // which is a text
				r.Metrics[kind] = rapid.Uint32().Draw(t, "metric")
			}
		}
		r = r.canonical()
		got, ok := decodeRoute(encoded(r), devNames())
		if got = got.canonical(); !ok || got != r {
			t.Fatalf("wrote %+v, read %+v, %t", r, got, ok)
		}
	})
}

// TestRuleRoundTrip: a rule that is written is read as it was.
func TestRuleRoundTrip(t *testing.T) {
	for _, r := range manyRules() {
		got, ok := decodeRule(dumped(r.message()))
		if got = got.canonical(); !ok || got != r {
			t.Errorf("wrote %+v, read %+v, %t", r, got, ok)
		}
	}
}

// TestForeignKinds: routes and rules that are more than this package writes are not taken for what they
// would be without.
func TestForeignKinds(t *testing.T) {
	flow := nl.NewRtAttr(unix.RTA_FLOW, nl.Uint32Attr(7))
	if r, ok := decodeRoute(append(encoded(net1), flow.Serialize()...), devNames()); ok {
		t.Errorf("a route with a realm is %s", r)
	}
	if r, ok := decodeRoute(encoded(net1), map[int]string{}); ok {
		t.Errorf("a route by an unknown interface is %s", r)
	}
	rule := nl.NewRtAttr(unix.FRA_FLOW, nl.Uint32Attr(7))
	if r, ok := decodeRule(append(dumped(viaTable.message()), rule.Serialize()...)); ok {
		t.Errorf("a rule with a realm is %s", r)
	}
}

// TestNoticesThatMatter: of the changes of routes only those of lvsd's own origins lead to another look.
func TestNoticesThatMatter(t *testing.T) {
	k := &hostKernel{origins: map[uint8]bool{Protocol: true}}
	notification := func(kind uint16, protocol uint8) notice {
		n := make(notice, leastNotice)
		n[4], n[5] = byte(kind), byte(kind>>8)
		n[unix.SizeofNlMsghdr+5] = protocol
		return n
	}
	for _, c := range []struct {
		kind     uint16
		protocol uint8
		want     bool
	}{
		{unix.RTM_NEWROUTE, Protocol, true}, {unix.RTM_DELROUTE, Protocol, true}, {unix.RTM_DELROUTE, unix.RTPROT_BGP, false},
		{unix.RTM_NEWRULE, 0, true}, {unix.RTM_NEWADDR, 0, true}, {unix.RTM_NEWLINK, 0, true},
	} {
		if got := k.matters(notification(c.kind, c.protocol)); got != c.want {
			t.Errorf("%d of protocol %d matters: %t", c.kind, c.protocol, got)
		}
	}
	if new(hostKernel).matters(notification(unix.RTM_DELRULE, 0)) {
		t.Error("a rule matters to who has none")
	}
}

// manyRules has each kind of rule that the kernel of a test can have.
func manyRules() []Rule {
	net4, net6 := netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")
	all := []Rule{viaTable}
	add := func(change func(*Rule)) {
		for _, family := range []uint8{4, 6} {
			r := Rule{Family: family, Priority: uint32(2000 + len(all)), Action: ActionTable, Table: 100, Protocol: Protocol}
			change(&r)
			all = append(all, r.canonical())
		}
	}
	add(func(r *Rule) {
		if r.From, r.To = net4, netip.MustParsePrefix("198.51.101.1/32"); r.Family == 6 {
			r.From, r.To = net6, netip.MustParsePrefix("2001:db8::1/128")
		}
	})
	add(func(r *Rule) { r.Not, r.Iif, r.Oif = true, "eth0", "eth9" })
	add(func(r *Rule) { r.Mark, r.Mask, r.TOS = 4, 0xff, 0x10 })
	add(func(r *Rule) { r.Mark, r.Mask, r.Table = 4, ^uint32(0), 70000 })
	add(func(r *Rule) { r.IPProto, r.Sport, r.Dport = unix.IPPROTO_TCP, Range{10, 20}, Range{80, 80} })
	add(func(r *Rule) { r.UIDs, r.UIDRange, r.TunID = Range{0, 1000}, true, 7 })
	add(func(r *Rule) { r.SuppressPrefix, r.SuppressGroup = 1, 6 })
	add(func(r *Rule) { r.Action, r.Goto = ActionGoto, 32766 })
	add(func(r *Rule) { r.Action = ActionNop })
	add(func(r *Rule) { r.Action = ActionBlackhole })
	add(func(r *Rule) { r.Action = ActionUnreachable })
	add(func(r *Rule) { r.Action = ActionProhibit })
	return all
}

func FuzzDecodeRouting(f *testing.F) {
	for _, r := range []Route{net1, seen(net2), seen(both), hole, web6, two6} {
		f.Add(encoded(r))
	}
	for _, r := range manyRules() {
		f.Add(dumped(r.message()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := decodeRoute(b, devNames()); ok {
			for _, one := range r.parts() {
				if !one.To.IsValid() || one.To != one.To.Masked() || !one.is(one.key()) {
					t.Errorf("%+v", one)
				}
			}
		}
		if r, ok := decodeRule(b); ok && r.canonical().String() == "" {
			t.Errorf("%+v", r)
		}
	})
}
