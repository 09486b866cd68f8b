package ipvs

import (
	"cmp"
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
func Plan(want, have Table, owned map[ServiceKey]bool) []Op {
	var phases [phaseCount][]Op
	plan := func(phase int, op Op) { phases[phase] = append(phases[phase], op) }
	common := 0
	for key, w := range want {
		h, ok := have[key]
		addPhase := newDestinations
		switch {
		case !ok:
			addPhase = newServices
			plan(newServices, Op{Kind: AddService, Key: key, Service: w.Service})
		case h.Service != w.Service:
			plan(serviceEdits, Op{Kind: EditService, Key: key, Service: w.Service})
		}
		if ok {
			common++
		}
		kept := 0
		for addr, d := range w.Destinations {
			old, ok := h.Destinations[addr]
			if ok {
				kept++
			}
			switch {
			case !ok:
				plan(addPhase, Op{Kind: AddDestination, Key: key, Address: addr, Destination: d})
			case old == d:
			case d.Weight > 0:
				plan(destinationEdits, Op{Kind: EditDestination, Key: key, Address: addr, Destination: d})
			default:
				plan(silencings, Op{Kind: EditDestination, Key: key, Address: addr, Destination: d})
			}
		}
		if kept < len(h.Destinations) {
			for addr := range h.Destinations {
				if _, ok := w.Destinations[addr]; !ok {
					plan(destinationDeletes, Op{Kind: DeleteDestination, Key: key, Address: addr})
				}
			}
		}
	}
	if common < len(have) {
		for key := range have {
			if _, ok := want[key]; !ok && owned[key] {
				plan(serviceDeletes, Op{Kind: DeleteService, Key: key})
			}
		}
	}
	for _, ops := range phases {
		slices.SortFunc(ops, func(a, b Op) int {
			return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Kind, b.Kind), a.Address.Compare(b.Address))
		})
	}
	return slices.Concat(phases[:]...)
}
