package vrrp

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// schedule is one random life of a lan: disturbed, and healed in the end.
type schedule struct {
	l *lan
	w *witness

	routers []*router
	traits
	grouped bool
	crossed bool // who is best differs from one segment to another
	active  []*disturbance
	calm    time.Time // when the last disturbance ended
	slowest time.Duration
	wrong   time.Time // since when there is not one master
	rekeys  bool      // a step of auth_hmac is on its way
	healed  bool
	holders map[Key]int // who was master when everything healed, or later
}

// disturbance is something that goes on, until it ends.
type disturbance struct{ end func() }

func simulate(seed uint64, record bool) *schedule { return simulateWith(seed, record, defect{}) }

func simulateWith(seed uint64, record bool, d defect) *schedule {
	s := &schedule{l: newLAN(seed), holders: map[Key]int{}}
	s.l.record, s.l.defect = record, d
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

// longest and shortest are of the intervals of now, slowest is the longest that there ever was.
func (s *schedule) longest() time.Duration {
	longest := time.Duration(0)
	for _, r := range s.routers {
		longest = max(longest, r.interval)
	}
	if s.foreign != [maxMachines]bool{} {
		longest = max(longest, time.Second)
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
	switch {
	case s.settled():
		s.wrong = time.Time{}
	case s.wrong.IsZero():
		s.wrong = s.l.now
	case s.l.now.Sub(s.wrong) > 5*time.Millisecond+s.l.late:
		s.l.fail("not one master since %v: %s", s.wrong.Sub(epoch), s.standing())
	}
}

// settled tells whether each virtual router has one master among the machines of a kind, and a group
// is on one of them.
func (s *schedule) settled() bool {
	for _, kind := range s.kinds() {
		first := 0
		for _, r := range s.routers {
			if r.absent {
				continue
			}
			set, _ := s.l.masters(r.key)
			if set &= kind; bits.OnesCount(uint(set)) != 1 || s.grouped && first != 0 && set != first {
				return false
			}
			first = set
		}
	}
	return true
}

// kinds are the machines that hear one another when nothing disturbs, as sets of bits.
func (s *schedule) kinds() []int {
	var sets [2]int
	for _, m := range s.l.machines {
		sets[kindOf(s.foreign[m.index])] |= 1 << m.index
	}
	return slices.DeleteFunc(sets[:], func(set int) bool { return set == 0 })
}

func kindOf(foreign bool) int {
	if foreign {
		return 1
	}
	return 0
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
	if s.crossed {
		return
	}
	best := uint8(0)
	for _, m := range s.l.machines {
		if s.foreign[m.index] != s.foreign[master.index] {
			continue
		}
		if !r.preempt[m.index] {
			return
		}
		best = max(best, m.e.instances[r.key].cfg.Priority)
	}
	if master.e.instances[r.key].cfg.Priority != best {
		s.l.fail("%v is at machine %d, which is not the best", r.key, master.index+1)
	}
}

// checkAnnounced: neighbours believe who announced last. Without a last advert the better of two
// masters may not know that there were two, nor does one that hears nobody.
func (s *schedule) checkAnnounced(r *router, master *machine) {
	if !r.last || master.index == s.owner && s.deaf {
		return
	}
	if ear := s.w.ear(master, r.key); master.announced[r.key].Before(ear.other) {
		s.l.fail("machine %d heard another master of %v and did not announce it again", master.index+1, r.key)
	}
	for _, other := range s.l.machines {
		if s.foreign[other.index] != s.foreign[master.index] {
			continue
		}
		if s.holders[r.key]&(1<<other.index) != 0 && other.announced[r.key].After(master.announced[r.key]) {
			s.l.fail("%v is at machine %d, and machine %d announced it last", r.key, master.index+1, other.index+1)
		}
	}
}
