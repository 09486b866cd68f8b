package director

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// instances compares the VRRP instances, which are the same as long as their interface and
// virtual_router_id are.
func (p *planner) instances() {
	old, now := p.old.byKey(), p.new.byKey()
	names := map[string]bool{}
	for _, c := range p.new.want.instances {
		names[c.Name] = true
	}
	for i := range p.new.want.instances {
		c := &p.new.want.instances[i]
		e := Entry{Action: Added, Name: instanceTitle(c.Name), key: c.Key}
		attributes := append(instanceAttributes(c, p.new.want.network.Instances[c.Key.String()]), p.new.acceptance(c.Name))
		before := old[c.Key]
		if before == nil {
			e.Changes = assigned(attributes)
			p.plan.Instances = append(p.plan.Instances, e)
			continue
		}
		e.Action = Changed
		if before.Name != c.Name {
			e.Changes = append(e.Changes, Change{"name", before.Name, c.Name})
		}
		e.Changes = append(e.Changes, changes(
			append(instanceAttributes(before, p.old.want.network.Instances[c.Key.String()]), p.old.acceptance(before.Name)), attributes)...)
		e.Changes = append(e.Changes, reordered(before.Addresses, c.Addresses)...)
		if len(e.Changes) > 0 {
			p.plan.Instances = append(p.plan.Instances, e)
		}
	}
	for _, c := range p.old.want.instances {
		if now[c.Key] != nil {
			continue
		}
		e := Entry{Action: Removed, Name: instanceTitle(c.Name), key: c.Key}
		if names[c.Name] { // another one has the name
			e.Name += " (" + c.Key.String() + ")"
		}
		p.plan.Instances = append(p.plan.Instances, e)
	}
}

// acceptance tells whether packets to an instance's addresses are accepted, which is usual.
func (s *side) acceptance(instance string) attribute {
	a := attribute{name: "accept"}
	if i := slices.IndexFunc(s.cfg.Instances, func(i conf.Instance) bool { return i.Name == instance }); i >= 0 && s.cfg.Instances[i].NoAccept {
		a.value = "false"
	}
	return a
}

func (s *side) byKey() map[vrrp.Key]*vrrp.Config {
	m := map[vrrp.Key]*vrrp.Config{}
	for i := range s.want.instances {
		m[s.want.instances[i].Key] = &s.want.instances[i]
	}
	return m
}

// reordered tells of advertised addresses that are the same ones in another order; others are
// entries of their own.
func reordered(from, to []netip.Addr) []Change {
	if slices.Equal(from, to) {
		return nil
	}
	text := func(list []netip.Addr, sort bool) string {
		var words []string
		for _, a := range list {
			words = append(words, a.String())
		}
		if sort {
			slices.Sort(words)
		}
		return strings.Join(words, ", ")
	}
	if text(from, true) != text(to, true) {
		return nil
	}
	return []Change{{"order of virtual_ipaddress", text(from, false), text(to, false)}}
}

// held is a virtual address and the key of the instance that has it.
type held struct {
	netif.Address
	instance string
	noTrack  bool
}

// place is what the kernel takes for one address: netif.Plan replaces what differs otherwise.
type place struct {
	dev string
	ip  netip.Addr
}

func (h held) title() string { return h.Prefix.String() + " dev " + h.Dev }

func (h held) place() place { return place{h.Dev, h.Prefix.Addr()} }

// held are the addresses that a host without any would get if every instance was master, by
// instance in the order of the configuration.
func (s *side) held() []held {
	roles := map[string]netif.Role{}
	for key := range s.want.network.Instances {
		roles[key] = netif.Role{Master: true, Until: time.Unix(1, 0)}
	}
	byInstance := map[string][]held{}
	for _, op := range netif.Plan(s.want.network, roles, nil, nil, time.Unix(0, 0)) {
		byInstance[op.Instance] = append(byInstance[op.Instance], held{op.Address, op.Instance,
			slices.Contains(s.want.network.Instances[op.Instance].NoTrack, op.Address)})
	}
	var list []held
	for _, c := range s.want.instances {
		list = append(list, byInstance[c.Key.String()]...)
	}
	return append(list, byInstance[staticKey]...)
}

// addresses compares the virtual addresses: what is on an interface while the instance is master.
func (p *planner) addresses() {
	before, after := p.old.held(), p.new.held()
	old := map[place]held{}
	for _, h := range before {
		old[h.place()] = h
	}
	now := map[place]bool{}
	oldNames, names := p.old.titles(), p.new.titles()
	for _, h := range after {
		now[h.place()] = true
		e := Entry{Action: Added, Name: h.title(), In: p.ownerTitle(h.instance, "static_ipaddress"), key: h}
		was, there := old[h.place()]
		if !there {
			e.Changes = assigned(addressAttributes(h, "")[1:])
			p.plan.Addresses = append(p.plan.Addresses, e)
			continue
		}
		e.Action = Changed
		from, to := "", "" // a change of name is the instance's
		if was.instance != h.instance {
			from, to = oldNames[was.instance]+" ("+was.instance+")", names[h.instance]+" ("+h.instance+")"
		}
		e.Changes = changes(addressAttributes(was, from), addressAttributes(h, to))
		if len(e.Changes) > 0 {
			p.plan.Addresses = append(p.plan.Addresses, e)
		}
	}
	for _, h := range before {
		if !now[h.place()] {
			p.plan.Addresses = append(p.plan.Addresses,
				Entry{Action: Removed, Name: h.title(), In: p.ownerTitle(h.instance, "static_ipaddress"), key: h})
		}
	}
}

// titles are the instances' names by their keys.
func (s *side) titles() map[string]string {
	m := map[string]string{staticKey: staticKey}
	for _, c := range s.want.instances {
		m[c.Key.String()] = c.Name
	}
	return m
}

// groups compares the sync groups: by name, then what is left by its members.
func (p *planner) groups() {
	type group struct {
		name    string
		members []vrrp.Key // sorted
		text    string
	}
	list := func(s *side) (groups []group) {
		names := s.byKey()
		for _, g := range s.want.groups {
			members := slices.Clone(g.Members)
			slices.SortFunc(members, func(a, b vrrp.Key) int { return strings.Compare(a.String(), b.String()) })
			var words []string
			for _, m := range members {
				words = append(words, names[m].Name)
			}
			groups = append(groups, group{g.Name, members, strings.Join(words, ", ")})
		}
		return groups
	}
	before, after := list(&p.old), list(&p.new)
	taken := map[string]bool{}
	named := func(groups []group, name string) int {
		return slices.IndexFunc(groups, func(g group) bool { return g.name == name })
	}
	for _, g := range after {
		e := Entry{Action: Changed, Name: "vrrp_sync_group " + g.name, key: g.name}
		i := named(before, g.name)
		if i < 0 {
			i = slices.IndexFunc(before, func(o group) bool {
				return !taken[o.name] && named(after, o.name) < 0 && slices.Equal(o.members, g.members)
			})
			if i >= 0 {
				e.Changes = []Change{{"name", before[i].name, g.name}}
			}
		}
		switch {
		case i < 0:
			e.Action, e.Changes = Added, assigned([]attribute{{name: "group", value: g.text}})
		case !slices.Equal(before[i].members, g.members):
			e.Changes = append(e.Changes, Change{"group", before[i].text, g.text})
		}
		if i >= 0 {
			taken[before[i].name] = true
		}
		if len(e.Changes) > 0 || e.Action == Added {
			p.plan.SyncGroups = append(p.plan.SyncGroups, e)
		}
	}
	for _, g := range before {
		if !taken[g.name] {
			p.plan.SyncGroups = append(p.plan.SyncGroups,
				Entry{Action: Removed, Name: "vrrp_sync_group " + g.name, key: g.name})
		}
	}
}

// sysctls compares the kernel parameters. One that is not wanted any more keeps its value.
// sysctls are the parameters that a configuration has written.
func (s *side) sysctls() []netif.Sysctl {
	list := slices.Clone(s.want.network.Sysctls)
	if !s.cfg.LVS.ManageSysctls {
		return list
	}
	for i, value := range wishes(s.cfg) {
		if value != 0 {
			list = append(list, netif.Sysctl{Name: ipvs.Sysctl(i).String(), Value: strconv.Itoa(int(value))})
		}
	}
	return list
}

func (p *planner) sysctls() {
	old := map[string]string{}
	before, after := p.old.sysctls(), p.new.sysctls()
	for _, s := range before {
		old[s.Name] = s.Value
	}
	now := map[string]bool{}
	for _, s := range after {
		now[s.Name] = true
		e := Entry{Action: Changed, Name: s.Name}
		was, there := old[s.Name]
		if there && was == s.Value {
			continue
		}
		if !there {
			e.Action = Added
		}
		e.Changes = []Change{{"value", was, s.Value}}
		p.plan.Sysctls = append(p.plan.Sysctls, e)
	}
	for _, s := range before {
		if !now[s.Name] {
			p.plan.Sysctls = append(p.plan.Sysctls, Entry{Action: Removed, Name: s.Name,
				Note: "the kernel keeps its value"})
		}
	}
}
