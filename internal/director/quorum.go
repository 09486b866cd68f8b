package director

import (
	"maps"
	"net/netip"
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
	// asked are the specs of each real server, of a configuration that does not change: see compiled.
	asked map[*conf.RealServer][]check.Spec
}

// compiled are the specs of all real servers. Finding them anew for 10,000 servers takes longer than
// all that is made of them.
func compiled(cfg *conf.Config) map[*conf.RealServer][]check.Spec {
	all := map[*conf.RealServer][]check.Spec{}
	for i := range cfg.Services {
		for j := range cfg.Services[i].RealServers {
			r := &cfg.Services[i].RealServers[j]
			all[r] = specs(r)
		}
	}
	return all
}

// specs are a real server's checks, compiled or not.
func (h *health) specs(r *conf.RealServer) []check.Spec {
	if list, known := h.asked[r]; known {
		return list
	}
	return specs(r)
}

// weight is a real server's, with what its checks have to say about it.
func (h *health) weight(r *conf.RealServer) int {
	weight := r.Weight
	if len(h.findings) == 0 {
		return weight
	}
	for _, spec := range h.specs(r) {
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
		orders: h.orders, memory: h.memory, asked: h.asked}
}

// memory is what desired makes of health and is told the next time, since what was decides too.
type memory struct {
	up     map[member]bool // whether a server is up, or is kept though it is not
	kept   map[member]bool // those that fail, and stay because too few are left
	weight map[member]int  // of those that have another than the configured one
	// risen is when those came back that have a slow start before them, and ramped is what they
	// weigh until then.
	risen   map[member]time.Time
	ramped  map[member]int
	next    time.Time       // when one of those changes; the zero value for never
	quorate map[string]bool // for each virtual server, by name, whether it has its quorum
	orders  orders          // the operator's that this was decided with
}

// member is a real server of a virtual server, which has its name from serviceName.
type member struct {
	service string
	address netip.AddrPort
}

// up tells whether none of a real server's checks is known to fail. A check with alpha that is new
// takes no server out that was up.
func (h *health) up(service string, r *conf.RealServer) bool {
	for _, spec := range h.specs(r) {
		if h.down[spec] && !(h.untried[spec] && h.memory.up[member{service, r.Address}]) {
			return false
		}
	}
	return true
}

// weightOf is the weight of a real server that is up.
func (m *memory) weightOf(service string, r *conf.RealServer) int {
	if weight, other := m.weight[member{service, r.Address}]; other {
		return weight
	}
	return r.Weight
}

// counts is the weight of a real server for its quorum: one that an operator drains has none.
func (m *memory) counts(service string, r *conf.RealServer) int {
	if key := (member{service, r.Address}); !m.up[key] || m.orders[key].drain.ordered {
		return 0
	}
	return m.weightOf(service, r)
}

// kernelWeight is what it has in the kernel, which is less while it starts slowly.
func (m *memory) kernelWeight(service string, r *conf.RealServer) int {
	if weight, rising := m.ramped[member{service, r.Address}]; rising {
		return weight
	}
	return m.weightOf(service, r)
}

// judge finds which servers are up, and which virtual servers have their quorum.
func judge(cfg *conf.Config, h health) memory {
	m := memory{orders: h.orders, up: make(map[member]bool, len(h.memory.up)), kept: map[member]bool{}, weight: map[member]int{}, risen: map[member]time.Time{},
		ramped: map[member]int{}, quorate: map[string]bool{}}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		name, weight := serviceName(s), 0
		for j := range s.RealServers {
			r := &s.RealServers[j]
			key := member{name, r.Address}
			if m.up[key] = h.up(name, r); m.up[key] {
				if has := h.weight(r); has != r.Weight {
					m.weight[key] = has
				}
			}
			if w := h.orders[key].weight; w.ordered {
				m.weight[key] = w.weight
			}
		}
		m.keep(s, name, h)
		m.rise(s, name, h)
		for j := range s.RealServers {
			weight += m.counts(name, &s.RealServers[j])
		}
		m.quorate[name] = quorate(s, weight, h.memory.quorate[name])
	}
	return m
}

// quorate tells whether the weight of the healthy servers is enough, for a virtual server that had
// its quorum before or had not.
func quorate(s *conf.VirtualServer, weight int, had bool) bool {
	if had {
		return weight > 0 && weight >= s.Quorum-s.Hysteresis
	}
	return weight > 0 && weight >= s.Quorum+s.Hysteresis
}
