//go:build vm

package lab

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
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

// DR and TUN, with nothing done on the web servers but "lvsd realserver up": the answers do not pass the
// director, and no ICMP redirect tells the client to do without it.
func TestDirectRoutingAndTunnelling(t *testing.T) {
	for _, way := range []struct {
		name       string
		forwarding Forwarding
		kind       string // in HCL
		shown      string // by ipvsadm
		takeover   bool
	}{
		{"DR", DR, `"DR"`, "-g -w 1", true},
		{"TUN", TUN, `"TUN"`, "-i -w 1 --tun-type ipip", true},
		{"TUN in GRE", TUN, `["TUN", "type", "gre", "csum"]`, "-i -w 1 --tun-type gre --tun-csum", false},
		{"TUN in GUE", TUN, `["TUN", "type", "gue", "port", 5555]`, "-i -w 1 --tun-type gue --tun-port 5555 --tun-nocsum", false},
	} {
		t.Run(way.name, func(t *testing.T) {
			d := newDirectors(t, way.forwarding, "")
			var servers, shown []string
			for _, real := range d.Real {
				servers = append(servers, serverBlock(real, 80, 1))
				shown = append(shown, fmt.Sprintf("-a -t 192.168.2.11:80 -r %s:80 %s", real, way.shown))
			}
			d.write(instance + serviceBlock(fmt.Sprintf("\n  lb_algo = \"rr\"\n  lb_kind = %s\n", way.kind), servers...))
			d.startBoth()
			for i := range d.lvsd {
				d.services(i, append([]string{"-A -t 192.168.2.11:80 -s rr"}, shown...)...)
			}
			before := d.hostState(0)
			d.realServer(0, 3, "status")
			for i := range d.Web {
				d.realServer(i, 0, "up")
			}
			d.realServer(0, 0, "status")
			if said := d.realServer(0, 0, "up"); said != "" {
				t.Errorf("a second time it did\n%s", said)
			}
			macs := map[string]string{}
			for _, web := range d.Web {
				macs[web.Name] = d.mac(web)
			}
			redirects, err := d.Client.Capture(d.ctx, "eth0", "icmp[icmptype] = icmp-redirect or arp")
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
			if way.takeover {
				d.takeOver()
				if got, want := d.ask(6, d.url()), map[string]int{"web1": 2, "web2": 2, "web3": 2}; !maps.Equal(got, want) {
					t.Errorf("after the takeover round robin answered %v, not %v", got, want)
				}
			}
			for _, l := range redirects.Lines() {
				if strings.Contains(l.Text, "redirect") && strings.Contains(l.Text, "ICMP") && !strings.Contains(l.Text, "listening") {
					t.Errorf("the client was redirected: %s", l.Text)
				}
				for name, mac := range macs {
					if strings.Contains(l.Text, d.VIP.String()+" is-at "+mac) {
						t.Errorf("%s answered ARP for the VIP: %s", name, l.Text)
					}
				}
			}
			d.realServer(0, 0, "down")
			if after := d.hostState(0); after != before {
				t.Errorf("after \"down\" web1 is\n%s\nbefore \"up\" it was\n%s", after, before)
			}
		})
	}
}

// Of several "up" at once each does all or nothing, and says which; what they remember takes all down again.
func TestRealServerSeveralAtOnce(t *testing.T) {
	d := newDirectors(t, DR, "")
	d.write(instance + serviceBlock("\n  lb_kind = \"DR\"\n", serverBlock(d.Real[0], 80, 1)))
	before := d.hostState(0)
	type end struct {
		out string
		err error
	}
	ends := make(chan end)
	const commands = 6
	for range commands {
		go func() {
			out, err := d.Web[0].Run(d.ctx, os.Getenv(BinaryVariable), "realserver", "up", "-c", d.config)
			ends <- end{out, err}
		}()
	}
	var steps []string
	refused := 0
	for range commands {
		e := <-ends
		switch {
		case e.err == nil:
			steps = slices.AppendSeq(steps, strings.Lines(e.out))
		case e.out == "lvsd: another lvsd is at work with /run/lvsd-realserver, so nothing was done; run this again when it has ended\n":
			refused++
		default:
			t.Error(e.err)
		}
	}
	if refused == commands || len(steps) != 5 {
		t.Errorf("%d of %d were refused, the others did\n%s", refused, commands, strings.Join(steps, ""))
	}
	d.realServer(0, 0, "status")
	d.realServer(0, 0, "down")
	if after := d.hostState(0); after != before {
		t.Errorf("after \"down\" web1 is\n%s\nbefore \"up\" it was\n%s", after, before)
	}
}

// realServer runs a command of lvsd realserver on a web server, which must end with an exit code, and returns
// what it said.
func (d *directors) realServer(i, code int, command string) string {
	d.Helper()
	args := []string{os.Getenv(BinaryVariable), "realserver", command, "-c", d.config}
	out, err := d.Web[i].Run(d.ctx, args...)
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		d.Fatal(err)
	}
	if got != code {
		d.Fatalf("exit code %d, not %d: %v\n%s", got, code, err, out)
	}
	return out
}

// hostState is what a web server has of addresses, routes, devices and the parameters that DR and TUN change.
func (d *directors) hostState(i int) string {
	d.Helper()
	out, err := d.Web[i].Run(d.ctx, "sh", "-c", "ip -o -d link show; ip -o address show; ip route show; ip -6 route show; for f in -4 -6; do ip $f fou show 2>/dev/null || true; done; cd /proc/sys/net/ipv4/conf; grep . */arp_ignore */arp_announce */rp_filter")
	if err != nil {
		d.Fatal(err)
	}
	// Fallback devices come with the first tunnel of a kind, and stay.
	out = regexp.MustCompile(`(?m)^(.*[^-\n])?\b(tunl0|gre0|gretap0|erspan0|sit0|ip6tnl0|ip6gre0)\b.*\n`).ReplaceAllString(out, "")
	return regexp.MustCompile(` +(valid_lft|expires) .*`).ReplaceAllString(out, "")
}

// mac is the link-layer address of the interface that a web server has outside.
func (d *directors) mac(web *Host) string {
	d.Helper()
	out, err := web.Run(d.ctx, "sh", "-c", "dev=eth0; [ ! -e /sys/class/net/eth1 ] || dev=eth1; cat /sys/class/net/$dev/address")
	if err != nil {
		d.Fatal(err)
	}
	return strings.TrimSpace(out)
}
