package vrrp

import (
	"strings"
	"testing"
	"time"
)

// A master that slept for less than the shortest down time goes on.
func TestMasterWakesInTime(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(3*time.Second - 1)
	want(t, n.tick(), "eth0/51 sends priority 100 every 1s")
	wantDue(t, n, outside, time.Second) // missed adverts are not made up for
}

// An advert that is a little late does not move those after it.
func TestLateAdvertsDoNotDrift(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	first := n.now
	for k := 1; k <= 100; k++ {
		n.now = first.Add(time.Duration(k)*time.Second + time.Duration(k%7)*10*time.Millisecond)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s")
		if got := n.e.Deadline(); !got.Equal(first.Add(time.Duration(k+1) * time.Second)) {
			t.Fatalf("advert %d is due at %v", k+1, got.Sub(first))
		}
	}
}

// A backup may have given a master up from 3 intervals on: it listens before it speaks.
func TestMasterWakesTooLate(t *testing.T) {
	for _, late := range []time.Duration{3 * time.Second, time.Minute} {
		n, c := newNode(t, 1), config(outside, 2, 100)
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.wait(late)
		want(t, n.tick(), "eth0/51 notes stall, "+(late-time.Second).String()+" late")
		wantDue(t, n, outside, time.Second+skewOf(100, time.Second))
		want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
		wantDue(t, n, outside, time.Second)
	}
}

func TestMasterThatSleepsInsteadOfListeningListensAgain(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Minute)
	n.tick()
	n.wait(time.Minute)
	want(t, n.tick(), "eth0/51 notes stall, 58.390625s late")
	want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 announces")
}

func TestListeningMasterMakesWayForWhoeverServes(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Minute)
	n.tick()
	n.wait(time.Second)
	want(t, n.hear(advertFrom(c, 2, 50)), "eth0/51 sends priority 0 every 1s",
		"eth0/51 MASTER -> BACKUP: stalled, and 10.0.0.2 took over")
	// Whether it is preempted is then for the timers.
	for range 3 {
		n.wait(time.Second)
		want(t, n.hear(advertFrom(c, 2, 50)))
		want(t, n.tick())
	}
	want(t, n.next(), "eth0/51 sends priority 100 every 1s",
		"eth0/51 BACKUP -> MASTER: preempts 10.0.0.2 with lower priority")
}

// The queue is read before the timers: what it says counts already.
func TestStalledMasterReadsItsQueueFirst(t *testing.T) {
	n, configs := masterPair(t)
	n.wait(time.Minute)
	want(t, n.hear(advertFrom(configs[0], 2, 50)),
		"eth0/51 sends priority 0 every 1s",
		"eth0/51 MASTER -> BACKUP: stalled, and 10.0.0.2 took over",
		"eth1/52 MASTER -> BACKUP: follows sync group pair",
		"eth0/51 notes stall, 59.4s late")
	want(t, n.hear(advertFrom(configs[1], 2, 50)))
	want(t, n.tick())
	wantDue(t, n, outside, 3609375*time.Microsecond)
}

func TestStalledMasterDoesNotAnswerPriorityZeroOfItsQueue(t *testing.T) {
	n, configs := masterPair(t)
	n.wait(time.Minute)
	want(t, n.hear(advertFrom(configs[0], 2, 0)))
	want(t, n.hear(advertFrom(configs[0], 3, 50))[:2], "eth0/51 sends priority 0 every 1s",
		"eth0/51 MASTER -> BACKUP: stalled, and 10.0.0.3 took over")
}

func TestStalledGroupSpeaksAgain(t *testing.T) {
	n, _ := masterPair(t)
	n.wait(time.Minute)
	want(t, n.tick(), "eth0/51 notes stall, 59.4s late", "eth1/52 notes stall, 59.4s late")
	want(t, n.next(),
		"eth0/51 sends priority 100 every 1s", "eth1/52 sends priority 100 every 1s",
		"eth0/51 announces", "eth1/52 announces")
}

func TestListeningMasterStaysSilentOverAReload(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Minute)
	n.tick()
	c.Priority = 120
	want(t, n.reload([]Config{c}, nil), "eth0/51 notes priority 120, was 100 ()")
	want(t, n.next(), "eth0/51 sends priority 120 every 1s", "eth0/51 announces")
}

// Less than an interval late, everything that was sent is in the queue.
func TestBackupWakesInTime(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.wait(3609375*time.Microsecond + time.Second - 1)
	want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
}

func TestLateBackupReadsItsQueueFirst(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.hear(advertFrom(c, 2, 150))
	n.wait(4 * time.Second)
	n.hear(advertFrom(c, 2, 150))
	want(t, n.tick())
	wantDue(t, n, outside, 3609375*time.Microsecond)
}

// A paused machine has no queue: a living master has an interval to be heard in.
func TestBackupThatWakesLateListens(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		n, c := newNode(t, 1), config(outside, version, 100)
		n.start([]Config{c}, nil)
		n.wait(3609375*time.Microsecond + time.Second)
		want(t, n.tick(), "eth0/51 notes stall, 1s late")
		wantDue(t, n, outside, time.Second+skewOf(100, time.Second))
		n.wait(time.Second)
		n.hear(advertFrom(c, 2, 150))
		wantDue(t, n, outside, 3609375*time.Microsecond)
		// And when there is none, it takes over.
		n.wait(time.Minute)
		n.tick()
		want(t, n.next(), "eth0/51 sends priority 100 every 1s",
			"eth0/51 BACKUP -> MASTER: no advert heard from 10.0.0.2")
	}
}

func TestStallDuringAResignationEndsIt(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.resign()
	n.wait(time.Minute)
	want(t, n.tick(), "eth0/51 MASTER -> INIT: stopped, no successor heard")
}

// A member that wanted to be master before the stall listens too before its group takes over.
func TestGroupWaitsForTheMemberThatListens(t *testing.T) {
	n, configs := pairOf(t, 100)
	n.wait(3 * time.Second)
	n.hear(advertFrom(configs[1], 2, 150)) // the inside's timer ends at 6.61 s
	n.wait(609375 * time.Microsecond)
	n.tick() // the outside wants, and its timer ends at 7.22 s
	if !n.e.instances[outside].wants {
		t.Fatal("does not want")
	}
	n.wait(2 * time.Second)
	n.hear(advertFrom(configs[1], 2, 150)) // 9.22 s
	n.wait(3609375*time.Microsecond + 500*time.Millisecond)
	want(t, n.tick(), "eth0/51 notes stall, 2.5s late")
	wantDue(t, n, outside, time.Second+skewOf(100, time.Second))
	n.next()
	if n.state(outside) != Master || n.state(inside) != Master {
		t.Error(n.state(outside), n.state(inside))
	}
}

// What a simulation found: a reload or a tracker that waits for a stalled master must not make it
// speak before it has listened, whatever the new interval.
func TestStalledMasterThatIsReloadedListens(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"priority":         func(c *Config) { c.Priority = 200 },
		"shorter interval": func(c *Config) { c.Interval = 100 * time.Millisecond },
		"longer interval":  func(c *Config) { c.Interval = time.Minute },
	} {
		n, c := newNode(t, 1), config(outside, 3, 100)
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.wait(10 * time.Second)
		change(&c)
		if got := n.reload([]Config{c}, nil); got[0] != "eth0/51 notes stall, 9s late" {
			t.Errorf("%s: %v", name, got)
		}
		want(t, n.tick())
		wantDue(t, n, outside, c.Interval+skewOf(c.Priority, c.Interval))
	}
}

// A backup that overslept listens too, before it takes over by a timer that a reload moves.
func TestStalledBackupThatIsReloadedListens(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 2, 100)
	n.start([]Config{c}, nil)
	n.wait(time.Minute)
	c.Interval = 2 * time.Second
	want(t, n.reload([]Config{c}, nil), "eth0/51 notes stall, 56.390625s late")
	want(t, n.tick())
	wantDue(t, n, outside, 2*time.Second+skewOf(100, time.Second))
}

// A member that waited for its group cannot tell whether it still hears nobody when it was stalled.
func TestGroupListensWhereOneMemberOverslept(t *testing.T) {
	n := newNode(t, 1)
	configs := []Config{config(outside, 3, 100), config(inside, 3, 100)}
	configs[1].Interval = 100 * time.Millisecond
	n.start(configs, together(outside, inside))
	n.next() // the inside wants, and waits for the outside
	n.now = epoch.Add(3700 * time.Millisecond)
	want(t, n.tick(), "eth1/52 notes stall, 2.978125s late")
	wantDue(t, n, inside, 100*time.Millisecond+skewOf(100, 100*time.Millisecond))
	want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth1/52 sends priority 100 every 100ms",
		"eth0/51 BACKUP -> MASTER: follows sync group pair", "eth1/52 BACKUP -> MASTER: no advert heard")
}

// Who joins the group of a stalled master waits until that one has listened.
func TestMemberAddedToAStalledGroupWaits(t *testing.T) {
	n, configs := masterPair(t)
	n.wait(time.Minute)
	grown := append(configs, config(third, 2, 100))
	want(t, n.reload(grown, together(outside, inside, third)))
	want(t, n.tick(), "eth0/51 notes stall, 59.4s late", "eth1/52 notes stall, 59.4s late")
	if n.state(third) != Init {
		t.Fatal(n.state(third))
	}
	want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth1/52 sends priority 100 every 1s", "eth2/53 sends priority 100 every 1s",
		"eth2/53 INIT -> MASTER: started as master", "eth0/51 announces", "eth1/52 announces")
}

// A better master is not doubted by a group whose first member must not speak.
func TestStalledFirstMemberDoubtsNothing(t *testing.T) {
	n := newNode(t, 1)
	configs := []Config{config(outside, 3, 100), config(inside, 3, 100)}
	configs[0].Interval = 100 * time.Millisecond
	n.start(configs, together(outside, inside))
	for n.state(inside) != Master {
		n.next()
	}
	n.wait(2 * time.Second)
	want(t, n.hear(advertFrom(configs[1], 2, 150)),
		"eth1/52 sends priority 100 every 1s",
		"eth1/52 MASTER -> BACKUP: advert from 10.0.1.2 with higher priority",
		"eth0/51 MASTER -> BACKUP: follows sync group pair",
		"eth1/52 notes master 10.0.1.2, priority 150")
}

// One that slept when it should have listened listens again, whatever a reload has made of its
// interval meanwhile.
func TestListeningMasterThatIsReloadedListensAgain(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	c.Interval = 100 * time.Millisecond
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Second)
	n.tick() // it listens
	n.wait(time.Second)
	c.Interval = 5 * time.Second
	if got := n.reload([]Config{c}, nil); len(got) != 1 || !strings.HasPrefix(got[0], "eth0/51 notes stall") {
		t.Error(got)
	}
	want(t, n.tick())
	wantDue(t, n, outside, 5*time.Second+skewOf(100, 5*time.Second))
}
