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

// rise notes when a server came back, and what it weighs meanwhile.
func (m *memory) rise(r *judged, now time.Time, before *memory) {
	if r.SlowStart == 0 || !r.is.up || r.is.kept || r.is.drains {
		return
	}
	at, rising := before.risen[r.place]
	if r.was.judged && !r.was.up || r.was.drains {
		at, rising = now, true
	}
	weight, next := ramp(int(r.is.weight), r.SlowStart, now.Sub(at))
	if !rising || next == 0 {
		return
	}
	m.risen[r.place], r.is.ramped = at, int32(weight)
	m.next = earlier(m.next, at.Add(next))
}

// keep lets servers stay that fail where fewer would be up than the panic threshold wants: those
// that were up until now, in the order of the configuration. A server that has not been up stays
// out, and one that an operator drains counts as not configured. Those that are not in the list are up.
func keep(s *compiledService, h *health, list []judged) {
	if s.PanicThreshold == 0 {
		return
	}
	all := len(s.RealServers)
	up := all - len(list)
	for i := range list {
		switch is := &list[i].is; {
		case is.drains:
			all--
		case is.up:
			up++
		}
	}
	least := (s.PanicThreshold*all + 99) / 100
	for i := range list {
		r := &list[i]
		if up >= least {
			return
		}
		if !r.is.drains && !r.is.up && (r.was.up || !r.was.judged && !h.unproven(r.specs)) {
			r.is.up, r.is.kept = true, true
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
