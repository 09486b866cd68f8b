package netif

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
)

// The filter passes what the addresses are claimed in, and nothing else.
func TestSenderFilter(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	many := make([]netip.Addr, maxFiltered+1)
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	for i := range many {
		many[i] = c
	}
	for _, test := range []struct {
		ips  []netip.Addr
		pass map[netip.Addr]bool
	}{
		{nil, map[netip.Addr]bool{a: false}},
		{[]netip.Addr{a}, map[netip.Addr]bool{a: true, b: false}},
		{[]netip.Addr{a, b}, map[netip.Addr]bool{a: true, b: true, c: false}},
		{many[:maxFiltered], map[netip.Addr]bool{a: false, c: true}},
		{many, map[netip.Addr]bool{a: true}}, // too many to tell apart
	} {
		program := senderFilter(test.ips)
		if _, err := bpf.Assemble(program); err != nil || len(program) > 4096 {
			t.Fatalf("%d instructions: %v", len(program), err)
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			t.Fatal(err)
		}
		for ip, want := range test.pass {
			frame, err := gratuitousARP(mac, ip)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := vm.Run(frame); err != nil || (n >= len(frame)) != want {
				t.Errorf("of %d addresses %s passes %d bytes: %v", len(test.ips), ip, n, err)
			}
		}
	}
}
