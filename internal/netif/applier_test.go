package netif

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var (
	vip  = addr("192.0.2.11/24", "eth0")
	gate = addr("198.51.100.9/24", "eth1")
	node = addr("192.0.2.2/24", "eth0")
)

func web(delay time.Duration) Want {
	return Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, gate}, Repeat: 2, Delay: delay, LowerPrioRepeat: 2, LowerPrioDelay: delay}}}
}

func expectLog(t *testing.T, k *fakeKernel, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, k.take()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func expectAddresses(t *testing.T, k *fakeKernel, want ...Address) {
	t.Helper()
	slices.SortFunc(want, compareAddress)
	if got := k.addresses(); !slices.Equal(want, got) {
		t.Errorf("addresses %v, want %v", got, want)
	}
}

const (
	addVIP, addGate           = "add 192.0.2.11/24 dev eth0", "add 198.51.100.9/24 dev eth1"
	deleteVIP, deleteGate     = "delete 192.0.2.11/24 dev eth0", "delete 198.51.100.9/24 dev eth1"
	announceVIP, announceGate = "announce 192.0.2.11/24 dev eth0", "announce 198.51.100.9/24 dev eth1"
)

func TestTakeoverAndRelease(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.strangerAdds(node)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.applied(1)
	expectLog(t, k)

	r.master("web")
	for _, a := range []Address{vip, gate} {
		await(r, func(rep Added) bool { return rep == Added{"web", a, Takeover} })
	}
	await(r, func(rep Announced) bool { return rep == Announced{"web", 4, nil} })
	expectLog(t, k, addVIP, addGate, announceVIP, announceGate, announceVIP, announceGate)
	if d := cmp.Diff(map[string]Presence{"web": {Addresses: []Address{vip, gate}}}, r.Present(), comparePrefix); d != "" {
		t.Errorf("present: -want +got:\n%s", d)
	}

	r.backup("web")
	for _, a := range []Address{vip, gate} {
		await(r, func(rep Removed) bool { return rep == Removed{"web", a, Released} })
	}
	r.settled()
	expectLog(t, k, deleteVIP, deleteGate)
	expectAddresses(t, k, node)
	if n := len(r.Present()["web"].Addresses); n != 0 {
		t.Errorf("%d addresses present after the release", n)
	}
}

func TestSecondBurst(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(50*time.Millisecond))
	began := time.Now()
	r.master("web")
	burst := func(rep Announced) bool { return rep == Announced{"web", 4, nil} }
	await(r, burst)
	await(r, burst)
	if since := time.Since(began); since < 50*time.Millisecond {
		t.Errorf("second burst after %v", since)
	}
	r.Announce("web")
	await(r, burst)
	await(r, burst)
	if since := time.Since(began); since < 100*time.Millisecond {
		t.Errorf("fourth burst after %v", since)
	}
}

func TestNoSecondBurstOfABackup(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(30*time.Millisecond))
	r.master("web")
	r.settled()
	r.backup("web")
	r.settled()
	r.Announce("web")
	k.take()
	time.Sleep(60 * time.Millisecond) // what must not come has had twice its time
	r.Want(2, web(30*time.Millisecond))
	r.applied(2)
	expectLog(t, k)
}

// TestMergedTakeovers: a mastership lost and won again before the applier looked is announced.
func TestMergedTakeovers(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	r.settled()
	k.take()
	k.mu.Lock() // the applier may be in a pass; it gets no further than the kernel
	r.backup("web")
	r.master("web")
	k.mu.Unlock()
	r.settled()
	log := k.take()
	if n := slices.Index(log, announceVIP); n < 0 {
		t.Errorf("not announced again: %v", log)
	}
	expectAddresses(t, k, vip, gate)
}

func TestRoleBeforeWant(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.strangerAdds(vip) // by the process before this one
	r := startApplier(t, Options{Kernel: k})
	r.master("web")
	r.Want(1, web(0))
	r.settled()
	expectLog(t, k, addGate, announceVIP, announceGate, announceVIP, announceGate)
}

func TestHealing(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	r.settled()
	k.take()
	k.strangerDeletes(vip)
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Healed} })
	await(r, func(rep Announced) bool { return rep == Announced{"web", 2, nil} })
	expectLog(t, k, addVIP, announceVIP, announceVIP)

	r.backup("web")
	r.settled()
	k.strangerAdds(node)
	k.strangerAdds(vip)
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, LeftOver} })
	expectAddresses(t, k, node)
}

func TestLeftOvers(t *testing.T) {
	former := addr("192.0.2.99/24", "eth0")
	file := filepath.Join(t.TempDir(), "addresses")
	k := newFakeKernel(t, "eth0", "eth1")

	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, former}}}})
	r.master("web")
	r.settled()
	r.stop() // as after a crash: the addresses stay
	expectAddresses(t, k, vip, former)
	k.strangerAdds(node)

	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, LeftOver} })
	await(r, func(rep Removed) bool { return rep == Removed{"", former, LeftOver} })
	r.applied(1)
	expectAddresses(t, k, node)
	r.stop()

	// What was removed and is wanted no more may be somebody's by now.
	k.strangerAdds(former)
	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.applied(1)
	expectAddresses(t, k, node, former)
}

func TestStaleRoleAddsNothing(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.Role("web", Role{Master: true, Until: time.Now()})
	r.settled()
	expectLog(t, k)
}

func TestExpiryAndRenewal(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	began := time.Now()
	for time.Since(began) < 700*time.Millisecond { // adverts every 20 ms
		r.Role("web", Role{Master: true, Until: time.Now().Add(500 * time.Millisecond)})
		time.Sleep(20 * time.Millisecond)
	}
	expectLog(t, k, addVIP, addGate, announceVIP, announceGate, announceVIP, announceGate)
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, Expired} })
	await(r, func(rep Removed) bool { return rep == Removed{"web", gate, Expired} })
	expectLog(t, k, deleteVIP, deleteGate)

	r.Role("web", Role{Master: true, Until: time.Now().Add(time.Hour)})
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Takeover} })
	r.settled()
	// A promise taken back early is kept early.
	r.Role("web", Role{Master: true, Until: time.Now().Add(20 * time.Millisecond)})
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, Expired} })
}

func TestNewWantOfAMaster(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	r.settled()
	k.take()

	r.Want(2, web(0))
	r.applied(2)
	expectLog(t, k) // an unchanged configuration writes nothing

	wide := vip
	wide.Label = "eth0:vip"
	more := addr("192.0.2.12/24", "eth0")
	r.Want(3, Want{Instances: map[string]Instance{"web": {Addresses: []Address{wide, more}, Repeat: 1}}})
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, Replaced} })
	await(r, func(rep Added) bool { return rep == Added{"web", wide, Configured} })
	await(r, func(rep Added) bool { return rep == Added{"web", more, Configured} })
	await(r, func(rep Removed) bool { return rep == Removed{"", gate, Unconfigured} })
	r.applied(3)
	expectAddresses(t, k, wide, more)

	r.Want(4, Want{})
	r.applied(4)
	expectAddresses(t, k)
	r.Want(5, web(0)) // the same name later does not inherit the role
	r.applied(5)
	expectAddresses(t, k)
}

func TestMissingDevice(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	failed := await(r, func(OpFailed) bool { return true })
	if failed.Op != (Op{Kind: Add, Address: gate, Instance: "web"}) || !errors.Is(failed.Err, errNoDevice) {
		t.Errorf("failed: %+v", failed)
	}
	await(r, func(rep Applied) bool { return rep.Pending == 1 })
	expectAddresses(t, k, vip)

	k.linkAppears("eth1", nil)
	await(r, func(rep Added) bool { return rep == Added{"web", gate, Takeover} })
	r.settled()

	k.linkGoes("eth1")
	await(r, func(rep OpFailed) bool { return errors.Is(rep.Err, errNoDevice) })
	k.linkAppears("eth1", nil)
	await(r, func(rep Added) bool { return rep == Added{"web", gate, Healed} })
	await(r, func(rep Announced) bool { return rep == Announced{"web", 2, nil} })
	r.settled()
	expectAddresses(t, k, vip, gate)
}

// TestEveryFailureOnce: whatever call fails, once and with whatever error, the kernel becomes what
// was ordered.
func TestEveryFailureOnce(t *testing.T) {
	const forwarding = "net.ipv4.ip_forward"
	for _, call := range []string{
		"dump", addVIP, addGate, deleteVIP, deleteGate, announceVIP, "read " + forwarding, "set " + forwarding,
		"delete 192.0.2.11/32 dev eth0",
	} {
		for _, errno := range []error{unix.EINTR, unix.EBUSY, unix.ENODEV, unix.ENOBUFS, unix.EEXIST, unix.EADDRNOTAVAIL} {
			t.Run(fmt.Sprintf("%s: %v", call, errno), func(t *testing.T) {
				k := newFakeKernel(t, "eth0", "eth1")
				k.sysctls[forwarding] = "0"
				k.strangerAdds(node)
				k.strangerAdds(addr("192.0.2.11/32", "eth0")) // left over
				k.failNext(call, errno)
				r := startApplier(t, Options{Kernel: k})
				w := web(0)
				w.Sysctls = []Sysctl{{forwarding, "1"}}
				r.Want(1, w)
				r.master("web")
				eventually(t, "addresses on", func() bool { return slices.Equal(k.addresses(), []Address{node, vip, gate}) })
				eventually(t, "sysctl set", func() bool { return k.sysctl(forwarding) == "1" })
				r.backup("web")
				eventually(t, "addresses off", func() bool { return slices.Equal(k.addresses(), []Address{node}) })
				r.master("web")
				eventually(t, "addresses on again", func() bool { return slices.Equal(k.addresses(), []Address{node, vip, gate}) })
			})
		}
	}
}

// TestDeletionThatWasNone: an address is ours until the kernel's table shows that it is gone, also
// where a deletion was answered with an error that says so.
func TestDeletionThatWasNone(t *testing.T) {
	for _, errno := range []error{unix.ENODEV, unix.EADDRNOTAVAIL} {
		k := newFakeKernel(t, "eth0", "eth1")
		r := startApplier(t, Options{Kernel: k})
		r.Want(1, web(0))
		r.master("web")
		r.settled()
		k.failNext(deleteGate, errno)
		r.Want(2, Want{})
		eventually(t, "addresses off", func() bool { return len(k.addresses()) == 0 })
		r.stop()
	}
}

func TestAnnounceFailure(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.failNext(announceVIP, unix.ENETDOWN)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	rep := await(r, func(Announced) bool { return true })
	if rep.Frames != 2 || !errors.Is(rep.Err, unix.ENETDOWN) {
		t.Errorf("%+v, want the frames of the other address and the error", rep)
	}
	expectLog(t, k, addVIP, addGate, announceGate, announceGate)
}

func TestRepeatedFailureIsToldOnce(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.failNext(addVIP, unix.EPERM, unix.EPERM, unix.EPERM, unix.EBUSY)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	r.settled()
	r.stop()
	var told []error
	for len(r.all) > 0 {
		if rep, is := r.all[0].(OpFailed); is {
			told = append(told, rep.Err)
		}
		r.all = r.all[1:]
	}
	if len(told) != 2 || !errors.Is(told[0], unix.EPERM) || !errors.Is(told[1], unix.EBUSY) {
		t.Errorf("told %v, want one EPERM and one EBUSY", told)
	}
}

func TestSysctls(t *testing.T) {
	const forwarding, redirects, pings = "net.ipv4.ip_forward", "net.ipv4.conf.eth1.send_redirects", "net.ipv4.ping_group_range"
	k := newFakeKernel(t, "eth0")
	k.sysctls = map[string]string{forwarding: "0", pings: "1\t0"}
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, Want{Sysctls: []Sysctl{{forwarding, "1"}, {redirects, "0"}, {pings, "0 0"}}})
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{forwarding, "1"}, "0"} })
	failed := await(r, func(SysctlFailed) bool { return true })
	if failed.Sysctl.Name != redirects || !errors.Is(failed.Err, unix.ENOENT) {
		t.Errorf("failed: %+v", failed)
	}
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{pings, "0 0"}, "1\t0"} })
	k.take()
	k.linkAppears("eth1", map[string]string{redirects: "1"})
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{redirects, "0"}, "1"} })
	expectLog(t, k, "set "+redirects+" 0")
}

// TestRousedApplier: one that does not sleep does what one does that sleeps, and sleeps again.
func TestRousedApplier(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.applied(1)
	r.Rouse(time.Now().Add(time.Millisecond))
	r.master("web")
	await(r, func(rep Announced) bool { return rep == Announced{"web", 4, nil} })
	eventually(t, "sleeps again", func() bool { return !r.isRoused() })
	k.strangerDeletes(vip)
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Healed} })
	r.Rouse(time.Now().Add(time.Millisecond))
	r.stop()
	expectAddresses(t, k, vip, gate)
}

// TestOrdersBeforeTheEnd: what was ordered before the context ended is done, and nothing else.
func TestOrdersBeforeTheEnd(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, Want{Instances: map[string]Instance{
		"kept":     {Addresses: []Address{vip}},
		"released": {Addresses: []Address{gate}},
	}})
	r.master("kept")
	r.master("released")
	r.settled()
	r.backup("released")
	r.stop()
	expectAddresses(t, k, vip)
	r.master("released") // no more than nothing happens, and nothing breaks
	r.Want(2, web(0))
	r.Announce("kept")
	expectAddresses(t, k, vip)
}

// TestNothingIsAcknowledgedBlindly: while the kernel's table cannot be read, nobody is told that
// what should be off is off.
func TestNothingIsAcknowledgedBlindly(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.strangerAdds(node)
	k.strangerAdds(vip)
	k.failNext("dump", unix.ENOBUFS, unix.ENOBUFS)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.backup("web")
	await(r, func(rep Trouble) bool { return errors.Is(rep.Err, unix.ENOBUFS) })
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, LeftOver} })
	for _, rep := range r.all {
		switch rep.(type) {
		case Applied, Trouble:
			if rep != Report(r.all[0]) {
				t.Errorf("before the removal: %+v", rep)
			}
		}
	}
	r.applied(1)
}

func TestOpenFails(t *testing.T) {
	k := newFakeKernel(t)
	k.failNext("open", unix.EPROTONOSUPPORT)
	a, err := NewApplier(Options{Kernel: k, Report: func(Report) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(context.Background()); !errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Errorf("Run: %v", err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
