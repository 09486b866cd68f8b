package vrrp

import "slices"

// checkGroups: the members of a group are master together or not at all. (A file that groups
// instances while they stop finds them at different points of that.)
func (m *machine) checkGroups() {
	if m.e.resigned || m.e.postponed {
		return
	}
	for _, g := range m.e.groups {
		for _, i := range g.members {
			if (i.state == Master) != (g.members[0].state == Master) {
				m.l.fail("machine %d: %v is %v, %v is %v", m.index+1, i.cfg.Key, i.state, g.members[0].cfg.Key, g.members[0].state)
			}
		}
	}
}

// checkWake: after a gap longer than the down timer, and an interval, nobody comes back shouting.
func (m *machine) checkWake() {
	if m.e == nil {
		return
	}
	for _, t := range m.out.Transitions {
		if i := m.e.instances[t.Key]; t.From == Fault && i != nil && i.cfg.StartMaster {
			delete(m.bounds, t.Key) // it enters the election anew, as its owner
		}
	}
	for _, s := range m.out.Sends {
		bound, was := m.bounds[s.Key]
		if gap := m.l.now.Sub(m.slept); was && !s.Until.IsZero() && gap >= bound {
			m.l.fail("machine %d slept for %v and claims %v at once", m.index+1, gap, s.Key)
		}
	}
}

// broken tells whether an instance may not take part, by what the machine is told.
func (m *machine) broken(i *instance) bool {
	if m.down[segmentOf(i.cfg.Key)] && !i.cfg.DontTrackPrimary || m.l.now.Before(m.failing[i.cfg.Key]) {
		return true
	}
	r, known := m.known()[gate]
	return known && !r.Up && slices.Contains(i.cfg.Track, Track{Tracker: gate})
}

// checkFaults: what is broken takes no part, nor does anything of its group; all else does. (What a
// link is seen to be is later where it has a delay, addresses may fail for a while, and what is not
// known yet is waited for.)
func (m *machine) checkFaults() {
	if m.e.resigned || m.delays != nil {
		return
	}
	for _, i := range m.e.order {
		broken := m.broken(i)
		for _, peer := range i.peers() {
			broken = broken || m.broken(peer)
		}
		switch {
		case m.blind && (i.state == Backup || i.state == Master):
			m.l.fail("machine %d: %v is %v, and what it depends on is not known", m.index+1, i.cfg.Key, i.state)
		case broken && i.state != Fault:
			m.l.fail("machine %d: %v is %v, and it or its group is broken", m.index+1, i.cfg.Key, i.state)
		case !broken && i.state == Fault && len(m.e.failed) == 0 && !m.blind:
			m.l.fail("machine %d: %v is FAULT, and nothing of its group is broken", m.index+1, i.cfg.Key)
		}
	}
}

// checkPriorities: what is known of the trackers counts, for all but the owner.
func (m *machine) checkPriorities() {
	for _, i := range m.e.order {
		sum := int(i.base)
		for _, t := range i.cfg.Track {
			r, known := m.known()[t.Tracker]
			switch {
			case !known:
			case t.Tracker == bonus:
				sum += min(t.Weight*r.Value, 254)
			case !r.Up && t.Weight < 0:
				sum += t.Weight
			}
		}
		want := min(max(sum, 1), 254)
		switch {
		case m.demoted:
			want = 1
		case i.base == 255:
			want = 255
		}
		if int(i.cfg.Priority) != want {
			m.l.fail("machine %d: %v has the priority %d in place of %d", m.index+1, i.cfg.Key, i.cfg.Priority, want)
		}
	}
}

// grows tells whether a configuration adds members to groups, and changes nothing else.
func (m *machine) grows(configs []Config, groups []SyncGroup) bool {
	if len(configs) <= len(m.configs) || len(groups) != len(m.groups) || len(groups) == 0 {
		return false
	}
	for _, c := range m.configs {
		if !slices.ContainsFunc(configs, func(d Config) bool { return c.equal(&d) }) {
			return false
		}
	}
	return true
}

// checkGrowth: a new member does not make its group flap. Where the group is MASTER it is so too, if
// it may take part and the group may speak.
func (m *machine) checkGrowth() {
	if m.e == nil || m.asleep || m.e.resigned || m.delays != nil || len(m.e.failed) > 0 || slices.ContainsFunc(m.e.order, m.broken) {
		return
	}
	m.l.grown++
	for _, t := range m.out.Transitions {
		if t.From == Master || t.To == Fault {
			m.l.fail("machine %d: %v becomes %v because its group grows: %s", m.index+1, t.Key, t.To, t.Reason)
		}
	}
}
