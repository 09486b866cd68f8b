package director

import (
	"slices"
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// memory is what desired makes of health and is told the next time, since what was decides too. It is not
// changed once desired has returned it.
type memory struct {
	// compiled is the configuration that the rest is about, nil before the first.
	compiled *compiled
	servers  []standing // all real servers, in its order
	// risen is when those came back that start slowly, by their places in servers.
	risen   map[int]time.Time
	quorums []quorum  // of its virtual servers
	next    time.Time // when a weight changes of itself; the zero value for never
	// table are the services that this came to; nil where those of another configuration did.
	table ipvs.Table
}

// standing is how a real server stands.
type standing struct {
	judged  bool  // else it is new, and the rest says nothing
	up      bool  // it is up, or is kept though it is not
	kept    bool  // it fails, and stays because too few are left
	drains  bool  // an operator drains it
	drained bool  // that is over
	weighs  bool  // its weight is an operator's
	weight  int32 // while it is up, 0 to maxWeight
	// ramped is what it weighs while it starts slowly; 0 where it does not.
	ramped int32
}

// quorum tells whether a virtual server has its quorum.
type quorum struct{ judged, has bool }

// of are the servers of one of the virtual servers.
func (m *memory) of(service int) []standing {
	s := &m.compiled.services[service]
	return m.servers[s.first : s.first+len(s.RealServers)]
}

// in is the same for another configuration: what that has too stands as it did.
func (m *memory) in(c *compiled) memory {
	if m.compiled == c {
		return *m
	}
	same := memory{compiled: c, servers: make([]standing, c.servers), quorums: make([]quorum, len(c.services)), risen: map[int]time.Time{}}
	if m.compiled == nil {
		return same
	}
	for i := range c.services {
		s := &c.services[i]
		before, there := m.compiled.named[s.name]
		if !there {
			continue
		}
		same.quorums[i] = m.quorums[before]
		old, stands := m.compiled.services[before].RealServers, m.of(before)
		places := make(map[member]int, len(old))
		for j := range old {
			places[member{s.name, old[j].Address}] = j
		}
		is := same.of(i)
		for j := range s.RealServers {
			r := &s.RealServers[j]
			place, stood := places[member{s.name, r.Address}]
			if !stood {
				continue
			}
			is[j] = stands[place]
			if at, rises := m.risen[m.compiled.services[before].first+place]; rises {
				same.risen[s.first+j] = at
			}
			if is[j].weight == int32(old[place].Weight) && !is[j].weighs {
				is[j].weight = int32(r.Weight) // it has what is configured, and changes with that
			}
		}
	}
	return same
}

// server is how a server stands of which only the name is known.
func (m *memory) server(key member) standing {
	if m.compiled == nil {
		return standing{}
	}
	i, there := m.compiled.named[key.service]
	if !there {
		return standing{}
	}
	for j, r := range m.compiled.services[i].RealServers {
		if r.Address == key.address {
			return m.of(i)[j]
		}
	}
	return standing{}
}

// quorate tells whether a virtual server is known, and has its quorum.
func (m *memory) quorate(service string) (has, known bool) {
	if m.compiled == nil {
		return false, false
	}
	i, there := m.compiled.named[service]
	if !there {
		return false, false
	}
	return m.quorums[i].has, m.quorums[i].judged
}

// sorryServes tells whether a virtual server has a sorry server, and that serves.
func (m *memory) sorryServes(s *conf.VirtualServer) bool {
	has, _ := m.quorate(serviceName(s))
	return s.Sorry.Address.IsValid() && !has
}

// sameService tells whether another memory of the same configuration has the same of a virtual server.
func (m *memory) sameService(other *memory, service int) bool {
	return m.quorums[service] == other.quorums[service] && slices.Equal(m.of(service), other.of(service))
}

// order takes over what an operator said of the server.
func (s *standing) order(o order) {
	s.drains, s.drained = o.drain.ordered, o.drain.drained
	if o.weight.ordered {
		s.weighs, s.weight = true, int32(o.weight.weight)
	}
}

// counts is the weight of the server for its quorum: one that an operator drains has none.
func (s *standing) counts() int {
	if !s.up || s.drains {
		return 0
	}
	return int(s.weight)
}

// kernelWeight is what it has in the kernel, which is less while it starts slowly.
func (s *standing) kernelWeight() int {
	if s.ramped > 0 {
		return int(s.ramped)
	}
	return int(s.weight)
}
