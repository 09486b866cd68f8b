package netif

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var (
	comparePrefix = cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})
	start         = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func addr(prefix, dev string) Address {
	return Address{Prefix: netip.MustParsePrefix(prefix), Dev: dev}
}

func set(addresses ...Address) map[Address]struct{} {
	s := make(map[Address]struct{})
	for _, a := range addresses {
		s[a] = struct{}{}
	}
	return s
}

func TestPlan(t *testing.T) {
	vip, gate := addr("192.168.2.11/24", "eth0"), addr("10.10.10.9/24", "eth1")
	own, ownInside := addr("192.168.2.2/24", "eth0"), addr("10.10.10.2/24", "eth1")
	narrow := addr("192.168.2.11/32", "eth0")
	labelled, scoped := vip, vip
	labelled.Label, scoped.Scope = "eth0:vip", 253
	peered, peeredToo, itself := vip, vip, vip
	peered.Peer, peeredToo.Peer, itself.Peer = netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("10.8.0.2"), vip.Prefix.Addr()
	repeatLabel := vip
	repeatLabel.Label = "eth0"
	v6 := addr("2001:db8::9/64", "eth0")
	linkLocal := addr("fe80::1/64", "eth0")
	v6wide := addr("2001:db8::9/48", "eth0")
	mapped := addr("::ffff:192.168.2.11/120", "eth0")

	web := Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, gate}}}}
	one := func(a Address) Want { return Want{Instances: map[string]Instance{"web": {Addresses: []Address{a}}}} }
	two := Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, own, ownInside}}}}
	master := map[string]Role{"web": {Master: true, Until: start.Add(1)}}
	backup := map[string]Role{"web": {Until: start.Add(time.Hour)}}
	stale := map[string]Role{"web": {Master: true, Until: start}}

	add := func(a Address) Op { return Op{Kind: Add, Address: a, Instance: "web"} }
	del := func(a Address) Op { return Op{Kind: Delete, Address: a, Instance: "web"} }
	replace := func(a Address) Op { return Op{Kind: Delete, Address: a, Instance: "web", Replace: true} }

	for name, c := range map[string]struct {
		want  Want
		roles map[string]Role
		have  []Address
		owned []Address
		ops   []Op
	}{
		"nothing wanted, nothing there":                                {},
		"nothing wanted, others' addresses stay":                       {have: []Address{own, vip}},
		"a master's addresses are added":                               {web, master, []Address{own}, nil, []Op{add(vip), add(gate)}},
		"only the missing one is added":                                {web, master, []Address{own, vip}, nil, []Op{add(gate)}},
		"a master with all has nothing to do":                          {web, master, []Address{own, vip, gate}, nil, nil},
		"a backup with none has nothing to do":                         {web, backup, []Address{own}, nil, nil},
		"a backup's addresses are deleted":                             {web, backup, []Address{own, vip, ownInside, gate}, nil, []Op{del(vip), del(gate)}},
		"an instance without a role is not master":                     {web, nil, []Address{own, vip}, nil, []Op{del(vip)}},
		"nothing is added when Until has come":                         {web, stale, []Address{own}, nil, nil},
		"all is deleted when Until has come":                           {web, stale, []Address{own, vip}, nil, []Op{del(vip)}},
		"an owned address not wanted is deleted":                       {Want{}, nil, []Address{own, vip}, []Address{vip}, []Op{{Kind: Delete, Address: vip}}},
		"an owned address not there is nothing":                        {Want{}, nil, []Address{own}, []Address{vip}, nil},
		"an owned address still wanted stays":                          {web, master, []Address{vip, gate}, []Address{vip, gate}, nil},
		"an address moves to another interface":                        {one(addr("192.168.2.11/24", "eth1")), master, []Address{vip}, []Address{vip}, []Op{add(addr("192.168.2.11/24", "eth1")), {Kind: Delete, Address: vip}}},
		"another prefix length: add before delete":                     {one(narrow), master, []Address{own, vip}, nil, []Op{add(narrow), replace(vip)}},
		"another label: delete before add":                             {one(labelled), master, []Address{vip}, nil, []Op{replace(vip), add(labelled)}},
		"another scope: delete before add":                             {one(scoped), master, []Address{vip}, nil, []Op{replace(vip), add(scoped)}},
		"IPv6, another length: delete before add":                      {one(v6), master, []Address{v6wide}, nil, []Op{replace(v6wide), add(v6)}},
		"a superfluous variant is deleted":                             {one(vip), master, []Address{own, vip, narrow}, nil, []Op{replace(narrow)}},
		"a backup's address in another form":                           {one(vip), backup, []Address{own, narrow}, nil, []Op{del(narrow)}},
		"the host's own address, claimed, stays":                       {one(vip), backup, []Address{vip}, nil, nil},
		"all of the host's addresses, claimed, stay":                   {two, backup, []Address{own, vip, ownInside}, nil, nil},
		"an address elsewhere does not replace it":                     {one(vip), backup, []Address{vip, ownInside}, nil, nil},
		"an address of the other family does not":                      {one(vip), backup, []Address{vip, v6}, nil, nil},
		"another left-over does not":                                   {one(vip), backup, []Address{vip, narrow, own}, []Address{own}, []Op{{Kind: Delete, Address: own}}},
		"it stays in the form that a master does not want":             {one(narrow), master, []Address{vip}, nil, []Op{add(narrow)}},
		"it is removed where it is known to be ours":                   {one(vip), backup, []Address{vip}, []Address{vip}, []Op{del(vip)}},
		"known to be ours on another interface is not":                 {one(vip), backup, []Address{vip}, []Address{addr("192.168.2.11/24", "eth1")}, nil},
		"IPv6: the host's own address stays beside a link-local one":   {one(v6), backup, []Address{v6, linkLocal}, nil, nil},
		"IPv6: a claimed address is removed beside another":            {one(v6), backup, []Address{v6, addr("2001:db8::1/64", "eth0")}, nil, []Op{del(v6)}},
		"IPv6: a link-local one beside another":                        {one(linkLocal), backup, []Address{linkLocal, addr("fe80::2/64", "eth0")}, nil, []Op{del(linkLocal)}},
		"the interface's name as label is no label":                    {one(repeatLabel), master, []Address{vip}, nil, nil},
		"IPv6 knows no label and no scope":                             {one(Address{Prefix: v6.Prefix, Dev: "eth0", Label: "eth0:x", Scope: 200}), master, []Address{v6}, nil, nil},
		"an IPv4-mapped address is an IPv4 address":                    {one(mapped), master, []Address{vip}, nil, nil},
		"the same address on another interface of somebody else stays": {one(vip), master, []Address{vip, addr("192.168.2.11/24", "eth7")}, nil, nil},
		"a peer of another subnet: add before delete":                  {one(peered), master, []Address{own, vip}, nil, []Op{add(peered), replace(vip)}},
		"another peer of the same subnet: delete before add":           {one(peered), master, []Address{peeredToo}, nil, []Op{replace(peeredToo), add(peered)}},
		"itself as peer is none":                                       {one(itself), master, []Address{vip}, nil, nil},
		"twice in one instance is once":                                {Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, vip, labelled}}}}, master, nil, nil, []Op{add(vip)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Plan(c.want, c.roles, set(c.have...), set(c.owned...), start)
			if d := cmp.Diff(c.ops, got, comparePrefix); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestPlanOfTwoInstances(t *testing.T) {
	vip, other, own := addr("192.0.2.1/32", "eth0"), addr("192.0.2.2/32", "eth0"), addr("192.0.2.3/32", "eth0")
	want := Want{Instances: map[string]Instance{
		"a": {Addresses: []Address{vip}},
		"b": {Addresses: []Address{vip, other}},
	}}
	live := Role{Master: true, Until: start.Add(time.Second)}
	for name, c := range map[string]struct {
		roles map[string]Role
		have  []Address
		ops   []Op
	}{
		"shared by a backup, it stays with the master": {map[string]Role{"b": live}, []Address{vip, other}, nil},
		"shared by two masters, the first has it":      {map[string]Role{"a": live, "b": live}, nil, []Op{{Kind: Add, Address: vip, Instance: "a"}, {Kind: Add, Address: other, Instance: "b"}}},
		"additions come before deletions":              {map[string]Role{"a": live}, []Address{own, other}, []Op{{Kind: Add, Address: vip, Instance: "a"}, {Kind: Delete, Address: other, Instance: "b"}}},
		"surrendered by both, the first is named":      {nil, []Address{vip, own}, []Op{{Kind: Delete, Address: vip, Instance: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Plan(want, c.roles, set(c.have...), nil, start)
			if d := cmp.Diff(c.ops, got, comparePrefix); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestPlanConverges: carried out in order on a kernel with the kernel's rules, a plan fails
// nowhere, leaves what is due, nothing that is ours beside it and all that is not ours, and
// leaves nothing to plan.
func TestPlanConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anAddress := rapid.Custom(func(t *rapid.T) Address {
			return Address{
				Prefix: netip.MustParsePrefix(rapid.SampledFrom([]string{
					"192.0.2.1/24", "192.0.2.1/32", "192.0.2.2/24", "192.0.2.3/32", "2001:db8::1/64", "2001:db8::1/128",
					"fe80::1/64",
				}).Draw(t, "prefix")),
				Dev:   rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "dev"),
				Label: rapid.SampledFrom([]string{"", "eth0", "eth0:v"}).Draw(t, "label"),
				Scope: rapid.SampledFrom([]uint8{0, 253}).Draw(t, "scope"),
			}
		})
		some := rapid.SliceOfN(anAddress, 0, 5)
		want, roles := Want{Instances: map[string]Instance{}}, map[string]Role{}
		wanted := map[place]bool{}
		for _, name := range []string{"a", "b", "c"} {
			in := Instance{Addresses: some.Draw(t, name)}
			want.Instances[name] = in
			for _, a := range in.Addresses {
				wanted[a.place()] = true
			}
			roles[name] = Role{
				Master: rapid.Bool().Draw(t, "master"),
				Until:  start.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until"))),
			}
		}
		have, owned := set(), set(some.Draw(t, "owned")...)
		for _, a := range some.Draw(t, "have") { // a kernel has only canonical ones, one to a slot
			a = a.canonical()
			if !slices.ContainsFunc(slices.Collect(maps.Keys(have)), a.shares) {
				have[a] = struct{}{}
			}
		}

		// What is to be there afterwards, said another way than Plan does.
		due := map[Address]bool{}
		for _, name := range []string{"a", "b", "c"} {
			if r := roles[name]; r.Master && r.Until.After(start) {
				for _, a := range want.Instances[name].Addresses {
					if a = a.canonical(); !slices.ContainsFunc(slices.Collect(maps.Keys(due)), a.shares) {
						due[a] = true
					}
				}
			}
		}
		ours := func(a Address) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(owned)), func(o Address) bool { return o.canonical() == a })
		}
		foreign := set()
		for a := range have {
			if !wanted[a.place()] && !ours(a) {
				foreign[a] = struct{}{}
			}
		}
		after := set(slices.Collect(maps.Keys(due))...)
		for a := range have {
			stays := false // something like it
			for f := range foreign {
				stays = stays || f.Dev == a.Dev && f.Prefix.Addr().Is4() == a.Prefix.Addr().Is4() &&
					f.Prefix.Addr().IsLinkLocalUnicast() == a.Prefix.Addr().IsLinkLocalUnicast()
			}
			makesRoom := slices.ContainsFunc(slices.Collect(maps.Keys(due)), a.shares)
			if !ours(a) && !stays && !makesRoom {
				after[a] = struct{}{}
			}
		}
		maps.Copy(after, foreign)

		k := fakeTable(have)
		for _, op := range Plan(want, roles, have, owned, start) {
			if op.Kind == Add && !due[op.Address] {
				t.Fatalf("%v is not due", op)
			}
			if err := k.do(op); err != nil {
				t.Fatalf("%v: %v", op, err)
			}
		}
		if d := cmp.Diff(after, map[Address]struct{}(k), comparePrefix); d != "" {
			t.Fatalf("-due +there:\n%s", d)
		}
		if ops := Plan(want, roles, k, owned, start); len(ops) > 0 {
			t.Fatalf("still to do: %v", ops)
		}
	})
}

// fakeTable is a kernel's address table.
type fakeTable map[Address]struct{}

func (k fakeTable) do(op Op) error {
	f := &fakeKernel{notify: -1, links: map[string]int{"eth0": 1, "eth1": 2}, table: k, leases: map[Address]Lease{}}
	if op.Kind == Add {
		return f.Add(Lease{Address: op.Address})
	}
	return f.Delete(op.Address)
}
