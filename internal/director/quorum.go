package director

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// health is what is known of the servers.
type health struct {
	// down are the checks that fail, and those with alpha of which no probe has finished.
	down map[check.Spec]bool
	// untried are those in down of which no probe has finished.
	untried map[check.Spec]bool
	// findings are of those checks whose targets have something to say about their weight.
	findings map[check.Spec]check.Finding
	// now is when all this is known.
	now time.Time
	// orders are what an operator said of servers.
	orders orders
	// memory is what desired said of the servers the last time.
	memory memory
}

// weight is a real server's, with what its checks have to say about it.
func (h *health) weight(r *conf.RealServer, asked []check.Spec) int {
	weight := r.Weight
	if len(h.findings) == 0 {
		return weight
	}
	for _, spec := range asked {
		f := h.findings[spec]
		if f.Weighted {
			weight += f.Weight - r.Weight
		}
		weight += f.Offset
	}
	return min(max(weight, 0), maxWeight)
}

// maxWeight is the greatest that the kernel's schedulers reckon with (ipvsadm(8)).
const maxWeight = 65535

// clone is a copy that nobody changes any more; memory never is.
func (h *health) clone() health {
	return health{down: maps.Clone(h.down), untried: maps.Clone(h.untried), findings: maps.Clone(h.findings), now: h.now,
		orders: h.orders, memory: h.memory}
}

// member is a real server of a virtual server, which has its name from serviceName.
type member struct {
	service string
	address netip.AddrPort
}

// up tells whether none of a real server's checks is known to fail. A check with alpha that is new
// takes no server out that was up.
func (h *health) up(asked []check.Spec, was standing) bool {
	if len(h.down) == 0 {
		return true
	}
	for _, spec := range asked {
		if h.down[spec] && !(h.untried[spec] && was.up) {
			return false
		}
	}
	return true
}

// judge finds which servers are up, and which virtual servers have their quorum, which before has from the
// last time. It looks at those servers alone of which there is something to say, or was the last time.
func judge(c *compiled, h *health, before *memory) memory {
	m := memory{compiled: c, others: make(map[int]standing, len(before.others)), settled: true,
		quorums: slices.Clone(before.quorums), risen: map[int]time.Time{}}
	for i, places := range c.services.of(c.notable(h, before), func(int) bool { return !before.settled }) {
		m.judge(i, places, h, before)
	}
	m.changed = m.since(before)
	return m
}

// judged is a real server that judge looks at: how it stood, and stands now.
type judged struct {
	*conf.RealServer
	place   int
	specs   []check.Spec
	was, is standing
}

// judge does so for one virtual server, with the places of its servers that are to be looked at.
func (m *memory) judge(service int, places []int, h *health, before *memory) {
	s := &m.compiled.services[service]
	list := make([]judged, len(places))
	for k, place := range places {
		j := place - s.first
		r, was := &s.RealServers[j], before.at(service, j)
		is := standing{judged: true, up: h.up(s.specs[j], was), weight: int32(r.Weight)}
		if is.up {
			is.weight = int32(h.weight(r, s.specs[j]))
		}
		if len(h.orders) > 0 {
			is.order(h.orders[member{s.name, r.Address}])
		}
		list[k] = judged{RealServer: r, place: place, specs: s.specs[j], was: was, is: is}
	}
	keep(s, h, list)
	weight := s.weight
	for k := range list {
		r := &list[k]
		m.rise(r, h.now, before)
		if weight += r.is.counts() - r.Weight; r.is != ordinary(r.RealServer) {
			m.others[r.place] = r.is
		}
	}
	m.quorums[service] = quorum{judged: true, has: quorate(s.VirtualServer, weight, before.quorums[service].has)}
}

// notable are the places of the servers of which there is something to say, or was the last time, in order.
func (c *compiled) notable(h *health, before *memory) []int {
	var places []int
	for spec := range h.down {
		places = c.checked.places(places, spec)
	}
	for spec := range h.findings {
		places = c.checked.places(places, spec)
	}
	for m := range h.orders {
		places = c.members.places(places, m)
	}
	places = slices.AppendSeq(places, maps.Keys(before.others)) // those that rise among them: they have another weight
	slices.Sort(places)
	return slices.Compact(places)
}

// quorate tells whether the weight of the healthy servers is enough, for a virtual server that had
// its quorum before or had not.
func quorate(s *conf.VirtualServer, weight int, had bool) bool {
	if had {
		return weight > 0 && weight >= s.Quorum-s.Hysteresis
	}
	return weight > 0 && weight >= s.Quorum+s.Hysteresis
}
