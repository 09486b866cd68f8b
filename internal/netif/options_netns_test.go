//go:build netns

package netif

import (
	"bytes"
	"net/netip"
	"os"
	"testing"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// TestNetnsOptions: the kernel has every option of an address as ip-address(8) would write it, and
// what was written is recognised.
func TestNetnsOptions(t *testing.T) {
	segment(t, "eth0")
	broad, peered, bare, group := addr("192.0.2.21/24", "eth0"), addr("192.0.2.22/32", "eth0"), addr("198.51.100.1/24", "eth0"), addr("224.1.2.3/24", "eth0")
	broad.Broadcast, peered.Peer = netip.MustParseAddr("192.0.2.255"), netip.MustParseAddr("10.8.0.1")
	bare.Flags, group.Flags = NoPrefixRoute, AutoJoin
	six := func(prefix string, flags Flags, preferred Lifetime) Address {
		a := addr(prefix, "eth0")
		a.Flags, a.Preferred = flags, preferred
		return a
	}
	detected, over, ending := six("2001:db8::1/64", DAD, 0), six("2001:db8::2/64", ManageTempAddr, Deprecated), six("2001:db8::3/64", NoPrefixRoute|Home, 500)
	far := six("2001:db8::4/128", 0, 0)
	far.Peer = netip.MustParseAddr("2001:db8:1::1")
	all := []Address{broad, peered, bare, group, detected, over, ending, far}
	r := startApplier(t, Options{})
	r.Want(1, wantOf(all...))
	r.master("web")
	r.settled()
	shows(t, "eth0", "inet 192.0.2.21/24 brd 192.0.2.255 scope global eth0", "inet 192.0.2.22 peer 10.8.0.1/32 scope global eth0",
		"inet 198.51.100.1/24 scope global noprefixroute eth0", "inet 224.1.2.3/24 scope global autojoin eth0",
		"inet6 2001:db8::1/64 scope global", "inet6 2001:db8::2/64 scope global nodad deprecated mngtmpaddr \n",
		"inet6 2001:db8::3/64 scope global nodad home noprefixroute \n", "inet6 2001:db8::4 peer 2001:db8:1::1/128 scope global nodad \n")
	shows(t, "eth0", "preferred_lft 500sec", "not", " valid_lft 500sec", "2001:db8::1/64 scope global nodad")

	r.Want(2, wantOf(all...))
	r.applied(2)
	r.backup("web")
	r.settled()
	adds, removals := 0, 0
	for _, rep := range r.all {
		switch rep := rep.(type) {
		case Added:
			adds++
		case Removed:
			removals++
		case OpFailed:
			t.Error(rep)
		}
	}
	if adds != len(all) || removals != len(all) {
		t.Errorf("%d additions and %d removals, want %d", adds, removals, len(all))
	}
	shows(t, "eth0", "not", "192.0.2", "198.51.100", "224.1.2.3", "2001:db8:")
}

// TestNetnsNeighbourAdvertisements: an IPv6 address is announced to all nodes by advertisements
// that override what they knew, and say that it is a router's where the interface forwards.
func TestNetnsNeighbourAdvertisements(t *testing.T) {
	segment(t, "eth0")
	wire := sniffType(t, "peer-eth0", unix.ETH_P_IPV6)
	six := addr("2001:db8::9/64", "eth0")
	r := startApplier(t, Options{})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Addresses: []Address{six}, Repeat: 3, LowerPrioRepeat: 3}}})
	r.master("web")
	mac := hardware(t, "eth0")
	for heard := 0; heard < 6; {
		f, ok := wire.next(patience)
		if !ok {
			t.Fatalf("%d advertisements of 6", heard)
		}
		p := f.Payload
		if p[6] != unix.IPPROTO_ICMPV6 || p[40] != 136 {
			continue // what the kernel says itself
		}
		heard++
		source, dest := netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
		if f.EtherType != ethernet.EtherTypeIPv6 || !bytes.Equal(f.Source, mac) || !bytes.Equal(f.Destination, allNodes()) ||
			p[7] != hopLimit || source != six.Prefix.Addr() || dest != netip.IPv6LinkLocalAllNodes() {
			t.Errorf("frame %+v", f)
		}
		message, err := ndp.ParseMessage(p[40:])
		if err != nil {
			t.Fatal(err)
		}
		na := message.(*ndp.NeighborAdvertisement)
		if !na.Override || na.Solicited || na.Router != (heard > 3) || na.TargetAddress != six.Prefix.Addr() || len(na.Options) != 1 {
			t.Errorf("%d: %+v", heard, na)
		}
		if heard == 3 {
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/eth0/forwarding", []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
			r.Announce("web")
		}
	}
}
