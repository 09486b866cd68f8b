package vrrp

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestUnchangedReloadDoesNothing(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for _, group := range [][]SyncGroup{nil, together(outside, inside)} {
			n := newNode(t, 1)
			configs := []Config{config(outside, version, 100), config(inside, version, 100)}
			check := func(state State) {
				t.Helper()
				if n.state(outside) != state || n.state(inside) != state {
					t.Fatal(n.state(outside), n.state(inside), "want", state)
				}
				before := n.e.Deadline()
				same := []Config{configs[0], configs[1]}
				same[0].Addresses = slices.Clone(same[0].Addresses)
				want(t, n.reload(same, group))
				if n.e.Deadline() != before {
					t.Errorf("timer moved from %v to %v", before, n.e.Deadline())
				}
			}
			n.start(configs, group)
			n.wait(time.Second)
			check(Backup)
			n.hear(advertFrom(configs[0], 2, 150))
			n.wait(time.Millisecond)
			check(Backup)
			n.becomeMaster(outside, inside)
			n.wait(time.Millisecond)
			check(Master)
			n.setLink("eth0", false)
			n.setLink("eth1", false)
			check(Fault)
		}
	}
}

func TestPriorityShiftsTheDownTimer(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		n, c := newNode(t, 1), config(outside, version, 100)
		n.start([]Config{c}, nil)
		n.wait(time.Second)
		c.Priority = 200
		want(t, n.reload([]Config{c}, nil), "eth0/51 notes priority 200, was 100 ()")
		wantDue(t, n, outside, 2*time.Second+skewOf(200, time.Second))
		c.Priority = 1
		want(t, n.reload([]Config{c}, nil), "eth0/51 notes priority 1, was 200 ()")
		wantDue(t, n, outside, 2*time.Second+skewOf(1, time.Second))
	}
	// In version 3 the skew is of the learned interval.
	n, c := newNode(t, 1), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	a := advertFrom(c, 2, 250)
	a.Interval = 2 * time.Second
	n.hear(a)
	c.Priority = 200
	want(t, n.reload([]Config{c}, nil), "eth0/51 notes priority 200, was 100 ()")
	wantDue(t, n, outside, 6*time.Second+skewOf(200, 2*time.Second))
}

// What a simulation found: a timer that a change has ended is moved on by the next one, from where it was.
func TestTwoPrioritiesAtTheEndOfADownTimer(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 140)
	n.start([]Config{c}, nil)
	n.wait(3400 * time.Millisecond) // of 3.453125 s
	for _, c.Priority = range []uint8{254, 1, 200, 50} {
		n.reload([]Config{c}, nil)
	}
	wantDue(t, n, outside, 3*time.Second+skewOf(50, time.Second)-3400*time.Millisecond)
	c.Priority = 200
	n.reload([]Config{c}, nil)
	want(t, n.tick(), "eth0/51 sends priority 200 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
	// It is no stall either if the timer was late already.
	n, c = newNode(t, 1), config(outside, 2, 1)
	n.start([]Config{c}, nil)
	n.wait(3*time.Second + skewOf(1, time.Second) + 900*time.Millisecond)
	for _, c.Priority = range []uint8{100, 40} {
		n.reload([]Config{c}, nil)
	}
	want(t, n.tick(), "eth0/51 sends priority 40 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
}

func TestIntervalShiftsTheDownTimer(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	c.Interval = 3 * time.Second
	n.start([]Config{c}, nil)
	n.hear(advertFrom(c, 2, 150))
	n.wait(900 * time.Millisecond)
	c.Interval = time.Second
	want(t, n.reload([]Config{c}, nil))
	wantDue(t, n, outside, 2709375*time.Microsecond)

	// In version 3 the master's interval stands until it says another.
	n, c = newNode(t, 1), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	n.hear(advertFrom(c, 2, 150))
	c.Interval = 100 * time.Millisecond
	want(t, n.reload([]Config{c}, nil))
	wantDue(t, n, outside, 3609375*time.Microsecond)

	// What was waited already is more than the new interval asks for: that is no stall, and no
	// silence of a master that still has the old one.
	n, c = newNode(t, 1), config(outside, 3, 100)
	c.Interval = 40 * time.Second
	n.start([]Config{c}, nil)
	n.wait(20 * time.Second)
	c.Interval = 100 * time.Millisecond
	want(t, n.reload([]Config{c}, nil))
	wantDue(t, n, outside, 360937500*time.Nanosecond)
	want(t, n.next(), "eth0/51 sends priority 100 every 100ms", "eth0/51 BACKUP -> MASTER: no advert heard")
}

// Neighbours learn at once what they reckon with; no change of a file leaves MASTER.
func TestMasterStaysMasterOverEveryChange(t *testing.T) {
	changes := []struct {
		name   string
		change func(*Config)
		send   string
	}{
		{"name", func(c *Config) { c.Name = "other" }, ""},
		{"preempt", func(c *Config) { c.Preempt = false }, ""},
		{"state", func(c *Config) { c.StartMaster = true }, ""},
		{"track", func(c *Config) { c.Track = tracked("eth2") }, ""},
		{"priority up", func(c *Config) { c.Priority = 101 }, "eth0/51 sends priority 101 every 1s"},
		{"priority down", func(c *Config) { c.Priority = 1 }, "eth0/51 sends priority 1 every 1s"},
		{"interval", func(c *Config) { c.Interval = 2 * time.Second }, "eth0/51 sends priority 100 every 2s"},
		{"version", func(c *Config) { c.Version = 5 - c.Version }, "eth0/51 sends priority 100 every 1s"},
		{"addresses", func(c *Config) { c.Addresses = addrs("10.0.0.200", "10.0.0.201") }, "eth0/51 sends priority 100 every 1s"},
		{"no addresses", func(c *Config) { c.Addresses = nil }, "eth0/51 sends priority 100 every 1s"},
	}
	for _, version := range []uint8{2, 3} {
		for _, change := range changes {
			t.Run(change.name, func(t *testing.T) {
				n, c := newNode(t, 1), config(outside, version, 100)
				n.start([]Config{c}, nil)
				n.becomeMaster(outside)
				n.wait(300 * time.Millisecond)
				change.change(&c)
				got := n.reload([]Config{c}, nil)
				if change.send == "" {
					want(t, got)
					wantDue(t, n, outside, 700*time.Millisecond)
				} else {
					expected := []string{change.send}
					if c.Priority != 100 {
						expected = append(expected, fmt.Sprintf("eth0/51 notes priority %d, was 100 ()", c.Priority))
					}
					want(t, got, expected...)
					wantDue(t, n, outside, c.Interval)
				}
				if n.state(outside) != Master {
					t.Error(n.state(outside))
				}
			})
		}
	}
}

// The file may declare our source virtual: the advert of the reload must not be from it.
func TestMasterWhoseSourceBecomesVirtual(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.1", "10.0.0.7")}
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	c.Addresses = addrs("10.0.0.1")
	var out Output
	n.e.Configure(n.now, []Config{c}, nil, &out)
	for _, s := range out.Sends {
		if s.Advert.Source != addr("10.0.0.7") {
			t.Errorf("sends from %v", s.Advert.Source)
		}
	}
	if len(out.Sends) != 1 || n.state(outside) != Master {
		t.Error(out.lines())
	}
}

func TestRemovedInstanceSaysSo(t *testing.T) {
	n := newNode(t, 1)
	configs := []Config{config(outside, 2, 100), config(inside, 2, 100), config(third, 2, 100)}
	n.start(configs, nil)
	n.becomeMaster(outside, inside, third)
	want(t, n.reload(configs[1:], nil),
		"eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> INIT: removed from the configuration")
	n.hear(advertFrom(configs[1], 2, 200))
	want(t, n.reload(configs[2:], nil), "eth1/52 BACKUP -> INIT: removed from the configuration")
	want(t, n.hear(advertFrom(configs[1], 2, 0)))
	want(t, n.reload(nil, nil),
		"eth2/53 sends priority 0 every 1s", "eth2/53 MASTER -> INIT: removed from the configuration")
	if !n.e.Deadline().IsZero() {
		t.Error("a timer runs without instances")
	}
	want(t, n.reload(configs[:1], nil), "eth0/51 INIT -> BACKUP: started")
}

func TestRemovedMemberLeavesTheOthersMaster(t *testing.T) {
	n, configs := masterPair(t)
	want(t, n.reload(configs[:1], together(outside)),
		"eth1/52 sends priority 0 every 1s", "eth1/52 MASTER -> INIT: removed from the configuration")
	want(t, n.next(), "eth0/51 sends priority 100 every 1s")
}

func TestReloadDuringAResignation(t *testing.T) {
	n, configs := masterPair(t)
	n.resign()
	configs[0].Priority = 7
	want(t, n.reload(append(configs, config(third, 2, 100)), together(outside, inside, third)),
		"eth0/51 notes priority 7, was 100 ()")
	want(t, n.next(),
		"eth0/51 MASTER -> INIT: stopped, no successor heard",
		"eth1/52 MASTER -> INIT: follows sync group pair")
	if !n.e.Done() || !n.e.Deadline().IsZero() {
		t.Error("not done")
	}
}

func TestReorderedFileIsUnchanged(t *testing.T) {
	n, configs := masterPair(t)
	slices.Reverse(configs)
	want(t, n.reload(configs, together(inside, outside)))
}
