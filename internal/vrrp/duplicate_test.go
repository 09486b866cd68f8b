package vrrp

import (
	"testing"
	"time"
)

// A preempted master's last word is expected: it is answered by the next advert, and is no
// duplicate to report.
func TestPreemptionIsNoDuplicate(t *testing.T) {
	n, c := newNode(t, 2), config(outside, 2, 150)
	n.start([]Config{c}, nil)
	for range 3 {
		n.wait(time.Second)
		n.hear(advertFrom(c, 1, 100))
		n.tick()
	}
	want(t, n.next(), "eth0/51 sends priority 150 every 1s",
		"eth0/51 BACKUP -> MASTER: preempts 10.0.0.1 with lower priority")
	n.wait(time.Millisecond)
	want(t, n.hear(advertFrom(c, 1, 100)))
	want(t, n.next(), "eth0/51 sends priority 150 every 1s", "eth0/51 announces")
	want(t, n.next(), "eth0/51 sends priority 150 every 1s")
}

// Whoever of two masters is heard first after a partition, the better one announces last.
func TestBetterMasterAnnouncesLast(t *testing.T) {
	for _, betterFirst := range []bool{true, false} {
		a, c := newNode(t, 1), config(outside, 2, 200)
		b, d := newNode(t, 2), config(outside, 2, 100)
		a.start([]Config{c}, nil)
		b.start([]Config{d}, nil)
		for _, n := range []*node{a, b} {
			for n.e.Deadline().Before(epoch.Add(time.Minute)) {
				n.next() // each on its side of a partition
			}
		}
		var said Output
		if betterFirst {
			a.now = a.e.Deadline()
			a.e.Tick(a.now, &said)
			b.now = a.now
			b.e.Receive(b.now, "eth0", &said.Sends[0].Advert, nil, &said)
			want(t, a.hear(said.Sends[1].Advert), "eth0/51 sends priority 200 every 1s", "eth0/51 announces",
				"eth0/51 notes duplicate master 10.0.0.2, priority 100")
		} else {
			b.now = b.e.Deadline()
			b.e.Tick(b.now, &said)
			a.now = b.now
			want(t, a.hear(said.Sends[0].Advert), "eth0/51 sends priority 200 every 1s", "eth0/51 announces",
				"eth0/51 notes duplicate master 10.0.0.2, priority 100")
			b.hear(advertFrom(c, 1, 200))
		}
		if a.state(outside) != Master || b.state(outside) != Backup {
			t.Error(a.state(outside), b.state(outside))
		}
	}
}
