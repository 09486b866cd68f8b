package netif

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// routed is an instance with an address and what goes by it, beside a static route.
func routed() Want {
	return Want{Instances: map[string]Instance{
		"web":    {Addresses: []Address{vip}, Repeat: 1, Routes: []Route{net1, two6}, Rules: []Rule{viaTable}},
		"static": {Static: true, Routes: []Route{hole}},
	}}
}

const (
	addNet1, addHole       = "add route 203.0.113.0/24 via 192.0.2.1 dev eth0", "add route blackhole 203.0.113.99/32"
	addFirst6, addSecond6  = "add route 2001:db8:2::/48 via fe80::1 dev eth0", "add route 2001:db8:2::/48 via fe80::2 dev eth0"
	addRule                = "add rule from 192.0.2.0/24 table 100 preference 1000"
	deleteNet1, deleteRule = "delete route 203.0.113.0/24 via 192.0.2.1 dev eth0", "delete rule from 192.0.2.0/24 table 100 preference 1000"
)

func deleted(adding string) string { return strings.Replace(adding, "add", "delete", 1) }

// TestRoutingInOrder: addresses come first and are announced, then routes, then rules; they go the
// other way round.
func TestRoutingInOrder(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, routed())
	r.applied(1)
	expectLog(t, k, addHole)
	r.master("web")
	await(r, func(rep Routed) bool {
		return len(rep.Done) == 4 && rep.Done[0] == RoutingChange{Add, "route", "203.0.113.0/24 via 192.0.2.1 dev eth0", "web", "takeover"}
	})
	expectLog(t, k, addVIP, announceVIP, addNet1, addFirst6, addSecond6, addRule)
	r.backup("web")
	await(r, func(rep Routed) bool { return len(rep.Done) == 4 && rep.Done[0].Why == "released" })
	r.settled()
	expectLog(t, k, deleteRule, deleted(addSecond6), deleted(addFirst6), deleteNet1, deleteVIP)
	r.Want(3, Want{})
	r.applied(3)
	expectLog(t, k, deleted(addHole))
}

// TestRoutingHealed: what somebody deletes is back.
func TestRoutingHealed(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, routed())
	r.master("web")
	r.settled()
	all := k.routing()
	k.strangerRoutes(func([]Route) []Route { return nil })
	await(r, func(rep Routed) bool { return len(rep.Done) == 4 && rep.Done[3].Why == "healed" })
	k.strangerRules(func([]Rule) []Rule { return nil })
	await(r, func(rep Routed) bool {
		return len(rep.Done) == 1 && rep.Done[0] == RoutingChange{Add, "rule", "from 192.0.2.0/24 table 100 preference 1000", "web", "healed"}
	})
	if d := cmp.Diff(len(all), len(k.routing())); d != "" {
		t.Error(d)
	}
}

// TestRoutingFails: what cannot be set is told once, tried again, and set as soon as its interface
// is up.
func TestRoutingFails(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	k.failNext(addRule, unix.EBUSY, unix.EBUSY, unix.EINVAL)
	k.setUp("eth0", false)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, routed())
	r.master("web")
	told := map[string]int{}
	for len(told) < 5 {
		rep := await(r, func(RoutingFailed) bool { return true })
		told[rep.Err.Error()]++
	}
	for text, n := range told {
		if n != 1 {
			t.Errorf("told %d times: %s", n, text)
		}
	}
	k.setUp("eth0", true)
	r.settled()
	if n := len(k.routing()); n != 5 {
		t.Errorf("%d of 5: %v", n, k.routing())
	}
}

// TestRoutingAfterCrash: a start finds what the process before left, and nothing of others.
func TestRoutingAfterCrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	k := newFakeKernel(t, "eth0", "eth1")
	foreign := with(route("10.0.0.0/8", via("192.0.2.9", "eth0")), func(r *Route) { r.Protocol = unix.RTPROT_STATIC })
	likeOurs := route("10.1.0.0/16", via("192.0.2.9", "eth0"))
	k.strangerRoutes(func([]Route) []Route { return []Route{foreign, likeOurs} })
	odd := with(route("10.2.0.0/16", via("192.0.2.9", "eth0")), func(r *Route) { r.Protocol = unix.RTPROT_STATIC })
	w := routed()
	web := w.Instances["web"]
	web.Routes = append(web.Routes, odd)
	w.Instances["web"] = web
	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, w)
	r.master("web")
	r.settled()
	r.stop() // as after a crash: all stays
	k.take()

	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Routes: []Route{net1}}}})
	r.master("web")
	r.settled()
	if d := cmp.Diff([]string{foreign.String(), likeOurs.String(), net1.String()}, k.routing()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	r.stop()

	// Without the file, only what the configuration names is known.
	r = startApplier(t, Options{Kernel: k})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Routes: []Route{net1}}}})
	await(r, func(rep Routed) bool { return len(rep.Done) == 1 && rep.Done[0].Why == "left over" })
	if d := cmp.Diff([]string{foreign.String(), likeOurs.String()}, k.routing()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestRoutingOfRenamedInterface: what lvsd made on an interface is its own under every name.
func TestRoutingOfRenamedInterface(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, routed())
	r.master("web")
	r.settled()
	k.linkRenamed("eth0", "lan0")
	await(r, func(rep Routed) bool { return len(rep.Done) > 0 && rep.Done[0].Kind == Delete })
	eventually(t, "nothing is left on the other name", func() bool {
		return !strings.Contains(strings.Join(k.routing(), " "), "lan0")
	})
}

// TestRoutingExpires: nothing of a master that nobody vouches for stays.
func TestRoutingExpires(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, routed())
	r.Role("web", Role{Master: true, Until: time.Now().Add(50 * time.Millisecond)})
	await(r, func(rep Routed) bool { return rep.Done[len(rep.Done)-1].Why == "expired" })
	if d := cmp.Diff([]string{hole.String()}, k.routing()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestRoutingStaysAway: what need not be put back is not, when somebody has removed it; it is after the
// loss of its interface, and at the next takeover.
func TestRoutingStaysAway(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	loose, looseRule := with(net1, func(r *Route) { r.NoTrack = true }), viaTable
	looseRule.NoTrack = true
	r.Want(1, Want{Instances: map[string]Instance{"web": {Routes: []Route{loose, net2}, Rules: []Rule{looseRule}}}})
	r.master("web")
	r.settled()
	k.strangerRoutes(func([]Route) []Route { return nil })
	k.strangerRules(func([]Rule) []Rule { return nil })
	back := seen(net2).String()
	eventually(t, "the other route is back", func() bool { return slices.Equal(k.routing(), []string{back}) })
	r.settled()
	if got := k.routing(); !slices.Equal(got, []string{back}) {
		t.Errorf("put back: %v", got)
	}
	all := []string{net1.String(), back, viaTable.String()}
	r.backup("web")
	r.settled()
	r.master("web")
	r.settled()
	if d := cmp.Diff(all, k.routing()); d != "" {
		t.Errorf("after another takeover: -want +got:\n%s", d)
	}
	k.setUp("eth0", false)
	await(r, func(rep RoutingFailed) bool { return rep.Change.Entry == net1.String() }) // the loss of the interface was seen
	k.setUp("eth0", true)
	eventually(t, "all is back with the interface", func() bool { return len(k.routing()) == 3 })
}

// TestAddressDoesNotWait: an address that another node may have does not wait for a great many routes.
func TestAddressDoesNotWait(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	r := startApplier(t, Options{Kernel: k})
	in := Instance{Addresses: []Address{vip}}
	for i := range maxBefore + 1 {
		in.Routes = append(in.Routes, with(net1, func(r *Route) { r.Metric = uint32(i) }))
	}
	r.Want(1, Want{Instances: map[string]Instance{"web": in}})
	r.master("web")
	r.settled()
	k.take()
	r.backup("web")
	r.settled()
	if log := k.take(); len(log) != maxBefore+2 || log[0] != deleteVIP {
		t.Errorf("%d operations, the first %s", len(log), log[0])
	}
}
