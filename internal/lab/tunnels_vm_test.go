//go:build vm

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"
)

// Real packets through every kind of tunnel: IP in IP, GUE and GRE with and without their checksums, IPv6 in
// IPv6, and either family within the other. Each kind has a port of the VIP, and a web server that takes it apart.
func TestTunnels(t *testing.T) {
	d := newDirectors(t, TUN, "")
	tunnels := []struct {
		vip, lvsMethod, server string
		web                    int
	}{
		{"192.168.2.11", `"TUN"`, "10.10.10.11", 0},
		{"192.168.2.11", `"TUN type gue port 6080"`, "10.10.10.12", 1},
		{"192.168.2.11", `"TUN type gue port 6080 csum"`, "10.10.10.12", 1},
		{"192.168.2.11", `"TUN type gue port 6080 remcsum"`, "10.10.10.12", 1},
		{"192.168.2.11", `"TUN type gre"`, "10.10.10.13", 2},
		{"192.168.2.11", `"TUN type gre csum"`, "10.10.10.11", 0},
		{"192.168.2.11", `"TUN"`, "fd00:10::12", 1},
		{"fd00:2::11", `"TUN"`, "fd00:10::12", 1},
		{"fd00:2::11", `"TUN"`, "10.10.10.13", 2},
		{"fd00:2::11", `"TUN type gue port 6080"`, "10.10.10.12", 1},
		{"fd00:2::11", `"TUN type gre"`, "10.10.10.13", 2},
	}
	config := ""
	for i, tun := range tunnels {
		config += fmt.Sprintf("virtual_server %q \"%d\" {\n  lb_algo = \"rr\"\n  lb_kind = %s\n  real_server %q \"%[2]d\" {}\n}\n",
			tun.vip, 8000+i, tun.lvsMethod, tun.server)
	}
	d.write(config)
	for _, a := range []struct {
		host    *Host
		dev     string
		address string
	}{
		{d.Client, "eth0", "fd00:2::21/64"},
		{d.LB[0], "eth0", "192.168.2.11/24"}, {d.LB[0], "eth0", "fd00:2::11/64"}, {d.LB[0], "eth1", "fd00:10::9/64"},
		{d.Web[1], "eth0", "fd00:10::12/64"}, {d.Web[1], "eth1", "fd00:2::32/64"}, {d.Web[2], "eth1", "fd00:2::33/64"},
	} {
		if err := a.host.AddAddress(a.dev, netip.MustParsePrefix(a.address)); err != nil {
			t.Fatal(err)
		}
	}
	for i, setup := range []string{
		"ip link add sum type gre local 10.10.10.11 icsum; ip link set sum up", // the fallback device takes no checksum
		`modprobe fou; ip fou add port 6080 gue; ip link set ip6tnl0 up; ip link set sit0 up
			ip link add four type ip6tnl mode any local fd00:10::12; ip link set four up`, // its fallback device takes no IPv4
		"ip link set gre0 up; ip link set sit0 up",
	} {
		common := `modprobe -a ipip ip_gre sit ip6_tunnel
			for c in all default tunl0 gre0; do sysctl -qw net.ipv4.conf.$c.rp_filter=0 net.ipv4.conf.$c.arp_ignore=1 net.ipv4.conf.$c.arp_announce=2; done
			ip link set tunl0 up; ip address replace 192.168.2.11/32 dev lo; ip address replace fd00:2::11/128 dev lo; `
		if _, err := d.Web[i].Run(d.ctx, "sh", "-ec", common+setup); err != nil {
			t.Fatal(err)
		}
	}
	for i, tun := range tunnels {
		if _, err := d.Web[tun.web].Serve(fmt.Sprintf(":%d", 8000+i)); err != nil {
			t.Fatal(err)
		}
	}
	d.start(0)
	d.event(0, time.Time{}, "services_set")
	for i, tun := range tunnels {
		url := fmt.Sprintf("http://%s/", netip.AddrPortFrom(netip.MustParseAddr(tun.vip), uint16(8000+i)))
		client := d.Client.HTTPClient(10 * time.Second)
		by := map[string]int{}
		for range 2 {
			r := Ask(client, url)
			if r.Err != nil {
				t.Errorf("%s to %s: %v", tun.lvsMethod, tun.server, r.Err)
				break
			}
			by[r.By]++
		}
		if want := map[string]int{d.Web[tun.web].Name: 2}; !maps.Equal(by, want) {
			t.Errorf("%s to %s: answered by %v", tun.lvsMethod, tun.server, by)
		}
	}
}
