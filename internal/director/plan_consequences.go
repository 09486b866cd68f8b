package director

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// This file finds what a plan leads to in the election and for the addresses.

// consequences finds everything that follows from the entries.
func (p *planner) consequences() {
	p.removedInstances()
	p.changedInstances()
	p.mixedGroups()
	p.movedAddresses()
	p.apart()
	p.serviceConsequences()
	p.serverConsequences()
	slices.SortStableFunc(p.plan.Consequences, func(a, b Consequence) int {
		rank := map[Severity]int{Disruption: 0, Warning: 1, Info: 2}
		return cmp.Compare(rank[a.Severity], rank[b.Severity])
	})
}

func (p *planner) follows(s Severity, kind, subject, format string, values ...any) *Consequence {
	p.plan.Consequences = append(p.plan.Consequences,
		Consequence{Severity: s, Kind: kind, Subject: subject, Text: fmt.Sprintf(format, values...)})
	return &p.plan.Consequences[len(p.plan.Consequences)-1]
}

// master says how sure it is that the instance is MASTER here: the severity of what a master
// loses, words to put before it, and false where it is known not to be.
func (p *planner) master(key vrrp.Key) (s Severity, when string, possible bool) {
	switch {
	case !p.live:
		return Warning, "if it is MASTER: ", true
	case p.states[key] == vrrp.Master:
		return Disruption, "", true
	}
	return "", "", false
}

// removedInstances: a master that is not configured any more says priority 0 and is no master.
func (p *planner) removedInstances() {
	old, now := p.old.byKey(), p.new.byKey()
	added := map[string]vrrp.Key{} // by name
	for key, c := range now {
		if old[key] == nil {
			added[c.Name] = key
		}
	}
	for _, e := range p.plan.Instances {
		if e.Action != Removed {
			continue
		}
		key, _ := e.key.(vrrp.Key)
		next, replaced := added[old[key].Name]
		if s, when, possible := p.master(key); possible {
			why := "the instance is removed"
			if replaced {
				why = fmt.Sprintf("it becomes another virtual router (%s → %s), which is elected anew", key, next)
			}
			p.follows(s, "leaves_master", e.Name, "%sleaves MASTER: %s", when, why)
		}
		if replaced {
			p.follows(Warning, "two_masters", instanceTitle(old[key].Name),
				"until the other node has virtual_router_id %d on %s too, each node is MASTER of its own virtual router, with the same addresses",
				next.VRID, next.Interface)
		}
	}
}

func (p *planner) changedInstances() {
	old, now := p.old.byKey(), p.new.byKey()
	for _, e := range p.plan.Instances {
		if e.Action != Changed {
			continue
		}
		key, _ := e.key.(vrrp.Key)
		p.deafened(e.Name, old[key], now[key])
		p.reprioritised(e.Name, old[key], now[key])
		for _, t := range now[key].Track {
			if !slices.Contains(old[key].Track, t) {
				if t.Kind == vrrp.TrackInterface {
					p.follows(Info, "tracks_interface", e.Name, "%s", trackEffect(t))
				} else {
					p.follows(Info, "tracks", e.Name, "%s", trackEffect(t))
				}
			}
		}
	}
}

// deafened: adverts that differ from what a node expects are refused, and who hears no master
// becomes one.
func (p *planner) deafened(name string, was, is *vrrp.Config) {
	what := ""
	switch {
	case was.Version != is.Version:
		what = fmt.Sprintf("version %d", is.Version)
	case is.Version == 2 && was.Interval != is.Interval: // version 3 learns it from the master
		what = fmt.Sprintf("advert_int %s", is.Interval)
	case was.Password != is.Password:
		what = "the same auth_pass"
	case !was.HMAC.Accepts(&is.HMAC) || !is.HMAC.Accepts(&was.HMAC):
		what = "the same auth_hmac"
	case was.Transport.Unicast != is.Transport.Unicast && is.Transport.Unicast:
		what = "unicast_peer"
	case was.Transport.Unicast != is.Transport.Unicast:
		what = "no unicast_peer"
	case !is.Transport.Unicast && was.Transport.Group != is.Transport.Group:
		what = "the same multicast group"
	default:
		return
	}
	p.follows(Disruption, "two_masters", name,
		"until the other node has %s too, the two refuse each other's adverts, and both become MASTER", what)
}

func (p *planner) reprioritised(name string, was, is *vrrp.Config) {
	switch {
	case is.Priority < was.Priority:
		if _, when, possible := p.master(is.Key); possible {
			p.follows(Warning, "may_lose_mastership", name,
				"%smay lose mastership: priority %d → %d; a node with a higher priority takes over, unless it has nopreempt",
				when, was.Priority, is.Priority)
		}
	case is.Priority > was.Priority && is.Preempt && (!p.live || p.states[is.Key] == vrrp.Backup):
		when := ""
		if !p.live {
			when = "if it is BACKUP: "
		}
		p.follows(Warning, "may_become_master", name,
			"%smay become MASTER: priority %d → %d; it takes over from a master whose priority is lower",
			when, was.Priority, is.Priority)
	}
}

// mixedGroups: members of one group are in one state, and masters give way to that.
func (p *planner) mixedGroups() {
	oldUnits, names := p.old.units(), p.new.byKey()
	for _, e := range p.plan.SyncGroups {
		if e.Action == Removed {
			continue
		}
		var masters, backups, former []string
		for _, key := range p.new.members(e.key) {
			switch p.states[key] {
			case vrrp.Master:
				masters = append(masters, names[key].Name)
			case vrrp.Backup:
				backups = append(backups, names[key].Name)
			case vrrp.Init, vrrp.Fault:
			}
			if unit, was := oldUnits[key]; was && !slices.Contains(former, unit) {
				former = append(former, unit)
			}
		}
		if p.live && len(masters) > 0 && len(backups) > 0 {
			for _, name := range masters {
				p.follows(Disruption, "leaves_master", instanceTitle(name),
					"leaves MASTER: %s is BACKUP, and in the same sync group", instanceTitle(backups[0]))
			}
		}
		if !p.live && len(former) > 1 {
			p.follows(Warning, "leaves_master", e.Name,
				"if one of its members is BACKUP: those that are MASTER leave MASTER")
		}
	}
}

// members are those of the group with a name.
func (s *side) members(name any) []vrrp.Key {
	for _, g := range s.want.groups {
		if g.Name == name {
			return g.Members
		}
	}
	return nil
}

// units name what is on one node always: a sync group, or an instance that is in none.
func (s *side) units() map[vrrp.Key]string {
	m := map[vrrp.Key]string{}
	for _, c := range s.want.instances {
		m[c.Key] = instanceTitle(c.Name)
	}
	for _, g := range s.want.groups {
		for _, key := range g.Members {
			m[key] = "vrrp_sync_group " + g.Name
		}
	}
	return m
}

// movedAddresses: an address that another instance gets is where that one is master.
func (p *planner) movedAddresses() {
	before := map[place]held{}
	for _, h := range p.old.held() {
		before[h.place()] = h
	}
	old, now := p.old.keys(), p.new.keys()
	for _, e := range p.plan.Addresses {
		h, _ := e.key.(held)
		if e.Action != Changed {
			continue
		}
		was := before[h.place()]
		_, when, possible := p.master(old[was.instance])
		if !possible {
			continue
		}
		_, stays := now[was.instance] // of one that does not, removedInstances tells
		if was.instance != h.instance && stays && p.live && !p.masterAfter(now[h.instance]) {
			p.follows(Disruption, "address_moves", e.Name, "leaves this node: %s is not MASTER here", e.In)
		}
		// The kernel has room for one entry with the same address and prefix length, for IPv6
		// with the same address.
		if was.Address != h.Address && (h.Prefix.Addr().Is6() || was.Prefix.Bits() == h.Prefix.Bits()) {
			p.follows(Info, "address_replaced", e.Name, "%sis off %s for an instant: it cannot be changed in place",
				when, h.Dev)
		}
	}
	p.orphans()
}

// keys are the instances' keys by their text.
func (s *side) keys() map[string]vrrp.Key {
	m := map[string]vrrp.Key{}
	for _, c := range s.want.instances {
		m[c.Key.String()] = c.Key
	}
	return m
}

// masterAfter tells whether an instance is master at once after the reload: because it is, or
// because it joins a group that is.
func (p *planner) masterAfter(key vrrp.Key) bool {
	var group []vrrp.Key
	for _, g := range p.new.want.groups {
		if slices.Contains(g.Members, key) {
			group = g.Members
		}
	}
	masters, backups := p.states[key] == vrrp.Master, p.states[key] == vrrp.Backup
	for _, member := range group {
		masters = masters || p.states[member] == vrrp.Master
		backups = backups || p.states[member] == vrrp.Backup
	}
	return masters && !backups
}

// orphans are services whose address no instance has any more.
func (p *planner) orphans() {
	ips := func(list []held) map[netip.Addr]bool {
		m := map[netip.Addr]bool{}
		for _, h := range list {
			m[h.Prefix.Addr()] = true
		}
		return m
	}
	before, after := ips(p.old.held()), ips(p.new.held())
	for _, s := range p.new.list {
		if key := s.key; before[key.Addr] && !after[key.Addr] {
			p.follows(Warning, "service_without_address", serviceTitle(key),
				"no vrrp_instance has %s any more: clients do not reach it", key.Addr)
		}
	}
}

// apart finds addresses that were on one node always, and need not be any more: a VIP on one node
// and the V-gate of its servers on the other serve nobody.
func (p *planner) apart() {
	oldUnits, newUnits := p.old.units(), p.new.units()
	oldKeys, newKeys := p.old.keys(), p.new.keys()
	after := map[netip.Addr]held{}
	for _, h := range p.new.held() {
		after[h.Prefix.Addr()] = h
	}
	former := map[string][]held{} // by old unit: the addresses that stay, as they will be
	var order []string
	for _, h := range p.old.held() {
		now, stays := after[h.Prefix.Addr()]
		if !stays {
			continue
		}
		unit := oldUnits[oldKeys[h.instance]]
		if former[unit] == nil {
			order = append(order, unit)
		}
		former[unit] = append(former[unit], now)
	}
	for _, unit := range order {
		first := former[unit][0]
		home := newUnits[newKeys[first.instance]]
		told := map[string]bool{home: true}
		for _, h := range former[unit] {
			away := newUnits[newKeys[h.instance]]
			if told[away] {
				continue
			}
			told[away] = true
			p.comeApart(unit, first, h.Address, home, away)
		}
	}
}

func (p *planner) comeApart(unit string, a held, b netif.Address, home, away string) {
	s, what := Info, "two addresses"
	if a.Dev != b.Dev {
		s, what = Disruption, "VIP and V-gate"
	}
	p.follows(s, "apart", unit, "%s come apart: one node may have %s (%s) while the other has %s (%s); a vrrp_sync_group keeps them together",
		what, a.Prefix.Addr(), home, b.Prefix.Addr(), away)
}
