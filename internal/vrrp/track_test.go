package vrrp

import (
	"fmt"
	"testing"
	"time"
)

// tracked are interfaces that must be up.
func tracked(names ...string) []Track {
	var list []Track
	for _, name := range names {
		list = append(list, Track{Tracker: Tracker{TrackInterface, name}})
	}
	return list
}

// weighted is an interface with a weight.
func weighted(name string, weight int, reverse bool) Track {
	return Track{Tracker: Tracker{TrackInterface, name}, Weight: weight, Reverse: reverse}
}

// What a single tracker does to every priority, with every weight: keepalived.conf(5).
func TestWeightsAreClamped(t *testing.T) {
	for base := 1; base <= 255; base++ {
		for weight := -253; weight <= 253; weight++ {
			for _, reverse := range []bool{false, true} {
				for _, up := range []bool{false, true} {
					track := Track{Tracker: Tracker{TrackScript, "x"}, Weight: weight, Reverse: reverse}
					got, fault, waits := weigh(uint8(base), []Track{track}, func(Tracker) (Reading, bool) { return Reading{Up: up}, true })
					want := base
					counts := weight > 0 && up || weight < 0 && !up
					if counts && !reverse {
						want += weight
					}
					if counts && reverse {
						want -= weight
					}
					switch {
					case base == 255:
						want = 255 // the owner
					case want < 1:
						want = 1
					case want > 254:
						want = 254
					}
					if failed := weight == 0 && up == reverse; int(got) != want || (fault != "") != failed || waits != "" {
						t.Fatalf("priority %d, weight %d, reverse %t, up %t: %d, %q, %q, want %d, fault %t",
							base, weight, reverse, up, got, fault, waits, want, failed)
					}
				}
			}
		}
	}
}

// A file's value is multiplied with the weight; -254 and less is a fault.
func TestWeightsOfFiles(t *testing.T) {
	for weight := -254; weight <= 254; weight++ {
		for _, value := range []int{-1 << 62, -1 << 31, -1000, -254, -253, -128, -127, -2, -1, 0, 1, 2, 127, 128, 253, 254, 1000, 1<<31 - 1, 1<<62 - 1} {
			for _, reverse := range []bool{false, true} {
				track := Track{Tracker: Tracker{TrackFile, "x"}, Weight: weight, Reverse: reverse}
				got, fault, _ := weigh(100, []Track{track}, func(Tracker) (Reading, bool) { return Reading{Value: value}, true })
				factor := float64(weight) * float64(value)
				if reverse {
					factor = -factor
				}
				want, failed := min(max(100+min(max(factor, -254), 254), 1), 254), factor <= -254
				if weight == 0 {
					want, failed = 100, (value != 0) != reverse
				}
				if float64(got) != want || (fault != "") != failed {
					t.Fatalf("weight %d, value %d, reverse %t: %d, %q, want %v, fault %t", weight, value, reverse, got, fault, want, failed)
				}
			}
		}
	}
}

// The sum is clamped, not its parts: two trackers may make good for one another.
func TestWeightsAddUp(t *testing.T) {
	read := func(tr Tracker) (Reading, bool) {
		return Reading{Void: tr.Name == "void", Up: tr.Name != "down", Value: 2}, tr.Name != "unknown"
	}
	script := func(name string, weight int) Track {
		return Track{Tracker: Tracker{TrackScript, name}, Weight: weight}
	}
	for _, c := range []struct {
		tracks []Track
		want   string
	}{
		{nil, "100  "},
		{[]Track{script("a", 200), script("down", -150)}, "150  "},
		{[]Track{script("down", -250), script("down", -250), script("b", 253)}, "1  "},
		{[]Track{script("a", 10), {Tracker: Tracker{TrackFile, "f"}, Weight: -20}}, "70  "},
		{[]Track{script("unknown", 50), script("unknown", -50), script("a", 1)}, "101  "},
		{[]Track{script("void", 50), script("void", -50), script("void", 0), script("a", 1)}, "101  "},
		{[]Track{script("unknown", 0), script("a", 1)}, "101  script unknown"},
		{[]Track{script("unknown", 0), script("down", 0), script("a", 1)}, "101 script down is down script unknown"},
	} {
		priority, fault, waits := weigh(100, c.tracks, read)
		if got := fmt.Sprintf("%d %s %s", priority, fault, waits); got != c.want {
			t.Errorf("%v: %q, want %q", c.tracks, got, c.want)
		}
	}
}

// A backup's timer moves by the difference of the two down timers, at once.
func TestWeightShiftsTheDownTimer(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	c.Track = []Track{weighted("eth2", -40, false)}
	want(t, n.start([]Config{c}, nil), "eth0/51 INIT -> BACKUP: started")
	wantDue(t, n, outside, 3*time.Second+skewOf(100, time.Second))
	n.wait(time.Second)
	want(t, n.setLink("eth2", false), "eth0/51 notes priority 60, was 100 (interface eth2 -40)")
	wantDue(t, n, outside, 2*time.Second+skewOf(60, time.Second))
	n.wait(time.Second)
	want(t, n.setLink("eth2", true), "eth0/51 notes priority 100, was 60 ()")
	wantDue(t, n, outside, time.Second+skewOf(100, time.Second))
	// One that accepted a master's adverts accepts them no more, and takes over.
	c.Track = []Track{weighted("eth2", 100, true)}
	n.reload([]Config{c}, nil)
	if got := n.e.instances[outside].cfg.Priority; got != 1 {
		t.Fatalf("priority %d", got)
	}
	n.hear(advertFrom(c, 2, 90))
	want(t, n.setLink("eth2", false), "eth0/51 notes priority 100, was 1 ()")
	n.wait(time.Second)
	n.hear(advertFrom(c, 2, 90))
	wantDue(t, n, outside, 2*time.Second+skewOf(100, time.Second))
}

// A master says its new priority at once, and stays master.
func TestWeightOfAMaster(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	c.Track = []Track{weighted("eth2", -40, false), weighted("eth1", 10, false)}
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(300 * time.Millisecond)
	want(t, n.setLink("eth2", false),
		"eth0/51 sends priority 70 every 1s", "eth0/51 notes priority 70, was 110 (interface eth2 -40, interface eth1 +10)")
	wantDue(t, n, outside, time.Second)
	want(t, n.setLink("eth2", false))
	want(t, n.next(), "eth0/51 sends priority 70 every 1s")
	want(t, n.hear(advertFrom(c, 2, 71)),
		"eth0/51 sends priority 70 every 1s", "eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
		"eth0/51 notes master 10.0.0.2, priority 71")
}

// The priority 0 of a fault, and of an end, has no weight.
func TestWeightAndFault(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	c.Track = []Track{weighted("eth2", -40, false), weighted("eth1", 0, false)}
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	want(t, n.setLink("eth1", false),
		"eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> FAULT: interface eth1 is down")
	want(t, n.setLink("eth2", false), "eth0/51 notes priority 60, was 100 (interface eth2 -40)")
	want(t, n.setLink("eth1", true), "eth0/51 FAULT -> BACKUP: started")
	wantDue(t, n, outside, 3*time.Second+skewOf(60, time.Second))
}

func TestReverseFault(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	c.Track = []Track{weighted("eth2", 0, true)}
	want(t, n.start([]Config{c}, nil), "eth0/51 INIT -> FAULT: interface eth2 is up")
	want(t, n.setLink("eth2", false), "eth0/51 FAULT -> BACKUP: started")
}

// The owner keeps its priority, but not when it may not take part.
func TestOwnerHasNoWeight(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 255)
	c.StartMaster = true
	c.Track = []Track{weighted("eth2", -40, false), weighted("eth1", 0, false)}
	n.start([]Config{c}, nil)
	want(t, n.setLink("eth2", false))
	want(t, n.next(), "eth0/51 sends priority 255 every 1s")
	want(t, n.setLink("eth1", false),
		"eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> FAULT: interface eth1 is down")
}

// read shows the node what is known of scripts: those that are up, and those that are down.
func (n *node) read(up, down []string) []string {
	readings := map[Tracker]Reading{}
	for _, name := range up {
		readings[Tracker{TrackScript, name}] = Reading{Up: true}
	}
	for _, name := range down {
		readings[Tracker{TrackScript, name}] = Reading{Why: "exited with status 1"}
	}
	var out Output
	n.e.SetReadings(n.now, readings, &out)
	return out.lines()
}

func script(name string, weight int) Track {
	return Track{Tracker: Tracker{TrackScript, name}, Weight: weight}
}

// An instance that may not take part while a script fails waits until it is known; one that only
// has a weight does not.
func TestStartWaitsForAScript(t *testing.T) {
	n := newNode(t, 1)
	a, b := config(outside, 2, 100), config(inside, 2, 100)
	a.Track, b.Track = []Track{script("web", 0)}, []Track{script("web", 20), script("db", -20)}
	want(t, n.start([]Config{a, b}, nil), "eth1/52 INIT -> BACKUP: started")
	want(t, n.read(nil, []string{"db"}), "eth1/52 notes priority 80, was 100 (script db -20)")
	want(t, n.read(nil, []string{"db", "web"}), "eth0/51 INIT -> FAULT: script web exited with status 1")
	want(t, n.read([]string{"web", "db"}, nil),
		"eth0/51 FAULT -> BACKUP: started", "eth1/52 notes priority 120, was 80 (script web +20)")
	// What is not known any more, as after a reload, changes nothing in the state.
	want(t, n.read(nil, nil), "eth1/52 notes priority 100, was 120 ()")
	n.becomeMaster(outside)
	want(t, n.read(nil, []string{"web"}),
		"eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> FAULT: script web exited with status 1")
	want(t, n.read(nil, nil))
	if n.state(outside) != Fault {
		t.Error("it left FAULT without knowing")
	}
}

// A group starts together: when the last of what its members wait for is known.
func TestGroupWaitsForAScript(t *testing.T) {
	n := newNode(t, 1)
	a, b := config(outside, 2, 100), config(inside, 2, 100)
	b.Track = []Track{script("web", 0)}
	want(t, n.start([]Config{a, b}, together(outside, inside)))
	want(t, n.read([]string{"web"}, nil), "eth0/51 INIT -> BACKUP: started", "eth1/52 INIT -> BACKUP: started")
	n.becomeMaster(outside, inside)
	want(t, n.read(nil, []string{"web"}),
		"eth0/51 sends priority 0 every 1s", "eth1/52 sends priority 0 every 1s",
		"eth0/51 MASTER -> FAULT: sync group pair: inside: script web exited with status 1",
		"eth1/52 MASTER -> FAULT: script web exited with status 1")
}

// What is known before an instance is there counts at once, and is told.
func TestKnownBeforeTheInstance(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	c.Track = []Track{script("web", 20)}
	want(t, n.read([]string{"web"}, nil))
	want(t, n.start([]Config{c}, nil),
		"eth0/51 INIT -> BACKUP: started", "eth0/51 notes priority 120, was 100 (script web +20)")
	wantDue(t, n, outside, 3*time.Second+skewOf(120, time.Second))
}

// A reload that adds a script to a master leaves it master until the script is known to fail.
func TestMasterGetsAScript(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	c.Track = []Track{script("web", 0), script("db", -30)}
	want(t, n.reload([]Config{c}, nil))
	want(t, n.read(nil, []string{"db"}),
		"eth0/51 sends priority 70 every 1s", "eth0/51 notes priority 70, was 100 (script db -30)")
	// The file's own priority changes, and the weight stays.
	c.Priority = 110
	want(t, n.reload([]Config{c}, nil),
		"eth0/51 sends priority 80 every 1s", "eth0/51 notes priority 80, was 70 (script db -30)")
	if n.state(outside) != Master {
		t.Error(n.state(outside))
	}
}
