//go:build netns

package netif

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A master hears who claims its addresses, in both families, and asks who does.
func TestConflictsOnTheWire(t *testing.T) {
	segment(t, "conflict0")
	own, err := net.InterfaceByName("conflict0")
	if err != nil {
		t.Fatal(err)
	}
	reports, defended := make(chan Report, 16), make(chan string, 16)
	w := NewConflictWatch(func(r Report) { reports <- r }, func(name string) { defended <- name })
	vip4, vip6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	w.Want(map[string]Instance{"web": {Addresses: []Address{
		{Prefix: netip.PrefixFrom(vip4, 24), Dev: "conflict0"}, {Prefix: netip.PrefixFrom(vip6, 64), Dev: "conflict0"},
	}}})
	w.Role("web", true)
	probes := sniff(t, "peer-conflict0")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.Run(ctx)
		close(ended)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	if got := probes.probe(own.HardwareAddr); got != vip4 {
		t.Errorf("asked for %s", got)
	}
	peer, err := net.InterfaceByName("peer-conflict0")
	if err != nil {
		t.Fatal(err)
	}
	stranger := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
	s, err := openSender(peer.Index)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	claim := func(mac net.HardwareAddr, ip netip.Addr) {
		t.Helper()
		frame, err := announcement(mac, ip, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.send(frame); err != nil {
			t.Fatal(err)
		}
	}
	claim(own.HardwareAddr, vip4)                     // this host's own, which comes back by a loop
	claim(stranger, netip.MustParseAddr("192.0.2.9")) // nobody's business
	want := map[netip.Addr]bool{vip4: true, vip6: true}
	again := time.NewTicker(100 * time.Millisecond) // until the interface has a link-local address
	defer again.Stop()
	late := time.After(20 * time.Second)
	for len(want) > 0 {
		select {
		case <-again.C:
			claim(stranger, vip4)
			claim(stranger, vip6)
		case r := <-reports:
			c := r.(Conflict)
			if !want[c.Address] || c.Instance != "web" || !c.Master || len(c.MACs) != 1 || c.MACs[0] != stranger.String() {
				t.Fatalf("%+v", c)
			}
			delete(want, c.Address)
		case <-late:
			t.Fatalf("no claim heard on %v", want)
		}
	}
	if name := <-defended; name != "web" {
		t.Errorf("%s is defended", name)
	}
}

// probe reads frames until one asks for an address without claiming any.
func (s sniffer) probe(mac net.HardwareAddr) netip.Addr {
	s.t.Helper()
	buf := make([]byte, 128)
	tv := unix.NsecToTimeval((5 * time.Second).Nanoseconds())
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		s.t.Fatal(err)
	}
	for {
		n, err := unix.Read(s.fd, buf)
		if err != nil {
			s.t.Fatalf("no ARP probe was seen: %v", err)
		}
		if n >= 42 && net.HardwareAddr(buf[6:12]).String() == mac.String() && netip.AddrFrom4([4]byte(buf[28:32])).IsUnspecified() {
			return netip.AddrFrom4([4]byte(buf[38:42]))
		}
	}
}
