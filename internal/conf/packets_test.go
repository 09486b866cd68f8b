package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// markWords and masqueradeWords spell the packets of a configuration.
func markWords(marks []Mark, s syntax) string {
	var lines []string
	for _, m := range marks {
		var ports []string
		for _, r := range m.Ports {
			if r.First == r.Last {
				ports = append(ports, fmt.Sprint(r.First))
			} else {
				ports = append(ports, fmt.Sprintf("%d-%d", r.First, r.Last))
			}
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Address, m.Protocol, strings.Join(ports, ","))))
	}
	if len(lines) == 0 {
		return ""
	}
	return s.lines("mark", lines)
}

func masqueradeWords(list []Masquerade, s syntax) string {
	var lines []string
	for _, m := range list {
		line := m.Source.String()
		if m.Out != "" {
			line += " out " + m.Out
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return ""
	}
	return s.lines("masquerade", lines)
}

// drawMarks draws lines for a virtual server of a mark. No packet gets the mark of another one: the
// addresses are of the mark.
func drawMarks(t *rapid.T, v *VirtualServer) (marks []Mark) {
	if v.FWMark == 0 {
		return nil
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "marks") {
		m := Mark{Address: netip.AddrFrom4([4]byte{10, 9, byte(v.FWMark), byte(n + 1)}), Protocol: rapid.SampledFrom([]Protocol{TCP, UDP, SCTP}).Draw(t, "protocol")}
		if v.Family == 6 {
			m.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8:9::%d:%d", v.FWMark, n+1))
		}
		next := uint16(1)
		for range rapid.IntRange(0, 3).Draw(t, "ports") {
			first := next + rapid.Uint16Range(0, 9000).Draw(t, "gap")
			last := first + rapid.Uint16Range(0, 9000).Draw(t, "size")
			m.Ports = append(m.Ports, PortRange{first, last})
			next = last + 1
		}
		marks = append(marks, m)
	}
	return marks
}

func drawMasquerade(t *rapid.T) (list []Masquerade) {
	for n := range rapid.IntRange(0, 3).Draw(t, "masquerade") {
		m := Masquerade{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 10, byte(n), 0}), rapid.IntRange(24, 32).Draw(t, "bits")).Masked(),
			Out: rapid.SampledFrom([]string{"", "eth0"}).Draw(t, "out")}
		if rapid.Bool().Draw(t, "IPv6") {
			m.Source = netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d::/48", n+1))
		}
		list = append(list, m)
	}
	return list
}

func TestWordsOfPackets(t *testing.T) {
	c := valid(t, Keepalived, `global_defs {
masquerade {
10.10.10.7/24 out eth0
10.10.11.1
2001:db8::/64 out eth0.5
}
}
virtual_server fwmark 7 {
mark {
192.168.2.11 TCP http,https
192.168.2.11 udp 5000-5010,53
192.168.2.12 sctp
}
real_server 10.10.10.11 0 {
}
}
virtual_server fwmark 8 {
mark { 2001:db8::1 tcp 80 }
}
`)
	masquerade := []Masquerade{{Source: netip.MustParsePrefix("10.10.10.0/24"), Out: "eth0"}, {Source: netip.MustParsePrefix("10.10.11.1/32")},
		{Source: netip.MustParsePrefix("2001:db8::/64"), Out: "eth0.5"}}
	if diff := cmp.Diff(masquerade, c.Masquerade, cmpModel); diff != "" {
		t.Error(diff)
	}
	vip := netip.MustParseAddr("192.168.2.11")
	marks := []Mark{{Address: vip, Protocol: TCP, Ports: []PortRange{{80, 80}, {443, 443}}},
		{Address: vip, Protocol: UDP, Ports: []PortRange{{5000, 5010}, {53, 53}}}, {Address: vip.Next(), Protocol: SCTP}}
	if diff := cmp.Diff(marks, c.Services[0].Marks, cmpModel); diff != "" {
		t.Error(diff)
	}
	if f := c.Services[1].Family; f != 6 {
		t.Errorf("a mark for IPv6 is of IPv%d", f)
	}
}

// What cannot be meant is told with what to write.
func TestMistakesOfPackets(t *testing.T) {
	mark := func(line string) string { return "virtual_server fwmark 7 {\nmark {\n" + line + "\n}\n}\n" }
	masquerade := func(line string) string { return "global_defs {\nmasquerade {\n" + line + "\n}\n}\n" }
	for src, want := range map[string]string{
		"virtual_server 10.0.0.1 80 {\nprotocol TCP\nmark { 10.0.0.1 tcp }\n}\n": "write virtual_server fwmark NUMBER",
		mark(""):                                         "mark is empty",
		mark("x tcp 80"):                                 `not "x"`,
		mark("10.0.0.1"):                                 "10.0.0.1 needs a protocol behind it, and ports; write 10.0.0.1 tcp 80,443",
		mark("10.0.0.1 icmp"):                            `tcp, udp or sctp, not "icmp"`,
		mark("10.0.0.1 80"):                              `tcp, udp or sctp, not "80"`,
		mark("10.0.0.1 tcp 0"):                           `from 1 to 65535, not "0"`,
		mark("10.0.0.1 tcp 80,"):                         `not "80,"`,
		mark("10.0.0.1 tcp 90-80"):                       `not "90-80"`,
		mark("10.0.0.1 tcp 1-"):                          `not "1-"`,
		mark("10.0.0.1 tcp 65536"):                       `not "65536"`,
		mark("10.0.0.1 tcp 80,79-81"):                    "has port 80 twice",
		mark("10.0.0.1 tcp " + strings.Repeat("1,", 70)): "has port 1 twice",
		mark("224.0.0.1 tcp 80"):                         "no address of one machine",
		mark("10.0.0.1 tcp 80\n10.0.0.1 tcp 79-81"):      "marked at f:3:1 already",
		mark("10.0.0.1 tcp 80\n10.0.0.1 tcp"):            "marked at f:3:1 already",
		mark("10.0.0.1 tcp 80") + strings.Replace(mark("10.0.0.1 tcp 80"), "7", "8", 1):  "marked at f:3:1 already",
		mark("10.0.0.1 tcp 80\n2001:db8::1 tcp 80"):                                      "2001:db8::1 is not of the family of virtual_server fwmark 7, which is IPv4",
		strings.Replace(mark("10.0.0.1 tcp 80"), "mark {", "ip_family inet6\nmark {", 1): "which is IPv6",
		masquerade("x"):                        `such as 10.10.10.0/24, not "x"`,
		masquerade("0.0.0.0/0"):                `not "0.0.0.0/0"`,
		masquerade("10.0.0.0/8 via eth0"):      "via",
		masquerade("10.0.0.0/8 out"):           "out",
		masquerade("10.0.0.0/8 out a/b"):       "a/b",
		masquerade("10.0.0.0/8 out eth0 eth1"): "the name of one interface",
		masquerade("10.0.0.0/8\n10.1.0.0/8"):   "10.0.0.0/8 stands at f:3:1 already",
	} {
		_, diags := load([]source{{"f", []byte(src)}}, Options{Format: Keepalived}, nil)
		if text := strings.Join(lines(tidy(diags, nil)), "\n"); !diags.HasErrors() || !strings.Contains(text, want) {
			t.Errorf("%s\nis told as\n%s\nwithout %q", src, text, want)
		}
	}
	var many []string
	for n := range maxMarkPorts + 1 {
		many = append(many, fmt.Sprint(1+2*n))
	}
	_, diags := load([]source{{"f", []byte(mark("10.0.0.1 tcp " + strings.Join(many, ",")))}}, Options{Format: Keepalived}, nil)
	if !diags.HasErrors() || !strings.Contains(diags[0].Summary, "more than 64") {
		t.Errorf("many ports: %v", diags)
	}
}
