package director

import (
	"time"

	"lvsd/internal/conf"
)

// rampSteps is how many steps a weight takes to its full value in a slow start.
const rampSteps = 20

// ramp is the weight that a server has so long after it came back, with a slow start: it grows in
// equal steps, and is 1 at least. next is when the following step is due, 0 when none is.
func ramp(weight int, slow, since time.Duration) (now int, next time.Duration) {
	if weight <= 1 || since >= slow {
		return weight, 0
	}
	step := max(slow/rampSteps, 1)
	n := max(since, 0) / step
	return max(1, weight*int(n)/rampSteps), (n + 1) * step
}

// rise notes when the servers of a virtual server came back, and what they weigh meanwhile.
func (m *memory) rise(s *conf.VirtualServer, name string, h health) {
	for i := range s.RealServers {
		r := &s.RealServers[i]
		key := member{name, r.Address}
		if r.SlowStart == 0 || !m.up[key] || m.kept[key] || m.orders[key].drain.ordered {
			continue
		}
		at, rising := h.memory.risen[key]
		if was, known := h.memory.up[key]; known && !was || h.memory.orders[key].drain.ordered {
			at, rising = h.now, true
		}
		weight := m.weightOf(name, r)
		now, next := ramp(weight, r.SlowStart, h.now.Sub(at))
		if !rising || next == 0 {
			continue
		}
		m.risen[key], m.ramped[key] = at, now
		if due := at.Add(next); m.next.IsZero() || due.Before(m.next) {
			m.next = due
		}
	}
}

// keep lets servers stay that fail where fewer would be up than the panic threshold wants: those
// that were up until now, in the order of the configuration. A server that has not been up stays
// out, and one that an operator drains counts as not configured.
func (m *memory) keep(s *conf.VirtualServer, name string, h health) {
	if s.PanicThreshold == 0 {
		return
	}
	all, up := 0, 0
	for i := range s.RealServers {
		key := member{name, s.RealServers[i].Address}
		if m.orders[key].drain.ordered {
			continue
		}
		if all++; m.up[key] {
			up++
		}
	}
	least := (s.PanicThreshold*all + 99) / 100
	for i := range s.RealServers {
		r := &s.RealServers[i]
		key := member{name, r.Address}
		if up >= least {
			return
		}
		if m.orders[key].drain.ordered {
			continue
		}
		was, known := h.memory.up[key]
		if !m.up[key] && (was || !known && !h.unproven(r)) {
			m.up[key], m.kept[key] = true, true
			up++
		}
	}
}

// unproven tells whether a real server waits for the first probe of a check with alpha.
func (h *health) unproven(r *conf.RealServer) bool {
	for _, spec := range h.specs(r) {
		if h.untried[spec] {
			return true
		}
	}
	return false
}
