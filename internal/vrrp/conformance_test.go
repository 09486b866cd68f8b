package vrrp

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// deviates holds the package's documentation to what it does otherwise than the RFC.
func deviates(t *testing.T, words string) {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, named, _ := strings.Cut(string(doc), "Named deviations")
	named = regexp.MustCompile(`\s*\n//\s*`).ReplaceAllString(named, " ")
	if !strings.Contains(named, words) {
		t.Errorf("doc.go names no deviation with the words %q", words)
	}
}

// skewOf is Skew_Time computed in whole nanoseconds, independently of the code.
func skewOf(priority uint8, interval time.Duration) time.Duration {
	return time.Duration((256 - int64(priority)) * int64(interval) / 256)
}

// intervals with which version 3 is tried.
var intervals = []time.Duration{10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, time.Second,
	1230 * time.Millisecond, 40950 * time.Millisecond}

// RFC 9568 §6.1: the two computed times, for every priority.
func TestRFC9568Timers(t *testing.T) {
	for _, interval := range intervals {
		for p := 1; p <= 255; p++ {
			n := newNode(t, 1)
			c := config(outside, 3, uint8(p))
			c.Interval = interval
			n.start([]Config{c}, nil)
			wantDue(t, n, outside, 3*interval+skewOf(uint8(p), interval))
		}
	}
	// Worked by hand: 156/256 of an interval.
	n := newNode(t, 1)
	c := config(outside, 3, 100)
	n.start([]Config{c}, nil)
	wantDue(t, n, outside, 3609375*time.Microsecond)
	n = newNode(t, 1)
	c.Interval = 100 * time.Millisecond
	n.start([]Config{c}, nil)
	wantDue(t, n, outside, 360937500*time.Nanosecond)
}

// RFC 9568 §6.4.1, Initialize.
func TestRFC9568Initialize(t *testing.T) {
	t.Run("nothing happens before the startup event", func(t *testing.T) {
		n := newNode(t, 1)
		want(t, n.reload([]Config{config(outside, 3, 100)}, nil))
		if !n.e.Deadline().IsZero() || n.state(outside) != Init {
			t.Errorf("timer at %v in %v", n.e.Deadline(), n.state(outside))
		}
		want(t, n.hear(advertFrom(config(outside, 3, 100), 2, 0)))
		n.wait(time.Hour)
		want(t, n.tick())
	})
	owner := func() (*node, []string) {
		n := newNode(t, 1)
		c := config(outside, 3, 255)
		c.StartMaster = true
		return n, n.start([]Config{c}, nil)
	}
	t.Run("the owner sends an advert and becomes active", func(t *testing.T) {
		_, got := owner()
		want(t, got, "eth0/51 sends priority 255 every 1s", "eth0/51 INIT -> MASTER: started as master")
	})
	t.Run("the owner announces each address by gratuitous ARP with the virtual MAC", func(t *testing.T) {
		deviates(t, "no virtual MAC address") // the transition to MASTER is what is announced
	})
	t.Run("the owner's advert timer is the advert interval", func(t *testing.T) {
		n, _ := owner()
		wantDue(t, n, outside, time.Second)
	})
	t.Run("any other sets the active's interval to its own, the down timer to the down interval, and becomes backup", func(t *testing.T) {
		n := newNode(t, 1)
		want(t, n.start([]Config{config(outside, 3, 200)}, nil), "eth0/51 INIT -> BACKUP: started")
		if got := n.e.instances[outside].masterInterval; got != time.Second {
			t.Errorf("active's interval %v", got)
		}
		wantDue(t, n, outside, 3*time.Second+skewOf(200, time.Second))
	})
}

// RFC 9568 §6.4.2, Backup.
func TestRFC9568Backup(t *testing.T) {
	backup := func(t *testing.T, change ...func(*Config)) (*node, Config) {
		n, c := newNode(t, 1), config(outside, 3, 100)
		for _, f := range change {
			f(&c)
		}
		n.start([]Config{c}, nil)
		return n, c
	}
	down := 3609375 * time.Microsecond
	t.Run("a backup does not respond to ARP for the addresses, nor accept or forward packets to them", func(t *testing.T) {
		// The node does not have the addresses: every way out of MASTER is a transition that takes them off.
		n, c := backup(t)
		n.becomeMaster(outside)
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 101)),
			"eth0/51 sends priority 100 every 1s",
			"eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth0/51 notes master 10.0.0.2, priority 101")
	})
	t.Run("a backup discards packets to the virtual MAC", func(t *testing.T) {
		deviates(t, "no virtual MAC address")
	})
	t.Run("a shutdown cancels the down timer and leads to initialize, silently", func(t *testing.T) {
		n, _ := backup(t)
		want(t, n.resign(), "eth0/51 BACKUP -> INIT: stopped")
		if !n.e.Deadline().IsZero() || !n.e.Done() {
			t.Error("a timer runs")
		}
	})
	t.Run("when the down timer fires, it sends an advert and becomes active", func(t *testing.T) {
		n, _ := backup(t)
		n.wait(down - 1)
		want(t, n.tick())
		n.wait(1)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
	})
	t.Run("when the down timer fires, the advert timer is set to the advert interval", func(t *testing.T) {
		n, _ := backup(t)
		n.becomeMaster(outside)
		wantDue(t, n, outside, time.Second)
	})
	t.Run("priority 0 sets the down timer to the skew time", func(t *testing.T) {
		n, c := backup(t)
		n.wait(time.Second)
		want(t, n.hear(advertFrom(c, 2, 0)))
		wantDue(t, n, outside, 609375*time.Microsecond)
		want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: 10.0.0.2 stopped")
	})
	t.Run("priority 0 counts the skew from the active's interval", func(t *testing.T) {
		n, c := backup(t)
		a := advertFrom(c, 2, 150)
		a.Interval = 2 * time.Second
		n.hear(a)
		a.Priority = 0
		n.hear(a)
		wantDue(t, n, outside, 2*609375*time.Microsecond)
	})
	for _, higher := range []uint8{100, 101, 255} {
		t.Run(fmt.Sprintf("priority %d against 100 resets the down timer", higher), func(t *testing.T) {
			n, c := backup(t)
			n.wait(3 * time.Second)
			want(t, n.hear(advertFrom(c, 2, higher)), fmt.Sprintf("eth0/51 notes master 10.0.0.2, priority %d", higher))
			wantDue(t, n, outside, down)
			n.wait(time.Second)
			want(t, n.hear(advertFrom(c, 2, higher)))
			wantDue(t, n, outside, down)
		})
	}
	t.Run("without preempt mode any priority resets the down timer", func(t *testing.T) {
		n, c := backup(t, func(c *Config) { c.Preempt = false })
		n.wait(3 * time.Second)
		want(t, n.hear(advertFrom(c, 2, 1)), "eth0/51 notes master 10.0.0.2, priority 1")
		wantDue(t, n, outside, down)
	})
	t.Run("equal priority counts whatever the address", func(t *testing.T) {
		n, c := newNode(t, 9), config(outside, 3, 100)
		n.start([]Config{c}, nil)
		n.wait(time.Second)
		n.hear(advertFrom(c, 2, 100))
		wantDue(t, n, outside, down)
	})
	for _, interval := range intervals {
		t.Run("the active's interval becomes ours: "+interval.String(), func(t *testing.T) {
			n, c := backup(t)
			a := advertFrom(c, 2, 150)
			a.Interval = interval
			n.hear(a)
			wantDue(t, n, outside, 3*interval+skewOf(100, interval))
			n.next()
			if n.state(outside) != Master {
				t.Fatal(n.state(outside))
			}
			wantDue(t, n, outside, c.Interval) // our own again
		})
	}
	t.Run("a lower priority is discarded and the down timer runs on", func(t *testing.T) {
		n, c := backup(t)
		n.wait(time.Second)
		a := advertFrom(c, 2, 99)
		a.Interval = 2 * time.Second
		want(t, n.hear(a))
		wantDue(t, n, outside, down-time.Second)
		want(t, n.next(), "eth0/51 sends priority 100 every 1s",
			"eth0/51 BACKUP -> MASTER: preempts 10.0.0.2 with lower priority")
	})
}

// RFC 9568 §6.4.3, Active.
func TestRFC9568Active(t *testing.T) {
	active := func(t *testing.T, host byte) (*node, Config) {
		n, c := newNode(t, host), config(outside, 3, 100)
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.next()
		n.wait(400 * time.Millisecond)
		return n, c
	}
	t.Run("an active responds to ARP for the addresses, and accepts and forwards packets to them", func(t *testing.T) {
		deviates(t, "no virtual MAC address") // the kernel does, for addresses that the transition to MASTER put on
	})
	t.Run("a shutdown sends priority 0 and leads to initialize", func(t *testing.T) {
		n, c := active(t, 1)
		want(t, n.resign(), "eth0/51 sends priority 0 every 1s")
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 50)), "eth0/51 MASTER -> INIT: successor 10.0.0.2 is master")
	})
	t.Run("a shutdown cancels the advert timer", func(t *testing.T) {
		n, _ := active(t, 1)
		n.resign()
		deviates(t, "serves on until a successor is heard")
		want(t, n.next(), "eth0/51 MASTER -> INIT: stopped, no successor heard")
		if !n.e.Deadline().IsZero() {
			t.Error("a timer runs")
		}
	})
	t.Run("the advert timer sends an advert and is set to the advert interval", func(t *testing.T) {
		n, _ := active(t, 1)
		for range 5 {
			want(t, n.next(), "eth0/51 sends priority 100 every 1s")
			wantDue(t, n, outside, time.Second)
		}
	})
	t.Run("priority 0 is answered by an advert, and the advert timer is reset", func(t *testing.T) {
		n, c := active(t, 1)
		want(t, n.hear(advertFrom(c, 2, 0)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
		wantDue(t, n, outside, time.Second)
		want(t, n.hear(advertFrom(c, 2, 0)), "eth0/51 sends priority 100 every 1s")
	})
	t.Run("a higher priority leads to backup, with the sender's interval and a down timer of it", func(t *testing.T) {
		n, c := active(t, 1)
		a := advertFrom(c, 2, 101)
		a.Interval = 2 * time.Second
		want(t, n.hear(a)[1:], "eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth0/51 notes master 10.0.0.2, priority 101")
		wantDue(t, n, outside, 2*3609375*time.Microsecond)
	})
	t.Run("it does so with a last word, which claims nothing", func(t *testing.T) {
		n, c := active(t, 1)
		deviates(t, "says so with one last advert")
		a := advertFrom(c, 2, 101)
		a.Interval = 2 * time.Second
		var out Output
		n.e.Receive(n.now, "eth0", &a, nil, &out)
		want(t, out.lines()[:1], "eth0/51 sends priority 100 every 2s")
		if len(out.Sends) != 1 || !out.Sends[0].Until.IsZero() {
			t.Errorf("%+v", out.Sends)
		}
	})
	t.Run("an equal priority leads to backup when the sender's address is greater", func(t *testing.T) {
		n, c := active(t, 1)
		n.hear(advertFrom(c, 2, 100))
		if n.state(outside) != Backup {
			t.Error(n.state(outside))
		}
		wantDue(t, n, outside, 3609375*time.Microsecond)
	})
	t.Run("addresses are compared as unsigned integers in network order", func(t *testing.T) {
		for _, test := range []struct {
			ours, theirs string
			state        State
		}{
			{"10.0.0.255", "10.0.1.0", Backup},
			{"10.0.1.0", "10.0.0.255", Master},
			{"127.255.255.255", "128.0.0.0", Backup},
			{"200.0.0.1", "9.255.255.255", Master},
		} {
			n, c := newNode(t, 1), config(outside, 3, 100)
			n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs(test.ours)}
			n.start([]Config{c}, nil)
			n.becomeMaster(outside)
			a := advertFrom(c, 2, 100)
			a.Source = addr(test.theirs)
			n.hear(a)
			if got := n.state(outside); got != test.state {
				t.Errorf("%s hears %s: %v, want %v", test.ours, test.theirs, got, test.state)
			}
		}
	})
	t.Run("any other advert is discarded, and answered at once to assert ourselves", func(t *testing.T) {
		n, c := active(t, 1)
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 99")
		wantDue(t, n, outside, time.Second)
		n, c = active(t, 9)
		want(t, n.hear(advertFrom(c, 2, 100)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 100")
	})
	t.Run("once an interval is enough: the next answer is our next advert, and it announces", func(t *testing.T) {
		n, c := active(t, 1)
		deviates(t, "at most once an interval")
		n.hear(advertFrom(c, 2, 99))
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(c, 3, 98)))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
		want(t, n.next(), "eth0/51 sends priority 100 every 1s")
	})
}
