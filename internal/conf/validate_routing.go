package conf

import (
	"fmt"
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// staticAddresses reads a block of addresses that do not move.
func (d *decoder) staticAddresses(n *keepalived.Node) {
	for _, c := range n.Children {
		if c.Broken {
			continue
		}
		a, sound := d.virtualAddress(c, n.Name, d.front.defaults.Interface, Forever)
		switch {
		case !sound:
		case a.Dev == "":
			d.errorf(c.Range, "%s has no interface; write dev NAME", a.Prefix)
		default:
			d.cfg.StaticAddresses = append(d.cfg.StaticAddresses, a)
		}
	}
}

// validateRouting looks at what stands beside the virtual addresses: static addresses, routes and
// rules.
func (d *decoder) validateRouting() {
	own := map[netip.Addr]hcl.Range{}
	moving := map[netip.Addr]*Instance{}
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		for _, a := range i.Moving() {
			own[a.Prefix.Addr()], moving[a.Prefix.Addr()] = a.Range, i
		}
	}
	d.validateStaticAddresses(own)
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		owner := fmt.Sprintf("vrrp_instance %q", i.Name)
		i.Routes, i.Rules = d.validateRoutes(owner, i.Routes), d.validateRules(owner, i.Rules)
		d.validateRouteGateways(i.Routes, own)
	}
	d.cfg.StaticRoutes = d.validateRoutes("static_routes", d.cfg.StaticRoutes)
	d.cfg.StaticRules = d.validateRules("static_rules", d.cfg.StaticRules)
	d.validateRouteGateways(d.cfg.StaticRoutes, own)
	for _, r := range d.cfg.StaticRoutes {
		if i := moving[r.Src]; i != nil {
			d.warnf(r.Range, "src %s is an address of vrrp_instance %q: the kernel refuses this route while another node has it; move the route to virtual_routes", r.Src, i.Name)
		}
	}
	d.validateSlots()
}

// validateStaticAddresses adds the static addresses to those that the host may have.
func (d *decoder) validateStaticAddresses(own map[netip.Addr]hcl.Range) {
	var kept []VirtualAddress
	static := map[netip.Addr]bool{}
	for _, a := range d.cfg.StaticAddresses {
		addr := a.Prefix.Addr()
		at, taken := own[addr]
		switch {
		case static[addr]:
			d.repairs(a.Range, addr.String()+" stands in static_ipaddress twice", "the first one counts", "remove one")
			d.relate(at, "the first one")
			continue
		case taken:
			d.errorf(a.Range, "%s is static here and moves with a vrrp_instance at %s; remove one", addr, place(at))
			d.relate(at, "it moves here")
		}
		own[addr], static[addr] = a.Range, true
		kept = append(kept, a)
	}
	d.cfg.StaticAddresses = kept
}

// validateSlots looks for IPv6 routes of several owners that the kernel would balance between, or
// refuse: those of IPv4 stand one behind the other.
func (d *decoder) validateSlots() {
	owners := map[routeSlot]string{}
	first := map[routeSlot]hcl.Range{}
	look := func(owner string, routes []Route) {
		for i := range routes {
			r := &routes[i]
			slot := r.slot()
			if other, taken := owners[slot]; r.To.Addr().Is6() && taken && other != owner {
				d.warnf(r.Range, "The route to %s is in %s too, with the same metric: the kernel balances between the two; give one of them another metric", r.To, other)
				d.relate(first[slot], "the other one")
				continue
			}
			owners[slot], first[slot] = owner, r.Range
		}
	}
	look("static_routes", d.cfg.StaticRoutes)
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		look(fmt.Sprintf("vrrp_instance %q", i.Name), i.Routes)
	}
}

// routeSlot is what the kernel tells routes apart by when it looks for one.
type routeSlot struct {
	to            netip.Prefix
	table, metric uint32
	tos           uint8
}

func (r *Route) slot() routeSlot { return routeSlot{r.To, r.Table, r.Metric, r.TOS} }

// validateRoutes looks for routes of one owner of which only one can count.
func (d *decoder) validateRoutes(owner string, routes []Route) []Route {
	type way struct {
		routeSlot
		hop Nexthop
	}
	at := map[way]int{}
	gone := map[int]bool{}
	for i := range routes {
		r := &routes[i]
		if r.Append {
			continue // it is meant to stand behind another one
		}
		key := way{routeSlot: r.slot()}
		if r.To.Addr().Is6() && len(r.Nexthops) > 0 {
			key.hop = Nexthop{Via: r.Nexthops[0].Via, Dev: r.Nexthops[0].Dev} // the kernel balances between several
		}
		first, twice := at[key]
		at[key] = i
		if !twice {
			continue
		}
		mistake := "The route to " + r.To.String() + " stands twice in " + owner + " with one metric"
		if d.repairs(r.Range, mistake, "the later one counts", "remove one, give one another metric, or write one route with a nexthop for each way") {
			gone[first] = true
		}
		d.relate(routes[first].Range, "the first one")
	}
	var kept []Route
	for i, r := range routes {
		if !gone[i] {
			kept = append(kept, r)
		}
	}
	return kept
}

// validateRouteGateways looks for gateways that are the host itself while it has the address.
func (d *decoder) validateRouteGateways(routes []Route, own map[netip.Addr]hcl.Range) {
	for i := range routes {
		for _, h := range routes[i].Nexthops {
			if at, is := own[h.Via]; is {
				d.warnf(routes[i].Range, "The gateway %s is an address of this configuration: the kernel refuses the route while the host has it", h.Via)
				d.relate(at, "the address")
			}
		}
	}
}

// validateScope holds the scope of an IPv4 route to its type and its ways, as the kernel does (fib_create_info
// of net/ipv4/fib_semantics.c).
func (l *routeLine) validateScope() {
	least := map[uint8]uint8{Local: scopeHost, Broadcast: scopeLink}[l.Type]
	gateway, onlink := false, false
	for _, h := range l.Nexthops {
		gateway, onlink = gateway || h.Via.IsValid(), onlink || h.Onlink
	}
	switch {
	case l.broken || l.Type >= Blackhole:
	case l.Scope < least:
		l.errorf(l.line, "A local or broadcast route has no scope as wide as this; remove scope")
	case l.Scope > scopeHost:
		l.errorf(l.line, "The kernel refuses a route to nowhere; write another scope, or blackhole before the destination")
	case l.Scope == scopeHost && (gateway || len(l.Nexthops) > 1):
		l.errorf(l.line, "A local route, or one with scope host, has one way and no gateway; write dev INTERFACE alone, or another type or scope")
	case l.Scope >= scopeLink && onlink:
		l.errorf(l.line, "The kernel refuses onlink with scope link, which a broadcast route has too; remove scope or onlink")
	}
}

// typeOfService reads a tos. The kernel refuses one with the two bits of congestion notification (RFC 3168 §5).
func (p *phrase) typeOfService(w keepalived.Word) uint8 {
	v := p.number(w, nil, 0, 255)
	if !p.broken && v%4 != 0 {
		p.errorf(p.line, "tos is a multiple of 4: its last two bits tell of congestion; write %d", v-v%4)
	}
	return uint8(v)
}
