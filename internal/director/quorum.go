package director

import (
	"maps"
	"net/netip"

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
	// memory is what desired said of the servers the last time.
	memory memory
}

// weight is a real server's, with what its checks have to say about it.
func (h *health) weight(r *conf.RealServer) int {
	weight := r.Weight
	if len(h.findings) == 0 {
		return weight
	}
	for _, spec := range specs(r) {
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
	return health{down: maps.Clone(h.down), untried: maps.Clone(h.untried), findings: maps.Clone(h.findings), memory: h.memory}
}

// memory is what desired makes of health and is told the next time, since what was decides too.
type memory struct {
	up      map[member]bool // servers that are up
	weight  map[member]int  // of those that have another than the configured one
	quorate map[string]bool // for each virtual server, by name, whether it has its quorum
}

// member is a real server of a virtual server, which has its name from serviceName.
type member struct {
	service string
	address netip.AddrPort
}

// up tells whether none of a real server's checks is known to fail. A check with alpha that is new
// takes no server out that was up.
func (h *health) up(service string, r *conf.RealServer) bool {
	for _, spec := range specs(r) {
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

// judge finds which servers are up, and which virtual servers have their quorum.
func judge(cfg *conf.Config, h health) memory {
	m := memory{up: map[member]bool{}, weight: map[member]int{}, quorate: map[string]bool{}}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		name, weight := serviceName(s), 0
		for j := range s.RealServers {
			r := &s.RealServers[j]
			if h.up(name, r) {
				m.up[member{name, r.Address}] = true
				has := h.weight(r)
				if has != r.Weight {
					m.weight[member{name, r.Address}] = has
				}
				weight += has
			}
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
