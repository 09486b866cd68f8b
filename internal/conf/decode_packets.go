package conf

import (
	"fmt"
	"net/netip"
	"strings"

	"lvsd/internal/conf/keepalived"
)

// marks reads the lines of mark: ADDRESS PROTOCOL [PORTS].
func (d *decoder) marks(n *keepalived.Node, v *VirtualServer) {
	if v.FWMark == 0 {
		d.errorf(n.Range, `mark is about a virtual server with a firewall mark; write virtual_server fwmark NUMBER`)
		return
	}
	for _, line := range n.Children {
		if m, ok := d.markLine(line); ok {
			v.Marks = append(v.Marks, m)
		}
	}
	if len(n.Children) == 0 && !n.Broken {
		d.errorf(n.Range, "mark is empty; write lines such as 192.168.2.11 tcp 80,443")
	}
}

func (d *decoder) markLine(line *keepalived.Node) (m Mark, ok bool) {
	m.Range = line.Range
	if line.Broken || !d.plainAddress("mark", line.Keyword, &m.Address) {
		return m, false
	}
	if m.Address.IsMulticast() || m.Address.IsUnspecified() || m.Address == limitedBroadcast() {
		d.errorf(line.Keyword.Range, "%s is no address of one machine", m.Address)
		return m, false
	}
	switch {
	case len(line.Args) == 0:
		d.errorf(line.Range, "%s needs a protocol behind it, and ports; write %s tcp 80,443", m.Address, m.Address)
		return m, false
	case len(line.Args) > 2:
		d.errorf(line.Args[2].Range, "Unexpected %q; ports have commas between them and no blanks, such as 80,443 or 8000-8010", line.Args[2].Text)
		return m, false
	}
	switch p := Protocol(strings.ToLower(line.Args[0].Text)); p {
	case TCP, UDP, SCTP:
		m.Protocol = p
	default:
		d.errorf(line.Args[0].Range, "The protocol of a mark is tcp, udp or sctp, not %q", line.Args[0].Text)
		return m, false
	}
	if len(line.Args) == 1 {
		return m, true
	}
	return m, d.markPorts(line.Args[1], &m)
}

// maxMarkPorts bounds the ranges of one line: each is a rule that packets are compared with.
const maxMarkPorts = 64

// markPorts reads ports, ranges of them, or both, with commas between.
func (d *decoder) markPorts(w keepalived.Word, m *Mark) bool {
	for text := range strings.SplitSeq(w.Text, ",") {
		r, ok := portRange(text)
		if !ok {
			d.errorf(w.Range, "The ports of a mark are such as 80,443 or 8000-8010, from 1 to 65535, not %q", w.Text)
			return false
		}
		for _, other := range m.Ports {
			if r.overlaps(other) {
				d.errorf(w.Range, "%q has port %d twice", w.Text, max(r.First, other.First))
				return false
			}
		}
		if m.Ports = append(m.Ports, r); len(m.Ports) > maxMarkPorts {
			d.errorf(w.Range, "%q has more than %d ports and ranges; leave the ports out, which marks all of them, or write ranges", w.Text, maxMarkPorts)
			return false
		}
	}
	return true
}

// portRange reads one port or FIRST-LAST.
func portRange(text string) (r PortRange, ok bool) {
	if p, is := port(text); is {
		return PortRange{p, p}, p != 0
	}
	from, to, _ := strings.Cut(text, "-")
	first, ok := port(from)
	last, too := port(to)
	return PortRange{first, last}, ok && too && first != 0 && first <= last
}

func (r PortRange) overlaps(s PortRange) bool { return r.First <= s.Last && s.First <= r.Last }

// overlaps tells whether a packet may be what both are about.
func (m *Mark) overlaps(o *Mark) bool {
	if m.Address != o.Address || m.Protocol != o.Protocol {
		return false
	}
	if len(m.Ports) == 0 || len(o.Ports) == 0 {
		return true
	}
	for _, r := range m.Ports {
		for _, s := range o.Ports {
			if r.overlaps(s) {
				return true
			}
		}
	}
	return false
}

// validateMarks looks for packets that are to be marked twice, and for marks of another family than
// their virtual server.
func (d *decoder) validateMarks() {
	type packets struct {
		address  netip.Addr
		protocol Protocol
	}
	seen := map[packets][]*Mark{}
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		for i := range v.Marks {
			m := &v.Marks[i]
			if f := familyOf(m.Address); f != v.Family {
				d.errorf(m.Range, "%s is not of the family of %s, which is IPv%d; each family needs a virtual_server of its own, with its ip_family", m.Address, v.title(), v.Family)
				continue
			}
			key := packets{m.Address, m.Protocol}
			for _, other := range seen[key] {
				if m.overlaps(other) {
					d.errorf(m.Range, "Packets to %s are marked at %s already; a packet has one mark", markText(m), place(other.Range))
					d.relate(other.Range, "first marked here")
					break
				}
			}
			seen[key] = append(seen[key], m)
		}
	}
}

func markText(m *Mark) string {
	return fmt.Sprintf("%s %s", m.Address, m.Protocol)
}

// masquerades reads the lines of masquerade: NETWORK [out INTERFACE].
func (d *decoder) masquerades(n *keepalived.Node) {
	for _, line := range n.Children {
		m := Masquerade{Range: line.Range}
		if line.Broken {
			continue
		}
		network, err := netip.ParsePrefix(line.Keyword.Text)
		if err != nil {
			a, notOne := netip.ParseAddr(line.Keyword.Text)
			network, err = netip.PrefixFrom(a, a.BitLen()), notOne
		}
		if err != nil || network.Addr().Zone() != "" || network.Addr().Is4In6() || network.Bits() == 0 {
			d.errorf(line.Keyword.Range, "masquerade takes the network of the real servers, such as 10.10.10.0/24, not %q", line.Keyword.Text)
			continue
		}
		m.Source = network.Masked()
		switch {
		case len(line.Args) == 0:
		case line.Args[0].Text != "out":
			d.errorf(line.Args[0].Range, "Unknown keyword %q in masquerade; write %s out INTERFACE", line.Args[0].Text, m.Source)
			continue
		case len(line.Args) != 2:
			d.errorf(line.Args[0].Range, `"out" needs the name of one interface behind it`)
			continue
		case !d.interfaceName("out", line.Args[1], &m.Out):
			continue
		}
		d.masquerade(m)
	}
}

// masquerade takes a line in that stands once.
func (d *decoder) masquerade(m Masquerade) {
	for _, other := range d.cfg.Masquerade {
		if other.Source == m.Source && other.Out == m.Out {
			d.errorf(m.Range, "%s stands at %s already; remove one", m.Source, place(other.Range))
			d.relate(other.Range, "first written here")
			return
		}
	}
	d.cfg.Masquerade = append(d.cfg.Masquerade, m)
}
