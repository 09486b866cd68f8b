//go:build netns

package netif

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// house is what a director wants of "eth0" and "eth1".
func house(repeat int, delay time.Duration) Want {
	return Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, gate}, Repeat: repeat, Delay: delay, LowerPrioRepeat: repeat, LowerPrioDelay: delay}}}
}

// shows waits until ip(8) shows all of the words for an interface, and none of those after "not",
// apart from lifetimes.
func shows(t *testing.T, dev string, words ...string) {
	t.Helper()
	eventually(t, dev+" shows "+strings.Join(words, ", "), func() bool {
		// "dynamic" is what has a lease.
		out, unwanted := strings.ReplaceAll(ip(t, "addr show dev "+dev), " dynamic", ""), false
		for _, w := range words {
			if w == "not" {
				unwanted = true
			} else if strings.Contains(out, w) == unwanted {
				return false
			}
		}
		return true
	})
}

func TestNetnsTakeover(t *testing.T) {
	segment(t, "eth0")
	segment(t, "eth1")
	ip(t, "addr add 192.0.2.2/24 dev eth0")
	outside, inside := sniff(t, "peer-eth0"), sniff(t, "peer-eth1")
	r := startApplier(t, Options{})
	const delay = 300 * time.Millisecond
	r.Want(1, house(5, delay))
	r.applied(1)

	began := time.Now()
	r.master("web")
	five := func(ip string) []netip.Addr { return slices.Repeat([]netip.Addr{netip.MustParseAddr(ip)}, 5) }
	if got := outside.gratuitous(hardware(t, "eth0"), 5); !slices.Equal(got, five("192.0.2.11")) {
		t.Errorf("announced on eth0: %v", got)
	}
	first := time.Since(began)
	if got := inside.gratuitous(hardware(t, "eth1"), 5); !slices.Equal(got, five("198.51.100.9")) {
		t.Errorf("announced on eth1: %v", got)
	}
	t.Logf("five frames read after %v", first)
	shows(t, "eth0", "inet 192.0.2.2/24 scope global eth0", "inet 192.0.2.11/24 scope global secondary eth0", "not", "brd 192")
	shows(t, "eth1", "inet 198.51.100.9/24 scope global eth1")

	outside.gratuitous(hardware(t, "eth0"), 5)
	inside.gratuitous(hardware(t, "eth1"), 5)
	if since := time.Since(began); since < delay {
		t.Errorf("second burst after %v", since)
	}
	r.Announce("web")
	outside.gratuitous(hardware(t, "eth0"), 5)

	r.backup("web")
	r.settled()
	shows(t, "eth0", "192.0.2.2/24", "not", "192.0.2.11")
	shows(t, "eth1", "not", "198.51.100.9")
	for more := true; more; { // what was sent before the release
		_, more = outside.next(time.Millisecond)
	}
	if frame, more := outside.next(2 * delay); more {
		t.Errorf("a backup sends %+v", frame)
	}
}

func TestNetnsDeletedAddressIsBack(t *testing.T) {
	segment(t, "eth0")
	segment(t, "eth1")
	wire := sniff(t, "peer-eth0")
	r := startApplier(t, Options{})
	r.Want(1, house(1, 0))
	r.master("web")
	r.settled()
	wire.gratuitous(hardware(t, "eth0"), 1)

	began := time.Now()
	ip(t, "addr del 192.0.2.11/24 dev eth0")
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Healed} })
	t.Logf("back %v after ip(8) was started", time.Since(began))
	wire.gratuitous(hardware(t, "eth0"), 1)
	shows(t, "eth0", "inet 192.0.2.11/24")

	ip(t, "addr flush dev eth1")
	await(r, func(rep Added) bool { return rep == Added{"web", gate, Healed} })
	shows(t, "eth1", "inet 198.51.100.9/24")
}

// TestNetnsPrimaryTakesSecondaries: the kernel deletes the secondary addresses of a subnet with
// their primary one; those that are wanted come back.
func TestNetnsPrimaryTakesSecondaries(t *testing.T) {
	segment(t, "eth0")
	second := addr("192.0.2.12/24", "eth0")
	r := startApplier(t, Options{})
	r.Want(1, Want{Instances: map[string]Instance{"a": {Addresses: []Address{vip}}, "b": {Addresses: []Address{second}}}})
	r.master("a")
	r.master("b")
	r.settled()
	shows(t, "eth0", "192.0.2.12/24 scope global secondary")
	r.backup("a")
	await(r, func(rep Added) bool { return rep == Added{"b", second, Healed} })
	shows(t, "eth0", "192.0.2.12/24 scope global eth0", "not", "192.0.2.11")
}

func TestNetnsLeftOvers(t *testing.T) {
	segment(t, "eth0")
	segment(t, "eth1")
	file := filepath.Join(t.TempDir(), "addresses")
	if err := os.WriteFile(file, []byte(`{"addresses":[{"address":"192.0.2.99/24","dev":"eth0"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"192.0.2.2/24 dev eth0", "192.0.2.11/24 dev eth0", "192.0.2.99/24 dev eth0 label eth0:old"} {
		ip(t, "addr add "+a)
	}
	r := startApplier(t, Options{StateFile: file})
	r.Want(1, house(1, 0))
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, LeftOver} })
	r.applied(1)
	// The file's address had no label: this one is somebody else's.
	shows(t, "eth0", "192.0.2.2/24", "192.0.2.99/24", "not", "192.0.2.11")
	r.stop()

	ip(t, "addr del 192.0.2.99/24 dev eth0")
	ip(t, "addr add 192.0.2.99/24 dev eth0")
	if err := os.WriteFile(file, []byte(`{"addresses":[{"address":"192.0.2.99/24","dev":"eth0"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r = startApplier(t, Options{StateFile: file})
	r.Want(1, house(1, 0))
	await(r, func(rep Removed) bool { return rep.Address == addr("192.0.2.99/24", "eth0") && rep.Why == LeftOver })
	shows(t, "eth0", "192.0.2.2/24", "not", "192.0.2.99")
}

func TestNetnsDeviceRecreated(t *testing.T) {
	segment(t, "eth0")
	segment(t, "eth1")
	r := startApplier(t, Options{})
	r.Want(1, house(5, 0))
	r.master("web")
	r.settled()
	ip(t, "link del eth0")
	await(r, func(rep OpFailed) bool { return rep.Op.Address == vip && errors.Is(rep.Err, errNoDevice) })
	segment(t, "eth0")
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Healed} })
	r.settled()
	shows(t, "eth0", "inet 192.0.2.11/24")
	// The socket of the former interface is not used.
	wire := sniff(t, "peer-eth0")
	r.Announce("web")
	wire.gratuitous(hardware(t, "eth0"), 5)
}

func TestNetnsLabelAndScope(t *testing.T) {
	segment(t, "eth0")
	labelled, scoped, six := addr("192.0.2.21/32", "eth0"), addr("192.0.2.22/24", "eth0"), addr("2001:db8::11/64", "eth0")
	labelled.Label, scoped.Scope = "eth0:vip", 253
	want := func(a ...Address) Want { return Want{Instances: map[string]Instance{"web": {Addresses: a}}} }
	r := startApplier(t, Options{})
	r.Want(1, want(labelled, scoped, six))
	r.master("web")
	r.settled()
	shows(t, "eth0", "inet 192.0.2.21/32 scope global eth0:vip", "inet 192.0.2.22/24 scope link eth0", "inet6 2001:db8::11/64 scope global nodad")

	// Nothing is done twice, and what was written is recognised.
	r.Want(2, want(labelled, scoped, six))
	r.applied(2)
	r.stop()
	adds := 0
	for _, rep := range r.all {
		if _, is := rep.(Added); is {
			adds++
		}
	}
	if adds != 3 {
		t.Errorf("%d additions, want 3", adds)
	}

	// Another label, another length.
	ip(t, "addr add 203.0.113.1/24 dev eth0")
	plain, wide := labelled, addr("192.0.2.22/25", "eth0")
	plain.Label = ""
	r = startApplier(t, Options{})
	r.Want(3, want(plain, wide))
	r.master("web")
	await(r, func(rep Removed) bool { return rep == Removed{"web", labelled, Replaced} })
	r.settled()
	shows(t, "eth0", "inet 192.0.2.21/32 scope global eth0", "inet 192.0.2.22/25 scope global eth0", "not", "eth0:vip", "192.0.2.22/24")
	r.backup("web")
	r.settled()
	shows(t, "eth0", "not", "192.0.2.2")
}

func TestNetnsStaleRole(t *testing.T) {
	segment(t, "eth0")
	segment(t, "eth1")
	r := startApplier(t, Options{})
	r.Want(1, house(1, 0))
	r.Role("web", Role{Master: true, Until: time.Now().Add(-time.Millisecond)})
	r.settled()
	shows(t, "eth0", "not", "192.0.2.11")
	r.Role("web", Role{Master: true, Until: time.Now().Add(100 * time.Millisecond)})
	await(r, func(rep Added) bool { return rep == Added{"web", vip, Takeover} })
	await(r, func(rep Removed) bool { return rep == Removed{"web", vip, Expired} })
	shows(t, "eth0", "not", "192.0.2.11")
}

func TestNetnsSysctls(t *testing.T) {
	read := func(name string) string {
		s, err := new(hostKernel).Sysctl(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const redirects = "net.ipv4.conf.eth0/7.send_redirects"
	r := startApplier(t, Options{})
	r.Want(1, Want{Sysctls: []Sysctl{
		{"net.ipv4.ip_forward", "1"}, {redirects, "0"}, {pingGroupRange, "5 10"}, {"net.ipv4.no_such_thing", "1"},
	}})
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{"net.ipv4.ip_forward", "1"}, "0"} })
	await(r, func(rep SysctlFailed) bool { return rep.Sysctl.Name == redirects && errors.Is(rep.Err, unix.ENOENT) })
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{pingGroupRange, "5 10"}, "1\t0"} })
	await(r, func(rep SysctlFailed) bool { return strings.Contains(rep.Err.Error(), "no_such_thing") })
	if got := read("net.ipv4.ip_forward"); got != "1" {
		t.Errorf("ip_forward %s", got)
	}
	segment(t, "eth0.7") // a dot in the interface's name
	await(r, func(rep SysctlSet) bool { return rep == SysctlSet{Sysctl{redirects, "0"}, "1"} })
	if got := read(redirects); got != "0" {
		t.Errorf("send_redirects %s", got)
	}
	r.Want(2, Want{Sysctls: []Sysctl{{pingGroupRange, "0 7"}}})
	await(r, func(rep SysctlSet) bool { return rep.Sysctl == Sysctl{pingGroupRange, "0 10"} })
}
