package vrrp

import (
	"testing"
	"time"
)

// activeNode is a node with one instance of priority 100 that is active since long, 400 ms after
// an advert of its own.
func activeNode(t *testing.T, host byte) (*node, Config) {
	n, c := newNode(t, host), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.next()
	n.wait(400 * time.Millisecond)
	return n, c
}

// RFC 9568 §6.4.3, Active.
func TestRFC9568Active(t *testing.T) {
	s := sentences(t, "§6.4.3", "(610)", "(620)", "(625)", "(630)", "(635)", "(645)", "(650)", "(660)", "(665)", "(670)", "(685)", "(690)",
		"(710)", "(715)", "(725)", "(735)", "(740)", "(745)", "(750)", "(755)", "(760)", "(765)", "(775)", "(775a)")
	// The kernel answers for the addresses, which are on the interface for as long as we vouch for it.
	vouches := func(t *testing.T) {
		t.Helper()
		n, _ := activeNode(t, 1)
		n.now = n.e.Deadline()
		var out Output
		n.e.Tick(n.now, &out)
		if len(out.Sends) != 1 || out.Sends[0].Until != n.now.Add(3*time.Second) {
			t.Errorf("%+v", out.Sends)
		}
	}
	s.holds("(610)", "an active responds to ARP for the addresses", vouches)
	s.holds("(620)", "it is a member of the solicited-node groups", vouches)
	s.holds("(625)", "it responds to neighbour solicitations", vouches)
	s.holds("(630)", "it sends router advertisements", func(t *testing.T) { deviates(t, "sends no router advertisements") })
	s.holds("(635)", "it drops no neighbour solicitation or advertisement", func(t *testing.T) {
		deviates(t, "Packets to the addresses are accepted") // TestRefusal of netif holds it where some are dropped
	})
	s.holds("(645)", "it forwards frames to the virtual MAC", func(t *testing.T) { deviates(t, "no virtual MAC address") })
	s.holds("(650)", "it accepts packets to the addresses if Accept_Mode is true, and else as their owner only", func(t *testing.T) {
		deviates(t, "Packets to the addresses are accepted")
	})
	s.holds("(660)", "a shutdown cancels the advert timer", func(t *testing.T) {
		n, _ := activeNode(t, 1)
		n.resign()
		deviates(t, "serves on until a successor is heard")
		want(t, n.next(), "eth0/51 MASTER -> INIT: stopped, no successor heard")
		if !n.e.Deadline().IsZero() {
			t.Error("a timer runs")
		}
	})
	s.holds("(665)", "sends priority 0", func(t *testing.T) {
		n, _ := activeNode(t, 1)
		want(t, n.resign(), "eth0/51 sends priority 0 every 1s")
	})
	s.holds("(670)", "and leads to initialize", func(t *testing.T) {
		n, c := activeNode(t, 1)
		n.resign()
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 50)), "eth0/51 MASTER -> INIT: successor 10.0.0.2 is master")
	})
	s.holds("(685)", "the advert timer sends an advert", func(t *testing.T) {
		n, _ := activeNode(t, 1)
		n.wait(600*time.Millisecond - 1)
		want(t, n.tick())
		n.wait(1)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s")
	})
	s.holds("(690)", "and begins anew", func(t *testing.T) {
		n, _ := activeNode(t, 1)
		for range 5 {
			want(t, n.next(), "eth0/51 sends priority 100 every 1s")
			wantDue(t, n, outside, time.Second)
		}
	})
	s.holds("(710)", "priority 0 is answered by an advert", func(t *testing.T) {
		n, c := activeNode(t, 1)
		want(t, n.hear(advertFrom(c, 2, 0)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
		want(t, n.hear(advertFrom(c, 2, 0)), "eth0/51 sends priority 100 every 1s")
	})
	s.holds("(715)", "and the advert timer begins anew", func(t *testing.T) {
		n, c := activeNode(t, 1)
		n.hear(advertFrom(c, 2, 0))
		wantDue(t, n, outside, time.Second)
	})
	s.holds("(725)", "a greater priority is a new active", func(t *testing.T) {
		for _, host := range []byte{1, 9} { // whatever the address
			for priority := 101; priority <= 255; priority++ {
				n, c := activeNode(t, host)
				n.hear(advertFrom(c, 2, uint8(priority)))
				if n.state(outside) != Backup {
					t.Errorf("priority %d against 100: %v", priority, n.state(outside))
				}
			}
		}
	})
	s.holds("(735)", "so is an equal one with a greater address, unsigned and in network order", func(t *testing.T) {
		for _, test := range []struct {
			ours, theirs string
			state        State
		}{
			{"10.0.0.1", "10.0.0.2", Backup},
			{"10.0.0.255", "10.0.1.0", Backup},
			{"10.0.1.0", "10.0.0.255", Master},
			{"127.255.255.255", "128.0.0.0", Backup},
			{"200.0.0.1", "9.255.255.255", Master},
			{"fe80::1", "fe80::1:0", Backup},
			{"fe80::ff", "fe80::fe", Master},
		} {
			ours, theirs := addr(test.ours), addr(test.theirs)
			key := Key{Interface: "eth0", VRID: 51, IPv6: ours.Is6()}
			n, c := newNode(t, 1), config(key, 3, 100)
			n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs(test.ours)}
			n.start([]Config{c}, nil)
			n.becomeMaster(key)
			n.hear(Advert{Source: theirs, Destination: c.group(), HopLimit: 255, Version: 3, VRID: 51, Priority: 100,
				Interval: c.Interval, Addresses: c.Addresses})
			if got := n.state(key); got != test.state {
				t.Errorf("%s hears %s: %v, want %v", test.ours, test.theirs, got, test.state)
			}
		}
	})
	better := func(t *testing.T) (*node, []string) {
		n, c := activeNode(t, 1)
		a := advertFrom(c, 2, 101)
		a.Interval = 2 * time.Second
		return n, n.hear(a)
	}
	s.holds("(740)", "a new active cancels the advert timer", func(t *testing.T) {
		n, _ := better(t)
		n.wait(6 * time.Second)
		want(t, n.tick())
		deviates(t, "says so with one last advert")
	})
	s.holds("(745)", "its interval becomes ours", func(t *testing.T) {
		n, _ := better(t)
		if got := n.e.instances[outside].masterInterval; got != 2*time.Second {
			t.Error(got)
		}
	})
	s.holds("(750)", "the skew time is of it", func(t *testing.T) {
		n, _ := better(t)
		a := advertFrom(config(outside, 3, 100), 2, 0)
		a.Interval = 2 * time.Second
		n.hear(a)
		wantDue(t, n, outside, skewOf(100, 2*time.Second))
	})
	s.holds("(755)", "so is the down interval", func(t *testing.T) {
		n, _ := better(t)
		if got := n.e.instances[outside].down(); got != 2*downTime {
			t.Error(got)
		}
	})
	s.holds("(760)", "which the down timer is", func(t *testing.T) {
		n, _ := better(t)
		wantDue(t, n, outside, 2*downTime)
	})
	s.holds("(765)", "and we are backup, after a last word that claims nothing", func(t *testing.T) {
		_, got := better(t)
		want(t, got, "eth0/51 sends priority 100 every 2s",
			"eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth0/51 notes master 10.0.0.2, priority 101", "eth0/51 notes advert_int 2s of 10.0.0.2, ours is 1s")
		n, c := activeNode(t, 1)
		a := advertFrom(c, 2, 101)
		var out Output
		n.e.Receive(n.now, "eth0", &a, nil, &out)
		if len(out.Sends) != 1 || !out.Sends[0].Until.IsZero() {
			t.Errorf("%+v", out.Sends)
		}
	})
	s.holds("(775)", "any other advert is discarded", func(t *testing.T) {
		for priority := 1; priority <= 100; priority++ {
			n, c := activeNode(t, 9)
			a := advertFrom(c, 2, uint8(priority))
			a.Interval = 2 * time.Second
			n.hear(a)
			if got := n.e.instances[outside]; got.state != Master || got.masterInterval != time.Second {
				t.Errorf("priority %d: %v, %v", priority, got.state, got.masterInterval)
			}
		}
	})
	s.holds("(775a)", "and answered at once, to assert that we are active", func(t *testing.T) {
		n, c := activeNode(t, 1)
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 99")
		wantDue(t, n, outside, time.Second)
		n, c = activeNode(t, 9)
		want(t, n.hear(advertFrom(c, 2, 100)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 100")

		// Once an interval is enough: the next answer is our next advert, and it announces.
		deviates(t, "at most once an interval")
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(c, 3, 98)))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
		want(t, n.next(), "eth0/51 sends priority 100 every 1s")
	})
}
