package conf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"lvsd/internal/conf/keepalived"
)

// Bounds of what virtual_server_group makes of few lines.
const (
	maxGroupSize    = 65536     // services of one group
	maxDestinations = 1_000_000 // real servers of all services
)

// serverGroup reads a virtual_server_group.
func (d *decoder) serverGroup(n *keepalived.Node) {
	w, ok := first(n)
	if !ok {
		return
	}
	g := ServerGroup{Name: w.Text, Range: n.Range}
	for k := range d.cfg.ServerGroups {
		if other := &d.cfg.ServerGroups[k]; other.Name == g.Name {
			d.errorf(w.Range, "virtual_server_group %q stands at %s already; give this one another name", g.Name, place(other.Range))
			d.relate(other.Range, "first defined here")
			return
		}
	}
	size := 0
	for _, line := range n.Children {
		m, ok := d.groupMember(line)
		if !ok {
			continue
		}
		if size += m.size(maxGroupSize + 1); size > maxGroupSize {
			d.errorf(line.Range, "virtual_server_group %q comes to more than %d services; write a firewall mark, which matches any number of addresses", g.Name, maxGroupSize)
			break
		}
		g.Members = append(g.Members, m)
	}
	slices.SortStableFunc(g.Members, func(a, b GroupMember) int {
		switch {
		case a.FWMark == 0 && b.FWMark != 0:
			return -1
		case a.FWMark != 0 && b.FWMark == 0:
			return 1
		}
		return 0
	})
	d.cfg.ServerGroups = append(d.cfg.ServerGroups, g)
}

// groupMember reads a line of a group: addresses and a port, or a firewall mark and its family.
func (d *decoder) groupMember(n *keepalived.Node) (m GroupMember, ok bool) {
	m.Range = n.Range
	if n.Keyword.Text == "fwmark" {
		return m, d.groupMark(n, &m)
	}
	if !d.addressRange(n.Keyword, &m) {
		return m, false
	}
	m.Family = familyOf(m.First)
	if len(n.Args) == 0 {
		return m, true
	}
	if m.Port, ok = port(n.Args[0].Text); !ok {
		d.errorf(n.Args[0].Range, "The port of a virtual_server_group is a whole number from 0 to 65535 or a service such as https, not %q", n.Args[0].Text)
		return m, false
	}
	if len(n.Args) > 1 {
		d.errorf(n.Args[1].Range, "Unexpected %q; a line of a virtual_server_group is an address and a port", n.Args[1].Text)
		return m, false
	}
	return m, true
}

func (d *decoder) groupMark(n *keepalived.Node, m *GroupMember) bool {
	if len(n.Args) == 0 {
		d.errorf(n.Range, `"fwmark" needs the number of the mark behind it`)
		return false
	}
	if !d.mark(n.Args[0], &m.FWMark) {
		return false
	}
	if len(n.Args) == 1 {
		return true
	}
	if len(n.Args) > 2 {
		d.errorf(n.Args[2].Range, "Unexpected %q; a mark is followed by inet or inet6", n.Args[2].Text)
		return false
	}
	family := &keepalived.Node{Keyword: keepalived.Word{Text: "The family of a mark"}, Args: n.Args[1:]}
	return d.family(family, &m.Family)
}

// mark reads a firewall mark.
func (d *decoder) mark(w keepalived.Word, to *uint32) bool {
	mark, err := strconv.ParseUint(w.Text, 10, 32)
	if err != nil || mark == 0 {
		d.errorf(w.Range, "fwmark takes a whole number from 1 to 4294967295, not %q", w.Text)
		return false
	}
	*to = uint32(mark)
	return true
}

// addressRange reads one address, FIRST-LAST, FIRST-N, where N stands for the last number of the
// last address (decimal for IPv4, hexadecimal for IPv6), or a network, of which every address counts.
func (d *decoder) addressRange(w keepalived.Word, m *GroupMember) bool {
	wrong := func(why string) bool {
		d.errorf(w.Range, "virtual_server_group takes addresses such as 192.168.2.11, 192.168.2.11-20, 192.168.2.250-192.168.3.5 or 192.168.2.8/29, not %q%s", w.Text, why)
		return false
	}
	if prefix, err := netip.ParsePrefix(w.Text); err == nil {
		if prefix.Addr().BitLen()-prefix.Bits() > 16 {
			return wrong(", which is more than 65536 addresses")
		}
		m.First = prefix.Masked().Addr()
		m.Last = lastOf(prefix)
		return d.ofOneMachine(w, m)
	}
	from, to, ranged := strings.Cut(w.Text, "-")
	var err error
	if m.First, err = netip.ParseAddr(from); err != nil || m.First.Zone() != "" {
		return wrong("")
	}
	m.First = m.First.Unmap()
	m.Last = m.First
	if ranged {
		if m.Last, err = lastAddress(m.First, to); err != nil {
			return wrong("")
		}
		if m.Last.Less(m.First) || familyOf(m.Last) != familyOf(m.First) {
			return wrong(", which ends before it begins")
		}
	}
	return d.ofOneMachine(w, m)
}

// ofOneMachine says whether the ends of a range are addresses that a service can have.
func (d *decoder) ofOneMachine(w keepalived.Word, m *GroupMember) bool {
	for _, a := range []netip.Addr{m.First, m.Last} {
		if a.IsUnspecified() || a.IsMulticast() {
			d.errorf(w.Range, "%s in %q is no address of one machine", a, w.Text)
			return false
		}
	}
	return true
}

// lastAddress is what stands behind the dash of a range.
func lastAddress(first netip.Addr, text string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return a.Unmap(), nil
	}
	b := first.AsSlice()
	if first.Is4() {
		n, err := strconv.ParseUint(text, 10, 8)
		b[3] = byte(n)
		a, _ := netip.AddrFromSlice(b)
		return a, err
	}
	n, err := strconv.ParseUint(text, 16, 16)
	b[14], b[15] = byte(n>>8), byte(n)
	a, _ := netip.AddrFromSlice(b)
	return a, err
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func familyOf(a netip.Addr) uint8 {
	if a.Is6() {
		return 6
	}
	return 4
}
