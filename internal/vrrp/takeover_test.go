package vrrp

import (
	"testing"
	"time"
)

// The takeover is exact where nothing disturbs: for every priority, after a crash and after a
// clean stop.
func TestExactTakeover(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for p := 1; p < 255; p++ {
			for _, clean := range []bool{false, true} {
				l := newLAN(uint64(p))
				w := watch(l)
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
				due := w.ear(b, outside).since.Add(3*interval + skewOf(uint8(p), unit))
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

// TestNextTakeover: it is the earliest end of a backup's down timer, and nothing else.
func TestNextTakeover(t *testing.T) {
	expect := func(n *node, want time.Time) {
		t.Helper()
		if got := n.e.Takeover(); !got.Equal(want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	n := newNode(t, 1)
	expect(n, time.Time{})
	n.start([]Config{config(outside, 3, 100), config(inside, 3, 200)}, nil)
	of := func(priority uint8) time.Time { return n.now.Add(3*time.Second + skewOf(priority, time.Second)) }
	first, second := of(200), of(100)
	expect(n, first)
	n.next()
	expect(n, second)
	n.next()
	expect(n, time.Time{}) // adverts are due, and no takeover
	n.wait(time.Second / 2)
	n.hear(advertFrom(config(outside, 3, 150), 2, 150))
	expect(n, of(100))
	n.setLink("eth0", false)
	expect(n, time.Time{})
}
