package director

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// This file finds what a plan leads to for services and their connections.

func (p *planner) serviceConsequences() {
	for _, e := range p.plan.Services {
		key, _ := e.key.(ipvs.ServiceKey)
		switch e.Action {
		case Removed:
			p.lost(e.Name, p.connectionsOf(key),
				"set the weight of its servers to 0 first, and remove it when none is left")
		case Changed:
			for _, c := range e.Changes {
				if c.Attribute == "lb_algo" {
					p.follows(Info, "scheduler_changes", e.Name,
						"lb_algo changes: the kernel refuses new connections for an instant")
				}
			}
		case Added:
		}
	}
	p.emptied()
	p.quorums()
}

// quorums finds virtual servers that lose their quorum, or gain it, and those whose sorry server
// comes to serve, or to serve no more.
func (p *planner) quorums() {
	for _, s := range p.new.list {
		name := serviceName(s.VirtualServer)
		was, stays := p.old.services[s.key]
		if !stays {
			continue
		}
		had, _ := p.old.memory.quorate(name)
		is, _ := p.new.memory.quorate(name)
		sorryWas, sorryIs := p.old.memory.sorryServes(was.VirtualServer), p.new.memory.sorryServes(s.VirtualServer)
		what := "is without its quorum"
		if is {
			what = "has its quorum"
		}
		switch {
		case sorryIs != sorryWas:
		case had == is || s.Quorum <= 1 && !s.Sorry.Address.IsValid():
			continue
		}
		switch {
		case sorryIs:
			p.follows(Warning, "quorum_lost", serviceTitle(s.key), "%s: the sorry_server %s serves, and its real servers do not", what, s.Sorry.Address)
		case sorryWas:
			p.follows(Info, "quorum_gained", serviceTitle(s.key), "%s: its real servers serve, and the sorry_server %s does not any more", what, was.Sorry.Address)
		case is:
			p.follows(Info, "quorum_gained", serviceTitle(s.key), "%s", what)
		default:
			p.follows(Warning, "quorum_lost", serviceTitle(s.key), "%s", what)
		}
	}
}

// connectionsOf are the connections of all servers of a service.
func (p *planner) connectionsOf(key ipvs.ServiceKey) (n uint64) {
	for address := range destinations(p.old.want.services, key).All() {
		n += p.connections(serverKey{key, address})
	}
	return n
}

// connections are those that a server of a service has. Of protocols without a connection's end
// the kernel calls all of them inactive.
func (p *planner) connections(key serverKey) uint64 {
	d := p.facts.servers[key]
	if key.service.Protocol == unix.IPPROTO_TCP {
		return uint64(d.Active)
	}
	return uint64(d.Active) + uint64(d.Inactive)
}

// lost: the kernel drops the packets of connections whose server is gone.
func (p *planner) lost(subject string, n uint64, advice string) {
	switch {
	case p.facts.servers == nil:
		p.follows(Warning, "connections_lost", subject, "its connections are lost; %s", advice)
	case n > 0:
		what := "active connections are"
		if n == 1 {
			what = "active connection is"
		}
		p.follows(Disruption, "connections_lost", subject, "%d %s lost; %s", n, what, advice).Connections = n
	}
}

// emptied finds services that come to have no server which takes connections.
func (p *planner) emptied() {
	for _, s := range p.new.list {
		key := s.key
		_, was := p.old.want.services.Get(key)
		if was && !serves(p.old.now, key) || serves(p.new.now, key) {
			continue
		}
		severity := Warning // nobody uses it yet
		if was {
			severity = Disruption
		}
		why := "every real_server has weight 0"
		switch {
		case len(s.RealServers) == 0:
			why = "it has no real_server"
		case serves(p.new.want.services, key):
			why = "none of its real servers is up"
			for i := range s.RealServers {
				if p.health.orders[member{serviceName(s.VirtualServer), s.RealServers[i].Address}].drain.ordered {
					why = "its real servers are down, or drained"
				}
			}
		}
		p.follows(severity, "service_empty", serviceTitle(key), "refuses every new connection: %s", why)
	}
}

func (p *planner) serverConsequences() {
	before, after := p.old.realServers(), p.new.realServers()
	untested := map[ipvs.ServiceKey][]string{}
	for _, s := range p.new.list {
		for j := range s.RealServers {
			key := s.server(&s.RealServers[j])
			if p.untested(key, before[key], after[key]) {
				untested[key.service] = append(untested[key.service], key.address.String())
			}
		}
	}
	for _, e := range p.plan.RealServers {
		key, _ := e.key.(serverKey)
		subject := e.Name + " of " + e.In
		switch e.Action {
		case Removed:
			switch s, stays := p.new.services[key.service]; {
			case stays && p.finishes(key):
				p.follows(Info, "drains", subject, "an operator drains it: it goes on finishing its connections, and is forgotten")
			case stays && s.DrainTimeout > 0:
				p.follows(Info, "drains", subject, "gets no new connections, and goes when it has none, or after %s", s.DrainTimeout)
			case stays:
				p.lost(subject, p.connections(key),
					"set its weight to 0 first, and remove it when none is left")
			}
		case Changed:
			p.changedServer(subject, key, before[key], after[key])
		case Added:
		}
	}
	for _, s := range p.new.list {
		key := s.key
		if list := untested[key]; len(list) > 0 {
			p.follows(Info, "checks_start_anew", serviceTitle(key),
				"checks start anew: until they were made, these count as healthy: %s", enumerated(list))
		}
	}
}

// finishes tells whether an operator drains a server that is in the kernel for its connections.
func (p *planner) finishes(key serverKey) bool {
	until, _ := p.health.orders.finishing(p.old.cfg)
	_, runs := until[key]
	return runs
}

// untested tells whether a server has a check that starts, and nothing says that it is down.
func (p *planner) untested(key serverKey, was, is *conf.RealServer) bool {
	if !p.new.up(key, is) || was != nil && !p.old.up(key, was) {
		return false // down, or told of as a server that comes back
	}
	for _, spec := range specs(is) {
		if _, runs := p.old.want.checks[spec]; !runs {
			return true
		}
	}
	return false
}

func (p *planner) changedServer(subject string, key serverKey, was, is *conf.RealServer) {
	before, _ := key.in(p.old.want.services)
	now, _ := key.in(p.new.want.services)
	if before.Forward != now.Forward {
		p.follows(Warning, "forwarding_changes", subject,
			"lb_kind %s → %s: connections that it has stay %s, new ones need a server that is made for %s",
			before.Forward, now.Forward, before.Forward, now.Forward)
	}
	if before.Weight > 0 && now.Weight == 0 {
		p.follows(Info, "drains", subject, "gets no new connections; those it has go on")
	}
	if len(specs(was)) > 0 && len(specs(is)) == 0 {
		p.follows(Warning, "unchecked", subject, "has no check any more: it gets connections even when it is down")
	}
	switch wasUp, isUp := p.old.up(key, was), p.new.up(key, is); {
	case !wasUp && isUp:
		p.follows(Warning, "down_server_returns", subject,
			"is down, and gets connections again: what failed is not checked any more, or is checked anew")
	case wasUp && !isUp:
		p.follows(Warning, "server_lost", subject, "is taken out: it gets a check that fails already")
	}
}

// enumerated names the first few of a list, and the number of the others.
func enumerated(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(list[:most], ", "), len(list)-most)
}
