//go:build vm

package lab

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Real packets through every kind of tunnel: IP in IP, GRE and GUE with and without their checksums, IPv4 and IPv6
// inside and outside. Director and server have nothing but "lvsd run" and "lvsd realserver up": before it status
// names what each kind lacks, and after "down" the server is as it was.
func TestTunnels(t *testing.T) {
	d := newDirectors(t, TUN, "")
	const vip4, vip6, server4, server6 = "192.168.2.11", "fd00:2::11", "10.10.10.11", "fd00:10::11"
	const noDevice, noPort = ": there is no such device\n", ": packets to it are not decapsulated\n"
	type service struct{ vip, lvsMethod, server string }
	kinds := []struct {
		name     string
		services []service
		lacks    []string // what status says of it before up, beside the addresses
	}{
		{"IP in IPv4", []service{{vip4, "TUN", server4}, {vip6, "TUN", server4}},
			[]string{"tunnel lvsd-ipip0 type ipip local 10.10.10.11" + noDevice, "tunnel lvsd-sit0 type sit local 10.10.10.11" + noDevice}},
		{"IP in IPv6", []service{{vip4, "TUN", server6}, {vip6, "TUN", server6}},
			[]string{"tunnel lvsd-ip6tnl0 type ip6tnl local fd00:10::11" + noDevice}},
		{"GRE in IPv4", []service{{vip4, "TUN type gre", server4}, {vip6, "TUN type gre", server4}},
			[]string{"tunnel lvsd-gre0 type gre local 10.10.10.11" + noDevice}},
		{"GRE in IPv6", []service{{vip4, "TUN type gre", server6}, {vip6, "TUN type gre", server6}},
			[]string{"tunnel lvsd-ip6gre0 type ip6gre local fd00:10::11" + noDevice}},
		{"GUE in IPv4", []service{{vip4, "TUN type gue port 6080", server4}, {vip6, "TUN type gue port 6080", server4},
			{vip4, "TUN type gue port 6080 csum", server4}, {vip6, "TUN type gue port 6080 remcsum", server4}},
			[]string{"GUE port 6080 for IPv4" + noPort, "tunnel lvsd-ipip0 type ipip local 10.10.10.11" + noDevice, "tunnel lvsd-sit0 type sit local 10.10.10.11" + noDevice}},
		{"GUE in IPv6", []service{{vip4, "TUN type gue port 6080", server6}, {vip6, "TUN type gue port 6080", server6},
			{vip4, "TUN type gue port 6080 remcsum", server6}, {vip6, "TUN type gue port 6080 csum", server6}},
			[]string{"GUE port 6080 for IPv6" + noPort, "tunnel lvsd-ip6tnl0 type ip6tnl local fd00:10::11" + noDevice}},
		// A server takes GRE with checksums or without: this one does not go with the others.
		{"GRE with checksums", []service{{vip4, "TUN type gre csum", server4}, {vip6, "TUN type gre csum", server6}},
			[]string{"tunnel lvsd-gre0 type gre local 10.10.10.11 icsum" + noDevice, "tunnel lvsd-ip6gre0 type ip6gre local fd00:10::11 icsum" + noDevice}},
	}
	var blocks, together []string // of all, and of those that go together
	var ports [][]int             // of each kind's services
	for i, kind := range kinds {
		ports = append(ports, nil)
		for _, s := range kind.services {
			port := 8000 + len(blocks)
			ports[i] = append(ports[i], port)
			blocks = append(blocks, fmt.Sprintf("virtual_server %q \"%d\" {\n  lb_kind = %q\n  real_server %q \"%[2]d\" {}\n}\n", s.vip, port, s.lvsMethod, s.server))
			if _, err := d.Web[0].Serve(fmt.Sprintf(":%d", port)); err != nil {
				t.Fatal(err)
			}
		}
		if i < len(kinds)-1 {
			together = blocks
		}
	}
	d.dual()
	d.write(instance46 + strings.Join(blocks, ""))
	d.start(0)
	d.until("lb1 holds the VIP", func() error { return d.holds(0, "eth0", d.VIP, true) })
	ask := func(t *testing.T, kind int) {
		t.Helper()
		for i, s := range kinds[kind].services {
			url := "http://" + netip.AddrPortFrom(netip.MustParseAddr(s.vip), uint16(ports[kind][i])).String()
			if by, err := upload(d.Client.HTTPClient(10*time.Second), url); err != nil || by != "web1" {
				t.Errorf("%s for %s to %s: answered by %q, %v", s.lvsMethod, s.vip, s.server, by, err)
			}
		}
	}
	// The server is told of some services alone, so that nothing of another one helps them.
	told := func(t *testing.T, services []string) *directors {
		part := *d
		part.T, part.config = t, filepath.Join(t.TempDir(), "lvsd.hcl")
		part.write(instance46 + strings.Join(services, ""))
		return &part
	}
	for i, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			d := told(t, blocks[ports[i][0]-8000:][:len(ports[i])])
			before := d.hostState(0)
			said := d.realServer(0, 3, "status")
			for _, s := range kind.services {
				if want := fmt.Sprintf("- address %s/%d dev lvsd-", s.vip, netip.MustParseAddr(s.vip).BitLen()); !strings.Contains(said, want) {
					t.Errorf("status does not say %q:\n%s", want, said)
				}
			}
			for _, lack := range kind.lacks {
				if !strings.Contains(said, "- "+lack) {
					t.Errorf("status does not say %q:\n%s", lack, said)
				}
			}
			d.realServer(0, 0, "up")
			d.realServer(0, 0, "status")
			ask(t, i)
			d.realServer(0, 0, "down")
			if after := d.hostState(0); after != before {
				t.Errorf("after \"down\":\n%s\nbefore \"up\":\n%s", after, before)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		d := told(t, together)
		before := d.hostState(0)
		d.realServer(0, 0, "up")
		d.realServer(0, 0, "status")
		for i := range len(kinds) - 1 {
			ask(t, i)
		}
		d.realServer(0, 0, "down")
		if after := d.hostState(0); after != before {
			t.Errorf("after \"down\":\n%s\nbefore \"up\":\n%s", after, before)
		}
	})
}

// upload sends a request of many packets, each as long as the client's link takes, which no longer fits when the
// tunnel's header is added. It returns who answered.
func upload(client *http.Client, url string) (by string, err error) {
	resp, err := client.Post(url+SlowPath, "text/plain", bytes.NewReader(make([]byte, 200_000)))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	said := strings.Fields(string(b))
	if len(said) == 0 || !slices.Equal(said[1:], strings.Fields(slowEnd)) {
		return "", fmt.Errorf("answered %q", b)
	}
	return said[0], nil
}

// instance46 is the pair's VRRP instance with an address of each family.
const instance46 = `
vrrp_instance "web" {
  interface                  = "eth0"
  virtual_router_id          = 51
  priority                   = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress          = ["192.168.2.11/24"]
  virtual_ipaddress_excluded = ["fd00:2::11/64"]
}
`

// dual gives the hosts IPv6 addresses of their own, beside those of IPv4: outside fd00:2::/64, inside fd00:10::/64.
func (d *directors) dual() {
	d.Helper()
	for _, a := range []struct {
		host    *Host
		dev     string
		address string
	}{
		{d.Client, "eth0", "fd00:2::21/64"},
		{d.LB[0], "eth0", "fd00:2::1/64"}, {d.LB[0], "eth1", "fd00:10::1/64"},
		{d.LB[1], "eth0", "fd00:2::2/64"}, {d.LB[1], "eth1", "fd00:10::2/64"},
		{d.Web[0], "eth0", "fd00:10::11/64"}, {d.Web[0], "eth1", "fd00:2::31/64"},
	} {
		if err := a.host.AddAddress(a.dev, netip.MustParsePrefix(a.address)); err != nil {
			d.Fatal(err)
		}
	}
}
