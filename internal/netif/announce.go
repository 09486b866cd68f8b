package netif

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// announce queues the bursts that are due, and sends what may be sent now. taken are the instances
// that have become master.
func (l *loop) announce(taken map[string]bool) {
	added := make(map[string][]Address)
	for _, a := range l.added {
		added[l.holder[a]] = append(added[l.holder[a]], a)
	}
	l.added = l.added[:0]
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(l.state)) {
		st, o := l.state[name], l.orders[name]
		if !o.role.holds(now) {
			*st = instanceState{takeovers: st.takeovers, announces: o.announces, lease: st.lease}
			continue
		}
		l.announceInstance(now, name, taken[name], added[name])
		st.takeovers, st.announces = o.takeovers, o.announces
	}
	l.transmit()
}

// announceInstance queues what is due of one master: all its addresses after a takeover, after
// another master was heard, for the second time and to refresh; else those that were just added.
func (l *loop) announceInstance(now time.Time, name string, taken bool, added []Address) {
	st, in := l.state[name], l.want.Instances[name]
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	again := func(delay time.Duration, repeat int) {
		if st.again = (time.Time{}); delay > 0 {
			st.again, st.againRepeat = now.Add(delay), repeat
		}
	}
	refresh := due(st.refresh)
	switch {
	case taken:
		l.queueBurst(name, l.there(in), in.Repeat, false)
		again(in.Delay, in.Repeat)
	case l.orders[name].announces != st.announces:
		l.queueBurst(name, l.there(in), in.LowerPrioRepeat, false)
		again(in.LowerPrioDelay, in.LowerPrioRepeat)
	case due(st.again):
		st.again = time.Time{}
		l.queueBurst(name, l.there(in), st.againRepeat, false)
	case refresh:
		l.queueBurst(name, l.there(in), in.RefreshRepeat, true)
	}
	if len(added) > 0 && !taken {
		l.queueBurst(name, added, in.Repeat, false)
		again(in.Delay, in.Repeat)
	}
	switch first := now.Add(in.Delay + in.Refresh); {
	case in.Refresh == 0:
		st.refresh = time.Time{}
	case taken, st.refresh.IsZero(), st.refresh.After(first):
		st.refresh = first
	case refresh:
		st.refresh = now.Add(in.Refresh)
	}
}

// burst is the announcement of some addresses, several times.
type burst struct {
	instance string
	refresh  bool // it is said of it only that it fails
	left     int  // frames
	failed   map[Address]bool
	report   Announced
}

// frame is one announcement that waits for its turn.
type frame struct {
	address Address
	burst   *burst
}

// lane is what the announcements of a family on some interfaces wait for together.
type lane struct {
	spacing time.Duration
	free    time.Time // for the next one
}

type laneKey struct {
	dev string
	six bool
}

// queueBurst queues repeat gratuitous ARPs per address, a round of all addresses at a time, in the
// place of those of the same addresses that wait still.
func (l *loop) queueBurst(instance string, addresses []Address, repeat int, refresh bool) {
	todo := slices.DeleteFunc(slices.Clone(addresses), func(a Address) bool { return a.Prefix.Addr().IsMulticast() })
	if len(todo) == 0 || repeat <= 0 {
		return
	}
	if len(l.queue) > 0 {
		again := make(map[Address]bool, len(todo))
		for _, a := range todo {
			again[a] = true
		}
		l.queue = slices.DeleteFunc(l.queue, func(f frame) bool { return again[f.address] && l.finish(f) })
	}
	b := &burst{instance: instance, refresh: refresh, left: repeat * len(todo), failed: make(map[Address]bool),
		report: Announced{Instance: instance}}
	for range repeat {
		for _, a := range todo {
			l.queue = append(l.queue, frame{a, b})
		}
	}
}

// transmit sends the frames whose turn it is. An address that fails is left out of the rounds to
// come, and so is one that is not ours to announce any more.
func (l *loop) transmit() {
	l.queue = slices.DeleteFunc(l.queue, func(f frame) bool {
		now := time.Now() // this thread may have slept
		_, there := l.have.Addresses[f.address]
		if f.burst.failed[f.address] || !there || !l.roles[f.burst.instance].holds(now) {
			return l.finish(f)
		}
		lane := l.lane(f.address)
		if lane.free.After(now) {
			return false
		}
		lane.free = now.Add(lane.spacing)
		if err := l.kernel.Announce(f.address); err != nil {
			f.burst.failed[f.address] = true
			if f.burst.report.Err == nil {
				f.burst.report.Err = fmt.Errorf("announce %s: %w", f.address, err)
			}
		} else {
			f.burst.report.Frames++
		}
		return l.finish(f)
	})
}

// finish takes a frame off the queue, and tells of its burst with the last one.
func (l *loop) finish(f frame) bool {
	b := f.burst
	b.left--
	switch {
	case b.left > 0:
	case b.refresh:
		l.complain("refresh "+b.instance, b.report.Err)
	case b.report.Frames > 0 || b.report.Err != nil:
		l.say(b.report)
	}
	return true
}

// lane is where an address waits for its turn.
func (l *loop) lane(a Address) *lane {
	six := a.Prefix.Addr().Is6()
	if found := l.lanes[laneKey{a.Dev, six}]; found != nil {
		return found
	}
	spacing, devs := l.want.Spacing, []string{a.Dev}
	for _, g := range l.want.SpacingGroups {
		if slices.Contains(g.Interfaces, a.Dev) {
			spacing, devs = g.Spacing, g.Interfaces
		}
	}
	made := &lane{spacing: spacing.ARP}
	if six {
		made.spacing = spacing.NA
	}
	for _, dev := range devs {
		l.lanes[laneKey{dev, six}] = made
	}
	return made
}
