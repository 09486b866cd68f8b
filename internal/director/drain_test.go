package director

import (
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// TestDrains: what is removed from a service that stays drains, once, and not what is configured
// again, what goes with its service, or what has no time to.
func TestDrains(t *testing.T) {
	service := func(port uint16, timeout time.Duration, servers ...string) conf.VirtualServer {
		s := conf.VirtualServer{Address: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port), Family: 4, Protocol: conf.TCP,
			Forwarding: conf.NAT, Quorum: 1, DrainTimeout: timeout}
		for _, a := range servers {
			s.RealServers = append(s.RealServers, conf.RealServer{Address: netip.MustParseAddrPort(a), Weight: 5, Forwarding: conf.NAT})
		}
		return s
	}
	config := func(list ...conf.VirtualServer) *conf.Config { return &conf.Config{Services: list} }
	now := time.Unix(1000, 0)
	old := config(service(80, 0, "10.0.0.1:80", "10.0.0.2:80"), service(81, 0, "10.0.0.1:80"), service(82, 0, "10.0.0.1:80"))
	was := desire(old, health{}).services
	now1 := config(service(80, time.Minute, "10.0.0.1:80"), service(81, 0))
	list := drains(nil, was, now1, nil, now)
	first := serverKey{services(now1)[0].key, netip.MustParseAddrPort("10.0.0.2:80")}
	if len(list) != 1 || list[first].until != now.Add(time.Minute) || list[first].destination.Weight != 0 {
		t.Fatalf("%+v", list)
	}
	want := desire(now1, health{}).services
	table := withDrains(want, list)
	if got := plainTable(table)[first.service].Destinations; len(got) != 2 || got[first.address].Weight != 0 || destinations(want, first.service).Len() != 1 {
		t.Errorf("%+v", got)
	}
	if again := drains(list, table, now1, nil, now.Add(time.Second)); again[first].until != now.Add(time.Minute) {
		t.Errorf("another reload gives it more time: %+v", again)
	}
	if back := drains(list, table, old, nil, now); len(back) != 0 {
		t.Errorf("a server that is back drains: %+v", back)
	}
	if gone := drains(list, table, config(), nil, now); len(gone) != 0 {
		t.Errorf("a server of a service that is gone drains: %+v", gone)
	}
}

// TestDrained: a server goes when it has no connection, as its protocol counts them, or is late.
func TestDrained(t *testing.T) {
	now := time.Unix(1000, 0)
	at := netip.MustParseAddrPort("10.0.0.1:80")
	for _, c := range []struct {
		name     string
		protocol uint8
		d        ipvs.DestinationStats
		after    time.Duration
		over     bool
	}{
		{"none", unix.IPPROTO_TCP, ipvs.DestinationStats{}, 0, true},
		{"active", unix.IPPROTO_TCP, ipvs.DestinationStats{Active: 1}, 0, false},
		{"being closed", unix.IPPROTO_TCP, ipvs.DestinationStats{Inactive: 1}, 0, true},
		{"UDP", unix.IPPROTO_UDP, ipvs.DestinationStats{Inactive: 1}, 0, false},
		{"a client that stays", unix.IPPROTO_TCP, ipvs.DestinationStats{Persistent: 1}, 0, false},
		{"its weight is not written yet", unix.IPPROTO_TCP, ipvs.DestinationStats{Destination: ipvs.Destination{Weight: 1}}, 0, false},
		{"late", unix.IPPROTO_TCP, ipvs.DestinationStats{Active: 1}, time.Minute, true},
	} {
		key := ipvs.ServiceKey{Family: 4, Protocol: c.protocol, Addr: netip.MustParseAddr("192.0.2.1"), Port: 80}
		list := map[serverKey]time.Time{{key, at}: now.Add(time.Minute)}
		c.d.Address = at
		stats := ipvs.Stats{Services: []ipvs.ServiceStats{{Key: key, Destinations: []ipvs.DestinationStats{c.d}}}}
		late, over := drained(list, stats, now.Add(c.after))[serverKey{key, at}]
		if over != c.over || late != (c.after > 0) {
			t.Errorf("%s: over %t, late %t", c.name, over, late)
		}
	}
	if over := drained(map[serverKey]time.Time{{}: now.Add(time.Second)}, ipvs.Stats{}, now); len(over) != 0 {
		t.Error("a server of which nothing is known has drained")
	}
}

// TestReloadDrains: a server that a reload removes gets weight 0, and goes when it is idle.
func TestReloadDrains(t *testing.T) {
	drains := func(servers string) string {
		return strings.Replace(serviceText("192.0.2.1", servers), "{\n", "{\n  drain_timeout = \"1m\"\n", 1)
	}
	one := "  real_server \"10.0.0.1\" \"80\" {}\n"
	n := startNode(t, drains(twoServers))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.write(t, drains(one))
	n.Reload()
	n.wait(t, ServerDraining)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=0")
	n.wait(t, ServerDrained)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1")
}

// TestReloadDrainsOverARestart: the server that a reload removed goes on to finish its connections after a crash, in the
// time that it had, also where the reload removed the last but one.
func TestReloadDrainsOverARestart(t *testing.T) {
	drains := func(servers string) string {
		return strings.Replace(serviceText("192.0.2.1", servers), "{\n", "{\n  drain_timeout = \"1h\"\n", 1)
	}
	one := "  real_server \"10.0.0.1\" \"80\" {}\n"
	var active atomic.Uint32
	active.Store(3)
	n := startNode(t, drains(twoServers), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.write(t, drains(one))
	n.Reload()
	until := n.wait(t, ServerDraining).fields["until"]
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=0")
	n.cancel() // as a crash: the kernel keeps all
	must(t, n.end(t))

	same := func(other *node) { other.runDir, other.ipvs = n.runDir, n.ipvs }
	dumps := n.ipvs.Dumps()
	n2 := startNode(t, drains(one), same)
	waitFor(t, "the table is compared", func() bool { return n2.ipvs.Dumps() > dumps })
	n2.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=0")
	kept, err := readDrains(filepath.Join(n.runDir, "drains.json"))
	must(t, err)
	for key, d := range kept {
		if key.address.String() != "10.0.0.2:80" || !d.until.Equal(until.(time.Time)) {
			t.Errorf("%v drains until %v, not %v", key, d.until, until)
		}
	}
	if len(kept) != 1 || n2.count(ServerDraining) > 0 {
		t.Errorf("%v kept\n%s", kept, n2.transcript())
	}
	active.Store(0)
	n2.wait(t, ServerDrained)
	n2.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1")
	if kept, err := readDrains(filepath.Join(n.runDir, "drains.json")); err != nil || len(kept) > 0 {
		t.Errorf("afterwards %v, %v", kept, err)
	}
}

// TestStopEndsReloadsDrains: a stop in order takes the services, and leaves the next process nothing to go on with.
func TestStopEndsReloadsDrains(t *testing.T) {
	var active atomic.Uint32
	active.Store(3)
	config := func(servers string) string {
		return strings.Replace(serviceText("192.0.2.1", servers), "{\n", "{\n  drain_timeout = \"1h\"\n", 1)
	}
	n := startNode(t, config(twoServers), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.write(t, config("  real_server \"10.0.0.1\" \"80\" {}\n"))
	n.Reload()
	n.wait(t, ServerDraining)
	n.Stop()
	n.wait(t, Stopped)
	must(t, n.end(t))
	n.kernelHas(t)
	if kept, err := readDrains(filepath.Join(n.runDir, "drains.json")); err != nil || len(kept) > 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestCountAfter(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: time.Second, 10 * time.Millisecond: time.Second,
		30 * time.Millisecond: 3 * time.Second, time.Second: 10 * time.Second, time.Duration(1) << 62: 10 * time.Second} {
		if got := countAfter(took); got != want {
			t.Errorf("after %s: %s, want %s", took, got, want)
		}
	}
}
