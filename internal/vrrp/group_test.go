package vrrp

import (
	"slices"
	"testing"
	"time"
)

// pairOf is a sync group of the outside and the inside instance, both with the same priority.
func pairOf(t *testing.T, priority uint8) (*node, []Config) {
	n := newNode(t, 1)
	configs := []Config{config(outside, 2, priority), config(inside, 2, priority)}
	want(t, n.start(configs, together(outside, inside)), "eth0/51 INIT -> BACKUP: started", "eth1/52 INIT -> BACKUP: started")
	return n, configs
}

func masterPair(t *testing.T) (*node, []Config) {
	n, configs := pairOf(t, 100)
	n.becomeMaster(outside, inside)
	n.next()
	n.wait(400 * time.Millisecond)
	return n, configs
}

func TestGroupBecomesMasterTogether(t *testing.T) {
	n, _ := pairOf(t, 100)
	n.wait(3609374999)
	want(t, n.tick())
	n.wait(1)
	want(t, n.tick(),
		"eth0/51 sends priority 100 every 1s", // the first member's, whoever was last
		"eth1/52 sends priority 100 every 1s",
		"eth0/51 BACKUP -> MASTER: follows sync group pair",
		"eth1/52 BACKUP -> MASTER: no advert heard")
	wantDue(t, n, outside, time.Second)
	wantDue(t, n, inside, time.Second)
}

// keepalived: a member becomes master only when every other one wants to be.
func TestGroupMemberThatHearsItsMasterHoldsTheOthersBack(t *testing.T) {
	n, configs := pairOf(t, 100)
	inner := advertFrom(configs[1], 2, 150)
	for range 30 {
		n.wait(500 * time.Millisecond)
		n.hear(inner)
		want(t, n.tick())
	}
	if n.state(outside) != Backup || n.state(inside) != Backup {
		t.Fatal(n.state(outside), n.state(inside))
	}
	if !n.e.instances[outside].wants {
		t.Error("the member that hears nobody does not want")
	}
	// Its master falls silent: the group waits for this member's timer, and for no other.
	end := n.now.Add(3609375 * time.Microsecond)
	for n.e.Deadline().Before(end) {
		want(t, n.next())
	}
	n.now = end
	if n.tick(); n.state(outside) != Master || n.state(inside) != Master {
		t.Error(n.state(outside), n.state(inside))
	}
}

func TestGroupMemberThatHearsAMasterAgainNoLongerWants(t *testing.T) {
	n, configs := pairOf(t, 100)
	n.wait(3 * time.Second)
	n.hear(advertFrom(configs[1], 2, 150)) // holds the group until 6.6 s
	n.wait(time.Second)
	n.tick()
	if !n.e.instances[outside].wants {
		t.Fatal("does not want after its down timer")
	}
	n.hear(advertFrom(configs[0], 2, 150))
	if n.e.instances[outside].wants {
		t.Error("wants, and hears a master")
	}
	n.wait(2900 * time.Millisecond) // the inside's timer is over, the outside's not
	want(t, n.tick())
	if n.state(inside) != Backup {
		t.Error(n.state(inside))
	}
}

func TestGroupFollowsPriorityZeroOfEveryMember(t *testing.T) {
	n, configs := pairOf(t, 100)
	n.hear(advertFrom(configs[0], 2, 150))
	n.hear(advertFrom(configs[1], 2, 150))
	n.wait(500 * time.Millisecond)
	n.hear(advertFrom(configs[0], 2, 0))
	n.hear(advertFrom(configs[1], 2, 0))
	n.wait(609374999)
	want(t, n.tick())
	n.wait(1)
	want(t, n.tick(),
		"eth0/51 sends priority 100 every 1s",
		"eth1/52 sends priority 100 every 1s",
		"eth0/51 BACKUP -> MASTER: follows sync group pair",
		"eth1/52 BACKUP -> MASTER: 10.0.1.2 stopped")
}

// keepalived: no priority 0, the better master is there already.
func TestGroupYieldsTogether(t *testing.T) {
	n, configs := masterPair(t)
	want(t, n.hear(advertFrom(configs[0], 2, 150)),
		"eth0/51 sends priority 100 every 1s",
		"eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
		"eth1/52 MASTER -> BACKUP: follows sync group pair",
		"eth0/51 notes master 10.0.0.2, priority 150")
	wantDue(t, n, outside, 3609375*time.Microsecond)
	wantDue(t, n, inside, 3609375*time.Microsecond)
}

// A better master on another segment than the first member's is doubted: that member asks, and is
// answered, or nobody is there to hear it.
func TestGroupDoubtsBetterMasters(t *testing.T) {
	doubting := func() (*node, []Config) {
		n, configs := masterPair(t)
		want(t, n.hear(advertFrom(configs[1], 2, 150)), "eth0/51 sends priority 100 every 1s")
		return n, configs
	}
	t.Run("the first member hears it too", func(t *testing.T) {
		n, configs := doubting()
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(configs[0], 2, 150))[1:3],
			"eth0/51 MASTER -> BACKUP: advert from 10.0.0.2 with higher priority",
			"eth1/52 MASTER -> BACKUP: follows sync group pair")
	})
	t.Run("the first member hears nobody: it yields to the second advert", func(t *testing.T) {
		n, configs := doubting()
		n.wait(499 * time.Millisecond)
		want(t, n.hear(advertFrom(configs[1], 2, 150))) // an answer, or one that came twice
		n.wait(501 * time.Millisecond)
		want(t, n.hear(advertFrom(configs[1], 2, 150)),
			"eth1/52 sends priority 100 every 1s",
			"eth1/52 MASTER -> BACKUP: advert from 10.0.1.2 with higher priority",
			"eth0/51 MASTER -> BACKUP: follows sync group pair",
			"eth1/52 notes master 10.0.1.2, priority 150")
	})
	t.Run("the first member is the better one: the other node makes way", func(t *testing.T) {
		n, configs := doubting()
		n.wait(time.Millisecond)
		want(t, n.hear(advertFrom(configs[0], 2, 50)), // its advert, before it heard ours
			"eth0/51 sends priority 100 every 1s", "eth0/51 announces", "eth1/52 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 50")
		for range 5 {
			n.next()
			if n.state(outside) != Master || n.state(inside) != Master {
				t.Fatal(n.state(outside), n.state(inside))
			}
		}
	})
	t.Run("the first member is the better one, and is not heard: it yields to the third advert", func(t *testing.T) {
		n, configs := doubting()
		for k := range 3 {
			n.hear(advertFrom(configs[0], 2, 50))
			if k > 0 {
				n.hear(advertFrom(configs[1], 2, 150))
			}
			if got := n.state(outside); (got == Master) != (k < 2) {
				t.Errorf("%v after %d adverts", got, k+1)
			}
			n.wait(time.Second)
			n.tick()
		}
	})
	t.Run("a doubt of long ago is over", func(t *testing.T) {
		n, configs := doubting()
		for range 6 {
			n.wait(time.Second)
			n.tick()
		}
		want(t, n.hear(advertFrom(configs[1], 2, 150)), "eth0/51 sends priority 100 every 1s")
	})
	t.Run("it announces what the other one may have announced", func(t *testing.T) {
		n, _ := doubting()
		n.wait(600 * time.Millisecond)
		want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth1/52 sends priority 100 every 1s",
			"eth1/52 announces", "eth0/51 announces")
	})
}

// Every node has the same first member, whatever the order and the names in its file.
func TestFirstMemberIsTheSameEverywhere(t *testing.T) {
	n := newNode(t, 1)
	a, b := config(Key{Interface: "eth1", VRID: 51}, 2, 100), config(Key{Interface: "eth0", VRID: 52}, 2, 100)
	a.Name, b.Name = "z", "a"
	n.start([]Config{b, a}, together(b.Key, a.Key))
	first := func() Key { return slices.MinFunc(n.e.groups[0].members, compareMembers).cfg.Key }
	if first() != a.Key {
		t.Error("not the least virtual_router_id")
	}
	b.VRID, b.Addresses = 51, addrs("10.0.0.199")
	n.reload([]Config{b, a}, together(b.Key, a.Key))
	if first() != b.Key {
		t.Error("not the least address")
	}
}

func TestGroupFaultReleasesAllWithPriorityZero(t *testing.T) {
	for _, dev := range []string{"eth0", "eth1"} {
		n, configs := masterPair(t)
		broken, other, zero := outside, inside, "eth1/52 sends priority 0 every 1s"
		if dev == "eth1" {
			broken, other, zero = inside, outside, "eth0/51 sends priority 0 every 1s"
		}
		got := n.setLink(dev, false)
		name := n.e.instances[broken].cfg.Name
		reasons := map[Key]string{
			broken: "interface " + dev + " is down",
			other:  "sync group pair: " + name + ": interface " + dev + " is down",
		}
		want(t, got, zero, // on the link that is left
			"eth0/51 MASTER -> FAULT: "+reasons[outside],
			"eth1/52 MASTER -> FAULT: "+reasons[inside])
		if !n.e.Deadline().IsZero() {
			t.Error("a timer runs in FAULT")
		}
		// Adverts in FAULT are ignored.
		want(t, n.hear(advertFrom(configs[0], 2, 0)))
		want(t, n.hear(advertFrom(configs[1], 2, 200)))
		want(t, n.setLink(dev, true), "eth0/51 FAULT -> BACKUP: started", "eth1/52 FAULT -> BACKUP: started")
		wantDue(t, n, outside, 3609375*time.Microsecond)
		wantDue(t, n, inside, 3609375*time.Microsecond)
	}
}

func TestGroupFaultEndsWithTheLastFault(t *testing.T) {
	n, _ := masterPair(t)
	n.setLink("eth0", false)
	want(t, n.setLink("eth1", false)) // in FAULT already
	want(t, n.setLink("eth0", true))
	want(t, n.setLink("eth1", true), "eth0/51 FAULT -> BACKUP: started", "eth1/52 FAULT -> BACKUP: started")
}

func TestTrackedInterfaceIsAFault(t *testing.T) {
	n := newNode(t, 1)
	c := config(outside, 2, 100)
	c.Track = tracked("eth2", "eth3")
	want(t, n.start([]Config{c}, nil), "eth0/51 INIT -> FAULT: interface eth3 does not exist")
	n.links["eth3"] = Link{Index: 4, Up: true} // no address is needed there
	want(t, n.setLink("eth2", true), "eth0/51 FAULT -> BACKUP: started")
	n.becomeMaster(outside)
	want(t, n.setLink("eth2", false), "eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> FAULT: interface eth2 is down")
}

func TestInterfaceThatCannotBeListenedToIsAFault(t *testing.T) {
	n := newNode(t, 1)
	n.e.deaf[Key{Interface: "eth0"}] = ErrTruncated
	want(t, n.start([]Config{config(outside, 2, 100)}, nil), "eth0/51 INIT -> FAULT: packet too short")
	clear(n.e.deaf)
	want(t, n.setLink("eth0", true), "eth0/51 FAULT -> BACKUP: started")
}

// The source of adverts is never an address that the next master has too.
func TestSourceIsNeverVirtual(t *testing.T) {
	n := newNode(t, 1)
	c, d := config(outside, 3, 100), config(inside, 3, 100)
	c.Addresses = addrs("10.0.0.200", "10.0.1.201")
	set := func(list ...string) []string {
		n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs(list...)}
		return n.setLink("eth0", true)
	}
	n.start([]Config{c, d}, nil)
	n.becomeMaster(outside)
	source := func() string { return n.e.instances[outside].source.String() }
	set("10.0.0.200", "10.0.1.200", "10.0.0.1")
	if source() != "10.0.0.1" {
		t.Error("source", source())
	}
	// The address in use stays while it stands, whatever comes before it.
	set("10.0.0.200", "10.0.0.7", "10.0.0.1")
	if source() != "10.0.0.1" {
		t.Error("source", source())
	}
	set("10.0.0.200", "10.0.0.7")
	if source() != "10.0.0.7" {
		t.Error("source", source())
	}
	if n.state(outside) != Master {
		t.Error(n.state(outside))
	}
	want(t, set("10.0.0.200", "10.0.1.200"),
		"eth0/51 MASTER -> FAULT: interface eth0 has no IPv4 address beside the virtual ones; give it one of its own")
	want(t, set("10.0.0.200", "10.0.0.9"), "eth0/51 FAULT -> BACKUP: started")
}

// In keepalived a member added to a MASTER group makes the group flap.
func TestMemberAddedToAMasterGroupJoinsIt(t *testing.T) {
	n, configs := masterPair(t)
	grown := append(configs, config(third, 2, 100))
	want(t, n.reload(grown, together(outside, inside, third)),
		"eth2/53 sends priority 100 every 1s", "eth2/53 INIT -> MASTER: started as master")
	// Every order of the file does.
	n, configs = masterPair(t)
	want(t, n.reload([]Config{config(third, 2, 100), configs[1], configs[0]}, together(third, inside, outside)),
		"eth2/53 sends priority 100 every 1s", "eth2/53 INIT -> MASTER: started as master")
}

func TestMembersAddedToABackupGroupWait(t *testing.T) {
	n, configs := pairOf(t, 100)
	want(t, n.reload(append(configs, config(third, 2, 100)), together(outside, inside, third)),
		"eth2/53 INIT -> BACKUP: started")
}

func TestMemberWithAFaultAddedToAMasterGroupReleasesIt(t *testing.T) {
	n, configs := masterPair(t)
	n.setLink("eth2", false)
	want(t, n.reload(append(configs, config(third, 2, 100)), together(outside, inside, third)),
		"eth0/51 sends priority 0 every 1s",
		"eth1/52 sends priority 0 every 1s",
		"eth0/51 MASTER -> FAULT: sync group pair: third: interface eth2 is down",
		"eth1/52 MASTER -> FAULT: sync group pair: third: interface eth2 is down",
		"eth2/53 INIT -> FAULT: interface eth2 is down")
}

// A group that the configuration makes of a master and a backup is one again after its masters
// said so: one node takes all of it.
func TestMixedGroupUnites(t *testing.T) {
	n := newNode(t, 1)
	configs := []Config{config(outside, 2, 100), config(inside, 2, 100)}
	n.start(configs, nil)
	n.wait(3 * time.Second)
	n.hear(advertFrom(configs[1], 2, 150))
	n.becomeMaster(outside)
	want(t, n.reload(configs, together(outside, inside)),
		"eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> BACKUP: follows sync group pair")
	for range 10 { // the inside's master lives, and has the outside now
		n.wait(time.Second)
		n.hear(advertFrom(configs[0], 2, 150))
		n.hear(advertFrom(configs[1], 2, 150))
		want(t, n.tick())
	}
	n.becomeMaster(outside, inside)
}

func TestMembersLeaveAMasterGroup(t *testing.T) {
	n, configs := masterPair(t)
	want(t, n.reload(configs, nil))
	want(t, n.hear(advertFrom(configs[1], 2, 150)),
		"eth1/52 sends priority 100 every 1s",
		"eth1/52 MASTER -> BACKUP: advert from 10.0.1.2 with higher priority",
		"eth1/52 notes master 10.0.1.2, priority 150")
	if n.state(outside) != Master {
		t.Error(n.state(outside))
	}
}

// Who believed a lesser master about one address may have believed it about all.
func TestGroupAnnouncesAllMembersAgainstALesserMaster(t *testing.T) {
	n, configs := masterPair(t)
	want(t, n.hear(advertFrom(configs[1], 2, 50)),
		"eth1/52 sends priority 100 every 1s",
		"eth1/52 announces", "eth0/51 announces",
		"eth1/52 notes duplicate master 10.0.1.2, priority 50")
}

// Nothing can be said on the interface whose loss is the fault.
func TestLostInterfaceIsNotSentOn(t *testing.T) {
	for what, lose := range map[string]func(map[string]Link){
		"is down":        func(l map[string]Link) { l["eth0"] = Link{Index: 1, Addresses: addrs("10.0.0.1")} },
		"does not exist": func(l map[string]Link) { delete(l, "eth0") },
	} {
		n := newNode(t, 1)
		n.start([]Config{config(outside, 3, 100)}, nil)
		n.becomeMaster(outside)
		lose(n.links)
		var out Output
		n.e.SetLinks(n.now, n.links, &out)
		want(t, out.lines(), "eth0/51 MASTER -> FAULT: interface eth0 "+what)
	}
}

// A member that its group held back, and that leaves the group, takes over at once.
func TestMemberThatWaitedIsFreed(t *testing.T) {
	n, configs := pairOf(t, 100)
	n.wait(3 * time.Second)
	n.hear(advertFrom(configs[1], 2, 150))
	n.next() // the outside wants, and waits for the inside
	n.wait(time.Second)
	want(t, n.reload(configs, nil))
	want(t, n.tick(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
	if n.state(inside) != Backup {
		t.Error(n.state(inside))
	}
}
