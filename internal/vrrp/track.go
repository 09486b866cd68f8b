package vrrp

import (
	"fmt"
	"strings"
	"time"
)

// TrackerKind says what kind of thing a tracker is.
type TrackerKind uint8

// The kinds of trackers. The election knows the interfaces itself, from its links; of the others
// it is told.
const (
	TrackInterface TrackerKind = iota
	TrackScript
	TrackFile
	TrackProcess
	TrackService // a virtual server
	TrackPing    // a gateway or another address
)

// String is the kind as it reads before a name, "script".
func (k TrackerKind) String() string {
	return [...]string{"interface", "script", "file", "process", "virtual server", "address"}[k]
}

// Tracker is something that instances depend on.
type Tracker struct {
	Kind TrackerKind
	Name string // of an interface, or of what the configuration defines
}

// String is the tracker as a person reads it, "interface eth1".
func (t Tracker) String() string { return t.Kind.String() + " " + t.Name }

// Track is how one instance depends on a tracker.
type Track struct {
	Tracker
	// Weight is added to the priority: a positive one while the tracker is up, a negative one while
	// it is down; that of a file is multiplied with the file's value, -254 to 254. With 0 the
	// instance takes no part while the tracker is down, or the file's value is not 0.
	Weight int
	// Reverse turns the weight's sign, but not when it counts; with a weight of 0, it takes up for
	// down.
	Reverse bool
}

// Reading is what is known of a tracker.
type Reading struct {
	// Void says that it cannot be watched: nobody depends on it.
	Void  bool
	Up    bool
	Value int // of a file
	// Why says more, for the log; it may be empty.
	Why string
}

// bound is what the weights of an instance may come to, and what a file's product faults below.
const bound = 254

// weigh is what an instance's trackers make of its priority (keepalived.conf(5), track_interface
// and those beside it). read returns false where nothing is known yet: such a tracker has no
// weight, and an instance that may not take part while it is down waits for it. The owner of the
// addresses keeps its priority whatever the weights are (RFC 9568 §5.2.4); all others stay between
// 1 and 254.
func weigh(base uint8, tracks []Track, read func(Tracker) (Reading, bool)) (priority uint8, fault, waits string) {
	sum := int(base)
	for _, t := range tracks {
		r, known := read(t.Tracker)
		if !known {
			if t.Weight == 0 && waits == "" {
				waits = t.String()
			}
			continue
		}
		weight, failed := t.effect(r)
		sum += weight
		if failed && fault == "" {
			fault = t.fault(r)
		}
	}
	if base != 255 {
		base = uint8(min(max(sum, 1), bound))
	}
	return base, fault, waits
}

// effect is what one reading does: a weight, or a fault.
func (t *Track) effect(r Reading) (weight int, fault bool) {
	if r.Void {
		return 0, false
	}
	weight = t.Weight
	if t.Reverse {
		weight = -weight
	}
	if t.Kind == TrackFile {
		if weight == 0 {
			return 0, (r.Value != 0) != t.Reverse
		}
		// A value too large to multiply comes to the bound in any case.
		product := weight * min(max(r.Value, -bound), bound)
		return min(max(product, -bound), bound), product <= -bound
	}
	switch {
	case t.Weight == 0:
		return 0, r.Up == t.Reverse
	case r.Up == (t.Weight > 0):
		return weight, false
	}
	return 0, false
}

// fault is what a reading that fails an instance reads like.
func (t *Track) fault(r Reading) string {
	switch {
	case r.Why != "":
		return t.String() + " " + r.Why
	case t.Kind == TrackFile:
		return fmt.Sprintf("%v has the value %d", t.Tracker, r.Value)
	case r.Up:
		return t.String() + " is up"
	}
	return t.String() + " is down"
}

// SetReadings makes readings all that is known of the trackers, apart from the interfaces.
func (e *Election) SetReadings(now time.Time, readings map[Tracker]Reading, out *Output) {
	e.readings = readings
	e.settle(now, out)
}

// read is what is known of a tracker.
func (e *Election) read(t Tracker) (Reading, bool) {
	if t.Kind != TrackInterface {
		r, known := e.readings[t]
		return r, known
	}
	if e.links == nil {
		return Reading{}, false
	}
	switch link, ok := e.links[t.Name]; {
	case !ok:
		return Reading{Why: "does not exist"}, true
	case !link.Up:
		return Reading{Why: "is down"}, true
	}
	return Reading{Up: true}, true
}

// weigh is the priority that a configuration comes to now.
func (e *Election) weigh(c *Config) uint8 {
	if e.demoted {
		return leastPriority
	}
	priority, _, _ := weigh(c.Priority, c.Track, e.read)
	return priority
}

// weighted gives the instance another effective priority. It changes no state: the timer of a
// backup moves with its skew, and a master says at once what its neighbours reckon with.
func (i *instance) weighted(now time.Time, priority uint8, out *Output) {
	if priority == i.cfg.Priority {
		return
	}
	c, mismatched, outpaced := i.cfg, i.mismatched, i.outpaced
	c.Priority = priority
	i.update(now, c, out)
	i.mismatched, i.outpaced = mismatched, outpaced // which has been said
}

// notePriority tells of another effective priority, and of the weights that make it.
func (e *Election) notePriority(i *instance, was uint8, out *Output) {
	if was == i.cfg.Priority {
		return
	}
	var weights []string
	if e.demoted {
		weights = append(weights, "demoted")
	}
	for _, t := range i.cfg.Track {
		if r, known := e.read(t.Tracker); known {
			if weight, _ := t.effect(r); weight != 0 {
				weights = append(weights, fmt.Sprintf("%v %+d", t.Tracker, weight))
			}
		}
	}
	out.Notes = append(out.Notes, Note{Kind: NotePriority, Key: i.cfg.Key, Name: i.cfg.Name,
		Priority: i.cfg.Priority, Was: was, Weights: strings.Join(weights, ", ")})
}
