package director

import (
	"net/netip"
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
	// others are the real servers that do not stand as an ordinary one does, by their places: few while all is well.
	others map[int]standing
	// settled tells that quorums and table follow from others: a virtual server of whose servers there is nothing new to say
	// has what it had, since quorate finds the same again. Else each is to be judged anew.
	settled bool
	// changed are the virtual servers, in order, that are not as they were the time before; all where that was not settled.
	changed []changedService
	// risen is when those came back that start slowly, by their places.
	risen   map[int]time.Time
	quorums []quorum  // of its virtual servers
	next    time.Time // when a weight changes of itself; the zero value for never
	// table are the services that this came to.
	table ipvs.Wanted
}

// changedService is a virtual server, with the places of its real servers that stand otherwise.
type changedService struct {
	service int
	places  []int
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

// ordinary is how a real server stands that is up, with nothing to be said of it.
func ordinary(r *conf.RealServer) standing {
	return standing{judged: true, up: true, weight: int32(r.Weight)}
}

// at is how a real server stands, of a virtual server.
func (m *memory) at(service, server int) standing {
	s := &m.compiled.services[service]
	if is, other := m.others[s.first+server]; other {
		return is
	}
	return ordinary(&s.RealServers[server])
}

// in is the same for another configuration: what that has too stands as it did.
func (m *memory) in(c *compiled) memory {
	if m.compiled == c {
		return *m
	}
	same := memory{compiled: c, others: map[int]standing{}, quorums: make([]quorum, len(c.services)), risen: map[int]time.Time{}}
	for i := range c.services {
		s := &c.services[i]
		before, there := m.place(s.name)
		places := map[netip.AddrPort]int{}
		if there {
			same.quorums[i] = m.quorums[before]
			for j, r := range m.compiled.services[before].RealServers {
				places[r.Address] = j
			}
		}
		for j := range s.RealServers {
			r := &s.RealServers[j]
			place, stood := places[r.Address]
			if !stood {
				same.others[s.first+j] = standing{}
				continue
			}
			old := &m.compiled.services[before]
			is := m.at(before, place)
			if at, rises := m.risen[old.first+place]; rises {
				same.risen[s.first+j] = at
			}
			if is.weight == int32(old.RealServers[place].Weight) && !is.weighs {
				is.weight = int32(r.Weight) // it has what is configured, and changes with that
			}
			if is != ordinary(r) {
				same.others[s.first+j] = is
			}
		}
	}
	return same
}

// place is that of a virtual server in the configuration, by its name.
func (m *memory) place(service string) (place int, there bool) {
	if m.compiled == nil {
		return 0, false
	}
	place, there = m.compiled.named[service]
	return place, there
}

// server is how a server stands of which only the name is known.
func (m *memory) server(key member) standing {
	i, there := m.place(key.service)
	if !there {
		return standing{}
	}
	for j, r := range m.compiled.services[i].RealServers {
		if r.Address == key.address {
			return m.at(i, j)
		}
	}
	return standing{}
}

// quorate tells whether a virtual server is known, and has its quorum.
func (m *memory) quorate(service string) (has, known bool) {
	i, there := m.place(service)
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

// weight is what a virtual server has for its quorum.
func (m *memory) weight(service int) int {
	weight := 0
	for j := range m.compiled.services[service].RealServers {
		is := m.at(service, j)
		weight += is.counts()
	}
	return weight
}

// places are those of the real servers of a virtual server that do not stand as an ordinary one does.
func (m *memory) places(service int) (list []int) {
	s := &m.compiled.services[service]
	for j := range s.RealServers {
		if _, other := m.others[s.first+j]; other {
			list = append(list, s.first+j)
		}
	}
	return list
}

// since are the virtual servers that are not as they were before, by the same configuration.
func (m *memory) since(before *memory) (list []changedService) {
	var places []int
	for place, is := range m.others {
		if was, both := before.others[place]; !both || was != is {
			places = append(places, place)
		}
	}
	for place := range before.others {
		if _, both := m.others[place]; !both {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	differs := func(service int) bool { return !before.settled || before.quorums[service] != m.quorums[service] }
	for service, places := range m.compiled.services.of(places, differs) {
		list = append(list, changedService{service, places})
	}
	return list
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
