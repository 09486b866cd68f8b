package director

import (
	"net/netip"
	"slices"

	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// owned is a route or a rule and the key of the instance that has it.
type owned[E comparable] struct {
	entry    E
	instance string
}

// routePlace is what stays the same of a route that is changed.
type routePlace struct {
	instance      string
	to            netip.Prefix
	table, metric uint32
	tos           uint8
}

func placeOf(r owned[netif.Route]) routePlace {
	e := r.entry
	return routePlace{r.instance, e.To, e.Table, e.Metric, e.TOS}
}

// owners are the keys of all that has routes and rules, in the order of the configuration.
func (s *side) owners() []string {
	keys := []string{staticKey}
	for _, c := range s.want.instances {
		keys = append(keys, c.Key.String())
	}
	return keys
}

// ownedBy lists the entries of all owners, each once.
func ownedBy[E comparable](s *side, of func(netif.Instance) []E) []owned[E] {
	var list []owned[E]
	seen := map[owned[E]]bool{}
	for _, key := range s.owners() {
		for _, e := range of(s.want.network.Instances[key]) {
			if o := (owned[E]{e, key}); !seen[o] {
				seen[o] = true
				list = append(list, o)
			}
		}
	}
	return list
}

// missing are the entries of a that are not in b.
func missing[E comparable](a, b []owned[E]) []owned[E] {
	there := map[owned[E]]bool{}
	for _, o := range b {
		there[o] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(o owned[E]) bool { return there[o] })
}

// routes compares the routes: what is in the kernel while the instance is master, or always. Where an
// owner has several in one place, none of them can be told to have become another one.
func (p *planner) routes() {
	of := func(n netif.Instance) []netif.Route { return n.Routes }
	before, after := ownedBy(&p.old, of), ownedBy(&p.new, of)
	most := map[routePlace]int{}
	for _, list := range [][]owned[netif.Route]{before, after} {
		count := map[routePlace]int{}
		for _, r := range list {
			count[placeOf(r)]++
			most[placeOf(r)] = max(most[placeOf(r)], count[placeOf(r)])
		}
	}
	entry := func(a Action, r owned[netif.Route]) Entry {
		e := Entry{Action: a, Name: "route " + r.entry.String(), In: p.ownerTitle(r.instance, "static_routes"), key: r}
		if most[placeOf(r)] == 1 {
			e.Name = "route " + placeOf(r).String()
		}
		return e
	}
	removed := missing(before, after)
	former := map[routePlace]owned[netif.Route]{}
	for _, r := range removed {
		if most[placeOf(r)] == 1 {
			former[placeOf(r)] = r
		}
	}
	for _, r := range missing(after, before) {
		e := entry(Added, r)
		if was, there := former[placeOf(r)]; there {
			delete(former, placeOf(r))
			e.Action, e.Changes = Changed, changes(routeAttributes(was.entry), routeAttributes(r.entry))
		} else {
			e.Changes = assigned(routeAttributes(r.entry))
		}
		p.plan.Routes = append(p.plan.Routes, e)
	}
	for _, r := range removed {
		if _, unchanged := former[placeOf(r)]; unchanged || most[placeOf(r)] > 1 {
			p.plan.Routes = append(p.plan.Routes, entry(Removed, r))
		}
	}
}

// String is what a route is named by.
func (p routePlace) String() string {
	return netif.Route{To: p.to, Table: p.table, Metric: p.metric, TOS: p.tos}.String()
}

// rules compares the rules. One that differs in more than no_track is another one.
func (p *planner) rules() {
	of := func(n netif.Instance) []netif.Rule { return n.Rules }
	before, after := ownedBy(&p.old, of), ownedBy(&p.new, of)
	same := func(r owned[netif.Rule]) owned[netif.Rule] {
		r.entry.NoTrack = false
		return r
	}
	entry := func(a Action, r owned[netif.Rule]) Entry {
		return Entry{Action: a, Name: "rule " + r.entry.String(), In: p.ownerTitle(r.instance, "static_rules"), key: r}
	}
	removed := missing(before, after)
	former := map[owned[netif.Rule]]owned[netif.Rule]{}
	for _, r := range removed {
		former[same(r)] = r
	}
	for _, r := range missing(after, before) {
		e := entry(Added, r)
		if was, there := former[same(r)]; there {
			delete(former, same(r))
			e.Action, e.Changes = Changed, changes(ruleAttributes(was.entry), ruleAttributes(r.entry))
		} else {
			e.Changes = assigned(ruleAttributes(r.entry))
		}
		p.plan.Rules = append(p.plan.Rules, e)
	}
	for _, r := range removed {
		if _, gone := former[same(r)]; gone {
			p.plan.Rules = append(p.plan.Rules, entry(Removed, r))
		}
	}
}

// ownerTitle is what something belongs to, by its key: an instance, also one that is removed, or the
// block of what is static.
func (p *planner) ownerTitle(key, block string) string {
	if key == staticKey {
		return block
	}
	for _, c := range p.new.want.instances {
		if c.Key.String() == key {
			return instanceTitle(c.Name)
		}
	}
	for _, e := range p.plan.Instances {
		if k, _ := e.key.(vrrp.Key); e.Action == Removed && k.String() == key {
			return e.Name
		}
	}
	return key
}
