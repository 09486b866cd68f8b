package netif

import (
	"net/netip"
	"path/filepath"
	"testing"
)

func wantOf(a ...Address) Want { return Want{Instances: map[string]Instance{"web": {Addresses: a}}} }

// TestWritten: what is written with an address and not told by the kernel counts, also after a
// restart: the same once more is nothing to do, another is.
func TestWritten(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	file := filepath.Join(t.TempDir(), "addresses")
	broad, six := vip, addr("2001:db8::9/64", "eth1")
	broad.Broadcast = netip.MustParseAddr("192.0.2.255")
	six.Flags, six.Preferred = DAD|ManageTempAddr, Deprecated
	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, wantOf(broad, six))
	r.master("web")
	r.settled()
	expectLog(t, k, "add 192.0.2.11/24 dev eth0 brd 192.0.2.255", "add 2001:db8::9/64 dev eth1 -nodad mngtmpaddr preferred_lft 0")
	k.changed()
	r.Want(2, wantOf(broad, six))
	r.applied(2)
	expectLog(t, k)
	r.stop()

	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.master("web")
	r.Want(1, wantOf(broad, six))
	r.applied(1)
	expectLog(t, k)
	six.Flags = 0
	r.Want(2, wantOf(vip, six))
	r.applied(2)
	expectLog(t, k,
		"delete 192.0.2.11/24 dev eth0 brd 192.0.2.255", addVIP,
		"delete 2001:db8::9/64 dev eth1 -nodad mngtmpaddr preferred_lft 0", "add 2001:db8::9/64 dev eth1 preferred_lft 0")
}

// TestOwnAddressIsAsItWas: an address of the host's own that an owner advertises is not replaced
// for what nobody asked for.
func TestOwnAddressIsAsItWas(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	own := vip
	own.Broadcast, own.Flags = netip.MustParseAddr("192.0.2.255"), NoPrefixRoute
	k.strangerAdds(own)
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, wantOf(vip))
	r.master("web")
	r.settled()
	expectLog(t, k)
	expectAddresses(t, k, own)
}

// TestNoTrack: an address with no_track stays away until the next takeover.
func TestNoTrack(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, gate}, NoTrack: []Address{vip}}}})
	r.master("web")
	r.settled()
	expectLog(t, k, addVIP, addGate)
	k.strangerDeletes(vip)
	k.strangerDeletes(gate)
	await(r, func(rep Added) bool { return rep == Added{"web", gate, Healed} })
	r.settled()
	expectAddresses(t, k, gate)
	r.backup("web")
	r.settled()
	r.master("web")
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Takeover} })
	r.settled()
	expectAddresses(t, k, vip, gate)
}
