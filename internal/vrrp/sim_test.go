package vrrp

import (
	"flag"
	"strings"
	"testing"
	"time"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this seed only, and print its log")
	simSeeds = flag.Uint64("sim.seeds", 2000, "how many seeds to simulate")
)

// The takeover is exact where nothing disturbs: for every priority, after a crash and after a
// clean stop.
func TestExactTakeover(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for p := 1; p < 255; p++ {
			for _, clean := range []bool{false, true} {
				l := newLAN(uint64(p))
				l.delay = [2]time.Duration{time.Millisecond, time.Millisecond}
				pair := func(priority uint8) []Config {
					list := []Config{config(outside, version, priority), config(inside, version, priority)}
					if version == 3 {
						list[0].Interval, list[1].Interval = 100*time.Millisecond, 100*time.Millisecond
					}
					return list
				}
				interval := pair(1)[0].Interval
				a := l.add(pair(255), together(outside, inside))
				b := l.add(pair(uint8(p)), together(outside, inside))
				a.boot()
				b.boot()
				l.run(epoch.Add(20*interval), func() {})
				if _, n := l.masters(outside); n != 1 || a.e.instances[outside].state != Master {
					t.Fatal("the better one is not master")
				}
				unit := interval
				if version == 2 {
					unit = time.Second
				}
				due := b.heard[outside].Add(3*interval + skewOf(uint8(p), unit))
				if clean {
					a.resign(func() {})
					due = l.now.Add(time.Millisecond + skewOf(uint8(p), unit))
				} else {
					a.crash()
				}
				l.run(due.Add(-1), func() {})
				if b.e.instances[outside].state != Backup {
					t.Errorf("version %d priority %d, clean stop %v: took over before %v", version, p, clean, due.Sub(epoch))
				}
				l.run(due, func() {})
				if b.e.instances[outside].state != Master || b.e.instances[inside].state != Master {
					t.Errorf("version %d priority %d, clean stop %v: did not take over at %v", version, p, clean, due.Sub(epoch))
				}
				// A successor that is heard ends a resignation at once.
				l.run(due.Add(time.Millisecond), func() {})
				if a.e != nil {
					t.Errorf("version %d priority %d: still serves beside its successor", version, p)
				}
			}
		}
	}
}

func TestSimulation(t *testing.T) {
	if *simSeed != 0 {
		s := simulate(*simSeed)
		t.Logf("\n%s", strings.Join(s.l.log, "\n"))
		if s.l.failed != "" {
			t.Errorf("seed %d: %s", *simSeed, s.l.failed)
		}
		return
	}
	kinds := map[string]int{}
	for seed := uint64(1); seed <= *simSeeds; seed++ {
		s := simulate(seed)
		for k, n := range s.seen {
			kinds[k] += n
		}
		if s.l.failed != "" {
			t.Fatalf("go test -run TestSimulation -sim.seed %d: %s", seed, s.l.failed)
		}
	}
	// A simulation that disturbs nothing shows nothing.
	for _, k := range []string{"takeover", "yield", "duplicate", "stall", "fault"} {
		if kinds[k] == 0 {
			t.Errorf("no %s in %d seeds", k, *simSeeds)
		}
	}
	t.Logf("%d seeds: %v", *simSeeds, kinds)
}

// schedule is one random life of a lan: disturbed, then healed.
type schedule struct {
	l        *lan
	version  uint8
	interval time.Duration
	grouped  bool
	healed   bool
	settled  time.Time // from when on there is one master
	wrong    time.Time // since when there is not
	seen     map[string]int
	healer   map[Key]int // who was master at the heal or later
}

func simulate(seed uint64) *schedule {
	s := &schedule{l: newLAN(seed), seen: map[string]int{}, healer: map[Key]int{}}
	s.l.record = *simSeed != 0
	rng := s.l.rng
	s.version, s.interval = 2, time.Second
	if rng.IntN(2) == 0 {
		s.version, s.interval = 3, []time.Duration{100 * time.Millisecond, time.Second}[rng.IntN(2)]
	}
	s.grouped = rng.IntN(4) > 0
	for range 2 + rng.IntN(2) {
		m := s.l.add(s.configs(), s.groups())
		s.l.after(s.l.between(0, 5*s.interval), m.boot)
	}
	s.run(time.Duration(20+rng.IntN(40)) * s.interval)
	s.heal()
	return s
}

func (s *schedule) configs() []Config {
	priority := []uint8{1, 50, 100, 100, 100, 150, 200, 254}[s.l.rng.IntN(8)]
	preempt := s.l.rng.IntN(4) > 0
	list := []Config{config(outside, s.version, priority), config(inside, s.version, priority)}
	for k := range list {
		list[k].Interval, list[k].Preempt = s.interval, preempt
	}
	return list
}

func (s *schedule) groups() []SyncGroup {
	if s.grouped {
		return together(outside, inside)
	}
	return nil
}

// run disturbs the lan for a while.
func (s *schedule) run(d time.Duration) {
	end := s.l.now.Add(d)
	for range 3 + s.l.rng.IntN(12) {
		s.l.after(s.l.between(0, d), s.disturb)
	}
	s.l.run(end, s.count)
}

func (s *schedule) disturb() {
	if s.healed {
		return
	}
	rng := s.l.rng
	m := s.l.machines[rng.IntN(len(s.l.machines))]
	long := s.l.between(s.interval/20, 12*s.interval)
	during := func(do func()) {
		s.l.after(long, func() {
			if !s.healed {
				do()
			}
		})
	}
	switch rng.IntN(9) {
	case 0: // loss, duplication
		s.l.loss, s.l.twice = rng.Float64()*rng.Float64(), rng.Float64()/2
		during(func() { s.l.loss, s.l.twice = 0, 0 })
	case 1: // delay, and with it another order
		s.l.delay[1] = s.l.between(time.Millisecond, 2*s.interval)
		during(func() { s.l.delay[1] = time.Millisecond })
	case 2: // partition, one way or both, one segment or both
		both, way := rng.IntN(2), rng.IntN(3)
		segment := rng.IntN(2)
		for k := range s.l.machines {
			for _, g := range []int{segment, (segment + both) % 2} {
				s.l.cut[g][m.index][k] = way != 0
				s.l.cut[g][k][m.index] = way != 1
			}
		}
		s.l.note("partition of %d: segment %d, both %d, way %d", m.index+1, segment, both, way)
		during(func() { s.l.cut = [2][3][3]bool{} })
	case 3, 4:
		m.sleep(rng.IntN(3) == 0)
		during(m.wake)
	case 5:
		m.crash()
		during(func() {
			if m.e == nil {
				m.boot()
			}
		})
	case 6:
		if m.e != nil && !m.asleep && !m.e.resigned {
			pause := s.l.between(0, 5*s.interval)
			m.resign(func() {
				s.l.after(pause, func() {
					if m.e == nil {
						m.boot()
					}
				})
			})
		}
	case 7:
		segment := rng.IntN(2)
		m.setLink(segment, false)
		during(func() { m.setLink(segment, true) })
	case 8:
		if m.e != nil && !m.asleep {
			m.reload(s.configs(), [][]SyncGroup{s.groups(), s.groups(), nil}[rng.IntN(3)])
			during(func() { m.reload(m.configs, s.groups()) })
		}
	}
}

// heal ends every disturbance, and holds the lan to what it promises then.
func (s *schedule) heal() {
	if s.l.failed != "" {
		return
	}
	s.healed = true
	s.l.note("everything heals")
	s.l.loss, s.l.twice, s.l.cut = 0, 0, [2][3][3]bool{}
	s.l.delay = [2]time.Duration{100 * time.Microsecond, time.Millisecond}
	for _, m := range s.l.machines {
		m.wake()
		m.groups = s.groups()
		switch {
		case m.e == nil || m.e.resigned:
			m.down = [2]bool{}
			m.boot()
		default:
			m.down = [2]bool{}
			m.step("links up", func(now time.Time, out *Output) { m.e.SetLinks(now, m.links(), out) })
			m.reload(m.configs, m.groups)
		}
	}
	start := s.l.now
	s.settled = start.Add(3*s.interval + time.Second + 50*time.Millisecond)
	s.l.run(start.Add(20*s.interval+2*time.Second), s.observe)
	s.finish()
}

func (s *schedule) count() {
	for _, m := range s.l.machines {
		for _, t := range m.out.Transitions {
			switch {
			case t.To == Master:
				s.seen["takeover"]++
			case t.From == Master && t.To == Backup:
				s.seen["yield"]++
			case t.To == Fault:
				s.seen["fault"]++
			}
		}
		for _, n := range m.out.Notes {
			switch n.Kind {
			case NoteDuplicate:
				s.seen["duplicate"]++
			case NoteStall:
				s.seen["stall"]++
			}
		}
		m.out.Reset()
	}
}

// observe: from settled on, every virtual router has one master, and a group is on one machine.
// While one machine takes over from another, this takes as long as an advert does.
func (s *schedule) observe() {
	s.count()
	out, outs := s.l.masters(outside)
	in, ins := s.l.masters(inside)
	s.healer[outside] |= out
	s.healer[inside] |= in
	if s.l.now.Before(s.settled) {
		return
	}
	if outs == 1 && ins == 1 && (!s.grouped || in == out) {
		s.wrong = time.Time{}
		return
	}
	if s.wrong.IsZero() {
		s.wrong = s.l.now
	}
	if s.l.now.Sub(s.wrong) > 5*time.Millisecond {
		s.l.fail("masters since %v: outside %03b, inside %03b", s.wrong.Sub(epoch), out, in)
	}
}

// finish looks at the end: who is master, and who announced last.
func (s *schedule) finish() {
	if s.l.failed != "" {
		return
	}
	if !s.wrong.IsZero() {
		s.l.fail("not settled at the end")
	}
	best, preempt := uint8(0), true
	for _, m := range s.l.machines {
		best = max(best, m.configs[0].Priority)
		preempt = preempt && m.configs[0].Preempt
	}
	for _, key := range []Key{outside, inside} {
		for _, m := range s.l.machines {
			if m.e.instances[key].state != Master {
				continue
			}
			if preempt && m.configs[0].Priority != best {
				s.l.fail("%v is at machine %d, which is not the best", key, m.index+1)
			}
			if m.announced[key].Before(m.lesser[key]) {
				s.l.fail("machine %d heard another master of %v and did not announce it again", m.index+1, key)
			}
			for _, other := range s.l.machines {
				if s.healer[key]&(1<<other.index) != 0 && other.announced[key].After(m.announced[key]) {
					s.l.fail("%v is at machine %d, and machine %d announced it last", key, m.index+1, other.index+1)
				}
			}
		}
	}
}
