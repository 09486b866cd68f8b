package ipvs

import (
	"cmp"
	"net/netip"
	"slices"
)

// The phases of a plan, in order.
const (
	newServices     = iota // each with its destinations
	newDestinations        // of services that are there
	serviceEdits
	destinationEdits // that leave a weight
	silencings       // edits to weight 0
	destinationDeletes
	serviceDeletes
	phaseCount
)

// Plan says what to write, in order, so that a kernel that has the table have has want. A
// service in have that is not in want is deleted when owned says that it is ours, else left
// alone. A service in want is made equal to what is wanted whoever made it.
//
// Nothing is deleted to be added again, and no service goes empty on the way: new services come
// first, each with its destinations; then new destinations of the others, edits (those to weight
// 0 last), deletions of destinations, deletions of services. The order is always the same for
// the same tables.
func Plan(want Wanted, have Table, owned map[ServiceKey]bool) []Op {
	var p plan
	common := 0
	for key, w := range want.All() {
		h, there := have[key]
		if there {
			common++
		}
		p.entry(key, w, h, there)
	}
	if common < len(have) {
		for key := range have {
			if _, wanted := want.Get(key); !wanted && owned[key] {
				p.add(serviceDeletes, Op{Kind: DeleteService, Key: key})
			}
		}
	}
	return p.ops()
}

// planSince is Plan for a table that has all that another one wants, and nothing of ours beside: it looks at what differs
// between the two alone.
func planSince(since, want Wanted, have Table, owned map[ServiceKey]bool) []Op {
	var p plan
	for key := range Different(since, want) {
		w, wanted := want.Get(key)
		h, there := have[key]
		if !wanted {
			if there && owned[key] {
				p.add(serviceDeletes, Op{Kind: DeleteService, Key: key})
			}
			continue
		}
		before, wasWanted := since.Get(key)
		if !wasWanted { // it may be somebody else's so far
			p.entry(key, w, h, there)
			continue
		}
		phase := p.service(key, w, h, there)
		for addr := range DifferentDestinations(before.Destinations, w.Destinations) {
			d, wanted := w.Destinations.Get(addr)
			old, there := h.Destinations[addr]
			switch {
			case wanted:
				p.destination(phase, key, addr, d, old, there)
			case there:
				p.add(destinationDeletes, Op{Kind: DeleteDestination, Key: key, Address: addr})
			}
		}
	}
	return p.ops()
}

// plan collects operations by their phases.
type plan [phaseCount][]Op

func (p *plan) add(phase int, op Op) { p[phase] = append(p[phase], op) }

// entry plans what a wanted service needs, with all its destinations.
func (p *plan) entry(key ServiceKey, w WantedService, h Entry, there bool) {
	phase := p.service(key, w, h, there)
	kept := 0
	for addr, d := range w.Destinations.All() {
		old, there := h.Destinations[addr]
		if there {
			kept++
		}
		p.destination(phase, key, addr, d, old, there)
	}
	if kept == len(h.Destinations) {
		return
	}
	for addr := range h.Destinations {
		if _, wanted := w.Destinations.Get(addr); !wanted {
			p.add(destinationDeletes, Op{Kind: DeleteDestination, Key: key, Address: addr})
		}
	}
}

// service plans what a wanted service itself needs, and says in which phase its destinations are added.
func (p *plan) service(key ServiceKey, w WantedService, h Entry, there bool) (phase int) {
	switch {
	case !there:
		p.add(newServices, Op{Kind: AddService, Key: key, Service: w.Service})
		return newServices
	case h.Service != w.Service:
		p.add(serviceEdits, Op{Kind: EditService, Key: key, Service: w.Service})
	}
	return newDestinations
}

// destination plans what a wanted destination needs.
func (p *plan) destination(phase int, key ServiceKey, addr netip.AddrPort, d, old Destination, there bool) {
	switch {
	case !there:
		p.add(phase, Op{Kind: AddDestination, Key: key, Address: addr, Destination: d})
	case old == d:
	case d.Weight > 0:
		p.add(destinationEdits, Op{Kind: EditDestination, Key: key, Address: addr, Destination: d})
	default:
		p.add(silencings, Op{Kind: EditDestination, Key: key, Address: addr, Destination: d})
	}
}

// ops are all operations, in their order.
func (p *plan) ops() []Op {
	for _, ops := range p {
		slices.SortFunc(ops, func(a, b Op) int {
			return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Kind, b.Kind), a.Address.Compare(b.Address))
		})
	}
	return slices.Concat(p[:]...)
}
