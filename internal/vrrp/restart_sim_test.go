package vrrp

import (
	"fmt"
	"testing"
	"time"
)

// killed is a master that is killed right after an advert and started again after a while, and the
// node that waits for it to end.
type killed struct {
	version  uint8
	interval time.Duration
	priority uint8 // of the other node; the one that is killed has 100
	preempt  bool
	higher   bool // the other node's addresses are the higher ones
	grouped  bool
	record   bool
}

// least is how long the other node waits at least, and margin what must be left of it.
func (k killed) least() time.Duration  { return 3 * k.interval }
func (k killed) margin() time.Duration { return min(resumeMargin, k.interval/2) }

// waits is how long a backup waits after an advert.
func (k killed) waits(priority uint8) time.Duration {
	if k.version == 2 {
		return k.least() + skewOf(priority, time.Second)
	}
	return k.least() + skewOf(priority, k.interval)
}

// pair is a lan with both nodes of which the first one is master, and has just said so.
func (k killed) pair() (l *lan, a, b *machine) {
	l = newLAN(1)
	watch(l)
	l.delay = [2]time.Duration{k.interval / 100, k.interval / 50}
	configs := func(priority uint8) []Config {
		list := []Config{config(outside, k.version, priority), config(inside, k.version, priority)}
		for n := range list {
			list[n].Interval, list[n].Preempt = k.interval, k.preempt
		}
		return list
	}
	var groups []SyncGroup
	if k.grouped {
		groups = together(outside, inside)
	}
	a, b = l.add(configs(100), groups), l.add(configs(k.priority), groups)
	if !k.higher {
		a.hosts, b.hosts = b.hosts, a.hosts
	}
	a.boot()
	l.run(epoch.Add(k.least()+2*time.Second), func() {})
	b.boot()
	l.run(l.now.Add(5*k.interval), func() {})
	for sent := a.claimed[outside].at; a.claimed[outside].at.Equal(sent); {
		l.run(l.events[0].at, func() {})
	}
	l.run(l.now.Add(k.interval/50), func() {}) // it is heard
	return l, a, b
}

// restart kills the master, starts it again after that long since its last advert, and says how
// long two nodes were master at once.
func (k killed) restart(t *testing.T, after time.Duration) {
	l, a, b := k.pair()
	sent := a.claimed[outside].at
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%+v, started %v after its last advert: %s", k, after, fmt.Sprintf(format, args...))
	}
	a.crash()
	if !k.record {
		clear(a.vouched)
	}
	if after < l.now.Sub(sent) {
		t.Fatal("it cannot be started before it was killed")
	}
	tookOver, returned := time.Time{}, time.Time{}
	together, since := time.Duration(0), time.Time{}
	observe := func() {
		two := a.e != nil && a.isMaster(outside) && b.isMaster(outside)
		switch {
		case two && since.IsZero():
			since = l.now
		case !two && !since.IsZero():
			together, since = max(together, l.now.Sub(since)), time.Time{}
		}
		if b.isMaster(outside) && tookOver.IsZero() {
			tookOver = l.now
		}
		if a.e != nil && a.isMaster(outside) && returned.IsZero() {
			returned = l.now
		}
	}
	l.run(sent.Add(after), observe)
	a.boot()
	observe()
	resumes := k.record && after < k.least()-k.margin()
	if a.isMaster(outside) != resumes || a.isMaster(inside) != resumes {
		fail("it is %v and %v", a.e.instances[outside].state, a.e.instances[inside].state)
	}
	l.run(l.now.Add(12*k.interval+4*time.Second), observe)
	preempts := k.preempt && k.priority < 100
	earlier := k.waits(k.priority) - (after + k.waits(100)) // its timer ends, if it is a backup
	first := !resumes && earlier > k.interval/25
	switch {
	case l.failed != "":
		fail("%s", l.failed)
	case resumes && !tookOver.IsZero():
		fail("the other node took over %v after the last advert", tookOver.Sub(sent))
	case first && (returned.IsZero() || !tookOver.IsZero()):
		fail("it does not take over")
	case first, !resumes && earlier.Abs() <= k.interval/25: // nobody can say who
	case !resumes && tookOver.IsZero():
		fail("nobody took over")
	case !resumes && !preempts && !returned.IsZero():
		fail("the other node took over after %v, and lost it after %v", tookOver.Sub(sent), returned.Sub(sent))
	case !resumes && preempts && returned.Before(tookOver):
		fail("it does not wait: the other node took over after %v, it after %v", tookOver.Sub(sent), returned.Sub(sent))
	case together > k.interval/50:
		fail("there were two masters for %v", together)
	}
}

// A restart at every instant around the takeover: in time, nothing happens; later, the other node
// takes over and stays.
func TestRestartAtEveryInstant(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for _, interval := range []time.Duration{10 * time.Millisecond, time.Second, 10 * time.Second} {
			if version == 2 && interval < time.Second {
				continue // RFC 3768 §5.3.7: whole seconds
			}
			for bits := range 16 {
				for _, priority := range []uint8{1, 100, 254} {
					k := killed{version, interval, priority, bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0}
					if k.preempt && priority > 100 {
						continue // the other node is master
					}
					edges := []time.Duration{k.least() - k.margin(), k.least(), k.waits(priority), k.waits(priority) + interval/50}
					for _, edge := range edges {
						for _, d := range []time.Duration{-1, 0, interval / 100} {
							k.restart(t, edge+d)
						}
					}
					for after := interval / 50; after < 5*interval; after += interval * 5 / 7 {
						k.restart(t, after)
					}
					if t.Failed() {
						return
					}
				}
			}
		}
	}
}
