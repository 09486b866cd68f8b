//go:build vm

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// NAT as in the network that lvsd was first made for: to another port, with weights.
func TestNATToAnotherPortWithWeights(t *testing.T) {
	real := [2]netip.Addr{insideWeb[0].Addr(), insideWeb[1].Addr()}
	d := newDirectors(t, NAT, instance+serviceBlock(`
  lb_algo = "wrr"
  lb_kind = "NAT"
`, serverBlock(real[0], 80, 1), serverBlock(real[1], 8000, 2)))
	if _, err := d.Web[1].Serve(":8000"); err != nil {
		t.Fatal(err)
	}
	d.startBoth()
	for i := range d.lvsd {
		d.services(i, "-A -t 192.168.2.11:80 -s wrr",
			"-a -t 192.168.2.11:80 -r 10.10.10.11:80 -m -w 1", "-a -t 192.168.2.11:80 -r 10.10.10.12:8000 -m -w 2")
	}
	if got, want := d.ask(12, d.url()), map[string]int{"web1": 4, "web2": 8}; !maps.Equal(got, want) {
		t.Errorf("weights 1 and 2 answered %v, not %v", got, want)
	}
}

// DR and TUN: the answers do not pass the director, and no ICMP redirect tells the client to do without it.
func TestDirectRoutingAndTunnelling(t *testing.T) {
	for _, way := range []struct {
		kind       string
		forwarding Forwarding
		shown      string // by ipvsadm
	}{{"DR", DR, "-g -w 1"}, {"TUN", TUN, "-i -w 1 --tun-type ipip"}} {
		t.Run(way.kind, func(t *testing.T) {
			d := newDirectors(t, way.forwarding, "")
			var servers, shown []string
			for _, real := range d.Real {
				servers = append(servers, serverBlock(real, 80, 1))
				shown = append(shown, fmt.Sprintf("-a -t 192.168.2.11:80 -r %s:80 %s", real, way.shown))
			}
			d.write(instance + serviceBlock(fmt.Sprintf("\n  lb_algo = \"rr\"\n  lb_kind = %q\n", way.kind), servers...))
			d.startBoth()
			for i := range d.lvsd {
				d.services(i, append([]string{"-A -t 192.168.2.11:80 -s rr"}, shown...)...)
			}
			redirects, err := d.Client.Capture(d.ctx, "eth0", "icmp[icmptype] = icmp-redirect")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := d.ask(12, d.url()), map[string]int{"web1": 4, "web2": 4, "web3": 4}; !maps.Equal(got, want) {
				t.Errorf("round robin answered %v, not %v", got, want)
			}
			for _, name := range []string{"all", "eth0", "eth1"} {
				key := "net.ipv4.conf." + name + ".send_redirects"
				if got := strings.TrimSpace(d.run(0, "cat", "/proc/sys/"+strings.ReplaceAll(key, ".", "/"))); got != "0" {
					t.Errorf("%s is %s", key, got)
				}
			}
			// The master dies: the other director forwards in the same way.
			if err := d.LB[0].PowerOff(); err != nil {
				t.Fatal(err)
			}
			d.event(1, time.Time{}, "role_changed", "to", "MASTER")
			d.until("lb2 holds the VIP", func() error { return d.holds(1, "eth0", d.VIP, true) })
			if got, want := d.ask(6, d.url()), map[string]int{"web1": 2, "web2": 2, "web3": 2}; !maps.Equal(got, want) {
				t.Errorf("after the takeover round robin answered %v, not %v", got, want)
			}
			for _, l := range redirects.Lines() {
				if strings.Contains(l.Text, "redirect") && strings.Contains(l.Text, "ICMP") && !strings.Contains(l.Text, "listening") {
					t.Errorf("the client was redirected: %s", l.Text)
				}
			}
		})
	}
}
