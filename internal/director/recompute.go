package director

import (
	"time"

	"lvsd/internal/check"
)

// This file follows the verdicts of the checks: it finds what should be anew, and has what changed
// told.

// retimed notes which of the new specs fail because they did before a reload, with other timing:
// that was told.
func (d *Director) retimed(verdicts map[check.Spec]check.Verdict) {
	told := map[check.Spec]bool{}
	for spec := range d.health.down {
		told[spec.Untimed()] = true
	}
	down, untried := failing(verdicts)
	for spec := range down {
		if _, old := d.want.checks[spec]; !old && told[spec.Untimed()] && !untried[spec] {
			d.health.down[spec] = true
		}
	}
}

// judge follows the verdicts.
func (d *Director) judge() {
	d.recompute()
	d.tell()
	d.advance()
}

// recompute finds what should be, and tells what the verdicts changed since the last time.
func (d *Director) recompute() {
	before, verdicts := d.health, d.verdicts()
	d.health.down, d.health.untried = failing(verdicts)
	d.health.findings, d.health.now = findings(verdicts), time.Now()
	doubt := suspect(d.cfg, verdicts, d.doubt, d.health.now)
	for spec := range doubt.held {
		delete(d.health.down, spec)
	}
	before.memory = before.memory.in(d.compiled)
	d.want = desired(d.compiled, d.health)
	d.want.services = withDrains(d.want.services, d.drains)
	d.health.memory = d.want.memory
	d.noteUplink(d.doubt, doubt)
	d.doubt = doubt
	d.again(earlier(d.want.memory.next, doubt.next))
	d.noteHealth(before, verdicts)
	d.noteKept(&before.memory)
	d.noteWeights(&before.memory)
	d.noteQuorum(&before.memory)
	d.noteEmpty(&before.memory)
}

// verdicts are those of the checks that matter: where an uplink is suspected by what fails at once, all.
func (d *Director) verdicts() map[check.Spec]check.Verdict {
	if _, guarded := guardSpec(d.cfg); guarded {
		return d.checks.Verdicts()
	}
	return d.checks.Exceptions()
}

// failing are the specs whose target counts as down, and those of them that were not probed yet.
func failing(verdicts map[check.Spec]check.Verdict) (down, untried map[check.Spec]bool) {
	down, untried = map[check.Spec]bool{}, map[check.Spec]bool{}
	for spec, v := range verdicts {
		if !v.Healthy {
			down[spec] = true
			if !v.Known {
				untried[spec] = true
			}
		}
	}
	return down, untried
}

// earlier is the first of two times, of which the zero value is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// again recomputes what should be at a time; the zero value is never.
func (d *Director) again(at time.Time) {
	if d.due != nil {
		d.due.Stop()
		d.due = nil
	}
	if !at.IsZero() {
		d.due = time.AfterFunc(time.Until(at), func() { d.inbox.post(due{}) })
	}
}

// findings are what the checks found about weights.
func findings(verdicts map[check.Spec]check.Verdict) map[check.Spec]check.Finding {
	found := map[check.Spec]check.Finding{}
	for spec, v := range verdicts {
		if v.Found.Weighted || v.Found.Offset != 0 {
			found[spec] = v.Found
		}
	}
	return found
}
