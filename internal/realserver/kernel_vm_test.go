//go:build vm

package realserver

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Every kind of tunnel is made by the real kernel as it should be, found to be there, and taken down without a
// trace.
func TestTunnelsOfTheKernel(t *testing.T) {
	run(t, `ip link set lo up
ip link add eth0 type veth peer name there
ip link set eth0 addrgenmode none; ip link set there addrgenmode none
ip link set eth0 up; ip link set there up
ip address add 10.10.10.11/24 dev eth0
ip address add 2001:db8:1::11/64 dev eth0 nodad
modprobe -a ipip sit ip6_tunnel ip_gre ip6_gre`)
	const vips4, vips6 = "192.0.2.", "2001:db8:9::"
	var config strings.Builder
	for i, kind := range []string{`"TUN"`, `["TUN", "type", "gre"]`, `["TUN", "type", "gue", "port", 5555]`} {
		for j, vip := range []string{vips4, vips6} {
			for k, server := range []string{"10.10.10.11", "2001:db8:1::11"} {
				fmt.Fprintf(&config, "virtual_server \"%s%d\" \"80\" {\n  lb_kind = %s\n  real_server %q \"80\" {}\n}\n", vip, 1+4*i+2*j+k, kind, server)
			}
		}
	}
	cfg := read(t, config.String())
	kernel, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	state := func() string { return run(t, "ip -o link show; ip -o address show; ip fou show; ip -6 fou show") }
	run(t, "modprobe -a fou fou6")
	before := state()
	job := Job{Kernel: kernel, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(s Step) { t.Log(s) }}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	s, err := job.Status(cfg)
	if err != nil || !s.Complete() {
		t.Errorf("after up: %v, %+v", err, s)
	}
	links := run(t, "ip -o -d link show")
	for _, want := range []string{"lvsd-ipip0", "lvsd-sit0", "lvsd-ip6tnl0", "lvsd-gre0", "lvsd-ip6gre0"} {
		if !strings.Contains(links, want+"@") {
			t.Errorf("no %s among\n%s", want, links)
		}
	}
	up := state()
	if _, err := job.Up(cfg, false); err != nil || state() != up {
		t.Errorf("a second time: %v, %s", err, state())
	}
	run(t, "ip link set lvsd-sit0 down; ip link del lvsd-gre0; ip link del lvsd-ip6tnl0; ip link add lvsd-ip6tnl0 type ip6tnl local 2001:db8:1::99 remote ::")
	if s, err := job.Status(cfg); err != nil || s.Complete() {
		t.Errorf("what somebody did is not missed: %v, %+v", err, s)
	}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	if s, err := job.Status(cfg); err != nil || !s.Complete() {
		t.Errorf("repaired: %v, %+v", err, s)
	}
	if err := job.Down(nil); err != nil {
		t.Fatal(err)
	}
	if after := state(); after != before {
		t.Errorf("after down:\n%s\nbefore up:\n%s", after, before)
	}
}

// A GUE port is one of the family that it was opened for: that of the other one is missing.
func TestPortsOfTheKernel(t *testing.T) {
	run(t, "modprobe -a fou fou6; ip fou add port 7001 gue; ip -6 fou add port 7002 gue; ip fou add port 7003 ipproto 4")
	t.Cleanup(func() { run(t, "ip fou del port 7001; ip -6 fou del port 7002; ip fou del port 7003") })
	kernel, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := kernel.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	for p, there := range map[Port]bool{{4, 7001}: true, {6, 7001}: false, {4, 7002}: false, {6, 7002}: true, {4, 7003}: false, {6, 7003}: false} {
		if (p.Lacks(h) == "") != there {
			t.Errorf("%s: %q", p, p.Lacks(h))
		}
	}
}
