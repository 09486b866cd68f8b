package ipvs

import (
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lvsd/internal/overlay"
)

// tcp is the key of a TCP service: "192.168.2.11:80".
func tcp(addrPort string) ServiceKey {
	ap := netip.MustParseAddrPort(addrPort)
	key := ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: ap.Addr(), Port: ap.Port()}
	if ap.Addr().Is6() {
		key.Family = 6
	}
	return key
}

// entry is a round robin service with the destinations "address:port" of the weight.
func entry(weight uint32, destinations ...string) Entry {
	e := Entry{
		Service:      Service{Scheduler: "rr", Netmask: HostMask(4)},
		Destinations: map[netip.AddrPort]Destination{},
	}
	for _, d := range destinations {
		e.Destinations[netip.MustParseAddrPort(d)] = Destination{Weight: weight}
	}
	return e
}

func TestPlan(t *testing.T) {
	a, b := tcp("192.168.2.11:80"), tcp("192.168.2.12:80")
	wlc := entry(1, "10.0.0.1:80")
	wlc.Service.Scheduler = "wlc"
	wlc.Service.Flags, wlc.Service.Timeout = Persistent, 300
	route := entry(1, "10.0.0.1:80")
	route.Destinations[netip.MustParseAddrPort("10.0.0.1:80")] = Destination{Weight: 1, Forward: Route}
	swapped := func(first, second uint32) Entry {
		e := entry(first, "10.0.0.1:80")
		e.Destinations[netip.MustParseAddrPort("10.0.0.2:80")] = Destination{Weight: second}
		return e
	}
	for _, tc := range []struct {
		name       string
		want, have Table
		owned      []ServiceKey
		ops        []string
	}{
		{name: "nothing"},
		{
			name: "from nothing, a service at a time",
			want: Table{b: entry(1, "10.0.0.1:80"), a: entry(2, "10.0.0.2:80", "10.0.0.1:80")},
			ops: []string{
				"add service TCP 192.168.2.11:80 (scheduler rr)",
				"add destination 10.0.0.1:80 to TCP 192.168.2.11:80 (NAT weight 2)",
				"add destination 10.0.0.2:80 to TCP 192.168.2.11:80 (NAT weight 2)",
				"add service TCP 192.168.2.12:80 (scheduler rr)",
				"add destination 10.0.0.1:80 to TCP 192.168.2.12:80 (NAT weight 1)",
			},
		},
		{
			name:  "a server is replaced: added before the other goes",
			want:  Table{a: entry(1, "10.0.0.2:80")},
			have:  Table{a: entry(1, "10.0.0.1:80")},
			owned: []ServiceKey{a},
			ops: []string{
				"add destination 10.0.0.2:80 to TCP 192.168.2.11:80 (NAT weight 1)",
				"delete destination 10.0.0.1:80 of TCP 192.168.2.11:80",
			},
		},
		{
			name: "weights swapped: raised before the other falls to 0",
			want: Table{a: swapped(0, 1)},
			have: Table{a: swapped(1, 0)},
			ops: []string{
				"edit destination 10.0.0.2:80 of TCP 192.168.2.11:80 (NAT weight 1)",
				"edit destination 10.0.0.1:80 of TCP 192.168.2.11:80 (NAT weight 0)",
			},
		},
		{
			name: "scheduler and persistence are edited, nothing is deleted",
			want: Table{a: wlc},
			have: Table{a: entry(1, "10.0.0.1:80")},
			ops:  []string{"edit service TCP 192.168.2.11:80 (scheduler wlc, persistent 300 s)"},
		},
		{
			name: "forwarding is edited, nothing is deleted",
			want: Table{a: route},
			have: Table{a: entry(1, "10.0.0.1:80")},
			ops:  []string{"edit destination 10.0.0.1:80 of TCP 192.168.2.11:80 (DR weight 1)"},
		},
		{
			name:  "the last server goes, the service stays",
			want:  Table{a: entry(1)},
			have:  Table{a: entry(1, "10.0.0.1:80")},
			owned: []ServiceKey{a},
			ops:   []string{"delete destination 10.0.0.1:80 of TCP 192.168.2.11:80"},
		},
		{
			name:  "one service for another: the new one stands before the old one goes",
			want:  Table{b: entry(1, "10.0.0.1:80")},
			have:  Table{a: entry(1, "10.0.0.1:80")},
			owned: []ServiceKey{a},
			ops: []string{
				"add service TCP 192.168.2.12:80 (scheduler rr)",
				"add destination 10.0.0.1:80 to TCP 192.168.2.12:80 (NAT weight 1)",
				"delete service TCP 192.168.2.11:80",
			},
		},
		{
			name: "a foreign service is left alone",
			want: Table{},
			have: Table{a: entry(1, "10.0.0.1:80")},
		},
		{
			name:  "a service that is owned already is put back as it was",
			want:  Table{a: entry(1, "10.0.0.1:80")},
			have:  Table{a: entry(7, "10.0.0.1:80", "10.0.0.9:80")},
			owned: []ServiceKey{a},
			ops: []string{
				"edit destination 10.0.0.1:80 of TCP 192.168.2.11:80 (NAT weight 1)",
				"delete destination 10.0.0.9:80 of TCP 192.168.2.11:80",
			},
		},
		{
			name: "a service that somebody else made is adopted",
			want: Table{a: wlc},
			have: Table{a: entry(1)},
			ops: []string{
				"add destination 10.0.0.1:80 to TCP 192.168.2.11:80 (NAT weight 1)",
				"edit service TCP 192.168.2.11:80 (scheduler wlc, persistent 300 s)",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			owned := map[ServiceKey]bool{}
			for _, key := range tc.owned {
				owned[key] = true
			}
			var got []string
			for _, op := range Plan(tc.want.Wanted(), tc.have, owned) {
				got = append(got, op.String())
			}
			if diff := cmp.Diff(tc.ops, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// The generators draw from few values, so that tables have much in common.

func drawKey(t *rapid.T) ServiceKey {
	if rapid.IntRange(0, 4).Draw(t, "mark?") == 0 {
		return ServiceKey{Family: rapid.SampledFrom([]uint8{4, 6}).Draw(t, "family"), FWMark: rapid.Uint32Range(1, 2).Draw(t, "mark")}
	}
	key := tcp(rapid.SampledFrom([]string{"192.0.2.1:80", "192.0.2.1:443", "192.0.2.2:80", "[2001:db8::1]:80"}).Draw(t, "vip"))
	key.Protocol = rapid.SampledFrom([]uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP}).Draw(t, "protocol")
	return key
}

func drawEntry(t *rapid.T) Entry {
	e := Entry{
		Service: Service{
			Scheduler: rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler"),
			Flags:     rapid.SampledFrom([]uint32{0, Persistent, OnePacket}).Draw(t, "flags"),
			Netmask:   24,
		},
		Destinations: map[netip.AddrPort]Destination{},
	}
	for range rapid.IntRange(0, 3).Draw(t, "servers") {
		addr := netip.MustParseAddrPort(rapid.SampledFrom([]string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:81", "10.0.0.3:80"}).Draw(t, "rip"))
		e.Destinations[addr] = Destination{
			Forward: rapid.SampledFrom([]Forward{Masquerade, Tunnel, Route}).Draw(t, "forward"),
			Weight:  rapid.Uint32Range(0, 2).Draw(t, "weight"),
		}
	}
	return e
}

func drawTable(t *rapid.T) Table {
	table := Table{}
	for range rapid.IntRange(0, 5).Draw(t, "services") {
		table[drawKey(t)] = drawEntry(t)
	}
	return table
}

func cloneTable(t Table) Table {
	out := Table{}
	for key, e := range t {
		out[key] = Entry{Service: e.Service, Destinations: maps.Clone(e.Destinations)}
	}
	return out
}

// candidates says whether the service has a destination, and whether one takes connections.
func candidates(e Entry) (any, live bool) {
	for _, d := range e.Destinations {
		any = true
		live = live || d.Weight > 0
	}
	return any, live
}

func TestPlanLeadsFromAnyTableToAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, have := drawTable(t), drawTable(t)
		owned := map[ServiceKey]bool{}
		for key := range have {
			if rapid.Bool().Draw(t, "owned") {
				owned[key] = true
			}
		}
		expected := cloneTable(want)
		for key, e := range have {
			if _, ok := want[key]; !ok && !owned[key] {
				expected[key] = e
			}
		}
		ops := Plan(want.Wanted(), have, owned)
		if diff := cmp.Diff(ops, Plan(cloneTable(want).Wanted(), cloneTable(have), owned), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
			t.Fatalf("two plans for the same tables differ:\n%s", diff)
		}
		table := cloneTable(have)
		for _, op := range ops {
			if err := strict(table, op); err != "" {
				t.Fatalf("%s: %s", op, err)
			}
			table.apply(op)
			for key, e := range table {
				before, both := have[key]
				if _, ok := want[key]; !ok || !both {
					continue
				}
				wasAny, wasLive := candidates(before)
				willAny, willLive := candidates(want[key])
				isAny, isLive := candidates(e)
				if wasAny && willAny && !isAny {
					t.Fatalf("after %s the service has no destination", op)
				}
				if wasLive && willLive && !isLive {
					t.Fatalf("after %s the service has no destination with a weight", op)
				}
			}
		}
		if diff := cmp.Diff(expected, table, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
			t.Fatalf("the plan does not lead there (-want +got):\n%s", diff)
		}
		if again := Plan(want.Wanted(), table, owned); len(again) != 0 {
			t.Fatalf("a second plan is not empty: %v", again)
		}
		if same := Plan(want.Wanted(), cloneTable(want), owned); len(same) != 0 {
			t.Fatalf("a plan for equal tables is not empty: %v", same)
		}
		for key := range want {
			owned[key] = true
		}
		since := want.Wanted()
		next := drawNext(t, since)
		if diff := cmp.Diff(Plan(next, table, owned), planSince(since, next, table, owned), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
			t.Fatalf("a plan from what differs is another one:\n%s", diff)
		}
	})
}

// strict says what the kernel would refuse about op.
func strict(t Table, op Op) string {
	e, ok := t[op.Key]
	_, there := e.Destinations[op.Address]
	switch {
	case op.Kind == AddService && ok:
		return "the service exists"
	case op.Kind != AddService && !ok:
		return "there is no such service"
	case op.Kind == AddDestination && there:
		return "the destination exists"
	case (op.Kind == EditDestination || op.Kind == DeleteDestination) && !there:
		return "there is no such destination"
	}
	return ""
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]string{
		"TCP 192.168.2.11:80":          tcp("192.168.2.11:80").String(),
		"TCP [2001:db8::1]:80":         tcp("[2001:db8::1]:80").String(),
		"FWM 100":                      ServiceKey{Family: 4, FWMark: 100}.String(),
		"FWM 100 IPv6":                 ServiceKey{Family: 6, FWMark: 100}.String(),
		"SCTP 192.0.2.1:0":             ServiceKey{Family: 4, Protocol: unix.IPPROTO_SCTP, Addr: netip.MustParseAddr("192.0.2.1")}.String(),
		"PROTO99 192.0.2.1:1":          ServiceKey{Family: 4, Protocol: 99, Addr: netip.MustParseAddr("192.0.2.1"), Port: 1}.String(),
		"TUN weight 3":                 Destination{Forward: Tunnel, Weight: 3}.String(),
		"Local weight 0":               Destination{Forward: Local}.String(),
		"delete service FWM 1":         Op{Kind: DeleteService, Key: ServiceKey{Family: 4, FWMark: 1}}.String(),
		"DR weight 1, thresholds 5-10": Destination{Forward: Route, Weight: 1, UpperThreshold: 10, LowerThreshold: 5}.String(),
		"TUN weight 1, tunnel type 1 port 6080 flags 1":             Destination{Forward: Tunnel, Weight: 1, TunnelType: GUE, TunnelPort: 6080, TunnelFlags: 1}.String(),
		"scheduler sh, persistent 60 s mask 0xffffff00, flags 0x10": Service{Scheduler: "sh", Flags: Persistent | SchedFlag2, Timeout: 60, Netmask: 0xffffff00}.String(),
		"scheduler rr, persistent 360 s, flags 0x4, engine sip":     Service{Scheduler: "rr", Flags: Persistent | OnePacket, Timeout: 360, Netmask: HostMask(6), PEName: "sip"}.String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// sized is a table of services × destinations.
// drawNext draws a wanted table that comes after another: made from it, or with nothing in common.
func drawNext(t *rapid.T, since Wanted) Wanted {
	other := drawTable(t)
	if rapid.Bool().Draw(t, "anew") {
		return other.Wanted()
	}
	changes := map[ServiceKey]overlay.Change[WantedService]{}
	for key, s := range other {
		was, _ := since.Get(key)
		switch rapid.IntRange(0, 3).Draw(t, key.String()+" becomes") {
		case 0:
			changes[key] = overlay.Change[WantedService]{Gone: true}
		case 1:
			changes[key] = overlay.Change[WantedService]{Value: WantedService{Service: s.Service, Destinations: overlay.Of(s.Destinations)}}
		case 2:
			destinations := map[netip.AddrPort]overlay.Change[Destination]{}
			for addr, d := range s.Destinations {
				destinations[addr] = overlay.Change[Destination]{Value: d, Gone: rapid.Bool().Draw(t, "gone")}
			}
			changes[key] = overlay.Change[WantedService]{Value: WantedService{Service: s.Service, Destinations: was.Destinations.With(destinations)}}
		}
	}
	return since.With(changes)
}

func sized(services, destinations int) Table {
	t := make(Table, services)
	for s := range services {
		key := ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.AddrFrom4([4]byte{192, 168, byte(s >> 8), byte(s)}), Port: 80}
		e := Entry{Service: Service{Scheduler: "rr", Netmask: HostMask(4)}, Destinations: map[netip.AddrPort]Destination{}}
		for d := range destinations {
			e.Destinations[netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(d >> 8), byte(d)}), 80)] = Destination{Weight: 1}
		}
		t[key] = e
	}
	return t
}

func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct {
		name                   string
		services, destinations int
	}{{"100x100", 100, 100}, {"10000x1", 10000, 1}, {"1x10000", 1, 10000}} {
		want, have := sized(size.services, size.destinations), sized(size.services, size.destinations)
		wanted := want.Wanted()
		run := func(name string, have Table, ops int) {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if got := len(Plan(wanted, have, nil)); got != ops {
						b.Fatalf("%d operations, want %d", got, ops)
					}
				}
			})
		}
		run("equal", have, 0)
		key := ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.MustParseAddr("192.168.0.0"), Port: 80}
		have[key].Destinations[netip.MustParseAddrPort("10.0.0.0:80")] = Destination{Weight: 0}
		run("one change", have, 1)
		run("from nothing", Table{}, size.services*(size.destinations+1))
		b.Run(size.name+"/one change since", func(b *testing.B) {
			agreed, _ := wanted.Get(key)
			agreed.Destinations = agreed.Destinations.With(map[netip.AddrPort]overlay.Change[Destination]{
				netip.MustParseAddrPort("10.0.0.0:80"): {Value: Destination{Weight: 0}}})
			since := wanted.With(map[ServiceKey]overlay.Change[WantedService]{key: {Value: agreed}})
			b.ReportAllocs()
			for b.Loop() {
				if got := len(planSince(since, wanted, have, nil)); got != 1 {
					b.Fatalf("%d operations", got)
				}
			}
		})
	}
}

func TestOpErrorNamesTheScheduler(t *testing.T) {
	err := &OpError{Op: Op{Kind: AddService, Key: tcp("192.0.2.1:80"), Service: Service{Scheduler: "nosuch", PEName: "sip"}}, Err: unix.ENOENT}
	if !strings.Contains(err.Error(), `no scheduler "nosuch" (module ip_vs_nosuch) or no persistence engine "sip"`) {
		t.Error(err)
	}
	err = &OpError{Op: Op{Kind: DeleteDestination, Key: tcp("192.0.2.1:80"), Address: netip.MustParseAddrPort("10.0.0.1:80")}, Err: unix.ENOENT}
	if got, want := err.Error(), "delete destination 10.0.0.1:80 of TCP 192.0.2.1:80: no such file or directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
