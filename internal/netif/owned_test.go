package netif

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnAddressIsSpared: an address of the configuration that is the host's own stays, however
// often lvsd is started, until its interface has another.
func TestOwnAddressIsSpared(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	k := newFakeKernel(t, "eth0", "eth1")
	ownInside := addr("198.51.100.2/24", "eth1")
	for range 3 {
		k.strangerAdds(vip)
		k.strangerAdds(gate)
		k.strangerAdds(ownInside)
		r := startApplier(t, Options{Kernel: k, StateFile: file})
		r.Want(1, web(0))
		r.backup("web")
		trouble := await(r, func(Trouble) bool { return true })
		if text := trouble.Err.Error(); !strings.Contains(text, vip.String()) || !strings.Contains(text, "eth0 has no address of its own") {
			t.Errorf("trouble: %s", text)
		}
		r.applied(1)
		expectLog(t, k, deleteGate)
		r.Want(2, web(0))
		r.applied(2)
		r.stop()
		for len(r.reports) > 0 {
			if rep, is := (<-r.reports).(Trouble); is {
				t.Errorf("told again: %v", rep.Err)
			}
		}
		expectAddresses(t, k, vip, ownInside)
	}
	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.applied(1)
	k.strangerAdds(node)
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, LeftOver} })
	expectAddresses(t, k, node, ownInside)
}

// TestOwnedAddressIsNotSpared: what lvsd put on goes, also where nothing else is there.
func TestOwnedAddressIsNotSpared(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.master("web")
	await(r, func(rep Added) bool { return rep.Address == gate })
	r.stop() // as after a crash: the addresses stay
	expectAddresses(t, k, vip, gate)
	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.applied(1)
	expectAddresses(t, k)
}

// TestRenamedInterface: an address that was put on is ours under every name of its interface, and
// the interface that has the former name now has nothing to do with it.
func TestRenamedInterface(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	k := newFakeKernel(t, "eth0", "eth1")
	k.strangerAdds(node)
	r := startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.master("web")
	await(r, func(rep Added) bool { return rep.Address == gate })
	k.linkRenamed("eth0", "lan0")
	onLan := addr(vip.Prefix.String(), "lan0")
	await(r, func(rep Removed) bool { return rep == Removed{"", onLan, LeftOver} })
	expectAddresses(t, k, addr(node.Prefix.String(), "lan0"), gate)
	k.linkAppears("eth0", nil)
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Healed} })
	r.stop()

	// After a restart, the index is known from the first look.
	r = startApplier(t, Options{Kernel: k, StateFile: file})
	r.Want(1, web(0))
	r.master("web")
	r.applied(1)
	k.linkRenamed("eth1", "dmz0")
	await(r, func(rep Removed) bool { return rep == Removed{"", addr(gate.Prefix.String(), "dmz0"), LeftOver} })
}
