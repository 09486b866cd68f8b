package ipvs

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// written is what is written into a message.
func written(fill func(*message)) []byte {
	var m message
	fill(&m)
	return m.b
}

// dumped is what a dump shows of a service that was written so.
func dumped(t *testing.T, key ServiceKey, s Service) ServiceStats {
	t.Helper()
	got, err := parseService(written(func(m *message) { m.service(key, &s) }))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestServiceRoundTrip(t *testing.T) {
	for _, key := range []ServiceKey{
		tcp("192.168.2.11:80"), tcp("[2001:db8::1]:443"),
		{Family: 4, Protocol: unix.IPPROTO_UDP, Addr: netip.MustParseAddr("192.0.2.1")},
		{Family: 4, FWMark: 1 << 31}, {Family: 6, FWMark: 100},
	} {
		for _, s := range []Service{
			{Scheduler: "rr", Netmask: HostMask(key.Family)},
			{Scheduler: "mh", Flags: Persistent | OnePacket | SchedFlag1 | SchedFlag2 | SchedFlag3, Timeout: 1 << 20, Netmask: 64, PEName: "sip"},
		} {
			if got := dumped(t, key, s); got.Key != key || got.Service != s {
				t.Errorf("wrote %v %+v, read %v %+v", key, s, got.Key, got.Service)
			}
		}
	}
}

func TestDestinationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Destination{
			Forward:        rapid.SampledFrom([]Forward{Masquerade, Local, Tunnel, Route, Bypass}).Draw(t, "forward"),
			Weight:         rapid.Uint32().Draw(t, "weight"),
			UpperThreshold: rapid.Uint32().Draw(t, "upper"),
			LowerThreshold: rapid.Uint32().Draw(t, "lower"),
		}
		if d.Forward == Tunnel {
			d.TunnelType = TunnelType(rapid.Uint8().Draw(t, "type"))
			d.TunnelPort = rapid.Uint16().Draw(t, "port")
			d.TunnelFlags = rapid.Uint16().Draw(t, "flags")
		}
		addr := netip.AddrPortFrom(netip.MustParseAddr(rapid.SampledFrom([]string{"10.0.0.1", "2001:db8::2"}).Draw(t, "address")), rapid.Uint16().Draw(t, "port"))
		// The family of the service does not matter: the destination says its own.
		got, err := parseDestination(written(func(m *message) { m.destination(addr, &d) }), rapid.SampledFrom([]uint8{4, 6}).Draw(t, "family"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Address != addr || got.Destination != d {
			t.Fatalf("wrote %v %+v, read %v %+v", addr, d, got.Address, got.Destination)
		}
	})
}

// The bytes that the kernel expects on a little-endian machine (linux/ip_vs.h).
func TestWireFormat(t *testing.T) {
	if nl.NativeEndian().Uint16([]byte{1, 0}) != 1 {
		t.Log("the bytes of a big-endian machine are others; the round trips cover them")
		return
	}
	s := Service{Scheduler: "rr", Flags: Persistent, Timeout: 300, Netmask: 0xffffff00}
	for _, tc := range []struct {
		name string
		fill func(*message)
		want string
	}{
		{"service", func(m *message) { m.service(tcp("192.168.2.11:80"), &s) }, "4800 0100" +
			"0600 0100 0200 0000" + "0600 0200 0600 0000" + "0800 0300 c0a8020b" + "0600 0400 0050 0000" +
			"0700 0600 727200 00" + "0c00 0700 01000000 ffffffff" + "0800 0800 2c010000" + "0800 0900 ffffff00"},
		{"mark", func(m *message) { m.service(ServiceKey{Family: 6, FWMark: 7}, nil) }, "1400 0100" + "0600 0100 0a00 0000" + "0800 0500 07000000"},
		{"destination", func(m *message) {
			m.destination(netip.MustParseAddrPort("10.0.0.1:8000"), &Destination{Forward: Tunnel, Weight: 100000, TunnelType: GUE, TunnelPort: 6080, TunnelFlags: 1})
		},
			"5400 0200" + "0600 0b00 0200 0000" + "0800 0100 0a000001" + "0600 0200 1f40 0000" + "0800 0300 02000000" +
				"0800 0400 a0860100" + "0800 0500 00000000" + "0800 0600 00000000" + "0500 0d00 01000000" + "0600 0e00 17c0 0000" + "0600 0f00 0100 0000"},
		{"destination's name", func(m *message) { m.destination(netip.MustParseAddrPort("[2001:db8::1]:80"), nil) },
			"2800 0200" + "0600 0b00 0a00 0000" + "1400 0100 20010db8000000000000000000000001" + "0600 0200 0050 0000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := ""
			for _, c := range tc.want {
				if c != ' ' {
					want += string(c)
				}
			}
			if got := hex.EncodeToString(written(tc.fill)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestReadsWhatOnlyTheKernelWrites(t *testing.T) {
	a := nl.NewRtAttr(attrService, nil)
	a.AddRtAttr(svcFamily, nl.Uint16Attr(unix.AF_INET))
	a.AddRtAttr(svcProtocol, nl.Uint16Attr(unix.IPPROTO_TCP))
	a.AddRtAttr(svcAddr, append([]byte{192, 0, 2, 1}, make([]byte, 12)...)) // 16 bytes for IPv4 too
	a.AddRtAttr(svcPort, nl.BEUint16Attr(80))
	a.AddRtAttr(svcScheduler, []byte("rr")) // without its zero byte
	a.AddRtAttr(svcFlags, append(nl.Uint32Attr(hashed|Persistent), nl.Uint32Attr(^uint32(0))...))
	wide := a.AddRtAttr(svcStats64, nil)
	wide.AddRtAttr(statsConns, nl.Uint64Attr(1<<40))
	wide.AddRtAttr(statsBytesOut, nl.Uint64Attr(1<<50))
	narrow := a.AddRtAttr(svcStats, nil)
	narrow.AddRtAttr(statsConns, nl.Uint32Attr(7))
	s, err := parseService(a.Serialize())
	if err != nil {
		t.Fatal(err)
	}
	if s.Key != tcp("192.0.2.1:80") || s.Service.Flags != Persistent || s.Service.Scheduler != "rr" {
		t.Errorf("read %+v", s)
	}
	if s.Counters.Connections != 1<<40 || s.Counters.BytesOut != 1<<50 {
		t.Errorf("read the counters %+v", s.Counters)
	}

	d := nl.NewRtAttr(attrDest, nil) // an old kernel: no family, 32-bit counters
	d.AddRtAttr(dstAddr, append([]byte{10, 0, 0, 1}, make([]byte, 12)...))
	d.AddRtAttr(dstPort, nl.BEUint16Attr(80))
	d.AddRtAttr(dstForward, nl.Uint32Attr(0x100|uint32(Route)))
	d.AddRtAttr(dstActive, nl.Uint32Attr(1))
	d.AddRtAttr(dstInactive, nl.Uint32Attr(2))
	d.AddRtAttr(dstPersistent, nl.Uint32Attr(3))
	d.AddRtAttr(dstStats, nil).AddRtAttr(statsConns, nl.Uint32Attr(9))
	got, err := parseDestination(d.Serialize(), 4)
	if err != nil {
		t.Fatal(err)
	}
	want := DestinationStats{
		Address: netip.MustParseAddrPort("10.0.0.1:80"), Destination: Destination{Forward: Route},
		Active: 1, Inactive: 2, Persistent: 3, Counters: Counters{Connections: 9},
	}
	if got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestKeyCheck(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.1")
	for name, tc := range map[string]struct {
		key ServiceKey
		ok  bool
	}{
		"address":             {tcp("192.0.2.1:80"), true},
		"address of IPv6":     {tcp("[2001:db8::1]:80"), true},
		"mark":                {ServiceKey{Family: 6, FWMark: 1}, true},
		"nothing":             {ServiceKey{}, false},
		"neither":             {ServiceKey{Family: 4}, false},
		"no address":          {ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP}, false},
		"wrong family":        {ServiceKey{Family: 6, Protocol: unix.IPPROTO_TCP, Addr: v4}, false},
		"mapped address":      {ServiceKey{Family: 6, Protocol: unix.IPPROTO_TCP, Addr: netip.MustParseAddr("::ffff:192.0.2.1")}, false},
		"zone":                {ServiceKey{Family: 6, Protocol: unix.IPPROTO_TCP, Addr: netip.MustParseAddr("fe80::1%eth0")}, false},
		"mark with a port":    {ServiceKey{Family: 4, FWMark: 1, Port: 80}, false},
		"mark with a address": {ServiceKey{Family: 4, FWMark: 1, Addr: v4}, false},
	} {
		if err := (Op{Kind: DeleteService, Key: tc.key}).check(); (err == nil) != tc.ok || err != nil && !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mapped := netip.MustParseAddrPort("[::ffff:10.0.0.1]:80")
	if err := (Op{Kind: AddDestination, Key: tcp("192.0.2.1:80"), Address: mapped}).check(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("mapped destination: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	s := Service{Scheduler: "wlc", PEName: "sip"}
	f.Add(written(func(m *message) { m.service(tcp("192.0.2.1:80"), &s) }))
	f.Add(written(func(m *message) {
		m.destination(netip.MustParseAddrPort("[2001:db8::1]:80"), &Destination{Forward: Tunnel})
	}))
	f.Add([]byte{4, 0, 1, 0, 3})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseService(b); err == nil {
			if kerr := s.Key.check(); kerr != nil && s.Key.Protocol != 0 && !s.Key.Addr.Is4In6() {
				t.Errorf("read a service that cannot be: %+v: %v", s, kerr)
			}
		}
		if d, err := parseDestination(b, 4); err == nil && !d.Address.Addr().IsValid() {
			t.Errorf("read a destination that cannot be: %+v", d)
		}
	})
}
