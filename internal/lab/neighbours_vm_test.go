//go:build vm

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

// DR for IPv6, with nothing done on the web servers but "lvsd realserver up". A solicitation for the VIP reaches each of them:
// their own addresses have its last three bytes, and so its multicast group (RFC 4291 section 2.7.1). The director alone
// advertises the VIP, and no server asks from it, by which its neighbours would learn that it has it.
func TestDirectRoutingOfIPv6(t *testing.T) {
	d := newDirectors(t, DR, "")
	d.VIP = netip.MustParseAddr("fd00:2::11")
	own := []string{"fd00:2::31:0:11", "fd00:2::32:0:11", "fd00:2::33:0:11"}
	var servers, shown []string
	for i, address := range own {
		d.Real[i] = netip.MustParseAddr(address)
		if err := d.Web[i].AddAddress("eth0", netip.PrefixFrom(d.Real[i], 64)); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, serverBlock(d.Real[i], 80, 1))
		shown = append(shown, fmt.Sprintf("-a -t [fd00:2::11]:80 -r [%s]:80 -g -w 1", address))
	}
	for host, address := range map[*Host]string{d.Client: "fd00:2::21/64", d.LB[0]: "fd00:2::1/64", d.LB[1]: "fd00:2::2/64"} {
		if err := host.AddAddress("eth0", netip.MustParsePrefix(address)); err != nil {
			t.Fatal(err)
		}
	}
	d.write(fmt.Sprintf(`
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = ["fd00:2::11/64"]
}
virtual_server "fd00:2::11" "80" {
  lb_algo    = "rr"
  lb_kind    = "DR"
  delay_loop = "2s"
%s
}
`, strings.Join(servers, "")))
	d.startBoth()
	for i := range d.lvsd {
		d.services(i, append([]string{"-A -t [fd00:2::11]:80 -s rr"}, shown...)...)
	}
	before := d.hostState(0)
	if said, want := d.realServer(0, 3, "status"), "- address fd00:2::11/128 dev lo: packets for it are not taken\n"; !strings.Contains(said, want) {
		t.Errorf("status does not say %q:\n%s", want, said)
	}
	macs := map[string]string{}
	for i, web := range d.Web {
		d.realServer(i, 0, "up")
		macs[d.mac(web)] = web.Name
	}
	d.realServer(0, 0, "status")
	if said := d.realServer(0, 0, "up"); said != "" {
		t.Errorf("a second time it did\n%s", said)
	}
	heard, err := d.Client.Capture(d.ctx, "eth0", "icmp6")
	if err != nil {
		t.Fatal(err)
	}
	serve := func(each int, director int) {
		t.Helper()
		for _, host := range append([]*Host{d.Client}, d.Web[:]...) {
			if _, err := host.Run(d.ctx, "ip", "-6", "neighbour", "flush", "dev", "eth0"); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := d.ask(3*each, d.url()), map[string]int{"web1": each, "web2": each, "web3": each}; !maps.Equal(got, want) {
			t.Errorf("round robin answered %v, not %v", got, want)
		}
		mac := strings.TrimSpace(d.run(director, "cat", "/sys/class/net/eth0/address"))
		d.until("the director advertises the VIP when asked", func() error {
			for _, l := range heard.Lines() {
				if strings.Contains(l.Text, " "+mac+" > ") && strings.Contains(l.Text, "tgt is fd00:2::11, Flags") && strings.Contains(l.Text, "solicited") {
					return nil
				}
			}
			return fmt.Errorf("nothing of that from %s", mac)
		})
	}
	serve(4, 0)
	d.takeOver()
	serve(2, 1)
	asked := map[string]bool{}
	for _, l := range heard.Lines() {
		for mac, name := range macs {
			switch {
			case !strings.Contains(l.Text, " "+mac+" > "):
			case strings.Contains(l.Text, "tgt is fd00:2::11,"):
				t.Errorf("%s advertised the VIP: %s", name, l.Text)
			case strings.Contains(l.Text, "fd00:2::11 > ") && strings.Contains(l.Text, "neighbor"):
				t.Errorf("%s spoke to its neighbours from the VIP: %s", name, l.Text)
			case strings.Contains(l.Text, "neighbor solicitation"):
				asked[name] = true
			}
		}
	}
	if len(asked) != len(macs) {
		t.Errorf("of the servers only %v asked for the client, so that nothing is shown of the others", asked)
	}
	d.realServer(0, 0, "down")
	if after := d.hostState(0); after != before {
		t.Errorf("after \"down\" web1 is\n%s\nbefore \"up\" it was\n%s", after, before)
	}
}
