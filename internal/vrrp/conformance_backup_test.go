package vrrp

import (
	"fmt"
	"testing"
	"time"
)

// backupNode is a node with one instance of priority 100 that is backup.
func backupNode(t *testing.T, change ...func(*Config)) (*node, Config) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	for _, f := range change {
		f(&c)
	}
	n.start([]Config{c}, nil)
	return n, c
}

// holdsNothing is a whole life of a backup, in which nothing lets it have an address: it neither
// becomes master nor vouches for a time.
func holdsNothing(t *testing.T, six bool) {
	t.Helper()
	n := newNode(t, 1)
	key := Key{Interface: "eth0", VRID: 51, IPv6: six}
	c := config(key, 3, 100)
	c.PreemptDelay = time.Hour
	source := addr("10.0.0.2")
	if six {
		n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("fe80::1")}
		source = addr("fe80::2")
	}
	var out Output
	n.e.Configure(n.now, []Config{c}, nil, &out)
	n.e.SetLinks(n.now, n.links, &out)
	for priority := 1; priority <= 255; priority++ {
		n.wait(time.Second)
		a := Advert{Source: source, Destination: c.group(), HopLimit: 255, Version: 3, VRID: 51,
			Priority: uint8(priority), Interval: c.Interval, Addresses: c.Addresses}
		n.e.Receive(n.now, "eth0", &a, nil, &out)
		n.e.Tick(n.now, &out)
	}
	if n.state(key) != Backup || len(out.Sends) > 0 || len(out.Announces) > 0 {
		t.Errorf("%v sends %v, announces %v", n.state(key), out.Sends, out.Announces)
	}
	for _, transition := range out.Transitions {
		if transition.To == Master {
			t.Errorf("%+v", transition)
		}
	}
}

// RFC 9568 §6.4.2, Backup.
func TestRFC9568Backup(t *testing.T) {
	s := sentences(t, "§6.4.2", "(310)", "(320)", "(325)", "(335)", "(340)", "(350)", "(355)", "(370)", "(380)", "(390)", "(395)", "(405)", "(410)",
		"(430)", "(445)", "(450)", "(450a)", "(455)", "(460)", "(470)")
	// A host answers for addresses that it has: a backup has none.
	s.holds("(310)", "a backup does not respond to ARP for the addresses", func(t *testing.T) { holdsNothing(t, false) })
	s.holds("(320)", "nor to neighbour solicitations", func(t *testing.T) { holdsNothing(t, true) })
	s.holds("(325)", "nor does it send router advertisements", func(t *testing.T) { deviates(t, "sends no router advertisements") })
	s.holds("(335)", "it discards frames to the virtual MAC", func(t *testing.T) { deviates(t, "no virtual MAC address") })
	s.holds("(340)", "it accepts no packets to the addresses", func(t *testing.T) {
		n, c := backupNode(t)
		n.becomeMaster(outside)
		n.wait(time.Millisecond)
		// The way out of being active takes them off, too.
		want(t, n.hear(advertFrom(c, 2, 101)),
			"eth0/51 sends priority 100 every 1s",
			"eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth0/51 notes master 10.0.0.2, priority 101")
	})
	s.holds("(350)", "a shutdown cancels the down timer", func(t *testing.T) {
		n, _ := backupNode(t)
		n.resign()
		if !n.e.Deadline().IsZero() || !n.e.Done() {
			t.Error("a timer runs")
		}
	})
	s.holds("(355)", "and leads to initialize, silently", func(t *testing.T) {
		n, _ := backupNode(t)
		want(t, n.resign(), "eth0/51 BACKUP -> INIT: stopped")
	})
	s.holds("(370)", "when the down timer fires, and no sooner, it sends an advert", func(t *testing.T) {
		n, _ := backupNode(t)
		n.wait(downTime - 1)
		want(t, n.tick())
		n.wait(1)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
	})
	takesOver := func(t *testing.T, six bool) Output {
		n := newNode(t, 1)
		c := config(Key{Interface: "eth0", VRID: 51, IPv6: six}, 3, 100)
		n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.1", "fe80::1")}
		n.start([]Config{c}, nil)
		n.now = n.e.Deadline()
		var out Output
		n.e.Tick(n.now, &out)
		return out
	}
	announces := func(t *testing.T, six bool) {
		t.Helper()
		out := takesOver(t, six)
		// The transition is what puts the addresses on and announces them.
		if len(out.Transitions) != 1 || out.Transitions[0].To != Master || out.Transitions[0].Until.IsZero() {
			t.Errorf("%+v", out.Transitions)
		}
		deviates(t, "announced by gratuitous ARP")
	}
	s.holds("(380)", "it announces each IPv4 address by gratuitous ARP", func(t *testing.T) { announces(t, false) })
	s.holds("(390)", "it joins the solicited-node group of each IPv6 address", func(t *testing.T) {
		announces(t, true) // the kernel joins it for an address that is put on
	})
	s.holds("(395)", "it announces each IPv6 address by an unsolicited neighbour advertisement", func(t *testing.T) { announces(t, true) })
	s.holds("(405)", "the advert timer is the advert interval", func(t *testing.T) {
		n, _ := backupNode(t)
		n.becomeMaster(outside)
		wantDue(t, n, outside, time.Second)
	})
	s.holds("(410)", "it is active", func(t *testing.T) {
		n, _ := backupNode(t)
		n.becomeMaster(outside)
		if n.state(outside) != Master {
			t.Error(n.state(outside))
		}
	})
	s.holds("(430)", "priority 0 sets the down timer to the skew time, of the active's interval", func(t *testing.T) {
		n, c := backupNode(t)
		n.wait(time.Second)
		want(t, n.hear(advertFrom(c, 2, 0)))
		wantDue(t, n, outside, skewOf(100, time.Second))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: 10.0.0.2 stopped")

		n, c = backupNode(t)
		a := advertFrom(c, 2, 150)
		a.Interval = 2 * time.Second
		n.hear(a)
		a.Priority = 0
		n.hear(a)
		wantDue(t, n, outside, skewOf(100, 2*time.Second))
	})
	s.holds("(445)", "without preempt mode any priority counts, with it one that is ours or greater, whatever the address", func(t *testing.T) {
		for priority := 1; priority <= 255; priority++ {
			for _, preempt := range []bool{false, true} {
				for _, host := range []byte{1, 9} {
					n, c := newNode(t, host), config(outside, 3, 100)
					c.Preempt = preempt
					n.start([]Config{c}, nil)
					n.wait(3 * time.Second)
					n.hear(advertFrom(c, 2, uint8(priority)))
					if counts := n.due(outside) == downTime; counts != (!preempt || priority >= 100) {
						t.Errorf("priority %d against 100, preempt %v, host %d: %v to go", priority, preempt, host, n.due(outside))
					}
				}
			}
		}
		deviates(t, "preempt_delay")
	})
	for number, what := range map[string]string{"(450)": "the active's interval becomes ours", "(450a)": "the skew time is of it",
		"(455)": "so is the down interval"} {
		s.holds(number, what, func(t *testing.T) {
			for _, interval := range intervals {
				n, c := backupNode(t)
				a := advertFrom(c, 2, 150)
				a.Interval = interval
				n.hear(a)
				if got := n.e.instances[outside].masterInterval; number == "(450)" && got != interval {
					t.Errorf("the interval of %v is %v", interval, got)
				}
				down := 3*interval + skewOf(100, interval)
				if number == "(450a)" {
					a.Priority = 0
					n.hear(a)
					down = skewOf(100, interval)
				}
				wantDue(t, n, outside, down)
				n.next()
				wantDue(t, n, outside, c.Interval) // as active it is our own again
			}
		})
	}
	s.holds("(460)", "the down timer begins anew with each such advert", func(t *testing.T) {
		for _, higher := range []uint8{100, 101, 255} {
			n, c := backupNode(t)
			n.wait(3 * time.Second)
			want(t, n.hear(advertFrom(c, 2, higher)), fmt.Sprintf("eth0/51 notes master 10.0.0.2, priority %d", higher))
			wantDue(t, n, outside, downTime)
			n.wait(time.Second)
			want(t, n.hear(advertFrom(c, 2, higher)))
			wantDue(t, n, outside, downTime)
		}
	})
	s.holds("(470)", "any other is discarded, and the down timer runs on", func(t *testing.T) {
		n, c := backupNode(t)
		n.wait(time.Second)
		a := advertFrom(c, 2, 99)
		a.Interval = 2 * time.Second
		want(t, n.hear(a))
		wantDue(t, n, outside, downTime-time.Second)
		want(t, n.next(), "eth0/51 sends priority 100 every 1s",
			"eth0/51 BACKUP -> MASTER: preempts 10.0.0.2 with lower priority")
	})
}
