package vrrp

import (
	"testing"
	"time"
)

// with is an instance of priority 100 in version 3, changed.
func with(change func(*Config)) Config {
	c := config(outside, 3, 100)
	change(&c)
	return c
}

const downTime = 3609375 * time.Microsecond // of priority 100, at 1 s

func TestPreemptDelay(t *testing.T) {
	c := with(func(c *Config) { c.PreemptDelay = 10 * time.Second })
	lesser := advertFrom(c, 2, 50)
	// hears hears the lesser master once a second until d is over.
	hears := func(n *node, d time.Duration) {
		for end := n.now.Add(d); n.now.Before(end); {
			n.wait(time.Second)
			n.hear(lesser)
			want(t, n.tick())
		}
	}
	t.Run("counts from the first advert of a lesser master", func(t *testing.T) {
		n := newNode(t, 1)
		n.start([]Config{c}, nil)
		n.wait(time.Second)
		want(t, n.hear(lesser), "eth0/51 notes master 10.0.0.2, priority 50")
		hears(n, 9*time.Second)
		wantDue(t, n, outside, downTime)
		hears(n, 3*time.Second) // the last advert that counted is that of 9 s
		want(t, n.next(), "eth0/51 sends priority 100 every 1s",
			"eth0/51 BACKUP -> MASTER: preempts 10.0.0.2 with lower priority")
		if at := n.now.Sub(epoch); at != 10*time.Second+downTime {
			t.Errorf("preempted at %v", at)
		}
	})
	t.Run("counts anew when a better master was heard in between", func(t *testing.T) {
		n := newNode(t, 1)
		n.start([]Config{c}, nil)
		hears(n, 9*time.Second)
		n.hear(advertFrom(c, 3, 150))
		hears(n, 9*time.Second)
		if n.state(outside) != Backup {
			t.Error(n.state(outside))
		}
		wantDue(t, n, outside, downTime)
	})
	t.Run("delays no takeover from a master that stops or falls silent", func(t *testing.T) {
		n := newNode(t, 1)
		n.start([]Config{c}, nil)
		n.hear(lesser)
		n.hear(advertFrom(c, 2, 0))
		wantDue(t, n, outside, skewOf(100, time.Second))
		n = newNode(t, 1)
		n.start([]Config{c}, nil)
		n.hear(lesser)
		n.wait(downTime)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard from 10.0.0.2")
	})
}

func TestDownTimerAdverts(t *testing.T) {
	for _, adverts := range []uint8{1, 3, 5, 100} {
		n := newNode(t, 1)
		n.start([]Config{with(func(c *Config) { c.DownTimerAdverts = adverts })}, nil)
		wantDue(t, n, outside, time.Duration(adverts)*time.Second+skewOf(100, time.Second))
		n.now = n.e.Deadline()
		var out Output
		n.e.Tick(n.now, &out)
		if until := out.Sends[0].Until.Sub(n.now); until != time.Duration(adverts)*time.Second || !out.Transitions[0].Until.Equal(out.Sends[0].Until) {
			t.Errorf("down_timer_adverts %d: an advert holds for %v", adverts, until)
		}
	}
}

// masterWith is a node that is master since an interval.
func masterWith(t *testing.T, change func(*Config)) (*node, Config) {
	n, c := newNode(t, 1), with(change)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.next()
	n.wait(400 * time.Millisecond)
	return n, c
}

func TestLowerPrioNoAdvert(t *testing.T) {
	n, c := masterWith(t, func(c *Config) { c.LowerPrioNoAdvert = true })
	want(t, n.hear(advertFrom(c, 2, 50)), "eth0/51 announces", "eth0/51 notes duplicate master 10.0.0.2, priority 50")
	wantDue(t, n, outside, 600*time.Millisecond) // its own adverts go on as they were
}

func TestHigherPrioSendAdvertOff(t *testing.T) {
	n, c := masterWith(t, func(c *Config) { c.HigherPrioSendAdvert = false })
	want(t, n.hear(advertFrom(c, 2, 150)), "eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
		"eth0/51 notes master 10.0.0.2, priority 150")
}

func TestOwnerIgnoreAdverts(t *testing.T) {
	ignores := func(c *Config) { c.Priority, c.StartMaster, c.OwnerIgnoreAdverts = 255, true, true }
	n, c := newNode(t, 1), with(ignores)
	want(t, n.start([]Config{c}, nil), "eth0/51 sends priority 255 every 1s", "eth0/51 INIT -> MASTER: started as master")
	want(t, n.hear(advertFrom(c, 2, 255)))
	want(t, n.hear(advertFrom(c, 2, 0)))
	// It stops as everybody does.
	want(t, n.resign(), "eth0/51 sends priority 0 every 1s")
	want(t, n.hear(advertFrom(c, 2, 100)), "eth0/51 MASTER -> INIT: successor 10.0.0.2 is master")
	// Only an owner ignores.
	n, c = masterWith(t, func(c *Config) { c.Priority, c.OwnerIgnoreAdverts = 254, true })
	n.hear(advertFrom(c, 2, 255))
	if n.state(outside) != Backup {
		t.Error(n.state(outside))
	}
}

// Of two owners the one with the higher address stays.
func TestTwoOwners(t *testing.T) {
	n, c := masterWith(t, func(c *Config) { c.Priority, c.StartMaster = 255, true })
	n.hear(advertFrom(c, 2, 255))
	if n.state(outside) != Backup {
		t.Error(n.state(outside))
	}
}

// Only when all members may start as master do they.
func TestGroupOfOwners(t *testing.T) {
	n := newNode(t, 1)
	c, d := config(outside, 2, 255), config(inside, 2, 255)
	c.StartMaster = true
	want(t, n.start([]Config{c, d}, together(outside, inside)),
		"eth0/51 INIT -> BACKUP: started", "eth1/52 INIT -> BACKUP: started")
	n = newNode(t, 1)
	d.StartMaster = true
	want(t, n.start([]Config{c, d}, together(outside, inside)),
		"eth0/51 sends priority 255 every 1s", "eth1/52 sends priority 255 every 1s",
		"eth0/51 INIT -> MASTER: started as master", "eth1/52 INIT -> MASTER: started as master")
	// What a simulation found: an owner that joins owners who made way claims nothing.
	n.wait(time.Minute)
	n.hear(advertFrom(c, 2, 150))
	e := config(third, 2, 255)
	e.StartMaster = true
	want(t, n.reload([]Config{c, d, e}, together(outside, inside, third)), "eth2/53 INIT -> BACKUP: started")
}

func TestDontTrackPrimary(t *testing.T) {
	n := newNode(t, 1)
	c := with(func(c *Config) {
		c.DontTrackPrimary, c.Track = true, []Track{{Tracker: Tracker{TrackInterface, "eth1"}}}
	})
	n.setLink("eth0", false)
	want(t, n.start([]Config{c}, nil), "eth0/51 INIT -> BACKUP: started")
	n.now = n.e.Deadline()
	var out Output
	n.e.Tick(n.now, &out)
	want(t, out.lines(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
	if !out.Sends[0].Regardless {
		t.Error("the claim falls with the advert that cannot be sent")
	}
	want(t, n.setLink("eth1", false), "eth0/51 MASTER -> FAULT: interface eth1 is down") // and says nothing on eth0
	delete(n.links, "eth0")
	n.setLink("eth1", true)
	if got := n.e.instances[outside].fault; got != "interface eth0 does not exist" {
		t.Error(got)
	}
}

func TestLinkDelays(t *testing.T) {
	delayed := func() *node {
		n := newNode(t, 1)
		n.e.DelayLinks(map[string]LinkDelay{"eth0": {Down: 1500 * time.Millisecond, Up: 4 * time.Second}})
		n.start([]Config{with(func(*Config) {})}, nil)
		return n
	}
	t.Run("a flap within the delay is not seen", func(t *testing.T) {
		n := delayed()
		n.becomeMaster(outside)
		want(t, n.setLink("eth0", false))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s")
		n.wait(499 * time.Millisecond)
		want(t, n.tick())
		want(t, n.setLink("eth0", true))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s")
		if len(n.e.turning) != 0 {
			t.Error(n.e.turning)
		}
	})
	t.Run("a link that stays down or up is seen when its delay is over", func(t *testing.T) {
		n := delayed()
		want(t, n.setLink("eth0", false))
		n.wait(time.Second)
		want(t, n.setLink("eth0", false)) // the same again does not make it longer
		want(t, n.next(), "eth0/51 BACKUP -> FAULT: interface eth0 is down")
		if at := n.now.Sub(epoch); at != 1500*time.Millisecond {
			t.Error(at)
		}
		want(t, n.setLink("eth0", true))
		want(t, n.next(), "eth0/51 FAULT -> BACKUP: started")
		if at := n.now.Sub(epoch); at != 5500*time.Millisecond {
			t.Error(at)
		}
	})
	t.Run("other interfaces, and the first look, have no delay", func(t *testing.T) {
		n := newNode(t, 1)
		n.e.DelayLinks(map[string]LinkDelay{"eth0": {Down: time.Second, Up: time.Second}})
		n.setLink("eth0", false)
		c := config(inside, 3, 100)
		want(t, n.start([]Config{with(func(*Config) {}), c}, nil),
			"eth0/51 INIT -> FAULT: interface eth0 is down", "eth1/52 INIT -> BACKUP: started")
		want(t, n.setLink("eth1", false), "eth1/52 BACKUP -> FAULT: interface eth1 is down")
	})
	t.Run("an interface that is deleted is gone at once", func(t *testing.T) {
		n := delayed()
		n.setLink("eth0", false)
		delete(n.links, "eth0")
		want(t, n.setLink("eth1", true), "eth0/51 BACKUP -> FAULT: interface eth0 does not exist")
	})
}

func TestHold(t *testing.T) {
	n := newNode(t, 1)
	n.e.Hold(n.now.Add(5 * time.Second))
	owner := with(func(c *Config) { c.Priority, c.StartMaster = 255, true })
	want(t, n.start([]Config{owner, config(inside, 3, 100)}, nil))
	n.wait(time.Second)
	want(t, n.hear(advertFrom(owner, 2, 0)))
	want(t, n.tick())
	want(t, n.next(), "eth0/51 sends priority 255 every 1s",
		"eth0/51 INIT -> MASTER: started as master", "eth1/52 INIT -> BACKUP: started")
	if at := n.now.Sub(epoch); at != 5*time.Second {
		t.Errorf("started at %v", at)
	}
	wantDue(t, n, inside, downTime)
}

// A hold that ends while the interfaces are not known yet wakes nobody again and again.
func TestHoldBeforeLinks(t *testing.T) {
	n := newNode(t, 1)
	n.e.Hold(n.now.Add(time.Second))
	n.reload([]Config{with(func(*Config) {})}, nil)
	want(t, n.next())
	if !n.e.Deadline().IsZero() {
		t.Error("a timer runs")
	}
}
