package director

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/check"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// This file follows what instances track, apart from the links: those go to the election by
// themselves.

// watch makes the trackers of the configuration what is watched, and returns what is known of them.
func (d *Director) watch() map[vrrp.Tracker]vrrp.Reading {
	specs := map[track.Spec]struct{}{}
	for _, w := range d.want.trackers {
		if spec, ok := w.(track.Spec); ok {
			specs[spec] = struct{}{}
		}
	}
	d.trackers.Apply(specs)
	d.read()
	return d.readings
}

// tell tells the election what is known of the trackers, if that has changed.
func (d *Director) tell() {
	before := d.readings
	if d.read(); !maps.Equal(before, d.readings) {
		d.elector.SetReadings(d.readings)
	}
}

// read reads the trackers, and notes what has changed.
func (d *Director) read() {
	before, now := d.readings, seen{tracked: d.trackers.Readings(), verdicts: map[check.Spec]check.Verdict{}, quorate: map[string]bool{}}
	for _, w := range d.want.trackers {
		switch w := w.(type) {
		case check.Spec:
			if v, known := d.checks.Verdict(w); known {
				now.verdicts[w] = v
			}
		case quorumOf:
			if has, known := d.want.memory.quorate(string(w)); known {
				now.quorate[string(w)] = has
			}
		}
	}
	d.readings = readings(d.want.trackers, now, before)
	since := make(map[vrrp.Tracker]time.Time, len(d.want.trackers))
	for _, t := range slices.SortedFunc(maps.Keys(d.want.trackers), byName) {
		was, known := before[t]
		is, knows := d.readings[t]
		if since[t] = d.readSince[t]; since[t].IsZero() || known != knows || was != is {
			since[t] = time.Now()
		}
		d.noteReading(t, was, is, known)
	}
	d.readSince = since
}

func byName(a, b vrrp.Tracker) int {
	return cmp.Or(strings.Compare(a.Kind.String(), b.Kind.String()), strings.Compare(a.Name, b.Name))
}

// noteReading tells what has changed about a tracker. That the first reading is good is no change.
func (d *Director) noteReading(t vrrp.Tracker, was, is vrrp.Reading, known bool) {
	tracker := zap.Stringer("tracker", t)
	switch {
	case is.Void, was == is:
	case t.Kind == vrrp.TrackFile:
		if known && !was.Void || is.Value != 0 {
			d.journal.event(TrackerChanged, tracker, zap.Int("from", was.Value), zap.Int("to", is.Value))
		}
	case !is.Up && (was.Up || !known || was.Void):
		d.journal.event(TrackerFailed, tracker, zap.String("reason", is.Why))
	case is.Up && known && !was.Up && !was.Void:
		d.journal.event(TrackerRestored, tracker)
	}
}

// noteTrackFault tells that something cannot be watched, or can be again.
func (d *Director) noteTrackFault(c track.Change) {
	was, is := "", ""
	if c.From.Fault != nil {
		was = c.From.Fault.Error()
	}
	if c.To.Fault != nil {
		is = c.To.Fault.Error()
	}
	for _, t := range slices.SortedFunc(maps.Keys(d.want.trackers), byName) {
		switch {
		case d.want.trackers[t] != watched(c.Spec) || was == is:
		case is != "":
			d.journal.event(TrackerImpossible, zap.Stringer("tracker", t), zap.Error(c.To.Fault))
		default:
			d.journal.event(TrackerPossible, zap.Stringer("tracker", t))
		}
	}
}

// trackerStatus is the status of everything that is tracked, by kind and name.
func (d *Director) trackerStatus() []TrackerStatus {
	tracked := d.trackers.Readings()
	var list []TrackerStatus
	for _, t := range slices.SortedFunc(maps.Keys(d.want.trackers), byName) {
		r, known := d.readings[t]
		s := TrackerStatus{Kind: t.Kind.String(), Name: t.Name, State: "unknown", Since: d.readSince[t], Error: r.Why}
		if known && !r.Void {
			s.State = map[bool]string{true: "up", false: "down"}[r.Up]
		}
		if t.Kind == vrrp.TrackFile {
			s.Value = &r.Value
		}
		if spec, ok := d.want.trackers[t].(track.Spec); ok && tracked[spec].Fault != nil {
			s.Error = tracked[spec].Fault.Error()
		}
		list = append(list, s)
	}
	return list
}

// onlyTracked tells whether a check is that of a tracker, and of no real server.
func (d *Director) onlyTracked(spec check.Spec) bool {
	for i := range d.compiled.services {
		for _, asked := range d.compiled.services[i].specs {
			if slices.Contains(asked, spec) {
				return false
			}
		}
	}
	return slices.Contains(slices.Collect(maps.Values(d.want.trackers)), watched(spec))
}
