package director

import (
	"cmp"
	"slices"
	"strings"

	"go.uber.org/zap"

	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// This file follows what instances track, apart from the links: those go to the election by
// themselves.

// watch makes the trackers of the configuration what is watched, and returns what is known of them.
func (d *Director) watch() map[vrrp.Tracker]vrrp.Reading {
	specs := map[track.Spec]struct{}{}
	for _, spec := range d.want.trackers {
		specs[spec] = struct{}{}
	}
	d.trackers.Apply(specs)
	d.readings = readings(d.want.trackers, d.trackers.Readings(), d.readings)
	return d.readings
}

// tracked follows a change of what is tracked.
func (d *Director) tracked(c track.Change) {
	names := d.trackerNames(c.Spec)
	if len(names) == 0 {
		return // a reload took it away
	}
	d.readings = readings(d.want.trackers, d.trackers.Readings(), d.readings)
	d.elector.SetReadings(d.readings)
	for _, name := range names {
		d.noteTracker(name, c)
	}
}

// trackerNames are what the configuration calls a spec: several names may be about the same thing.
func (d *Director) trackerNames(spec track.Spec) []vrrp.Tracker {
	var names []vrrp.Tracker
	for t, s := range d.want.trackers {
		if s == spec {
			names = append(names, t)
		}
	}
	slices.SortFunc(names, func(a, b vrrp.Tracker) int { return strings.Compare(a.String(), b.String()) })
	return names
}

func (d *Director) noteTracker(t vrrp.Tracker, c track.Change) {
	fields := []zap.Field{zap.Stringer("tracker", t)}
	switch {
	case c.From.State == c.To.State:
	case c.To.State == track.Down:
		d.journal.event(TrackerFailed, append(fields, zap.String("reason", c.To.Why))...)
	case c.From.State == track.Down:
		d.journal.event(TrackerRestored, fields...)
	}
	switch {
	case c.To.Fault != nil && (c.From.Fault == nil || c.To.Fault.Error() != c.From.Fault.Error()):
		d.journal.event(TrackerImpossible, append(fields, zap.Error(c.To.Fault))...)
	case c.To.Fault == nil && c.From.Fault != nil:
		d.journal.event(TrackerPossible, fields...)
	}
}

// trackerStatus is the status of everything that is tracked, by kind and name.
func (d *Director) trackerStatus() []TrackerStatus {
	seen := d.trackers.Readings()
	var list []TrackerStatus
	for t, spec := range d.want.trackers {
		r := seen[spec]
		s := TrackerStatus{Kind: t.Kind.String(), Name: t.Name, State: r.State.String(), Since: r.Since, Error: r.Why}
		if r.Fault != nil {
			s.Error = r.Fault.Error()
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b TrackerStatus) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return list
}
