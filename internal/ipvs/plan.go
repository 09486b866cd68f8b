package ipvs

import (
	"cmp"
	"slices"
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
	var ops []Op
	created := map[ServiceKey]bool{}
	for key, w := range want {
		h, ok := have[key]
		switch {
		case !ok:
			created[key] = true
			ops = append(ops, Op{Kind: AddService, Key: key, Service: w.Service})
		case h.Service != w.Service:
			ops = append(ops, Op{Kind: EditService, Key: key, Service: w.Service})
		}
		for addr, d := range w.Destinations {
			old, ok := h.Destinations[addr]
			switch {
			case !ok:
				ops = append(ops, Op{Kind: AddDestination, Key: key, Address: addr, Destination: d})
			case old != d:
				ops = append(ops, Op{Kind: EditDestination, Key: key, Address: addr, Destination: d})
			}
		}
		for addr := range h.Destinations {
			if _, ok := w.Destinations[addr]; !ok {
				ops = append(ops, Op{Kind: DeleteDestination, Key: key, Address: addr})
			}
		}
	}
	for key := range have {
		if _, ok := want[key]; !ok && owned[key] {
			ops = append(ops, Op{Kind: DeleteService, Key: key})
		}
	}
	slices.SortFunc(ops, func(a, b Op) int {
		return cmp.Or(
			cmp.Compare(a.phase(created), b.phase(created)),
			a.Key.Compare(b.Key),
			cmp.Compare(a.Kind, b.Kind),
			a.Address.Compare(b.Address),
		)
	})
	return ops
}

// phase is the operation's place in a plan; created holds the services that the plan adds.
func (o Op) phase(created map[ServiceKey]bool) int {
	switch {
	case created[o.Key]:
		return 0
	case o.Kind == AddDestination:
		return 1
	case o.Kind == EditService:
		return 2
	case o.Kind == EditDestination && o.Destination.Weight > 0:
		return 3
	case o.Kind == EditDestination:
		return 4
	case o.Kind == DeleteDestination:
		return 5
	}
	return 6
}
