//go:build netns

package realserver

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// state is what the kernel has of what this package changes; IPv6 addresses and routes may come by
// themselves.
func state(t *testing.T) string {
	t.Helper()
	text := run(t, "ip -o address show dev lo; ip route show; ip -6 route show default; cd /proc/sys/net/ipv4/conf; grep . */arp_ignore */arp_announce")
	return regexp.MustCompile(` +(valid_lft|expires|pref) .*`).ReplaceAllString(text, "")
}

// The real kernel is set up and taken down again, with each of the default routes that a host may have.
func TestHostKernel(t *testing.T) {
	run(t, `ip link set lo up
ip link add eth0 type veth peer name there
ip link set eth0 up; ip link set there up
ip address add 10.10.10.11/24 dev eth0
ip address add 2001:db8:1::11/64 dev eth0 nodad
echo 2 >/proc/sys/net/ipv4/conf/eth0/arp_ignore`)
	cfg := read(t, instances+`
virtual_server "192.168.2.11" "80" {
  lb_kind = "DR"
  real_server "10.10.10.11" "80" {}
}
virtual_server "2001:db8::11" "80" {
  lb_kind = "DR"
  real_server "2001:db8:1::11" "80" {}
}
virtual_server "192.168.2.12" "80" {
  real_server "10.10.10.11" "80" {}
}
virtual_server "2001:db8::12" "80" {
  real_server "2001:db8:1::11" "80" {}
}
`)
	kernel, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, routes := range []string{"true",
		"ip route add default via 10.10.10.254; ip -6 route add default via 2001:db8:1::fe",
		"ip route add default via 10.10.10.254 metric 100; ip -6 route add default via fe80::1 dev eth0 metric 1024",
		"ip route add default nexthop via 10.10.10.253 nexthop via 10.10.10.254"} {
		t.Run(routes, func(t *testing.T) {
			run(t, routes)
			before := state(t)
			job := Job{Kernel: kernel, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(s Step) { t.Log(s) }}
			if _, err := job.Up(cfg, false); (err == nil) != (routes == "true") {
				t.Fatalf("without force: %v", err)
			}
			if routes != "true" && state(t) != before {
				t.Errorf("refused, and changed to\n%s", state(t))
			}
			if _, err := job.Up(cfg, true); err != nil {
				t.Fatal(err)
			}
			s, err := job.Status(cfg)
			if err != nil || !s.Complete() {
				t.Fatalf("after up: %v, %v", s, err)
			}
			for command, want := range map[string]string{
				"ip route get 8.8.8.8":                        "via 10.10.10.9 dev eth0",
				"ip -6 route get 2001:db8:ff::1":              "via 2001:db8:1::9 dev eth0 proto keepalived src 2001:db8:1::11",
				"ip route get 192.168.2.11":                   "local 192.168.2.11 dev lo",
				"ip -6 route get 2001:db8::11":                "dev lo",
				"ip -o -6 address show dev lo":                "2001:db8::11/128 scope global nodad deprecated",
				"ip -o -4 address show dev lo":                "192.168.2.11/32 scope global lo:lvsd",
				"cat /proc/sys/net/ipv4/conf/eth0/arp_ignore": "2",
			} {
				if got := run(t, command); !strings.Contains(got, want) {
					t.Errorf("%s: %s, not %s", command, got, want)
				}
			}
			up := state(t)
			if _, err := job.Up(cfg, false); err != nil || state(t) != up {
				t.Errorf("a second time: %v\n%s", err, state(t))
			}
			run(t, "ip address del 192.168.2.11/32 dev lo; ip route del default proto keepalived; echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore")
			if s, err := job.Status(cfg); err != nil || s.Complete() {
				t.Errorf("what somebody took is not missed: %v, %v", s, err)
			}
			if _, err := job.Up(cfg, true); err != nil || state(t) != up {
				t.Errorf("repaired: %v\n%s\nnot\n%s", err, state(t), up)
			}
			if err := job.Down(nil); err != nil {
				t.Fatal(err)
			}
			if after := state(t); after != before {
				t.Errorf("after down:\n%s\nbefore up:\n%s", after, before)
			}
			run(t, "ip route flush default; ip -6 route flush default")
		})
	}
}

// A kernel without such tunnels is told in words that say what to do; what is done by then can be taken down.
func TestHostKernelSaysWhatIsMissing(t *testing.T) {
	kernel, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	err = kernel.Do(Step{Item: Setting{Name: "net.ipv4.conf.none.arp_ignore", Value: "1"}})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a parameter that is not there: %v", err)
	}
	if err := kernel.Do(Step{Item: Address{netip.MustParseAddr("192.0.2.1"), "none"}}); err == nil {
		t.Error("an address on a device that is not there")
	}
	for _, gone := range []Item{Address{netip.MustParseAddr("192.0.2.1"), "lo"}, Tunnel{Dev: "lvsd-ipip0"}} {
		if err := kernel.Do(Step{Item: gone, Undo: true}); err != nil {
			t.Errorf("take down %s, which is not there: %v", gone, err)
		}
	}
}
