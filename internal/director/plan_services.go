package director

import (
	"net/netip"
	"slices"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// serverKey is a real server of one service.
type serverKey struct {
	service ipvs.ServiceKey
	address netip.AddrPort
}

// server is what a plan knows a real server of a service by.
func (s served) server(r *conf.RealServer) serverKey {
	return serverKey{s.key, s.at(r.Address, r.Forwarding)}
}

func (s *side) has(key ipvs.ServiceKey) bool {
	_, there := s.services[key]
	return there
}

// services compares the virtual servers, without what is behind them.
func (p *planner) services() {
	for _, s := range p.new.list {
		key := s.key
		e := Entry{Action: Changed, Name: serviceTitle(key), key: key}
		now := p.new.serviceAttributes(key)
		if p.old.has(key) {
			e.Changes = changes(p.old.serviceAttributes(key), now)
		} else {
			e.Action, e.Changes = Added, assigned(now)
		}
		if len(e.Changes) > 0 || e.Action == Added {
			p.plan.Services = append(p.plan.Services, e)
		}
	}
	for _, s := range p.old.list {
		key := s.key
		if _, stays := p.new.want.services.Get(key); !stays {
			p.plan.Services = append(p.plan.Services, Entry{Action: Removed, Name: serviceTitle(key), key: key})
		}
	}
}

// checks compares the checks, each once however many servers have it. One that asks the same of
// the same target is changed; as a reload has it, the old one ends and the new one starts.
func (p *planner) checks() {
	p.renewed = map[check.Spec]check.Spec{}
	var stopped, started []check.Spec
	for _, spec := range p.old.specs() {
		if _, stays := p.new.want.checks[spec]; !stays {
			stopped = append(stopped, spec)
		}
	}
	for _, spec := range p.new.specs() {
		if _, was := p.old.want.checks[spec]; !was {
			started = append(started, spec)
		}
	}
	replaced := map[check.Spec]check.Spec{} // a started one to the stopped
	pair := func(same func(check.Spec) any) {
		free := map[any][]check.Spec{}
		for _, spec := range stopped {
			if _, taken := p.renewed[spec]; !taken {
				free[same(spec)] = append(free[same(spec)], spec)
			}
		}
		for _, spec := range started {
			list := free[same(spec)]
			if _, taken := replaced[spec]; taken || len(list) == 0 {
				continue
			}
			replaced[spec], p.renewed[list[0]] = list[0], spec
			free[same(spec)] = list[1:]
		}
	}
	pair(func(s check.Spec) any { return s.Untimed() })
	pair(func(s check.Spec) any { return s.String() })
	for _, spec := range started {
		e := Entry{Action: Added, Name: checkTitle(spec), key: spec}
		if was, changed := replaced[spec]; changed {
			e.Action, e.Changes = Changed, changes(checkAttributes(was), checkAttributes(spec))
		} else {
			e.Changes = assigned(checkAttributes(spec))
		}
		p.plan.Checks = append(p.plan.Checks, e)
	}
	for _, spec := range stopped {
		if _, changed := p.renewed[spec]; !changed {
			p.plan.Checks = append(p.plan.Checks, Entry{Action: Removed, Name: checkTitle(spec), key: spec})
		}
	}
}

// specs are all checks, each once, in the order of the configuration.
func (s *side) specs() []check.Spec {
	var list []check.Spec
	seen := map[check.Spec]bool{}
	for i := range s.cfg.Services {
		for j := range s.cfg.Services[i].RealServers {
			for _, spec := range specs(&s.cfg.Services[i].RealServers[j]) {
				if !seen[spec] {
					seen[spec] = true
					list = append(list, spec)
				}
			}
		}
	}
	return list
}

// realServers are the servers by service and address.
func (s *side) realServers() map[serverKey]*conf.RealServer {
	m := map[serverKey]*conf.RealServer{}
	for _, v := range s.list {
		for j := range v.RealServers {
			r := &v.RealServers[j]
			m[v.server(r)] = r
		}
	}
	return m
}

func (s *side) serviceAttributes(key ipvs.ServiceKey) []attribute {
	service, _ := s.want.services.Get(key)
	return append(serviceAttributes(service.Service, key.Family), quorumAttributes(s.services[key].VirtualServer)...)
}

func (s *side) serverAttributes(key serverKey, r *conf.RealServer) []attribute {
	leaves := len(specs(r)) > 0 || s.services[key.service].Sorry.Address.IsValid()
	d, _ := key.in(s.want.services)
	return append(serverAttributes(d, r.InhibitOnFailure && leaves, r.SlowStart),
		attribute{name: "notify_up", value: programText(r.NotifyUp)},
		attribute{name: "notify_down", value: programText(r.NotifyDown)})
}

// up tells whether a real server is up with the health that is known.
func (s *side) up(key serverKey, r *conf.RealServer) bool {
	asked := specs(r)
	var was standing
	if s.health.unproven(asked) {
		was = s.health.memory.server(member{serviceName(s.services[key.service].VirtualServer), r.Address})
	}
	return s.health.up(asked, was)
}

// servers compares the real servers of every virtual server.
func (p *planner) servers() {
	before, after := p.old.realServers(), p.new.realServers()
	gone := map[ipvs.ServiceKey][]Entry{}
	for _, s := range p.old.list {
		for j := range s.RealServers {
			key := s.server(&s.RealServers[j])
			if after[key] == nil {
				gone[key.service] = append(gone[key.service], p.serverEntry(key, before[key], nil))
			}
		}
	}
	for _, s := range p.new.list {
		service := s.key
		for j := range s.RealServers {
			key := s.server(&s.RealServers[j])
			if e := p.serverEntry(key, before[key], after[key]); len(e.Changes) > 0 {
				p.plan.RealServers = append(p.plan.RealServers, e)
			}
		}
		p.plan.RealServers = append(p.plan.RealServers, gone[service]...)
	}
	for _, s := range p.old.list {
		service := s.key
		if _, stays := p.new.want.services.Get(service); !stays {
			p.plan.RealServers = append(p.plan.RealServers, gone[service]...)
		}
	}
}

// serverEntry compares one server, of which one side may be nil. One that stays and has no
// changes is no entry.
func (p *planner) serverEntry(key serverKey, was, is *conf.RealServer) Entry {
	e := Entry{Action: Changed, Name: "real_server " + key.address.String(), In: serviceTitle(key.service), key: key}
	kernel := true // its configuration in the kernel changes, or would if it was healthy
	switch {
	case was == nil:
		e.Action = Added
		e.Changes = append(assigned(p.new.serverAttributes(key, is)), dependencies(nil, specs(is), nil)...)
	case is == nil:
		e.Action = Removed
	default:
		e.Changes = changes(p.old.serverAttributes(key, was), p.new.serverAttributes(key, is))
		kernel = !sameDestination(p.old.want.services, p.new.want.services, key)
		e.Changes = append(e.Changes, dependencies(specs(was), specs(is), p.renewed)...)
		switch wasUp, isUp := p.old.up(key, was), p.new.up(key, is); {
		case !wasUp && isUp:
			e.Changes = append(e.Changes, Change{"health", "down", "unknown"})
		case wasUp && !isUp:
			e.Changes = append(e.Changes, Change{"health", "up", "down"})
		}
	}
	if kernel && p.live && sameDestination(p.old.now, p.new.now, key) {
		e.Note = "it is down: nothing is written now"
		if v, there := p.new.services[key.service]; there && p.new.memory.sorryServes(v.VirtualServer) {
			e.Note = "the sorry_server serves: nothing is written now"
		}
	}
	return e
}

// sameDestination tells whether two tables have the same of one server.
func sameDestination(a, b ipvs.Wanted, key serverKey) bool {
	x, inA := key.in(a)
	y, inB := key.in(b)
	return inA == inB && x == y
}

// dependencies compares the checks that a server needs, apart from those that are changed
// themselves.
func dependencies(from, to []check.Spec, renewed map[check.Spec]check.Spec) []Change {
	before := make([]check.Spec, 0, len(from))
	for _, spec := range from {
		if next, changed := renewed[spec]; changed {
			spec = next
		}
		before = append(before, spec)
	}
	gone, come := without(before, to), without(to, before)
	var list []Change
	for _, spec := range come {
		i := slices.IndexFunc(gone, func(old check.Spec) bool { return checkTitle(old) == checkTitle(spec) })
		if i < 0 {
			list = append(list, Change{Attribute: spec.Kind.Keyword(), To: checkTarget(spec)})
			continue
		}
		for _, c := range changes(checkAttributes(gone[i]), checkAttributes(spec)) {
			c.Attribute = checkTitle(spec) + " " + c.Attribute
			list = append(list, c)
		}
		gone = slices.Delete(gone, i, i+1)
	}
	for _, spec := range gone {
		list = append(list, Change{Attribute: spec.Kind.Keyword(), From: checkTarget(spec)})
	}
	return list
}

// without is what is in list and not in other, each once.
func without(list, other []check.Spec) []check.Spec {
	var rest []check.Spec
	for _, spec := range list {
		if !slices.Contains(other, spec) && !slices.Contains(rest, spec) {
			rest = append(rest, spec)
		}
	}
	return rest
}
