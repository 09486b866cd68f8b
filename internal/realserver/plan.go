package realserver

import "slices"

// Step sets an item up, or takes it down.
type Step struct {
	Item Item
	Undo bool
	// Was is the value of a Setting before, with Undo the one that it gets back.
	Was string
	// Before is the default route that a Gateway is put in front of; nil for none.
	Before *Gateway
}

// String says what is done.
func (s Step) String() string {
	setting, is := s.Item.(Setting)
	switch {
	case is && s.Undo:
		setting.Value = s.Was
		return "set " + setting.String()
	case is && s.Was != "":
		return "set " + setting.String() + ", it was " + s.Was
	case is:
		return "set " + setting.String()
	case s.Undo:
		return "remove " + s.Item.String()
	}
	return "add " + s.Item.String()
}

// Plan returns the steps that make a host have all of items, which was set up before as m says, and what
// is remembered after them. It is pure.
//
// What m has and items do not is taken down first, in the order contrary to that of setting it up, as
// far as it is still as it was set up. What the host has already is left alone, and is not remembered.
func Plan(items []Item, h Host, m Memory) ([]Step, Memory) {
	p := plan{host: h.clone(), known: map[Item]bool{}}
	wanted := map[Item]bool{}
	for _, i := range items {
		wanted[i] = true
	}
	list := m.list()
	for _, r := range slices.Backward(list) {
		if !wanted[r.item] {
			p.undo(r)
		}
	}
	for _, r := range list {
		if wanted[r.item] {
			p.known[r.item] = true
			p.kept = append(p.kept, r)
		}
	}
	for _, i := range items {
		p.do(i)
	}
	return p.steps, remember(p.kept)
}

type plan struct {
	host  Host // as it is after the steps
	steps []Step
	kept  []remembered
	known map[Item]bool // what is remembered
}

func (p *plan) step(s Step) {
	p.steps = append(p.steps, s)
	p.host.take(s)
}

// undo takes down what was set up before, where it is there.
func (p *plan) undo(r remembered) {
	setting, is := r.item.(Setting)
	if is {
		if p.host.Settings[setting.Name] == setting.Value && r.was != setting.Value {
			p.step(Step{Item: setting, Undo: true, Was: r.was})
		}
		return
	}
	there := false
	switch i := r.item.(type) {
	case Port:
		there = p.host.Ports[i]
	case Tunnel:
		_, there = p.host.Tunnels[i.Dev]
	case Address:
		_, there = p.host.Addresses[i]
	case Gateway:
		there = slices.Contains(p.host.Defaults, i)
	}
	if there {
		p.step(Step{Item: r.item, Undo: true})
	}
}

// do sets up what the host lacks.
func (p *plan) do(i Item) {
	if i.Lacks(p.host) == "" {
		return
	}
	s := Step{Item: i}
	switch i := i.(type) {
	case Setting:
		s.Was = p.host.Settings[i.Name]
	case Tunnel:
		if is, there := p.host.Tunnels[i.Dev]; there && is.Tunnel != i {
			p.step(Step{Item: is.Tunnel, Undo: true})
		}
	case Gateway:
		if best, there := p.host.defaultRoute(i.v4()); there {
			s.Before = &best
		}
		if slices.Contains(p.host.Defaults, i) {
			p.step(Step{Item: i, Undo: true}) // it is added again, in front
		}
	}
	p.step(s)
	if p.known[i] {
		return
	}
	if setting, is := i.(Setting); !is || setting.Tunnel == "" {
		p.kept = append(p.kept, remembered{i, s.Was})
	}
}
