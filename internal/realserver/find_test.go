package realserver

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lvsd/internal/conf"
)

// read loads a configuration in HCL.
func read(t *testing.T, text string) *conf.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lvsd.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := conf.Load(path, conf.Options{Hostname: "lb1"})
	if r.Config == nil {
		t.Fatal(r.Diags)
	}
	return r.Config
}

// having is a host with addresses, "10.10.10.11/24 eth0" each.
func having(addresses ...string) Host {
	h := Host{Addresses: map[Address]netip.Prefix{}, Tunnels: map[string]Device{}, Ports: map[Port]bool{}, Settings: map[string]string{}}
	for _, text := range append(addresses, "127.0.0.1/8 lo", "::1/128 lo") {
		prefix, dev, _ := strings.Cut(text, " ")
		p := netip.MustParsePrefix(prefix)
		h.Addresses[Address{p.Addr(), dev}] = p
	}
	return h
}

const instances = `
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = 100
  virtual_ipaddress = ["192.168.2.11/24", { address = "10.10.10.9/24", dev = "eth1" }]
  virtual_ipaddress_excluded = ["2001:db8::11/64", "2001:db8:1::9/64"]
}
`

// What a host needs, by what the file says of the server that it is.
func TestFind(t *testing.T) {
	service := func(head string, server string) string {
		return instances + "virtual_server " + head + "\n  " + server + "\n}\n"
	}
	server := func(address string) string { return `real_server "` + address + `" "80" {}` }
	arp := func(dev string) []string {
		return []string{"sysctl net.ipv4.conf.all.arp_ignore = 1", "sysctl net.ipv4.conf.all.arp_announce = 2",
			"sysctl net.ipv4.conf." + dev + ".arp_ignore = 1", "sysctl net.ipv4.conf." + dev + ".arp_announce = 2"}
	}
	web1, web6 := having("10.10.10.11/24 eth0"), having("2001:db8:1::11/64 eth0")
	for _, c := range []struct {
		name  string
		conf  string
		host  Host
		items []string
		notes []string // what each contains
	}{
		{"NAT", service(`"192.168.2.11" "80" {`, server("10.10.10.11")), web1,
			[]string{"route default via 10.10.10.9 dev eth0"}, nil},
		{"NAT for IPv6", service(`"2001:db8::11" "80" {`, server("2001:db8:1::11")), web6,
			[]string{"route default via 2001:db8:1::9 dev eth0"}, nil},
		{"NAT with the VIP in the server's subnet: the V-gate there is preferred", service(`"10.10.10.8" "80" {`, server("10.10.10.11")) + `
vrrp_instance "one_arm" {
  interface         = "eth1"
  virtual_router_id = 52
  priority          = 100
  virtual_ipaddress = ["10.10.10.8/24"]
}`, web1, []string{"route default via 10.10.10.9 dev eth0"}, nil},
		{"NAT with nothing but the VIP in the server's subnet", service(`"192.168.2.11" "80" {`, server("192.168.2.31")), having("192.168.2.31/24 eth0"),
			[]string{"route default via 192.168.2.11 dev eth0"}, nil},
		{"NAT without a V-gate", service(`"192.168.2.11" "80" {`, server("172.16.0.2")), having("172.16.0.2/16 eth0"), nil,
			[]string{"no virtual address is in 172.16.0.0/16"}},
		{"DR", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.11")), web1,
			append(arp("eth0"), "address 192.168.2.11/32 dev lo"), nil},
		{"DR, a VLAN", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.11")), having("10.10.10.11/24 eth0.5"),
			append(arp("eth0/5"), "address 192.168.2.11/32 dev lo"), nil},
		{"DR for IPv6, where no neighbour is answered for lo", service(`"2001:db8::11" "80" {`+"\n"+`lb_kind = "DR"`, server("2001:db8:1::11")), web6,
			[]string{"address 2001:db8::11/128 dev lo"}, nil},
		{"DR by one server of a NAT service", service(`"192.168.2.11" "80" {`, `real_server "10.10.10.11" "80" { lvs_method = "DR" }`), web1,
			append(arp("eth0"), "address 192.168.2.11/32 dev lo"), nil},
		{"the sorry server is one too", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.12")+"\n"+`sorry_server = ["10.10.10.11", 80]`), web1,
			append(arp("eth0"), "address 192.168.2.11/32 dev lo"), nil},
		{"a group", `
virtual_server_group "g" {
  address = ["192.168.2.11-13 80"]
}
` + service(`"group" "g" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.11")), web1,
			append(arp("eth0"), "address 192.168.2.11/32 dev lo", "address 192.168.2.12/32 dev lo", "address 192.168.2.13/32 dev lo"), nil},
		{"a mark says no address", service(`"fwmark" "7" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.11")), web1, nil,
			[]string{"firewall mark 7 is set by others"}},
		{"a mark of lvsd's own says them", service(`"fwmark" "7" {`+"\n"+`lb_kind = "DR"`+"\n"+`mark = ["192.168.2.11 tcp 80,443", "192.168.2.12 udp"]`, server("10.10.10.11")), web1,
			append(arp("eth0"), "address 192.168.2.11/32 dev lo", "address 192.168.2.12/32 dev lo"), nil},
		{"TUN", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "TUN"`, server("10.10.10.11")), web1,
			append(arp("eth0"), "tunnel lvsd-ipip0 type ipip local 10.10.10.11", "sysctl net.ipv4.conf.lvsd-ipip0.rp_filter = 2", "address 192.168.2.11/32 dev lvsd-ipip0"), nil},
		{"TUN to an IPv6 server", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "TUN"`, server("2001:db8:1::11")), web6,
			append(arp("eth0"), "tunnel lvsd-ip6tnl0 type ip6tnl local 2001:db8:1::11", "sysctl net.ipv4.conf.lvsd-ip6tnl0.rp_filter = 2", "address 192.168.2.11/32 dev lvsd-ip6tnl0"), nil},
		{"TUN of IPv6 to an IPv4 server", service(`"2001:db8::11" "80" {`+"\n"+`lb_kind = "TUN"`, server("10.10.10.11")), web1,
			[]string{"tunnel lvsd-sit0 type sit local 10.10.10.11", "address 2001:db8::11/128 dev lvsd-sit0"}, nil},
		{"TUN by GRE with a checksum", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = ["TUN", "type", "gre", "csum"]`, server("10.10.10.11")), web1,
			append(arp("eth0"), "tunnel lvsd-gre0 type gre local 10.10.10.11 icsum", "sysctl net.ipv4.conf.lvsd-gre0.rp_filter = 2", "address 192.168.2.11/32 dev lvsd-gre0"), nil},
		{"TUN by GUE", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = ["TUN", "type", "gue", "port", 5555]`, server("10.10.10.11")), web1,
			append(arp("eth0"), "GUE port 5555 for IPv4", "tunnel lvsd-ipip0 type ipip local 10.10.10.11", "sysctl net.ipv4.conf.lvsd-ipip0.rp_filter = 2", "address 192.168.2.11/32 dev lvsd-ipip0"), nil},
		{"two servers of one host have a tunnel each", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "TUN"`, server("10.10.10.11")+"\n  "+server("10.10.10.14")), having("10.10.10.11/24 eth0", "10.10.10.14/24 eth0"),
			append(arp("eth0"), "tunnel lvsd-ipip0 type ipip local 10.10.10.11", "sysctl net.ipv4.conf.lvsd-ipip0.rp_filter = 2",
				"tunnel lvsd-ipip1 type ipip local 10.10.10.14", "sysctl net.ipv4.conf.lvsd-ipip1.rp_filter = 2",
				"address 192.168.2.11/32 dev lvsd-ipip0", "address 192.168.2.11/32 dev lvsd-ipip1"), nil},
		{"a host with the VIP where neighbours ask", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "DR"`, server("10.10.10.11")), having("10.10.10.11/24 eth0", "192.168.2.11/24 eth1"),
			append(arp("eth0"), "address 192.168.2.11/32 dev lo"), []string{"192.168.2.11 is on eth1, where neighbours are answered for it"}},
		{"another host", service(`"192.168.2.11" "80" {`, server("10.10.10.12")), web1, nil, nil},
		{"an address of every host", service(`"192.168.2.11" "80" {`+"\n"+`lb_kind = "DR"`, server("127.0.0.1")), web1, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Find(read(t, c.conf), c.host)
			var items []string
			for _, i := range f.Items {
				items = append(items, i.String())
			}
			if diff := cmp.Diff(c.items, items); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if len(f.Notes) != len(c.notes) || !slices.EqualFunc(f.Notes, c.notes, strings.Contains) {
				t.Errorf("notes %q, not %q", f.Notes, c.notes)
			}
		})
	}
}

// What a host may be given twice, and has room for once.
func TestFindNotes(t *testing.T) {
	both := instances + `
virtual_server "192.168.2.11" "80" {
  lb_kind = ["TUN", "type", "gre"]
  real_server "10.10.10.11" "80" {}
}
virtual_server "192.168.2.11" "443" {
  lb_kind = ["TUN", "type", "gre", "csum"]
  real_server "10.10.10.11" "443" {}
}
virtual_server "192.168.2.11" "25" {
  real_server "10.10.10.11" "25" {}
}
virtual_server "192.168.2.11" "26" {
  real_server "192.168.2.31" "26" {}
}
`
	f := Find(read(t, both), having("10.10.10.11/24 eth0", "192.168.2.31/24 eth1"))
	want := []string{"with a GRE checksum and without one", "192.168.2.31 would need route default via 192.168.2.11 dev eth1 as well"}
	if len(f.Notes) != 2 || !slices.EqualFunc(f.Notes, want, strings.Contains) {
		t.Errorf("notes %q, not %q", f.Notes, want)
	}
	if n := len(f.Servers); n != 4 {
		t.Errorf("%d servers", n)
	}
}
