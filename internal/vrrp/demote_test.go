package vrrp

import (
	"fmt"
	"testing"
	"time"
)

func (n *node) demote(on bool) []string {
	var out Output
	n.e.Demote(n.now, on, &out)
	return out.lines()
}

// demote has the machine's director fall silent, or back.
func (m *machine) demote(on bool) {
	m.demoted = on
	m.step(fmt.Sprintf("is demoted: %v", on), func(now time.Time, out *Output) { m.e.Demote(now, on, out) })
}

// A demoted master says priority 0, so that everyone takes over, and claims nothing for so long as
// that may take; alone it goes on.
func TestDemotedMaster(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		n, c := newNode(t, 1), config(outside, version, 150)
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.next()
		n.wait(900 * time.Millisecond)
		want(t, n.demote(true), "eth0/51 sends priority 0 every 1s", "eth0/51 notes priority 1, was 150 (demoted)")
		wantDue(t, n, outside, time.Second)
		want(t, n.demote(true))
		want(t, n.next(), "eth0/51 sends priority 1 every 1s")
		n.wait(400 * time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 2))[1:], "eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth0/51 notes master 10.0.0.2, priority 2")
		want(t, n.demote(false), "eth0/51 notes priority 150, was 1 ()")
		want(t, n.hear(advertFrom(c, 2, 2))) // a lesser one again
	}
}

func TestDemotedInOtherStates(t *testing.T) {
	c := config(outside, 3, 100)
	n := newNode(t, 1)
	n.start([]Config{c}, nil)
	want(t, n.demote(true), "eth0/51 notes priority 1, was 100 (demoted)")
	wantDue(t, n, outside, 3*time.Second+skewOf(1, time.Second))
	want(t, n.demote(false), "eth0/51 notes priority 100, was 1 ()")
	wantDue(t, n, outside, downTime)

	// Who comes later, and the owner, have the least one too.
	owner := config(inside, 3, 255)
	owner.StartMaster = true
	n.demote(true)
	n.reload([]Config{c, owner}, nil)
	if got := n.e.instances[inside].cfg.Priority; got != 1 {
		t.Errorf("an owner with priority %d", got)
	}

	// One that stops has said priority 0; one that was stalled listens, and says nothing.
	n = newNode(t, 1)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.resign()
	want(t, n.demote(true), "eth0/51 notes priority 1, was 100 (demoted)")
	n = newNode(t, 1)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Minute)
	want(t, n.demote(true), "eth0/51 notes priority 1, was 100 (demoted)")
	want(t, n.tick(), "eth0/51 notes stall, 59s late")
}

// Of two demoted nodes one is master, and it stays so when the other comes back.
func TestEverybodyDemoted(t *testing.T) {
	s := settledScenario()
	s.one.demote(true)
	s.until(9 * time.Second)
	s.two.demote(true)
	s.until(30 * time.Second)
	if set, n := s.masters(outside); n != 1 {
		t.Errorf("%d masters: %b", n, set)
	}
	s.one.demote(false)
	s.until(40 * time.Second)
	if set, n := s.masters(outside); n != 1 || set != 1 {
		t.Errorf("%d masters: %b", n, set)
	}
}
