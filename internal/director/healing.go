package director

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// This file limits the events of repairs: one who undoes for ever what lvsd repairs must not fill the log.

const (
	// toldAtOnce is how many repairs of a thing in a row are told when they happen.
	toldAtOnce = 5
	// toldTogether is how long those after them wait to be told in one line. They are in a row while no such
	// time is without one.
	toldTogether = time.Minute
)

// thing is what is repaired: a table of the kernel, or an address.
type thing struct {
	event Event // that tells of its repairs
	name  string
}

// healing has the things that were repaired of late. There are no more of them than addresses are configured,
// and the tables.
type healing map[thing]*repairs

// repairs are those of one thing.
type repairs struct {
	told  int       // since they are in a row
	until time.Time // when those that wait are told, or the row is over
	waiting
}

// waiting are repairs that were not told yet.
type waiting struct {
	times      int
	operations int
	first      []string // different ones of the operations, maxOps at most
	fields     []zap.Field
}

// healedLine is a line to be written.
type healedLine struct {
	event  Event
	fields []zap.Field
}

// note takes a repair of a thing: how many operations that took, which ones (maxOps of them; none for a thing
// of which that is clear), and what else is to be told.
func (h healing) note(now time.Time, t thing, operations int, first []string, fields ...zap.Field) []healedLine {
	lines := h.due(now)
	r := h[t]
	if r == nil {
		r = &repairs{until: now.Add(toldTogether)}
		h[t] = r
	}
	r.times++
	r.operations += operations
	for _, op := range first {
		if len(r.first) < maxOps && !slices.Contains(r.first, op) {
			r.first = append(r.first, op)
		}
	}
	r.fields = fields
	if r.told < toldAtOnce {
		r.until = now.Add(toldTogether)
		lines = append(lines, r.tell(t))
	}
	return lines
}

// due are the lines of repairs that have waited long enough.
func (h healing) due(now time.Time) []healedLine {
	var lines []healedLine
	for t, r := range h {
		switch {
		case now.Before(r.until):
		case r.times == 0:
			delete(h, t)
		default:
			r.until = now.Add(toldTogether)
			lines = append(lines, r.tell(t))
		}
	}
	return lines
}

// rest are the lines of all repairs that wait.
func (h healing) rest() []healedLine {
	var lines []healedLine
	for t, r := range h {
		if r.times > 0 {
			lines = append(lines, r.tell(t))
		}
	}
	return lines
}

// next is when there are lines due; the zero value for never.
func (h healing) next() (at time.Time) {
	for _, r := range h {
		at = earlier(at, r.until)
	}
	return at
}

// tell is the line of all that waits.
func (r *repairs) tell(t thing) healedLine {
	fields := slices.Clone(r.fields)
	if len(r.first) > 0 {
		fields = append(fields, zap.Int("operations", r.operations), zap.Strings("first", r.first))
	}
	fields = append(fields, zap.Int("times", r.times))
	r.told++
	r.waiting = waiting{}
	return healedLine{t.event, fields}
}

// healedDue is posted when repairs are to be told that waited.
type healedDue struct{}

// repaired tells of a repair, now or with others.
func (d *Director) repaired(t thing, operations int, first []string, fields ...zap.Field) {
	d.tellHealed(d.healing.note(time.Now(), t, operations, first, fields...))
	d.tellHealedLater()
}

// tellHealedLater has what waits told when it is due, which is never earlier than it was before.
func (d *Director) tellHealedLater() {
	if at := d.healing.next(); d.healed == nil && !at.IsZero() {
		d.healed = time.AfterFunc(time.Until(at), func() { d.inbox.post(healedDue{}) })
	}
}

// healedLater tells what has waited long enough.
func (d *Director) healedLater() {
	d.healed = nil
	d.tellHealed(d.healing.due(time.Now()))
	d.tellHealedLater()
}

func (d *Director) tellHealed(lines []healedLine) {
	for _, l := range lines {
		d.journal.event(l.event, l.fields...)
	}
}

// stopped tells of the end, behind all that was not told yet.
func (d *Director) stopped(inOrder bool) {
	if d.healed != nil {
		d.healed.Stop()
	}
	d.tellHealed(d.healing.rest())
	d.journal.event(Stopped, zap.Bool("in_order", inOrder))
}
