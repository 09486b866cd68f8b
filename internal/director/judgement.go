package director

import (
	"time"

	"lvsd/internal/check"
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
func (m *memory) rise(s *compiledService, now time.Time, before *memory) {
	for j := range s.RealServers {
		slow, place := s.RealServers[j].SlowStart, s.first+j
		was, is := before.servers[place], &m.servers[place]
		if slow == 0 || !is.up || is.kept || is.drains {
			continue
		}
		at, rising := before.risen[place]
		if was.judged && !was.up || was.drains {
			at, rising = now, true
		}
		weight, next := ramp(int(is.weight), slow, now.Sub(at))
		if !rising || next == 0 {
			continue
		}
		m.risen[place], is.ramped = at, int32(weight)
		m.next = earlier(m.next, at.Add(next))
	}
}

// keep lets servers stay that fail where fewer would be up than the panic threshold wants: those
// that were up until now, in the order of the configuration. A server that has not been up stays
// out, and one that an operator drains counts as not configured.
func keep(s *compiledService, h *health, was, is []standing) {
	if s.PanicThreshold == 0 {
		return
	}
	all, up := 0, 0
	for j := range is {
		if is[j].drains {
			continue
		}
		if all++; is[j].up {
			up++
		}
	}
	least := (s.PanicThreshold*all + 99) / 100
	for j := range is {
		if up >= least {
			return
		}
		if !is[j].drains && !is[j].up && (was[j].up || !was[j].judged && !h.unproven(s.specs[j])) {
			is[j].up, is[j].kept = true, true
			up++
		}
	}
}

// unproven tells whether a real server waits for the first probe of a check with alpha.
func (h *health) unproven(asked []check.Spec) bool {
	for _, spec := range asked {
		if h.untried[spec] {
			return true
		}
	}
	return false
}
