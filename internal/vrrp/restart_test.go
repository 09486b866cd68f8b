package vrrp

import (
	"testing"
	"time"
)

// A master that was restarted within the time that its last advert vouched for goes on.
func TestRestartedMasterGoesOn(t *testing.T) {
	resumed := func(groups []SyncGroup, masters map[Key]time.Duration) []string {
		n := newNode(t, 1)
		until := map[Key]time.Time{}
		for key, d := range masters {
			until[key] = epoch.Add(d)
		}
		n.e.Resume(until)
		n.wait(2 * time.Second)
		return n.start([]Config{config(outside, 2, 100), config(inside, 2, 100)}, groups)
	}
	group := together(outside, inside)
	want(t, resumed(group, map[Key]time.Duration{outside: 3 * time.Second, inside: 2500 * time.Millisecond}),
		"eth0/51 sends priority 100 every 1s", "eth1/52 sends priority 100 every 1s",
		"eth0/51 INIT -> MASTER: resumes: it was master a moment ago",
		"eth1/52 INIT -> MASTER: resumes: it was master a moment ago")
	late := []string{"eth0/51 INIT -> BACKUP: started", "eth1/52 INIT -> BACKUP: started"}
	want(t, resumed(group, map[Key]time.Duration{outside: 3 * time.Second, inside: 2 * time.Second}), late...)
	want(t, resumed(group, map[Key]time.Duration{outside: 3 * time.Second}), late...)
	want(t, resumed(nil, map[Key]time.Duration{outside: 3 * time.Second}),
		"eth0/51 sends priority 100 every 1s",
		"eth0/51 INIT -> MASTER: resumes: it was master a moment ago", "eth1/52 INIT -> BACKUP: started")
}

// What is true of the start is not true of what comes later.
func TestResumptionIsForTheStart(t *testing.T) {
	n := newNode(t, 1)
	n.e.Resume(map[Key]time.Time{outside: epoch.Add(time.Minute), inside: epoch.Add(time.Minute)})
	n.e.Hold(epoch.Add(time.Hour)) // vrrp_startup_delay is for nodes that do not know
	n.links["eth1"] = Link{Index: 2, Addresses: addrs("10.0.1.1")}
	want(t, n.start([]Config{config(outside, 2, 100), config(inside, 2, 100)}, nil),
		"eth0/51 sends priority 100 every 1s",
		"eth1/52 INIT -> FAULT: interface eth1 is down",
		"eth0/51 INIT -> MASTER: resumes: it was master a moment ago")
	want(t, n.setLink("eth1", true)) // held back, as every other
	n.e.Hold(epoch)
	want(t, n.setLink("eth1", true), "eth1/52 FAULT -> BACKUP: started")
}

// It waits for what it tracks as long as it vouched, and not longer.
func TestResumptionWaitsForReadings(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		state State
	}{{2 * time.Second, Master}, {4 * time.Second, Backup}} {
		n := newNode(t, 1)
		n.e.Resume(map[Key]time.Time{outside: epoch.Add(3 * time.Second)})
		cfg := config(outside, 2, 100)
		cfg.Track = []Track{{Tracker: Tracker{TrackScript, "web"}}}
		want(t, n.start([]Config{cfg}, nil))
		n.wait(c.after)
		var out Output
		n.e.SetReadings(n.now, map[Tracker]Reading{{TrackScript, "web"}: {Up: true}}, &out)
		if n.state(outside) != c.state {
			t.Errorf("after %v: %v", c.after, n.state(outside))
		}
	}
}

// Who cannot keep his addresses on leaves the election, with its group, for a while.
func TestFailedMasterMakesWay(t *testing.T) {
	n, _ := masterPair(t)
	fail := func(key Key) []string {
		var out Output
		n.e.Fail(n.now, key, "renew 10.0.1.200/32 dev eth1: no buffer space available", &out)
		return out.lines()
	}
	failed := n.now
	want(t, fail(inside), "eth0/51 sends priority 0 every 1s", "eth1/52 sends priority 0 every 1s",
		"eth0/51 MASTER -> FAULT: sync group pair: inside: renew 10.0.1.200/32 dev eth1: no buffer space available",
		"eth1/52 MASTER -> FAULT: renew 10.0.1.200/32 dev eth1: no buffer space available")
	n.wait(time.Second)
	want(t, fail(inside)) // it is master no more
	want(t, n.setLink("eth1", true))
	want(t, n.next(), "eth0/51 FAULT -> BACKUP: started", "eth1/52 FAULT -> BACKUP: started")
	if d := n.now.Sub(failed); d != 10*time.Second {
		t.Errorf("back after %v", d)
	}
	want(t, fail(third)) // nobody knows it
}
