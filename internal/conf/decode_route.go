package conf

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"lvsd/internal/conf/keepalived"
)

const (
	mainTable          = 254
	keepalivedProtocol = 18  // RTPROT_KEEPALIVED, linux/rtnetlink.h
	maxNexthops        = 128 // of what a message of 64 KiB holds several times
	scopeLink          = 253
	scopeHost          = 254
	defaultMetric6     = 1024 // IP6_RT_PRIO_USER, what the kernel gives an IPv6 route without a metric
)

// routes reads a block of routes.
func (d *decoder) routes(n *keepalived.Node, to *[]Route) {
	for _, c := range n.Children {
		if c.Broken {
			continue
		}
		if r, ok := d.route(c, n.Name); ok {
			*to = append(*to, r)
		}
	}
}

// routeLine is a route with what its words leave open until all are read.
type routeLine struct {
	*phrase
	Route
	inet6, inet bool // the family is given
	always      bool // the destination is all addresses
	hop         Nexthop
	hopped      bool // via or dev is given
	others      []netip.Addr
	family6     bool
	mixed       bool // an IPv6 gateway is asked for by name
	to          keepalived.Word
}

func (d *decoder) route(n *keepalived.Node, in string) (Route, bool) {
	l := &routeLine{phrase: d.phrase(n, in, "route")}
	l.Route = Route{Type: Unicast, Table: mainTable, Protocol: keepalivedProtocol, Range: n.Range}
	l.hop.Weight = 1
	for w, ok := l.next(); ok; w, ok = l.next() {
		l.word(w)
	}
	if l.broken {
		return Route{}, false
	}
	l.finish()
	return l.Route, !l.broken
}

func (l *routeLine) word(w keepalived.Word) {
	name := w.Text
	if to, ok := routeSynonyms()[name]; ok {
		name = to
	}
	if kind, ok := routeTypes()[name]; ok {
		l.once("type", w)
		l.Type = kind
		return
	}
	if m, ok := routeMetrics()[name]; ok {
		l.once(name, w)
		l.metric(w, m)
		return
	}
	switch name {
	case "or", "nexthop": // as often as one likes
	default:
		l.once(name, w)
	}
	switch name {
	case "to":
		l.destination(l.value(w))
	case "src":
		l.Src = l.address(w)
	case "via":
		l.hopped = true
		l.hop.Via = l.gateway(w)
	case "or":
		l.others = append(l.others, l.address(w))
	case "dev":
		l.hopped = true
		l.hop.Dev = l.device(w)
	case "onlink":
		l.hop.Onlink = true
	case "nexthop":
		l.nexthops(w)
	case "table":
		l.Table = uint32(l.number(w, routingTables(), 1, 1<<32-1))
	case "scope":
		l.Scope = uint8(l.number(w, routingScopes(), 0, 255))
	case "protocol":
		l.Protocol = uint8(l.number(w, routingProtocols(), 1, 255))
	case "metric":
		l.Metric = uint32(l.number(w, nil, 0, 1<<32-1))
	case "tos":
		l.TOS = l.typeOfService(w)
	case "pref":
		l.Pref = uint8(l.number(w, routePreferences(), 0, 3))
	case "features":
		if v := l.value(w); !l.broken && v.Text != "ecn" {
			l.errorf(v.Range, "features is ecn, not %q", v.Text)
		}
		l.Metrics[metricFeatures] = 1
	case "congctl":
		l.congctl(w)
	case "inet":
		l.inet = true
	case "inet6":
		l.inet6 = true
	case "append":
		l.Append = true
	case "prepend":
	case "no_track":
		l.Untracked = true
	default:
		delete(l.given, name)
		if !l.given["to"] && plausible(w.Text) {
			l.once("to", w)
			l.destination(w)
			return
		}
		l.unknown(w, l.known())
	}
}

// routeSynonyms are the other spellings of words, with keepalived's old ones.
func routeSynonyms() map[string]string {
	return map[string]string{
		"gw": "via", "oif": "dev", "proto": "protocol", "priority": "metric", "preference": "metric", "dsfield": "tos",
	}
}

func (l *routeLine) known() []string {
	all := []string{"to", "src", "via", "or", "dev", "onlink", "nexthop", "table", "scope", "protocol", "metric", "tos", "pref", "features",
		"congctl", "inet", "inet6", "append", "prepend", "no_track"}
	return slices.Concat(all, slices.Collect(maps.Keys(routeSynonyms())), slices.Collect(maps.Keys(routeTypes())), slices.Collect(maps.Keys(routeMetrics())))
}

// plausible says whether a word may be meant as a destination.
func plausible(text string) bool {
	return slices.Contains([]string{"default", "any", "all"}, text) || strings.Trim(text, "0123456789abcdefABCDEF:./") == ""
}

func (l *routeLine) destination(w keepalived.Word) {
	if l.broken {
		return
	}
	l.given["to"], l.to = true, w
	if slices.Contains([]string{"default", "any", "all"}, w.Text) {
		l.always = true
		return
	}
	prefix, err := parsePrefix(w.Text)
	if err != nil || prefix.Addr().Is4In6() {
		l.errorf(w.Range, "A route leads to a prefix such as 10.0.0.0/8 or 2001:db8::/32, to an address, or is default; not %q", w.Text)
		return
	}
	if prefix != prefix.Masked() && !l.d.repairs(w.Range, w.Text+" has bits behind its prefix length, which the kernel refuses",
		prefix.Masked().String()+" is taken", "write "+prefix.Masked().String()) {
		l.broken = true
		return
	}
	l.To = prefix.Masked()
}

func (l *routeLine) address(of keepalived.Word) netip.Addr {
	w := l.value(of)
	if l.broken {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(w.Text)
	if err != nil || addr.Zone() != "" || addr.Is4In6() || addr.IsUnspecified() || addr.IsMulticast() {
		l.errorf(w.Range, "%s takes the address of a machine such as 192.168.2.1, not %q", of.Text, w.Text)
	}
	return addr
}

// gateway takes an address with or without its family before it.
func (l *routeLine) gateway(of keepalived.Word) netip.Addr {
	family := ""
	if l.peek("inet", "inet6") {
		w, _ := l.next()
		family = w.Text
	}
	addr := l.address(of)
	if !l.broken && (family == "inet" && !addr.Is4() || family == "inet6" && !addr.Is6()) {
		l.errorf(of.Range, "%s is no address of %s", addr, family)
	}
	l.mixed = l.mixed || family == "inet6"
	return addr
}

// metric takes one of the numbers that TCP and IP go by, which may be locked.
func (l *routeLine) metric(w keepalived.Word, m routeMetric) {
	if l.peek("lock") {
		_, _ = l.next()
		m.lock = true
	}
	if m.unit == 0 {
		l.Metrics[m.number] = uint32(l.number(w, nil, m.lo, m.hi))
	} else if v := l.value(w); !l.broken {
		l.Metrics[m.number] = uint32(l.milliseconds(w, v, m))
	}
	if m.lock && !l.broken {
		l.Metrics[metricLock] |= 1 << m.number
	}
}

// milliseconds reads a time: milliseconds, with or without their unit, or seconds with it.
func (l *routeLine) milliseconds(of, w keepalived.Word, m routeMetric) uint64 {
	text, scale := w.Text, uint64(1)
	if t, ok := strings.CutSuffix(text, "ms"); ok {
		text = t
	} else if t, ok := strings.CutSuffix(text, "s"); ok {
		text, scale = t, 1000
	}
	w.Text = text
	v, ok := l.d.numbered(of.Text+" in milliseconds", w, nil, m.lo, m.hi/scale)
	l.broken = l.broken || !ok
	return v * scale * m.unit
}

func (l *routeLine) congctl(w keepalived.Word) {
	if l.peek("lock") {
		_, _ = l.next()
		l.Metrics[metricLock] |= 1 << metricCongctl
	}
	v := l.value(w)
	if !l.broken && (v.Text == "" || len(v.Text) > 15 || !graphic(v.Text)) {
		l.errorf(v.Range, "congctl takes the name of an algorithm such as cubic, not %q", v.Text)
	}
	l.Congctl = v.Text
}

// nexthops takes what is behind nexthop.
func (l *routeLine) nexthops(of keepalived.Word) {
	if len(l.rest) > 0 && hasBlank(l.rest[0]) {
		for len(l.rest) > 0 && hasBlank(l.rest[0]) && !l.broken {
			w, _ := l.next()
			behind := l.rest
			l.rest = split(w)
			l.nexthop(of)
			if w, more := l.next(); more {
				l.unknown(w, []string{"via", "dev", "weight", "onlink"})
			}
			l.rest = behind
		}
		return
	}
	l.nexthop(of)
}

func (l *routeLine) nexthop(of keepalived.Word) {
	h := Nexthop{Weight: 1}
	given := map[string]bool{}
	for l.peek("via", "gw", "dev", "oif", "weight", "onlink") {
		w, _ := l.next()
		if given[w.Text] {
			l.errorf(w.Range, "%q is given twice in this nexthop; remove one", w.Text)
		}
		given[w.Text] = true
		switch w.Text {
		case "via", "gw":
			h.Via = l.gateway(w)
		case "dev", "oif":
			h.Dev = l.device(w)
		case "weight":
			h.Weight = uint16(l.number(w, nil, 1, 256))
		case "onlink":
			h.Onlink = true
		}
	}
	if len(given) == 0 {
		l.errorf(of.Range, "%q has no way behind it; write via ADDRESS, dev INTERFACE or both", of.Text)
	}
	l.Nexthops = append(l.Nexthops, h)
}

// finish works out what depends on several words, and looks for what does not go together.
func (l *routeLine) finish() {
	if !l.given["to"] {
		l.errorf(l.line, "This route has no destination; write a prefix such as 10.0.0.0/8, or default")
		return
	}
	if l.hopped || len(l.others) > 0 {
		if len(l.Nexthops) > 0 {
			l.errorf(l.line, "This route has via or dev and nexthop; write every way behind a nexthop of its own")
			return
		}
		l.Nexthops = []Nexthop{l.hop}
		for _, via := range l.others {
			other := l.hop
			other.Via = via
			l.Nexthops = append(l.Nexthops, other)
		}
	} else if l.hop.Onlink {
		l.errorf(l.line, "onlink says that a gateway is on the link; write via ADDRESS dev INTERFACE with it")
		return
	}
	l.settleFamily()
	l.validateHops()
	if !l.given["scope"] && l.To.IsValid() {
		l.Scope = l.usualScope()
	}
	if l.family6 {
		l.Scope = 0
		if l.Metric == 0 {
			l.Metric = defaultMetric6
		}
		if l.TOS != 0 && l.d.repairs(l.line, "An IPv6 route has no tos", "it is left out", "remove it") {
			l.TOS = 0
		}
		return
	}
	l.validateScope()
	if l.given["pref"] {
		l.errorf(l.line, "pref is about IPv6 routes; remove it")
	}
}

// settleFamily finds the family where the destination does not say it: that of the addresses, IPv4 if
// there are none.
func (l *routeLine) settleFamily() {
	l.family6 = l.To.IsValid() && l.To.Addr().Is6()
	if l.always {
		l.family6 = l.inet6
		for _, h := range l.Nexthops {
			l.family6 = l.family6 || h.Via.Is6() && !l.mixed
		}
		l.family6 = !l.inet && (l.family6 || l.Src.Is6())
		l.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if l.family6 {
			l.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if l.inet && l.family6 || l.inet6 && !l.family6 {
		l.errorf(l.to.Range, "%s is not of the family that this route says; remove inet or inet6", l.To)
	}
}

func (l *routeLine) validateHops() {
	if l.Src.IsValid() && l.Src.Is6() != l.family6 && !l.mixed {
		l.errorf(l.line, "src %s is not of the address family of %s", l.Src, l.To)
	}
	if l.Type >= Blackhole {
		if len(l.Nexthops) > 0 {
			l.errorf(l.line, "A route of this type leads nowhere; remove via, dev and nexthop")
		}
		return
	}
	if len(l.Nexthops) == 0 {
		l.errorf(l.line, "This route has no way; write via ADDRESS, dev INTERFACE or both, or blackhole before its destination")
	}
	if len(l.Nexthops) > maxNexthops {
		l.errorf(l.line, "This route has %d nexthops; write at most %d", len(l.Nexthops), maxNexthops)
	}
	for _, h := range l.Nexthops {
		switch {
		case h.Via.IsValid() && l.family6 && h.Via.Is4():
			l.errorf(l.line, "The gateway %s is an IPv4 address; a route to %s needs an IPv6 one", h.Via, l.To)
		case h.Via.IsValid() && !l.family6 && h.Via.Is6() && !l.mixed:
			l.errorf(l.line, "The gateway %s is an IPv6 address; if the IPv4 route to %s is meant to have one, write via inet6 %s", h.Via, l.To, h.Via)
		case h.Dev == "" && h.Via.IsLinkLocalUnicast() && h.Via.Is6():
			l.errorf(l.line, "The gateway %s is there on every link; write dev INTERFACE with it", h.Via)
		case h.Onlink && (h.Dev == "" || !h.Via.IsValid()):
			l.errorf(l.line, "onlink says that a gateway is on the link; write via ADDRESS dev INTERFACE with it")
		}
	}
}

// usualScope is what ip-route(8) takes where the scope is not given.
func (l *routeLine) usualScope() uint8 {
	onLink := len(l.Nexthops) == 1 && !l.Nexthops[0].Via.IsValid()
	switch {
	case l.Type == Local:
		return scopeHost
	case l.Type == Broadcast, l.Type == Anycast, l.Type == Multicast, l.Type == Unicast && onLink:
		return scopeLink
	}
	return 0
}
