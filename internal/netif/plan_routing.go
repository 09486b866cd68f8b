package netif

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Change is one operation on a route or a rule that brings the kernel nearer to what is wanted.
type Change[E comparable] struct {
	Kind  OpKind
	Entry E
	// Instance names who wants the entry, or is meant to when it is master; empty for an entry that
	// no instance wants any more.
	Instance string
	// Replace marks a deletion that makes room for an entry which matches the same packets.
	Replace bool
}

// PlanRoutes returns the operations that make the routes in have equal to what want and roles say at
// the time now: first those that come before the addresses are changed, then those that come after
// it, each in the order in which to apply them.
//
// The routes of an instance which is master, and whose Until is after now, are added where they are
// missing, and those of a static one always. Of the others in have those are deleted that owned
// names, and those that an instance wants which is not master and that carry Protocol: what a crash
// left. All others are somebody else's.
//
// A route whose place another one takes is deleted after the other has come, so that packets always
// have a way, except where the kernel has no room for both.
func PlanRoutes(want Want, roles map[string]Role, have, owned map[Route]struct{}, now time.Time) (before, after []Change[Route]) {
	due, idle := claims(want, roles, now, routesOf(want))
	return planEntries(due, idle, newTable(slices.Collect(maps.Keys(have))), owned)
}

// PlanRules is PlanRoutes for rules, which go before routes and come after them.
func PlanRules(want Want, roles map[string]Role, have, owned map[Rule]struct{}, now time.Time) (before, after []Change[Rule]) {
	due, idle := claims(want, roles, now, rulesOf(want))
	return planEntries(due, idle, newTable(slices.Collect(maps.Keys(have))), owned)
}

func routesOf(want Want) map[string][]Route {
	return partsOf(want, func(in Instance) []Route { return in.Routes })
}

func rulesOf(want Want) map[string][]Rule {
	return partsOf(want, func(in Instance) []Rule { return in.Rules })
}

func partsOf[E entry[E]](want Want, of func(Instance) []E) map[string][]E {
	parts := make(map[string][]E)
	for name, in := range want.Instances {
		for _, e := range of(in) {
			parts[name] = append(parts[name], e.parts()...)
		}
	}
	return parts
}

// claims are the entries that should be there now, each once, and those that should not because
// their instances are not master.
func claims[E entry[E]](want Want, roles map[string]Role, now time.Time, of map[string][]E) (due, idle []claim[E]) {
	taken := make(map[E]bool)
	for _, name := range slices.SortedFunc(maps.Keys(of), want.staticFirst) {
		static := want.Instances[name].Static
		holds := static || roles[name].holds(now)
		for _, e := range of[name] {
			switch c := (claim[E]{e, name, static}); {
			case !holds:
				idle = append(idle, c)
			case !taken[e.key()]:
				taken[e.key()] = true
				due = append(due, c)
			}
		}
	}
	return due, idle
}

// staticFirst sorts the names of instances.
func (w Want) staticFirst(a, b string) int {
	if s := w.Instances[a].Static; s != w.Instances[b].Static {
		if s {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func planEntries[E entry[E]](due, idle []claim[E], have table[E], owned map[E]struct{}) (before, after []Change[E]) {
	kept, missing := keep(due, have, owned)
	virtual := make(map[any]bool) // slots that an entry is in which is not static
	for _, c := range due {
		if _, there := have.find(c.entry); there && !c.static {
			virtual[c.entry.slot()] = true
		}
	}

	var surplus []Change[E]
	discard := func(h E, instance string) {
		if !kept[h] {
			kept[h] = true // is in surplus once
			surplus = append(surplus, Change[E]{Kind: Delete, Entry: h, Instance: instance})
		}
	}
	for _, c := range slices.Backward(idle) {
		for _, h := range have[c.entry.slot()] {
			if !c.entry.is(h) {
				continue
			}
			_, asWanted := owned[c.entry.key()]
			if _, mine := owned[h]; mine || asWanted || h.origin() == Protocol {
				discard(h, c.instance)
			}
		}
	}
	left := len(surplus)
	for e := range owned {
		if h, there := have.find(e); there {
			discard(h, "")
		}
	}
	slices.SortFunc(surplus[left:], func(a, b Change[E]) int { return strings.Compare(a.Entry.String(), b.Entry.String()) })

	olds := make(map[any][]Change[E])
	places := make(map[any]bool)
	for _, c := range missing {
		places[c.entry.slot()] = true
	}
	for _, old := range surplus {
		if slot := old.Entry.slot(); places[slot] {
			old.Replace = true
			olds[slot] = append(olds[slot], old)
		} else {
			before = append(before, old)
		}
	}
	for _, c := range missing {
		slot := c.entry.slot()
		after = append(after, replacing(c, olds[slot], c.static && virtual[slot])...)
		delete(olds, slot)
	}
	return before, after
}

// keep finds out which entries of the kernel are those that are due, and which of these are missing.
// Where several are what an entry asks for, it is the one that no other asks for exactly; of these,
// one of our own.
func keep[E entry[E]](due []claim[E], have table[E], owned map[E]struct{}) (kept map[E]bool, missing []claim[E]) {
	kept = make(map[E]bool)
	var open []claim[E]
	for _, c := range due {
		if slices.Contains(have[c.entry.slot()], c.entry.key()) {
			kept[c.entry.key()] = true
		} else {
			open = append(open, c)
		}
	}
	for _, c := range open {
		best, there := have.find(c.entry)
		if !there {
			missing = append(missing, c)
			continue
		}
		rank := -1
		for _, h := range have[c.entry.slot()] {
			of := 0
			if _, mine := owned[h]; mine {
				of = 1
			}
			if c.entry.is(h) && !kept[h] && of > rank {
				best, rank = h, of
			}
		}
		kept[best] = true
	}
	return kept, missing
}

// replacing are the operations that put an entry where others are that go.
func replacing[E entry[E]](c claim[E], olds []Change[E], behind bool) []Change[E] {
	var first, last []Change[E]
	for _, old := range olds {
		if c.entry.excludes(old.Entry) {
			first = append(first, old)
		} else {
			last = append(last, old)
		}
	}
	e := c.entry
	if behind {
		e = e.behind()
	}
	return slices.Concat(first, []Change[E]{{Kind: Add, Entry: e, Instance: c.instance}}, last)
}
