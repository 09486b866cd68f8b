package vrrp

import "time"

// leastPriority is that of a node that should be master only where nobody else is.
const leastPriority = 1

// Demote gives every instance, that of an owner too, the least priority there is for as long as
// on: whoever else takes part is to be master. A master says so with priority 0, so that also one
// takes over that does not preempt. Where nobody does, it goes on: the addresses never leave.
func (e *Election) Demote(now time.Time, on bool, out *Output) {
	if e.demoted == on {
		return
	}
	e.demoted = on
	for _, i := range e.order {
		if !on || i.state != Master || i.resigning || i.cfg.Priority == leastPriority {
			continue
		}
		was := i.cfg.Priority
		i.cfg.Priority = leastPriority
		e.notePriority(i, was, out)
		if !i.stalled(now) && i.source.IsValid() && i.up {
			i.send(now, 0, out)
			i.deadline = now.Add(i.cfg.Interval) // any other's skew is over before that
		}
	}
	e.settle(now, out)
}
