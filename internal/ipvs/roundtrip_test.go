package ipvs_test

import (
	"errors"
	"maps"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

func TestRoundTripInMemory(t *testing.T) {
	kernel := ipvstest.NewKernel()
	roundTrip(t, kernel.Open)
	kernel.CheckClosed(t)
}

func TestErrnosInMemory(t *testing.T) {
	errnos(t, ipvstest.NewKernel().Open)
}

// key is a service of any protocol.
func key(protocol uint8, addrPort string) ipvs.ServiceKey {
	k := service(addrPort)
	k.Protocol = protocol
	if k.Addr.Is6() {
		k.Family = 6
	}
	return k
}

func destinations(d ...any) map[netip.AddrPort]ipvs.Destination {
	out := map[netip.AddrPort]ipvs.Destination{}
	for i := 0; i < len(d); i += 2 {
		out[netip.MustParseAddrPort(d[i].(string))] = d[i+1].(ipvs.Destination)
	}
	return out
}

// everything is a table with all that a service and a destination can be.
func everything() ipvs.Table {
	nat, route, tunnel := ipvs.Masquerade, ipvs.Route, ipvs.Tunnel
	v4, v6 := ipvs.HostMask(4), ipvs.HostMask(6)
	return ipvs.Table{
		key(unix.IPPROTO_TCP, "192.168.2.11:80"): {
			Service: ipvs.Service{Scheduler: "wrr", Netmask: v4},
			Destinations: destinations(
				"10.10.10.11:8000", ipvs.Destination{Forward: nat, Weight: 2},
				"10.10.10.12:8000", ipvs.Destination{Forward: nat, Weight: 100000},
				"10.10.10.13:80", ipvs.Destination{Forward: nat}),
		},
		key(unix.IPPROTO_TCP, "192.168.2.11:0"): {
			Service:      ipvs.Service{Scheduler: "rr", Flags: ipvs.Persistent, Timeout: 300, Netmask: 0xffffff00},
			Destinations: destinations("10.10.10.11:0", ipvs.Destination{Forward: route, Weight: 1}),
		},
		key(unix.IPPROTO_UDP, "192.168.2.11:53"): {
			Service:      ipvs.Service{Scheduler: "rr", Flags: ipvs.OnePacket, Netmask: v4},
			Destinations: destinations("10.10.10.11:53", ipvs.Destination{Forward: nat, Weight: 1, UpperThreshold: 100, LowerThreshold: 50}),
		},
		key(unix.IPPROTO_UDP, "192.168.2.11:5060"): {
			Service:      ipvs.Service{Scheduler: "wlc", Flags: ipvs.Persistent, Timeout: 60, Netmask: v4, PEName: "sip"},
			Destinations: destinations("10.10.10.11:5060", ipvs.Destination{Forward: nat, Weight: 1}),
		},
		key(unix.IPPROTO_SCTP, "192.168.2.11:2905"): {
			Service:      ipvs.Service{Scheduler: "sh", Flags: ipvs.SchedFlag1 | ipvs.SchedFlag2, Netmask: v4},
			Destinations: destinations("10.10.10.11:2905", ipvs.Destination{Forward: nat, Weight: 1}),
		},
		key(unix.IPPROTO_TCP, "192.168.2.12:443"): {
			Service: ipvs.Service{Scheduler: "mh", Flags: ipvs.SchedFlag2, Netmask: v4},
			Destinations: destinations(
				"10.10.10.11:443", ipvs.Destination{Forward: tunnel, Weight: 1},
				"10.10.10.12:443", ipvs.Destination{Forward: tunnel, Weight: 1, TunnelType: ipvs.GUE, TunnelPort: 6080, TunnelFlags: 1},
				"10.10.10.13:443", ipvs.Destination{Forward: tunnel, Weight: 1, TunnelType: ipvs.GRE},
				"[2001:db8:10::13]:443", ipvs.Destination{Forward: tunnel, Weight: 1}),
		},
		key(unix.IPPROTO_TCP, "[2001:db8::11]:80"): {
			Service: ipvs.Service{Scheduler: "lc", Flags: ipvs.Persistent, Timeout: 360, Netmask: 64},
			Destinations: destinations(
				"[2001:db8:10::11]:8000", ipvs.Destination{Forward: nat, Weight: 1},
				"[2001:db8:10::12]:80", ipvs.Destination{Forward: route, Weight: 1},
				"10.10.10.12:80", ipvs.Destination{Forward: tunnel, Weight: 1}),
		},
		{Family: 4, FWMark: 100}: {
			Service:      ipvs.Service{Scheduler: "rr", Netmask: v4},
			Destinations: destinations("10.10.10.11:0", ipvs.Destination{Forward: route, Weight: 1}),
		},
		{Family: 6, FWMark: 100}: {
			Service:      ipvs.Service{Scheduler: "rr", Netmask: v6},
			Destinations: destinations("[2001:db8:10::11]:0", ipvs.Destination{Forward: route, Weight: 1}),
		},
		key(unix.IPPROTO_TCP, "192.168.2.13:80"): {Service: ipvs.Service{Scheduler: "rr", Netmask: v4}},
	}
}

// changed is everything with each of its parts another.
func changed() ipvs.Table {
	out := everything()
	for key, e := range out {
		e.Service.Scheduler = "wlc"
		e.Service.Flags ^= ipvs.Persistent
		e.Service.Timeout += 60
		e.Service.PEName = ""
		for addr, d := range e.Destinations {
			if d.Forward == ipvs.Tunnel {
				d.TunnelType, d.TunnelPort, d.TunnelFlags = ipvs.GUE, d.TunnelPort+1000, 0
			} else {
				d.Forward = ipvs.Masquerade + ipvs.Route - d.Forward
			}
			d.Weight++
			d.UpperThreshold += 10
			e.Destinations[addr] = d
		}
		out[key] = e
	}
	return out
}

// roundTrip writes tables by way of plans and reads them back. The kernel's table is empty
// before and after.
func roundTrip(t *testing.T, open func() (ipvs.Kernel, error)) {
	kernel, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	owned := map[ipvs.ServiceKey]bool{}
	for key := range everything() {
		owned[key] = true
	}
	for name, table := range []ipvs.Table{everything(), changed(), {}, changed(), everything(), {}} {
		have, err := kernel.Dump()
		if err != nil {
			t.Fatal(err)
		}
		ops := ipvs.Plan(table.Wanted(), have, owned)
		for i, err := range kernel.Apply(ops) {
			if err != nil {
				t.Errorf("table %d: %s: %v", name, ops[i], err)
			}
		}
		have, err = kernel.Dump()
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(table, have); d != "" {
			t.Errorf("table %d (-want +got):\n%s", name, d)
		}
		if same, err := ipvs.Shows(kernel, table); err != nil || !same {
			t.Errorf("table %d: a look at it: the same %t, %v", name, same, err)
		}
		for key, e := range table {
			for addr, d := range e.Destinations {
				if d.Forward++; key.FWMark == 0 { // of marks of both families it is not shown which is which
					other := maps.Clone(table)
					other[key] = ipvs.Entry{Service: e.Service, Destinations: maps.Clone(e.Destinations)}
					other[key].Destinations[addr] = d
					if same, err := ipvs.Shows(kernel, other); err != nil || same {
						t.Errorf("table %d: %s of %s, and a look does not tell %s from it, %v", name, addr, key, d, err)
					}
				}
			}
		}
		stats, err := kernel.Stats()
		if err != nil || len(stats) != len(table) {
			t.Errorf("table %d: %d services with counters, %v", name, len(stats), err)
		}
	}
}

// errnos makes mistakes and compares the kernel's answers. The table is empty before and after.
func errnos(t *testing.T, open func() (ipvs.Kernel, error)) {
	kernel, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	v6 := key(unix.IPPROTO_TCP, "[2001:db8::11]:80")
	rr := ipvs.Service{Scheduler: "rr", Netmask: ipvs.HostMask(4)}
	rr6 := ipvs.Service{Scheduler: "rr", Netmask: ipvs.HostMask(6)}
	server := netip.MustParseAddrPort("10.10.10.11:80")
	server6 := netip.MustParseAddrPort("[2001:db8:10::11]:80")
	on := func(kind ipvs.OpKind, key ipvs.ServiceKey, addr netip.AddrPort, d ipvs.Destination) ipvs.Op {
		return ipvs.Op{Kind: kind, Key: key, Address: addr, Destination: d}
	}
	for _, tc := range []struct {
		op   ipvs.Op
		want error
	}{
		{ipvs.Op{Kind: ipvs.EditService, Key: web, Service: rr}, unix.ESRCH},
		{ipvs.Op{Kind: ipvs.DeleteService, Key: web}, unix.ESRCH},
		{on(ipvs.AddDestination, web, server, ipvs.Destination{Weight: 1}), unix.ESRCH},
		{on(ipvs.EditDestination, web, server, ipvs.Destination{Weight: 1}), unix.ESRCH},
		{on(ipvs.DeleteDestination, web, server, ipvs.Destination{}), unix.ESRCH},
		{ipvs.Op{Kind: ipvs.AddService, Key: web, Service: ipvs.Service{Scheduler: "nosuch", Netmask: ipvs.HostMask(4)}}, unix.ENOENT},
		{ipvs.Op{Kind: ipvs.AddService, Key: web, Service: ipvs.Service{Scheduler: "rr", PEName: "nosuch", Netmask: ipvs.HostMask(4)}}, unix.ENOENT},
		{ipvs.Op{Kind: ipvs.AddService, Key: v6, Service: ipvs.Service{Scheduler: "rr"}}, unix.EINVAL},
		{ipvs.Op{Kind: ipvs.AddService, Key: v6, Service: ipvs.Service{Scheduler: "rr", Netmask: 129}}, unix.EINVAL},
		{ipvs.Op{Kind: ipvs.AddService, Key: web, Service: rr}, nil},
		{ipvs.Op{Kind: ipvs.AddService, Key: v6, Service: rr6}, nil},
		{ipvs.Op{Kind: ipvs.AddService, Key: web, Service: rr}, unix.EEXIST},
		{ipvs.Op{Kind: ipvs.EditService, Key: web, Service: ipvs.Service{Scheduler: "nosuch", Netmask: ipvs.HostMask(4)}}, unix.ENOENT},
		{on(ipvs.EditDestination, web, server, ipvs.Destination{Weight: 1}), unix.ENOENT},
		{on(ipvs.DeleteDestination, web, server, ipvs.Destination{}), unix.ENOENT},
		{on(ipvs.AddDestination, web, server, ipvs.Destination{LowerThreshold: 2, UpperThreshold: 1}), unix.ERANGE},
		{on(ipvs.AddDestination, web, server, ipvs.Destination{Weight: 1 << 31}), unix.ERANGE},
		{on(ipvs.AddDestination, web, server6, ipvs.Destination{Weight: 1}), unix.EINVAL},
		{on(ipvs.AddDestination, v6, server, ipvs.Destination{Weight: 1, Forward: ipvs.Route}), unix.EINVAL},
		{on(ipvs.AddDestination, web, server, ipvs.Destination{Weight: 1}), nil},
		{on(ipvs.AddDestination, web, server, ipvs.Destination{Weight: 1}), unix.EEXIST},
		{on(ipvs.EditDestination, web, server, ipvs.Destination{Weight: 1<<31 - 1}), nil},
		{on(ipvs.AddDestination, v6, server, ipvs.Destination{Weight: 1, Forward: ipvs.Tunnel}), nil},
		{on(ipvs.DeleteDestination, v6, server, ipvs.Destination{}), nil},
		{ipvs.Op{Kind: ipvs.DeleteService, Key: v6}, nil},
		{ipvs.Op{Kind: ipvs.DeleteService, Key: web}, nil},
	} {
		if err := kernel.Apply([]ipvs.Op{tc.op})[0]; !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.op, err, tc.want)
		}
	}
	if table, err := kernel.Dump(); err != nil || len(table) != 0 {
		t.Errorf("at the end: %v, %v", table, err)
	}
}
