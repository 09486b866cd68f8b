package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// Each server of a service has a mark of its own, which no other service and no reordering changes.
func TestMarksOfProbesThroughServices(t *testing.T) {
	service := func(vip, port, words string, servers ...string) string {
		text := fmt.Sprintf("virtual_server %s %s {\nprotocol TCP\npersistence_timeout 60\n", vip, port)
		for _, s := range servers {
			text += fmt.Sprintf("real_server %s %s {\nTCP_CHECK { through_service\n%s }\nTCP_CHECK { connect_timeout 3 }\nHTTP_GET { through_service\n%s\nurl { path / } }\n}\n", s, port, words, words)
		}
		return text + "}\n"
	}
	first := service("192.0.2.1", "80", "", "10.0.0.1", "10.0.0.2")
	second := service("2001:db8::1", "0", "connect_port 443", "2001:db8::a")
	marks := func(text string) map[string]uint32 {
		t.Helper()
		r := read(t, Keepalived, text)
		if r.Config == nil {
			t.Fatal(r.Diags)
		}
		all, seen := map[string]uint32{}, map[uint32]string{}
		for _, s := range r.Config.Services {
			for _, server := range s.RealServers {
				tcp, direct, http := server.Checks[0].Through, server.Checks[1].Through, server.Checks[2].Through
				if direct != nil || tcp == nil || http == nil || *tcp != *http {
					t.Fatalf("%s: through %v, %v, %v", server.Address, tcp, direct, http)
				}
				want := s.Address
				if want.Port() == 0 {
					want = netip.AddrPortFrom(want.Addr(), 443)
				}
				name := fmt.Sprint(s.Address, server.Address)
				if other, taken := seen[tcp.Mark]; taken || tcp.Service != want || tcp.Mark&^0xffff != throughMarks {
					t.Errorf("%s: mark %#x for %s, which is also that of %q", name, tcp.Mark, tcp.Service, other)
				}
				all[name], seen[tcp.Mark] = tcp.Mark, name
			}
		}
		return all
	}
	a, b := marks(first+second), marks(second+first)
	alone := marks(second)
	if len(a) != 3 {
		t.Fatalf("marks %v", a)
	}
	for name, mark := range a {
		if b[name] != mark || alone[name] != 0 && alone[name] != mark {
			t.Errorf("%s has the mark %#x, in another order %#x, alone %#x", name, mark, b[name], alone[name])
		}
	}
	// A mark that a service of the configuration has is not taken.
	for _, mark := range a {
		text := first + second + fmt.Sprintf("virtual_server fwmark %d {\nreal_server 10.0.0.9 80 { }\n}\n", mark)
		r := read(t, Keepalived, text)
		if r.Config == nil {
			t.Fatal(r.Diags)
		}
		for _, s := range r.Config.Services[:2] {
			for _, server := range s.RealServers {
				if server.Checks[0].Through.Mark == mark {
					t.Errorf("%#x is the mark of a service and of the probes of %s", mark, server.Address)
				}
			}
		}
	}
}

func TestProbesThatCannotGoThroughTheirService(t *testing.T) {
	for text, want := range map[string]string{
		"virtual_server fwmark 7 {\nreal_server 10.0.0.1 80 {\nTCP_CHECK { through_service }\n}\n}":                                                         "this one has none of its own",
		"virtual_server_group g {\n192.0.2.1 80\n}\nvirtual_server group g {\nprotocol TCP\nreal_server 10.0.0.1 80 {\nTCP_CHECK { through_service }\n}\n}": "this one has none of its own",
		"virtual_server 192.0.2.1 53 {\nprotocol UDP\nreal_server 10.0.0.1 53 {\nTCP_CHECK { through_service }\n}\n}":                                       "this one is udp",
		"virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 10.0.0.1 80 {\nTCP_CHECK { through_service\nconnect_ip 10.0.0.2 }\n}\n}":                  "remove connect_ip and fwmark",
		"virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 10.0.0.1 80 {\nTCP_CHECK { through_service\nfwmark 9 }\n}\n}":                             "remove connect_ip and fwmark",
		"virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 10.0.0.1 80 {\nTCP_CHECK { through_service\nconnect_port 8080 }\n}\n}":                    "remove connect_port",
		"virtual_server 192.0.2.1 25 {\nprotocol TCP\nreal_server 10.0.0.1 25 {\nSMTP_CHECK { through_service\nhost { connect_ip 10.0.0.2 } }\n}\n}":        "remove the host blocks",
		"virtual_server 192.0.2.1 0 {\nprotocol TCP\npersistence_timeout 60\nreal_server 10.0.0.1 0 {\nTCP_CHECK { through_service }\n}\n}":                 "write connect_port",
	} {
		r := read(t, Keepalived, text)
		if said := strings.Join(lines(r.Diags), "\n"); r.Config != nil || !strings.Contains(said, "through_service") || !strings.Contains(said, want) {
			t.Errorf("%s\nsaid %s, want %q in it", text, said, want)
		}
	}
}
