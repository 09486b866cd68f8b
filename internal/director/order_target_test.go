package director

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"lvsd/internal/conf"
)

// someServices has every kind of virtual server.
func someServices() *conf.Config {
	servers := func(list ...string) (all []conf.RealServer) {
		for _, a := range list {
			all = append(all, conf.RealServer{Address: netip.MustParseAddrPort(a)})
		}
		return all
	}
	at := netip.MustParseAddrPort
	return &conf.Config{
		ServerGroups: []conf.ServerGroup{{Name: "web"}, {Name: "two words"}},
		Services: []conf.VirtualServer{
			{Address: at("192.0.2.1:80"), Protocol: conf.TCP, Family: 4, RealServers: servers("10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:81")},
			{Address: at("192.0.2.1:53"), Protocol: conf.TCP, Family: 4, RealServers: servers("10.0.0.1:53")},
			{Address: at("192.0.2.1:53"), Protocol: conf.UDP, Family: 4, RealServers: servers("10.0.0.1:53")},
			{Address: at("192.0.2.2:80"), Protocol: conf.SCTP, Family: 4, RealServers: servers("10.0.0.3:80")},
			{Address: at("[2001:db8::1]:80"), Protocol: conf.TCP, Family: 6, RealServers: servers("[2001:db8::11]:80")},
			{FWMark: 7, Family: 4, RealServers: servers("10.0.0.1:0")},
			{FWMark: 7, Family: 6, RealServers: servers("[2001:db8::11]:0")},
			{FWMark: 8, Family: 4, RealServers: servers("10.0.0.1:0")},
			{Group: "web", RealServers: servers("10.0.0.1:80")},
			{Group: "two words", Protocol: conf.TCP, RealServers: servers("10.0.0.4:80")},
			{Group: "two words", Protocol: conf.UDP, RealServers: servers("10.0.0.4:80")},
		},
	}
}

func TestMeantBy(t *testing.T) {
	cfg := someServices()
	for _, c := range []struct{ service, server, want string }{
		{"192.0.2.1:80", "10.0.0.1:80", "TCP 192.0.2.1:80 10.0.0.1:80"},
		{"192.0.2.1:80/tcp", "10.0.0.1", "TCP 192.0.2.1:80 10.0.0.1:80"},
		{"TCP 192.0.2.1:80", "10.0.0.2:81", "TCP 192.0.2.1:80 10.0.0.2:81"},
		{"tcp 192.0.2.1:80", "10.0.0.2:81", "TCP 192.0.2.1:80 10.0.0.2:81"},
		{"192.0.2.1:53/udp", "10.0.0.1", "UDP 192.0.2.1:53 10.0.0.1:53"},
		{"192.0.2.1:53/TCP", "10.0.0.1:53", "TCP 192.0.2.1:53 10.0.0.1:53"},
		{"192.0.2.2", "10.0.0.3", "SCTP 192.0.2.2:80 10.0.0.3:80"},
		{"[2001:db8::1]:80", "2001:db8::11", "TCP [2001:db8::1]:80 [2001:db8::11]:80"},
		{"2001:db8::1", "[2001:db8::11]:80", "TCP [2001:db8::1]:80 [2001:db8::11]:80"},
		{"2001:db8::1/tcp", "[2001:db8::11]:80", "TCP [2001:db8::1]:80 [2001:db8::11]:80"},
		{"fwmark 8", "10.0.0.1", "FWM 8 10.0.0.1:0"},
		{"fwmark:8", "10.0.0.1:0", "FWM 8 10.0.0.1:0"},
		{"FWM 8", "10.0.0.1:0", "FWM 8 10.0.0.1:0"},
		{"fwmark 7 ipv6", "2001:db8::11", "FWM 7 IPv6 [2001:db8::11]:0"},
		{"fwmark:7/IPv4", "10.0.0.1", "FWM 7 10.0.0.1:0"},
		{"FWM 7 IPv6", "2001:db8::11", "FWM 7 IPv6 [2001:db8::11]:0"},
		{"FWM 7", "10.0.0.1", "FWM 7 10.0.0.1:0"}, // as events name it: the other has IPv6 in its name
		{"group web", "10.0.0.1", "group web 10.0.0.1:80"},
		{"group:web", "10.0.0.1", "group web 10.0.0.1:80"},
		{"udp group two words", "10.0.0.4", "UDP group two words 10.0.0.4:80"},
		{"group:two words/tcp", "10.0.0.4", "TCP group two words 10.0.0.4:80"},
		{"*", "10.0.0.2:81", "TCP 192.0.2.1:80 10.0.0.2:81"},
		{"*", "10.0.0.2", "TCP 192.0.2.1:80 10.0.0.2:80, TCP 192.0.2.1:80 10.0.0.2:81"},
		{"*", "10.0.0.1", "TCP 192.0.2.1:80 10.0.0.1:80, TCP 192.0.2.1:53 10.0.0.1:53, UDP 192.0.2.1:53 10.0.0.1:53, FWM 7 10.0.0.1:0, FWM 8 10.0.0.1:0, group web 10.0.0.1:80"},
		{"*", "10.0.0.1:80", "TCP 192.0.2.1:80 10.0.0.1:80, group web 10.0.0.1:80"},
	} {
		list, err := meantBy(cfg, c.service, c.server)
		var names []string
		for _, m := range list {
			names = append(names, m.member().service+" "+m.member().address.String())
		}
		if got := strings.Join(names, ", "); err != nil || got != c.want {
			t.Errorf("%s, %s: %s, %v; want %s", c.service, c.server, got, err, c.want)
		}
	}
}

// TestMeantByNobody: a name that fits nothing, or too much, is refused with what could have been written.
func TestMeantByNobody(t *testing.T) {
	all := `; there are: "TCP 192.0.2.1:80", "TCP 192.0.2.1:53", "UDP 192.0.2.1:53", "SCTP 192.0.2.2:80", "TCP [2001:db8::1]:80", "FWM 7", "FWM 7 IPv6", "FWM 8", "group web", "TCP group two words", "UDP group two words"`
	for _, c := range []struct{ service, server, want string }{
		{"192.0.2.1:53", "10.0.0.1", `"192.0.2.1:53" is more than one virtual_server; write one of: "TCP 192.0.2.1:53", "UDP 192.0.2.1:53"`},
		{"192.0.2.1", "10.0.0.1", `"192.0.2.1" is more than one virtual_server; write one of: "TCP 192.0.2.1:80", "TCP 192.0.2.1:53", "UDP 192.0.2.1:53"`},
		{"fwmark 7", "10.0.0.1", `"fwmark 7" is more than one virtual_server; write one of: "FWM 7", "FWM 7 IPv6"`},
		{"group two words", "10.0.0.4", `"group two words" is more than one virtual_server; write one of: "TCP group two words", "UDP group two words"`},
		{"192.0.2.1:80", "10.0.0.2", `TCP 192.0.2.1:80 has more than one real_server 10.0.0.2; write one of: 10.0.0.2:80, 10.0.0.2:81`},
		{"192.0.2.1:80", "10.0.0.9", `TCP 192.0.2.1:80 has no real_server 10.0.0.9; it has: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.2:81`},
		{"192.0.2.1:80", "", `TCP 192.0.2.1:80 has no real_server ; it has: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.2:81`},
		{"*", "10.0.0.9:1", `no virtual_server has a real_server 10.0.0.9:1; there are: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.2:81, 10.0.0.1:53, 10.0.0.3:80, [2001:db8::11]:80, 10.0.0.1:0, [2001:db8::11]:0, 10.0.0.4:80`},
		{"", "10.0.0.1", `there is no virtual_server ""` + all},
		{"192.0.2.1:81", "10.0.0.1", `there is no virtual_server "192.0.2.1:81"` + all},
		{"192.0.2.1:80/udp", "10.0.0.1", `there is no virtual_server "192.0.2.1:80/udp"` + all},
		{"192.0.2.1:80/ipv4", "10.0.0.1", `there is no virtual_server "192.0.2.1:80/ipv4"` + all},
		{"fwmark 0", "10.0.0.1", `there is no virtual_server "fwmark 0"` + all},
		{"fwmark 4294967303", "10.0.0.1", `there is no virtual_server "fwmark 4294967303"` + all},
		{"group nobody", "10.0.0.1", `there is no virtual_server "group nobody"` + all},
		{"/tcp", "10.0.0.1", `there is no virtual_server "/tcp"` + all},
		{"tcp", "10.0.0.1", `there is no virtual_server "tcp"` + all},
	} {
		list, err := meantBy(someServices(), c.service, c.server)
		if !errors.Is(err, ErrRefused) || err.Error() != c.want || list != nil {
			t.Errorf("%s, %s: %v, %v; want\n%s", c.service, c.server, list, err, c.want)
		}
	}
	if _, err := meantBy(&conf.Config{}, "*", "10.0.0.1"); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	if got := named(strings.Split(strings.Repeat("a ", 24)+"a", " ")); got != strings.Repeat("a, ", 19)+"a and 5 others" {
		t.Errorf("%s", got)
	}
}
