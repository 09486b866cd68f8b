package netif

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Protocol is the origin that routes and rules of lvsd carry in the kernel where a configuration
// does not say another: RTPROT_KEEPALIVED of linux/rtnetlink.h. `ip route show proto keepalived`
// lists them.
const Protocol = unix.RTPROT_KEEPALIVED

// Metrics are the attributes of a route that TCP and IP go by, each at its number in
// linux/rtnetlink.h (RTAX_MTU, RTAX_WINDOW …), 0 for the kernel's own choice. At RTAX_LOCK stands
// the mask of those that the kernel must not adapt, 1<<RTAX_MTU and so on.
type Metrics [unix.RTAX_FASTOPEN_NO_COOKIE + 1]uint32

// Route is one route, with everything that this package writes of it. It is comparable.
type Route struct {
	// Type is the rtnetlink(7) type: RTN_UNICAST, RTN_BLACKHOLE …
	Type uint8 `json:"type,omitzero"`
	// To is the destination, masked; its address tells the family.
	To netip.Prefix `json:"to"`
	// Table is the number of the table; 254 is main.
	Table uint32 `json:"table,omitzero"`
	// Metric is the preference, the lower the better: RTA_PRIORITY. The kernel makes 1024 of 0 for
	// IPv6.
	Metric uint32 `json:"metric,omitzero"`
	// TOS is the type of service that an IPv4 route is for; 0 is any.
	TOS uint8 `json:"tos,omitzero"`
	// Protocol is the rtnetlink(7) origin, 1 to 255.
	Protocol uint8 `json:"protocol,omitzero"`
	// Scope is the rtnetlink(7) scope of an IPv4 route: 0 global, 253 link …
	Scope uint8 `json:"scope,omitzero"`
	// Src is the address that the host prefers to send from; invalid for the kernel's choice.
	Src netip.Addr `json:"src,omitzero"`
	// Nexthops are the ways to take; empty for types that have none.
	Nexthops Nexthops `json:"nexthops,omitzero"`
	Metrics  Metrics  `json:"metrics,omitzero"`
	// Congctl is the algorithm for congestion control, empty for the host's.
	Congctl string `json:"congctl,omitzero"`
	// Pref is the RFC 4191 preference of an IPv6 route: 0 medium, 1 high, 3 low.
	Pref uint8 `json:"pref,omitzero"`
	// Append puts the route behind others with the same destination, TOS and metric, not in front of
	// them. Of IPv6 routes the kernel balances between these.
	Append bool `json:"append,omitzero"`
	// NoTrack says that the route is not put back when somebody deletes it, until the next takeover.
	NoTrack bool `json:"no_track,omitzero"`
}

// Nexthop is one way that a route takes.
type Nexthop struct {
	Via    netip.Addr // the gateway; invalid for a destination that is on the link
	Dev    string     // empty where the kernel is to find the interface by Via
	Weight uint16     // 1 to 256, of several nexthops; 0 is 1
	Onlink bool       // Via is on the link of Dev, whatever the addresses on it say
}

// Nexthops are nexthops in the form of ip-route(8), "nexthop via 192.0.2.1 dev eth0 weight 2" one
// after the other: a list that == compares.
type Nexthops string

// Hops writes nexthops.
func Hops(hops ...Nexthop) Nexthops {
	var b strings.Builder
	for _, h := range hops {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("nexthop")
		if h.Via.IsValid() {
			b.WriteString(" via " + h.Via.String())
		}
		if h.Dev != "" {
			b.WriteString(" dev " + h.Dev)
		}
		if h.Weight > 1 {
			b.WriteString(" weight " + strconv.Itoa(int(h.Weight)))
		}
		if h.Onlink {
			b.WriteString(" onlink")
		}
	}
	return Nexthops(b.String())
}

// List reads what Hops wrote.
func (n Nexthops) List() []Nexthop {
	var hops []Nexthop
	h := new(Nexthop)
	before := ""
	for word := range strings.FieldsSeq(string(n)) {
		switch before {
		case "via":
			h.Via, _ = netip.ParseAddr(word)
		case "dev":
			h.Dev = word
		case "weight":
			weight, _ := strconv.ParseUint(word, 10, 16)
			h.Weight = uint16(weight)
		default:
			before = word
			switch word {
			case "nexthop":
				hops = append(hops, Nexthop{})
				h = &hops[len(hops)-1]
			case "onlink":
				h.Onlink = true
			}
			continue
		}
		before = ""
	}
	return hops
}

// single reports whether there is at most one nexthop.
func (n Nexthops) single() bool { return strings.Count(string(n), "nexthop") <= 1 }

// typeNames are the types of routes as ip-route(8) writes them; unicast is not written.
func typeName(t uint8) string {
	switch t {
	case unix.RTN_LOCAL:
		return "local "
	case unix.RTN_BROADCAST:
		return "broadcast "
	case unix.RTN_ANYCAST:
		return "anycast "
	case unix.RTN_MULTICAST:
		return "multicast "
	case unix.RTN_BLACKHOLE:
		return "blackhole "
	case unix.RTN_UNREACHABLE:
		return "unreachable "
	case unix.RTN_PROHIBIT:
		return "prohibit "
	case unix.RTN_THROW:
		return "throw "
	}
	return ""
}

// String gives the route nearly as ip-route(8) would: what tells one route from another.
func (r Route) String() string {
	s := typeName(r.Type) + r.To.String()
	if r.Nexthops.single() {
		s += strings.TrimPrefix(string(r.Nexthops), "nexthop")
	} else {
		s += " " + string(r.Nexthops)
	}
	if r.Src.IsValid() {
		s += " src " + r.Src.String()
	}
	if r.Table != unix.RT_TABLE_MAIN {
		s += fmt.Sprintf(" table %d", r.Table)
	}
	if r.Metric != 0 && (r.To.Addr().Is4() || r.Metric != defaultMetric6) {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	if r.TOS != 0 {
		s += fmt.Sprintf(" tos %#02x", r.TOS)
	}
	return s
}

// defaultMetric6 is what the kernel gives an IPv6 route without a metric: IP6_RT_PRIO_USER of
// include/net/ip6_route.h.
const defaultMetric6 = 1024

// canonical writes equal routes the same way, the way the kernel's dump is read.
func (r Route) canonical() Route {
	r.To = r.To.Masked()
	hops := r.Nexthops.List()
	for i := range hops {
		if hops[i].Weight == 1 {
			hops[i].Weight = 0
		}
	}
	if len(hops) == 1 && r.To.Addr().Is4() {
		hops[0].Weight = 0 // the kernel keeps none
	}
	switch r.Type {
	case unix.RTN_BLACKHOLE, unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT, unix.RTN_THROW:
		hops = nil // an IPv6 one stands on lo
	}
	r.Nexthops = Hops(hops...)
	if r.To.Addr().Is6() {
		r.TOS, r.Scope, r.Append = 0, 0, false
		if r.Metric == 0 {
			r.Metric = defaultMetric6
		}
	} else {
		r.Pref = 0
	}
	return r
}

// parts are the entries that the kernel keeps of a route: an IPv6 route with several nexthops is one
// entry for each, which come and go one by one (fib6_add_rt2node in net/ipv6/ip6_fib.c).
func (r Route) parts() []Route {
	r = r.canonical()
	if r.To.Addr().Is4() || r.Nexthops.single() {
		return []Route{r}
	}
	var parts []Route
	for _, h := range r.Nexthops.List() {
		r.Nexthops = Hops(h)
		parts = append(parts, r)
	}
	return parts
}

// routeSlot is what the kernel looks a route up by. IPv4 keeps several routes in a slot, the first
// of which counts; IPv6 balances between them.
type routeSlot struct {
	to            netip.Prefix
	table, metric uint32
	tos           uint8
}

func (r Route) slot() any { return routeSlot{r.To, r.Table, r.Metric, r.TOS} }

// is reports whether an entry of the kernel is the one that r asks for.
func (r Route) is(have Route) bool {
	r = r.key()
	if r == have {
		return true
	}
	want, got := r.Nexthops.List(), have.Nexthops.List()
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i].Dev == "" && want[i].Via.IsValid() {
			got[i].Dev = "" // the kernel found it
		}
		if r.To.Addr().Is6() {
			// Of several entries in a slot the kernel tells what the first one is like.
			want[i].Weight, got[i].Weight = 0, 0
		}
	}
	r.Nexthops, have.Nexthops = Hops(want...), Hops(got...)
	return r == have
}

// excludes reports whether the kernel has no room for r beside have: it knows IPv6 routes in one slot
// apart by their nexthops alone (rt6_duplicate_nexthop).
func (r Route) excludes(have Route) bool {
	if r.To.Addr().Is4() || r.slot() != have.slot() {
		return false
	}
	a, b := r.Nexthops.List(), have.Nexthops.List()
	if len(a) == 0 || len(b) == 0 {
		return true // a slot with a blackhole has room for nothing else
	}
	return a[0].Via == b[0].Via && (a[0].Dev == b[0].Dev || a[0].Dev == "")
}

func (r Route) origin() uint8 { return r.Protocol }

func (r Route) key() Route {
	r.Append, r.NoTrack = false, false
	return r
}

func (r Route) mayStayAway() bool { return r.NoTrack }

func (r Route) interfaces() []string {
	var names []string
	for _, h := range r.Nexthops.List() {
		names = append(names, h.Dev)
	}
	return names
}

func (r Route) behind() Route {
	r.Append = true
	return r
}

func (r Route) beside() Route {
	r.Append = r.Append || r.To.Addr().Is6()
	return r
}

// renamed is the route after interfaces have got other names.
func (r Route) renamed(names map[string]string) Route {
	hops := r.Nexthops.List()
	for i := range hops {
		if other, ok := names[hops[i].Dev]; ok {
			hops[i].Dev = other
		}
	}
	r.Nexthops = Hops(hops...)
	return r
}
