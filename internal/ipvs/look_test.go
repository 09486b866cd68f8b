package ipvs

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// shownTable is what a kernel showed, and the table that it had.
func shownTable() (string, Table) {
	six := ServiceKey{Family: 6, Protocol: 17, Addr: netip.MustParseAddr("2001:db8::11"), Port: 53}
	d := func(f Forward, weight uint32) Destination { return Destination{Forward: f, Weight: weight} }
	return `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0A8020B:0050 wlc persistent 360 FFFFFFFF
  -> 0A0A0A0B:0050      Masq    1      0          12
  -> 0A0A0A0C:0050      Local   65535  3          0
UDP  [2001:0db8:0000:0000:0000:0000:0000:0011]:0035 rr ops
  -> [2001:0db8:0000:0000:0000:0000:0000:00c1]:0035      Route    0      0          0
FWM  00000007 rr
  -> 0A0A0A0B:0000      Masq    1      0          0
`, Table{
			tcp("192.168.2.11:80"): {Service: Service{Scheduler: "wlc"}, Destinations: map[netip.AddrPort]Destination{
				netip.MustParseAddrPort("10.10.10.11:80"): d(Masquerade, 1), netip.MustParseAddrPort("10.10.10.12:80"): d(Local, 65535)}},
			six: {Service: Service{Scheduler: "rr"}, Destinations: map[netip.AddrPort]Destination{
				netip.MustParseAddrPort("[2001:db8::c1]:53"): d(Route, 0)}},
			{Family: 4, FWMark: 7}: {Service: Service{Scheduler: "rr"}, Destinations: map[netip.AddrPort]Destination{
				netip.MustParseAddrPort("10.10.10.11:0"): d(Masquerade, 1)}},
		}
}

func looksChanged(text string, t Table) bool {
	l := look{table: t}
	for line := range strings.Lines(text) {
		l.line([]byte(strings.TrimSuffix(line, "\n")))
	}
	return l.changed()
}

// TestLook: the table is known again in what the kernel shows, and any change that is shown is noticed.
func TestLook(t *testing.T) {
	text, table := shownTable()
	if looksChanged(text, table) {
		t.Error("the same looks changed")
	}
	for _, c := range [][2]string{
		{"wlc", "rr"}, {"0A0A0A0B:0050      Masq    1 ", "0A0A0A0B:0050      Masq    2 "}, {"C0A8020B:0050", "C0A8020B:0051"},
		{"C0A8020B:0050", "C0A8020C:0050"}, {"TCP  ", "UDP  "}, {"00000007", "00000008"}, {"00c1", "00c2"}, {"0A0A0A0C:0050", "0A0A0A0C:0051"},
		{"  -> 0A0A0A0C:0050      Local   65535  3          0\n", ""}, {"FWM  00000007 rr\n  -> 0A0A0A0B:0000      Masq    1      0          0\n", ""},
		{"FWM", "  -> 0A0A0A0D:0035 Masq 1 0 0\nFWM"}, {"FWM", "TCP  C0A8020B:0051 rr\nFWM"}, {"65535", "-1"}, {"Masq    1      0          12", "Route   1      0          12"}, {"Route", "Tunnel"}, {"Local   65535", "Masq    65535"}, {"C0A8020B", "nonsense"},
	} {
		other := strings.Replace(text, c[0], c[1], 1)
		if other == text || !looksChanged(other, table) {
			t.Errorf("%q in place of %q is not noticed", c[1], c[0])
		}
	}
	if !looksChanged("", table) || looksChanged("", nil) {
		t.Error("an empty text is not an empty table")
	}
	for _, counts := range []string{"3          0", "12"} { // connections come and go
		if looksChanged(strings.Replace(text, counts, "5 5", 1), table) {
			t.Error("connections look like a change")
		}
	}
	// Of two services with one mark it is not shown which is which.
	table[ServiceKey{Family: 6, FWMark: 7}] = Entry{Service: Service{Scheduler: "rr"}}
	if looksChanged(text+"FWM  00000007 rr\n", table) || !looksChanged(text, table) {
		t.Error("marks of both families are not counted")
	}
}

// FuzzLook: whatever it is given, a look ends.
func FuzzLook(f *testing.F) {
	text, table := shownTable()
	f.Add(text)
	f.Add("TCP\n->\nFWM\nTCP [:0050 rr\n-> [2001:]:1 2 3\nSCTP 0:0 -\n")
	f.Fuzz(func(t *testing.T, text string) {
		if !looksChanged(text, table) && len(text) == 0 {
			t.Error("nothing shows all")
		}
	})
}

// BenchmarkLook compares a table of 10,000 destinations with its text, the kernel's work apart.
func BenchmarkLook(b *testing.B) {
	for _, size := range [][2]int{{100, 100}, {10000, 1}} {
		table := sized(size[0], size[1])
		var lines [][]byte
		for key, e := range table {
			four := key.Addr.As4()
			lines = append(lines, fmt.Appendf(nil, "TCP  %X:%04X %s ", four[:], key.Port, e.Service.Scheduler))
			for at, d := range e.Destinations {
				four := at.Addr().As4()
				lines = append(lines, fmt.Appendf(nil, "  -> %X:%04X      Masq    %-6d 0          0         ", four[:], at.Port(), d.Weight))
			}
		}
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := look{table: table}
				for _, line := range lines {
					l.line(line)
				}
				if l.changed() {
					b.Fatal("looks changed")
				}
			}
		})
	}
}
