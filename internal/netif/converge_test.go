package netif

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestConverges: whatever is ordered, by whomever the kernel is meddled with and whatever fails
// meanwhile, in the end what is there is what was ordered last.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		devs := []string{"eth0", "eth1"}
		pool := []Address{
			vip, gate, addr("192.0.2.11/32", "eth0"), addr("192.0.2.12/24", "eth0"), addr("2001:db8::1/64", "eth1"),
			{Prefix: vip.Prefix, Dev: "eth0", Label: "eth0:vip"},
		}
		names := []string{"a", "b"}
		k := newFakeKernel(t, devs...)
		r := startApplier(t, Options{Kernel: k})
		defer r.stop()
		want, roles, generation := Want{}, map[string]Role{}, uint64(0)
		somebody := rapid.SampledFrom(pool)
		way := rapid.SampledFrom([]Route{net1, other1, net2, both, two6, hole})
		elsewhere := viaTable
		elsewhere.Table = 200
		lookup := rapid.SampledFrom([]Rule{viaTable, elsewhere})

		order := func() {
			instances := make(map[string]Instance)
			for _, name := range names {
				instances[name] = Instance{Addresses: rapid.SliceOfN(somebody, 0, 4).Draw(rt, name), Repeat: 1,
					Routes: rapid.SliceOfN(way, 0, 4).Draw(rt, name+" routes"), Rules: rapid.SliceOfN(lookup, 0, 2).Draw(rt, name+" rules")}
			}
			instances["static"] = Instance{Routes: rapid.SliceOfN(way, 0, 2).Draw(rt, "static"), Static: true}
			generation++
			want = Want{Instances: instances}
			r.Want(generation, want)
		}
		order()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				order()
			case 1:
				name := rapid.SampledFrom(names).Draw(rt, "name")
				roles[name] = Role{Master: rapid.Bool().Draw(rt, "master"), Until: time.Now().Add(time.Hour)}
				r.Role(name, roles[name])
			case 2:
				k.strangerDeletes(somebody.Draw(rt, "deleted"))
			case 3:
				op := rapid.SampledFrom([]OpKind{Add, Delete}).Draw(rt, "kind")
				errno := rapid.SampledFrom([]error{unix.EBUSY, unix.ENOBUFS, unix.ENODEV}).Draw(rt, "errno")
				k.failNext(op.String()+" "+somebody.Draw(rt, "failing").String(), errno)
			case 4:
				dev := rapid.SampledFrom(devs).Draw(rt, "dev")
				k.linkGoes(dev)
				k.linkAppears(dev, nil)
			case 5:
				k.failNext(rapid.SampledFrom([]string{"dump", "routing"}).Draw(rt, "blind"), unix.EBUSY)
			case 6:
				k.strangerRoutes(func(all []Route) []Route { return all[:len(all)/2] })
			case 7:
				k.strangerRules(func([]Rule) []Rule { return nil })
			case 8:
				entry := "route " + way.Draw(rt, "failing route").parts()[0].String()
				if rapid.Bool().Draw(rt, "of a rule") {
					entry = "rule " + lookup.Draw(rt, "failing rule").String()
				}
				k.failNext(rapid.SampledFrom([]string{"add ", "delete "}).Draw(rt, "kind")+entry, unix.EBUSY)
			case 9:
				k.setUp("eth0", false)
				k.setUp("eth0", true)
			}
		}
		_, holder := desired(want, roles, time.Now())
		ways, _ := claims(want, roles, time.Now(), routesOf(want))
		lookups, _ := claims(want, roles, time.Now(), rulesOf(want))
		var routing []string
		for _, c := range ways {
			routing = append(routing, seen(c.entry).String())
		}
		for _, c := range lookups {
			routing = append(routing, c.entry.String())
		}
		slices.Sort(routing)
		var d string
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			there := make(map[Address]bool)
			for _, a := range k.addresses() {
				there[a] = true
			}
			due := make(map[Address]bool)
			for a := range maps.Keys(holder) {
				due[a] = true
			}
			got := k.routing()
			slices.Sort(got)
			if d = cmp.Diff(due, there, comparePrefix) + cmp.Diff(routing, got); d == "" {
				return
			}
			if time.Now().After(deadline) {
				rt.Fatalf("-due +there:\n%s", d)
			}
		}
	})
}

// TestStruggle: somebody who deletes an address again and again does not keep a processor busy.
func TestStruggle(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.master("web")
	r.settled()
	k.take()
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; time.Sleep(time.Millisecond) {
		k.strangerDeletes(vip)
	}
	added := 0
	for _, line := range k.take() {
		if line == addVIP {
			added++
		}
	}
	if added == 0 || added > freeTimes {
		t.Errorf("added %d times in 300 ms, want 1 to %d", added, freeTimes)
	}
	eventually(t, "the address is back", func() bool { return len(k.addresses()) == 2 })
}
