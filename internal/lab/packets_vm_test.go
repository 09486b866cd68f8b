//go:build vm

package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// curl asks from an address of a host and returns the answer: the name of the host that answered, and with what
// follows "from" the address that it saw.
func (d *directors) curl(h *Host, from, url string) (by, seen string) {
	d.Helper()
	args := []string{"curl", "-sS", "--max-time", "20", "-D", "-"}
	if from != "" {
		args = append(args, "--interface", from)
	}
	out, err := h.Run(d.ctx, append(args, url)...)
	if err != nil {
		d.Fatal(err)
	}
	head, body, _ := strings.Cut(strings.ReplaceAll(out, "\r", ""), "\n\n")
	for line := range strings.Lines(head) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), "Seen-From: "); is {
			seen = netip.MustParseAddrPort(value).Addr().String()
		}
	}
	return strings.TrimSpace(body), seen
}

// A client's connections to ports 80 and 443 go to one server, by rules that lvsd keeps, on either director;
// another client's may go to another one. The rules go with the daemon.
func TestPortsTogetherByMark(t *testing.T) {
	head := `
virtual_server "fwmark" "7" {
  lb_algo             = "rr"
  lb_kind             = "NAT"
  delay_loop          = "2s"
  persistence_timeout = "5m"
  mark                = ["192.168.2.11 tcp 80,443"]
`
	var servers []string
	for _, web := range insideWeb {
		servers = append(servers, fmt.Sprintf("  real_server %q \"0\" {\n    TCP_CHECK {\n      connect_port    = 80\n      connect_timeout = \"2s\"\n    }\n  }\n", web.Addr()))
	}
	d := newDirectors(t, NAT, instance+head+strings.Join(servers, "")+"}\n")
	for _, web := range d.Web {
		if _, err := web.Serve(":443"); err != nil {
			t.Fatal(err)
		}
	}
	second := netip.MustParseAddr("192.168.2.22")
	if err := d.Client.AddAddress("eth0", netip.PrefixFrom(second, 24)); err != nil {
		t.Fatal(err)
	}
	d.startBoth()
	for i := range d.lvsd {
		d.event(i, time.Time{}, "nftables_set", "first", "add mark 7 for 192.168.2.11 tcp 443")
	}
	together := func(client string) (server string) {
		t.Helper()
		for n := range 4 {
			for _, port := range []string{"80", "443"} {
				by, seen := d.curl(d.Client, client, fmt.Sprintf("http://%s:%s/", d.VIP, port))
				if seen != client {
					t.Errorf("%s saw %s as its client, not %s", by, seen, client)
				}
				if server == "" {
					server = by
				}
				if by != server {
					t.Errorf("request %d of %s to port %s went to %s, those before to %s", n, client, port, by, server)
				}
			}
		}
		return server
	}
	first, other := together(clientAddr.Addr().String()), together(second.String())
	if first == other {
		t.Errorf("both clients went to %s: the scheduler was not asked", first)
	}
	// Another port of the address is no part of the service.
	if out, err := d.Client.Run(d.ctx, "curl", "-sS", "--max-time", "5", fmt.Sprintf("http://%s:8080/", d.VIP)); err == nil {
		t.Errorf("a port without a mark answered: %s", out)
	}
	d.takeOver()
	together(clientAddr.Addr().String())
	if err := d.lvsd[1].Stop(d.ctx); err != nil {
		t.Error(err)
	}
	d.event(1, time.Time{}, "nftables_set", "first", "delete table lvsd")
}

// With no_accept a director's own programs are not reached at the VIP, the services at it are, whichever way they
// forward, on either director.
func TestServicesWithoutAccept(t *testing.T) {
	refusing := strings.Replace(instance, `interface         = "eth0"`, "interface = \"eth0\"\n  no_accept = true", 1)
	for _, way := range []struct {
		kind       string
		forwarding Forwarding
	}{{"NAT", NAT}, {"DR", DR}, {"TUN", TUN}} {
		t.Run(way.kind, func(t *testing.T) {
			d := newDirectors(t, way.forwarding, "")
			var servers []string
			for _, real := range d.Real {
				servers = append(servers, serverBlock(real, 80, 1))
			}
			d.write(refusing + serviceBlock(fmt.Sprintf("\n  lb_algo = \"rr\"\n  lb_kind = %q\n", way.kind), servers...))
			if way.forwarding != NAT {
				for i := range d.Web {
					d.realServer(i, 0, "up")
				}
			}
			for i := range d.LB {
				if _, err := d.LB[i].Serve(":8081"); err != nil {
					t.Fatal(err)
				}
			}
			d.startBoth()
			for i, lb := range outsideLB {
				if i == 1 {
					d.takeOver()
				}
				if got := d.ask(6, d.url()); got["web1"] != 2 || got["web2"] != 2 || got["web3"] != 2 {
					t.Errorf("%s: answered by %v", d.LB[i].Name, got)
				}
				if by, _ := d.curl(d.Client, "", fmt.Sprintf("http://%s:8081/", lb.Addr())); by != d.LB[i].Name {
					t.Errorf("at its own address %s answers as %q", d.LB[i].Name, by)
				}
				if out, err := d.Client.Run(d.ctx, "curl", "-sS", "--max-time", "3", fmt.Sprintf("http://%s:8081/", d.VIP)); err == nil {
					t.Errorf("%s answers at the VIP: %s", d.LB[i].Name, out)
				}
			}
		})
	}
}

// What web servers send to others by way of the V-gate has the master's own address, and its answers come
// back; the service's own answers still have the VIP's.
func TestMasquerade(t *testing.T) {
	var servers []string
	for _, web := range insideWeb {
		servers = append(servers, serverBlock(web.Addr(), 80, 1))
	}
	d := newDirectors(t, NAT, `
global_defs {
  masquerade = ["10.10.10.0/24 out eth0"]
}
`+instance+serviceBlock("\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n", servers...))
	if _, err := d.Client.Serve(":8080"); err != nil {
		t.Fatal(err)
	}
	d.startBoth()
	outward := fmt.Sprintf("http://%s:8080/", clientAddr.Addr())
	for i, lb := range outsideLB {
		d.event(i, time.Time{}, "nftables_set", "first", "add masquerade 10.10.10.0/24 out eth0")
		if i == 1 {
			d.takeOver()
		}
		for _, web := range d.Web {
			if by, seen := d.curl(web, "", outward); by != "client" || seen != lb.Addr().String() {
				t.Errorf("%s reached %s, which saw %s, not %s", web.Name, by, seen, lb.Addr())
			}
		}
		for range 6 {
			if by, seen := d.curl(d.Client, "", d.url()); !strings.HasPrefix(by, "web") || seen != clientAddr.Addr().String() {
				t.Errorf("the service: %s answered, and saw %s", by, seen)
			}
		}
		// Within its own network a server is itself.
		if _, seen := d.curl(d.Web[0], "", fmt.Sprintf("http://%s/", insideWeb[1].Addr())); seen != insideWeb[0].Addr().String() {
			t.Errorf("web2 saw web1 as %s", seen)
		}
	}
}
