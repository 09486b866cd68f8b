package vrrp

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// schedule is one random life of a lan: disturbed, and healed in the end.
type schedule struct {
	l *lan
	w *witness

	routers []*router
	grouped bool
	crossed bool // who is best differs from one segment to another
	active  []*disturbance
	calm    time.Time // when the last disturbance ended
	slowest time.Duration
	wrong   time.Time // since when there is not one master
	healed  bool
	holders map[Key]int // who was master when everything healed, or later
}

// router is a virtual router as all machines have it.
type router struct {
	key      Key
	version  uint8
	interval time.Duration
	adverts  uint8
	delay    time.Duration // preempt_delay
	silent   bool          // lower_prio_no_advert
	last     bool          // higher_prio_send_advert
	priority [maxMachines]uint8
	preempt  [maxMachines]bool
	absent   bool // it comes with a reload
}

// disturbance is something that goes on, until it ends.
type disturbance struct{ end func() }

func simulate(seed uint64, record bool) *schedule {
	s := &schedule{l: newLAN(seed), holders: map[Key]int{}}
	s.l.record = record
	s.w = watch(s.l)
	s.draw()
	length := time.Duration(20+s.l.rng.IntN(60)) * s.longest()
	for range 2 + s.l.rng.IntN(14) {
		s.l.after(s.l.between(0, length), s.disturb)
	}
	s.l.run(s.l.now.Add(length), s.observe)
	s.heal()
	return s
}

func (s *schedule) odds(n int) bool { return s.l.rng.IntN(n) == 0 }

// draw makes the machines and their configuration.
func (s *schedule) draw() {
	rng := s.l.rng
	s.grouped = !s.odds(4)
	machines := 2
	for machines < maxMachines && s.odds(3) {
		machines++
	}
	common := router{adverts: 3, silent: s.odds(8), last: !s.odds(8)}
	common.version, common.interval = s.versionAndInterval()
	if s.odds(6) {
		common.adverts = uint8(2 + rng.IntN(4))
	}
	if s.odds(6) {
		common.delay = s.l.between(0, 6*time.Second)
	}
	for m := range maxMachines {
		common.priority[m], common.preempt[m] = s.somePriority(), !s.odds(4)
	}
	own := s.odds(5)       // priorities by segment
	addresses := s.odds(5) // and addresses, which decide where priorities are equal
	s.crossed = own || addresses
	for n, key := range []Key{outside, inside, third}[:1+rng.IntN(3)] {
		r := common
		r.key, r.absent = key, n > 0 && s.odds(6)
		if s.odds(5) {
			r.version, r.interval = s.versionAndInterval()
		}
		for m := range maxMachines {
			if own {
				r.priority[m] = s.somePriority()
			}
		}
		s.routers = append(s.routers, &r)
	}
	s.slowest = s.longest()
	if s.odds(2) {
		s.l.late = s.l.between(0, s.shortest()/20)
	}
	for range machines {
		m := s.l.add(nil, nil)
		if addresses {
			for g := range maxSegments {
				m.hosts[g] = byte(10*(1+rng.IntN(5)) + m.index)
			}
		}
		if s.odds(8) {
			m.delays = map[string]LinkDelay{"eth0": {Down: s.l.between(0, s.shortest()), Up: s.l.between(0, 3*s.shortest())}}
		}
		m.configs, m.groups = s.configs(m), s.groups()
		s.l.after(s.l.between(0, 5*s.longest()), m.boot)
	}
	s.calm = s.l.now.Add(5 * s.longest())
}

func (s *schedule) versionAndInterval() (uint8, time.Duration) {
	if s.odds(2) {
		return 2, time.Second
	}
	return 3, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, time.Second}[s.l.rng.IntN(3)]
}

func (s *schedule) somePriority() uint8 {
	return []uint8{1, 50, 100, 100, 100, 150, 200, 254}[s.l.rng.IntN(8)]
}

// longest and shortest are of the intervals of now, slowest is the longest that there ever was.
func (s *schedule) longest() time.Duration {
	longest := time.Duration(0)
	for _, r := range s.routers {
		longest = max(longest, r.interval)
	}
	s.slowest = max(s.slowest, longest)
	return longest
}

func (s *schedule) shortest() time.Duration {
	shortest := time.Hour
	for _, r := range s.routers {
		shortest = min(shortest, r.interval)
	}
	return shortest
}

// health is what the machines track.
var health = Tracker{TrackScript, "health"}

func (s *schedule) configs(m *machine) []Config {
	var list []Config
	for _, r := range s.routers {
		if r.absent {
			continue
		}
		c := config(r.key, r.version, r.priority[m.index])
		c.Interval, c.Preempt, c.DownTimerAdverts, c.PreemptDelay = r.interval, r.preempt[m.index], r.adverts, r.delay
		c.LowerPrioNoAdvert, c.HigherPrioSendAdvert = r.silent, r.last
		c.Track = []Track{{Tracker: health, Weight: -60}}
		list = append(list, c)
	}
	return list
}

func (s *schedule) groups() []SyncGroup {
	if !s.grouped {
		return nil
	}
	var keys []Key
	for _, r := range s.routers {
		if !r.absent {
			keys = append(keys, r.key)
		}
	}
	slices.Reverse(keys) // their order in the file does not matter
	return together(keys...)
}

// begin lets a disturbance go on for a while.
func (s *schedule) begin(d time.Duration, end func()) {
	it := &disturbance{end}
	s.active = append(s.active, it)
	s.l.after(d, func() { s.end(it) })
}

func (s *schedule) end(it *disturbance) {
	if at := slices.Index(s.active, it); at >= 0 {
		s.active = slices.Delete(s.active, at, at+1)
		it.end()
		s.stir()
	}
}

// stir begins the time anew after which all is to be settled.
func (s *schedule) stir() {
	if s.l.now.After(s.calm) {
		s.calm = s.l.now
	}
}

// heal ends every disturbance, and waits for what the lan promises then.
func (s *schedule) heal() {
	if s.l.failed != "" {
		return
	}
	s.l.note("everything heals")
	s.healed = true
	for len(s.active) > 0 {
		s.end(s.active[0])
	}
	s.stir()
	s.l.run(s.calm.Add(s.settling()+s.routers[0].delay+6*s.slowest+2*time.Second), s.observe)
	s.finish()
}

// settling is how long a lan takes at most to have one master again.
func (s *schedule) settling() time.Duration {
	skew := max(s.slowest, time.Second)
	late := 2*s.l.late + 50*time.Millisecond + 3*s.slowest // of an interface that is seen up late
	return time.Duration(s.routers[0].adverts)*s.slowest + skew + late
}

// observe: where nothing disturbs, every virtual router has one master, and a group is on one
// machine. While one machine takes over from another, this takes as long as an advert does.
func (s *schedule) observe() {
	s.w.observe()
	for _, r := range s.routers {
		if set, _ := s.l.masters(r.key); s.healed {
			s.holders[r.key] |= set
		}
	}
	if len(s.active) > 0 || s.l.now.Sub(s.calm) < s.settling() {
		s.wrong = time.Time{}
		return
	}
	right, first := true, -1
	for _, r := range s.routers {
		if r.absent {
			continue
		}
		set, count := s.l.masters(r.key)
		right = right && count == 1 && (!s.grouped || first < 0 || set == first)
		first = set
	}
	switch {
	case right:
		s.wrong = time.Time{}
	case s.wrong.IsZero():
		s.wrong = s.l.now
	case s.l.now.Sub(s.wrong) > 5*time.Millisecond+s.l.late:
		s.l.fail("not one master since %v: %s", s.wrong.Sub(epoch), s.standing())
	}
}

// standing says who is master of what.
func (s *schedule) standing() string {
	var words []string
	for _, r := range s.routers {
		set, _ := s.l.masters(r.key)
		words = append(words, fmt.Sprintf("%v %05b", r.key, set))
	}
	return strings.Join(words, ", ")
}

// finish looks at the end: who is master, and who announced last.
func (s *schedule) finish() {
	if s.l.failed != "" {
		return
	}
	if !s.wrong.IsZero() {
		s.l.fail("not settled at the end: %s", s.standing())
	}
	for _, r := range s.routers {
		for _, m := range s.l.machines {
			if !r.absent && m.isMaster(r.key) {
				s.checkBest(r, m)
				s.checkAnnounced(r, m)
			}
		}
	}
}

// checkBest: where all preempt, and agree on who is best, that one is master.
func (s *schedule) checkBest(r *router, master *machine) {
	if s.crossed || s.mixed() {
		return
	}
	best := uint8(0)
	for _, m := range s.l.machines {
		if !r.preempt[m.index] {
			return
		}
		best = max(best, m.e.instances[r.key].cfg.Priority)
	}
	if master.e.instances[r.key].cfg.Priority != best {
		s.l.fail("%v is at machine %d, which is not the best", r.key, master.index+1)
	}
}

// mixed tells whether machines have other weights at work than others have.
func (s *schedule) mixed() bool { return false }

// checkAnnounced: neighbours believe who announced last. Without a last advert the better of two
// masters may not know that there were two.
func (s *schedule) checkAnnounced(r *router, master *machine) {
	if !r.last {
		return
	}
	if ear := s.w.ear(master, r.key); master.announced[r.key].Before(ear.other) {
		s.l.fail("machine %d heard another master of %v and did not announce it again", master.index+1, r.key)
	}
	for _, other := range s.l.machines {
		if s.holders[r.key]&(1<<other.index) != 0 && other.announced[r.key].After(master.announced[r.key]) {
			s.l.fail("%v is at machine %d, and machine %d announced it last", r.key, master.index+1, other.index+1)
		}
	}
}
