package vrrp

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// Bounds of a lan.
const (
	maxMachines = 5
	maxSegments = 3
)

// cuts are the ways between machines that are cut, by segment, sender and receiver.
type cuts [maxSegments][maxMachines][maxMachines]bool

// lan is a simulated network of machines with an election each: segments eth0, eth1 and eth2, one
// clock, one thread. All chance comes from one seed.
type lan struct {
	rng      *rand.Rand
	now      time.Time
	events   events
	sequence int
	machines []*machine

	cut   cuts
	loss  float64
	twice float64
	delay [2]time.Duration // of packets: the least and the most
	late  time.Duration    // of timers: the most
	woken time.Duration    // from the arrival of a packet until it is read: the most

	// received, where it is there, sees every advert that reaches a machine which is awake: before it
	// is told, and after. stepped sees every step.
	received func(m *machine, p packet, before bool)
	stepped  func(*machine)

	defect defect // of every election

	grown  int // how often a group got another member
	record bool
	log    []string
	failed string
}

type event struct {
	at       time.Time
	sequence int
	do       func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(a, b int) bool {
	return e[a].at.Before(e[b].at) || e[a].at.Equal(e[b].at) && e[a].sequence < e[b].sequence
}
func (e events) Swap(a, b int) { e[a], e[b] = e[b], e[a] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newLAN(seed uint64) *lan {
	l := &lan{rng: rand.New(rand.NewPCG(seed, 0)), now: epoch}
	l.delay = [2]time.Duration{100 * time.Microsecond, time.Millisecond}
	return l
}

func (l *lan) after(d time.Duration, do func()) {
	l.sequence++
	heap.Push(&l.events, event{l.now.Add(d), l.sequence, do})
}

// run lets time pass until end, or until something failed.
func (l *lan) run(end time.Time, observe func()) {
	for len(l.events) > 0 && !l.events[0].at.After(end) && l.failed == "" {
		e := heap.Pop(&l.events).(event)
		l.now = e.at
		e.do()
		observe()
	}
	if l.failed == "" {
		l.now = end
		observe()
	}
}

func (l *lan) between(low, high time.Duration) time.Duration {
	return low + time.Duration(l.rng.Int64N(int64(high-low)+1))
}

func (l *lan) fail(format string, args ...any) {
	if l.failed == "" {
		l.failed = fmt.Sprintf("at %v: ", l.now.Sub(epoch)) + fmt.Sprintf(format, args...)
	}
}

func (l *lan) note(format string, args ...any) {
	if !l.record {
		return
	}
	l.log = append(l.log, fmt.Sprintf("%12v ", l.now.Sub(epoch))+fmt.Sprintf(format, args...))
}
