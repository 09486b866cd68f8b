package vrrp

import "time"

// disturb begins one disturbance.
func (s *schedule) disturb() {
	rng := s.l.rng
	m := s.l.machines[rng.IntN(len(s.l.machines))]
	long := s.l.between(s.longest()/20, 12*s.longest())
	s.stir()
	switch rng.IntN(20) {
	case 0:
		s.loss(long)
	case 1: // delay, and with it another order
		s.l.delay[1] = s.l.between(time.Millisecond, 2*s.longest())
		s.begin(long, func() { s.l.delay[1] = time.Millisecond })
	case 2:
		s.partition(m, long)
	case 3:
		s.split(long)
	case 4, 5:
		m.sleep(rng.IntN(3) == 0)
		s.begin(long, m.wake)
	case 6:
		m.crash()
		s.begin(long, func() { s.start(m) })
	case 7:
		s.stop(m, long)
	case 8, 9:
		segment := rng.IntN(maxSegments)
		m.setLink(segment, false)
		s.begin(long, func() { m.setLink(segment, true) })
	case 10:
		s.weigh(m, health, Reading{Up: false}, long)
	case 11:
		s.change(long)
	case 12:
		s.ungroup(m, long)
	case 13:
		if n := rng.IntN(len(s.routers)); n > 0 {
			s.roll(long, func(r *router) { r.absent = r.absent != (r == s.routers[n]) })
		}
	case 14:
		s.prioritize(m, long)
	case 15:
		s.rekey(long)
	case 16:
		if s.tracks {
			s.weigh(m, gate, Reading{Up: false}, long)
		}
	case 17:
		if s.tracks {
			s.weigh(m, bonus, Reading{Value: rng.IntN(3)}, long)
		}
	case 18:
		m.demote(true)
		s.begin(long, func() { m.demote(false) })
	case 19:
		if s.odds(4) { // it lasts
			m.fail(s.routers[rng.IntN(len(s.routers))].key)
			s.calm = s.l.now.Add(failureHold + s.l.late)
		}
	}
}

func (s *schedule) start(m *machine) {
	if m.e != nil {
		return
	}
	if m.blind = s.tracks && s.odds(2); m.blind {
		s.begin(s.l.between(0, s.longest()), m.see)
	}
	m.boot()
}

func (s *schedule) loss(long time.Duration) {
	s.l.loss, s.l.twice = s.l.rng.Float64()*s.l.rng.Float64(), s.l.rng.Float64()/2
	s.begin(long, func() { s.l.loss, s.l.twice = 0, 0 })
}

// partition cuts one machine off: one way or both, one segment or all.
func (s *schedule) partition(m *machine, long time.Duration) {
	way, all, segment := s.l.rng.IntN(3), s.odds(2), s.l.rng.IntN(maxSegments)
	for g := range maxSegments {
		if g != segment && !all {
			continue
		}
		for k := range s.l.machines {
			s.l.cut[g][m.index][k] = way != 0
			s.l.cut[g][k][m.index] = way != 1
		}
	}
	s.l.note("partition of %d: segment %d, all %v, way %d", m.index+1, segment, all, way)
	s.begin(long, func() {
		s.l.note("all ways are whole")
		s.l.cut = cuts{}
	})
}

// split makes two halves of a segment, or of each by itself.
func (s *schedule) split(long time.Duration) {
	halves, all, segment := s.l.rng.IntN(1<<maxMachines), s.odds(2), s.l.rng.IntN(maxSegments)
	for g := range maxSegments {
		if g != segment && !all {
			continue
		}
		for a := range maxMachines {
			for b := range maxMachines {
				s.l.cut[g][a][b] = halves>>a&1 != halves>>b&1
			}
		}
		if s.odds(3) {
			halves = s.l.rng.IntN(1 << maxMachines)
		}
	}
	s.l.note("split %05b: segment %d, all %v", halves, segment, all)
	s.begin(long, func() {
		s.l.note("all ways are whole")
		s.l.cut = cuts{}
	})
}

// stop stops a machine in order, and starts it again.
func (s *schedule) stop(m *machine, long time.Duration) {
	if m.e == nil || m.asleep || m.e.resigned {
		return
	}
	over := false // the stop, or the time until the start
	again := func() {
		if over {
			s.start(m)
		}
		over = true
	}
	m.resign(again)
	s.begin(long, func() {
		if m.e != nil && m.e.resigned {
			m.crash() // everything heals before it has stopped
		}
		over = true
		s.start(m)
	})
}

// weigh lets a tracker of a machine read otherwise for a while.
func (s *schedule) weigh(m *machine, t Tracker, r Reading, long time.Duration) {
	m.read(t, r)
	s.begin(long, func() { m.read(t, Reading{Up: true}) })
}

// prioritize gives a machine another priority by a reload, or preemption where it had none.
func (s *schedule) prioritize(m *machine, long time.Duration) {
	if m.index == s.owner {
		return
	}
	priority, preempt := s.somePriority(), !s.odds(4)
	for _, r := range s.routers {
		r.priority[m.index], r.preempt[m.index] = priority, preempt
	}
	s.l.after(s.l.between(0, long), func() { s.reload(m) })
	s.begin(long, func() { s.reload(m) })
}

// rekey brings one step of auth_hmac to all machines. The next step is for when all have it.
func (s *schedule) rekey(long time.Duration) {
	if s.key == 0 || s.key == keyStages || s.rekeys {
		return
	}
	s.key++
	s.rekeys = true
	s.roll(long, func(*router) {})
	s.begin(long, func() { s.rekeys = false })
}

// change gives the virtual routers another interval or version, one machine after the other.
func (s *schedule) change(long time.Duration) {
	version, interval := s.versionAndInterval()
	one := s.routers[s.l.rng.IntN(len(s.routers))]
	all := s.odds(2)
	s.roll(long, func(r *router) {
		if all || r == one {
			r.version, r.interval = version, interval
		}
	})
	s.longest() // remembers the slowest
}

// roll brings a new configuration to one machine after the other.
func (s *schedule) roll(long time.Duration, change func(*router)) {
	for _, r := range s.routers {
		change(r)
	}
	done := map[*machine]bool{}
	once := func(m *machine) {
		if !done[m] {
			done[m] = true
			s.reload(m)
		}
	}
	for _, m := range s.l.machines {
		s.l.after(s.l.between(0, long), func() { once(m) })
	}
	s.begin(long, func() {
		for _, m := range s.l.machines {
			once(m)
		}
	})
}

func (s *schedule) reload(m *machine) {
	if m.e != nil && m.e.resigned {
		m.configs, m.groups = s.configs(m), s.groups()
		return
	}
	m.reload(s.configs(m), s.groups())
}

// ungroup loads a file without the group on one machine for a while, or with it where there is none.
func (s *schedule) ungroup(m *machine, long time.Duration) {
	if m.e == nil || m.e.resigned {
		return
	}
	groups := s.groups()
	if s.grouped {
		groups = nil
	}
	m.reload(s.configs(m), groups)
	s.begin(long, func() { s.reload(m) })
}
