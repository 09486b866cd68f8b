package vrrp

import (
	"testing"
	"time"
)

func TestGroupResigns(t *testing.T) {
	n, configs := masterPair(t)
	want(t, n.resign(), "eth0/51 sends priority 0 every 1s", "eth1/52 sends priority 0 every 1s")
	want(t, n.resign())
	if n.e.Done() || n.state(outside) != Master {
		t.Error("did not serve on")
	}
	n.wait(100 * time.Millisecond)
	want(t, n.hear(advertFrom(configs[0], 2, 0))) // no successor, somebody else who stops
	want(t, n.hear(advertFrom(configs[1], 2, 50)),
		"eth1/52 MASTER -> INIT: successor 10.0.1.2 is master",
		"eth0/51 MASTER -> INIT: follows sync group pair")
	if !n.e.Done() || !n.e.Deadline().IsZero() {
		t.Error("not done")
	}
	want(t, n.setLink("eth0", false))
	want(t, n.setLink("eth0", true))
}

func TestResignationIsOverAfterASecond(t *testing.T) {
	n, _ := masterPair(t)
	n.resign()
	wantDue(t, n, outside, time.Second)
	want(t, n.next(),
		"eth0/51 MASTER -> INIT: stopped, no successor heard",
		"eth1/52 MASTER -> INIT: follows sync group pair")
	if !n.e.Done() {
		t.Error("not done")
	}
}

func TestResignInEveryOtherState(t *testing.T) {
	n := newNode(t, 1)
	n.reload([]Config{config(outside, 2, 100)}, nil)
	want(t, n.resign())
	if !n.e.Done() {
		t.Error("not done before the start")
	}
	n = newNode(t, 1)
	n.setLink("eth0", false)
	n.start([]Config{config(outside, 2, 100)}, nil)
	want(t, n.resign(), "eth0/51 FAULT -> INIT: stopped")
	if !n.e.Done() {
		t.Error("not done in FAULT")
	}
	want(t, n.setLink("eth0", true))
}

func TestFaultDuringResignationSaysNothingTwice(t *testing.T) {
	n, _ := masterPair(t)
	n.resign()
	want(t, n.setLink("eth1", false),
		"eth0/51 MASTER -> FAULT: sync group pair: inside: interface eth1 is down",
		"eth1/52 MASTER -> FAULT: interface eth1 is down")
	if !n.e.Done() {
		t.Error("not done")
	}
}

// A resigning master serves on, so its addresses must not be given up before the resignation is
// over, whatever the interval. No other last word claims anything.
func TestResignationVouchesToItsEnd(t *testing.T) {
	for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 330 * time.Millisecond,
		340 * time.Millisecond, time.Second, 40 * time.Second} {
		for _, ago := range []time.Duration{0, interval - 1} {
			n, c := newNode(t, 1), config(outside, 3, 100)
			c.Interval = interval
			n.start([]Config{c}, nil)
			n.becomeMaster(outside)
			until := n.now.Add(3 * interval)
			n.wait(ago)
			var out Output
			n.e.Resign(n.now, &out)
			for _, s := range out.Sends {
				if s.Until.IsZero() {
					continue
				}
				if s.Until.Before(until) {
					t.Errorf("%v: the resignation takes back what was vouched for", interval)
				}
				until = s.Until
			}
			if end := n.e.Deadline(); !until.After(end) || until.Sub(end) > max(interval, 3*interval-resignBound) {
				t.Errorf("%v: vouched until %v after the end", interval, until.Sub(end))
			}
		}
	}
}

// One that may have been given up by the others must not put its addresses on to resign.
func TestStalledResignationVouchesForNothing(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	c.Interval = 100 * time.Millisecond
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(3 * c.Interval)
	var out Output
	n.e.Resign(n.now, &out)
	if len(out.Sends) != 1 || !out.Sends[0].Until.IsZero() {
		t.Errorf("%+v", out.Sends)
	}
}

func TestPriorityZeroOfALeaverVouchesForNothing(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	c.Track, c.Interval = tracked("eth2"), 100*time.Millisecond
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.links["eth2"] = Link{Index: 3}
	var out Output
	n.e.SetLinks(n.now, n.links, &out)
	if len(out.Sends) != 1 || out.Sends[0].Advert.Priority != 0 || !out.Sends[0].Until.IsZero() {
		t.Errorf("%+v", out.Sends)
	}
}
