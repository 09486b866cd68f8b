package conf

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// Payload bounds: a version 3 advert over IPv6 in a packet of the least Ethernet MTU, with an
// authentication trailer.
const maxAddresses6 = (1500 - 40 - 8 - 28) / 16

// transport reads how adverts travel. The family is that of what comes first here: an address of the
// transport, or the first one of virtual_ipaddress. words are those that the instance has.
func (d *decoder) transport(i *Instance, words map[string]*keepalived.Node, addresses []VirtualAddress) {
	t := &i.Transport
	var group netip.Addr
	sourceAt, _ := d.address(words["unicast_src_ip"], &t.SourceIP)
	groupAt, _ := d.address(words["mcast_dst_ip"], &group)
	if n := words["unicast_peer"]; n != nil {
		d.peers(n, t)
	}
	six := false
	if n := words["native_ipv6"]; n != nil {
		d.flag(n, &six)
	}
	first := append([]netip.Addr{t.SourceIP}, peerAddresses(t)...)
	if len(addresses) > 0 {
		first = append(first, addresses[0].Prefix.Addr())
	}
	first = append(first, group)
	for _, a := range first {
		if a.IsValid() && !six {
			six = a.Is6()
			break
		}
	}
	t.IPv6 = six
	d.samePeers(i)
	if t.SourceIP.IsMulticast() || t.SourceIP == limitedBroadcast() {
		d.errorf(sourceAt, "%s is no address of one machine; write one that this node sends from", t.SourceIP)
	}
	if t.SourceIP.IsValid() && t.SourceIP.Is6() != six {
		d.errorf(sourceAt, "The adverts of vrrp_instance %q go over %s; %s is no source of such", i.Name, familyName(six), t.SourceIP)
	}
	d.group(i, group, groupAt)
	d.unicastWords(i, words)
	if n := words["track_src_ip"]; n != nil && i.Transport.TrackSourceIP && words["unicast_src_ip"] == nil {
		d.warnf(n.Range, "track_src_ip has no address to track, and does nothing; write unicast_src_ip or mcast_src_ip")
	}
	if n := words["old_unicast_checksum"]; n != nil {
		d.oldChecksum(n, t)
	}
	d.versionOf(i, words["version"])
}

// limitedBroadcast is the address of all hosts of a link (RFC 919).
func limitedBroadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

func familyName(six bool) string {
	if six {
		return "IPv6"
	}
	return "IPv4"
}

func peerAddresses(t *Transport) []netip.Addr {
	var all []netip.Addr
	for _, p := range t.UnicastPeers {
		all = append(all, p.Address)
	}
	return all
}

// address reads the address that is a word's value. n may be nil.
func (d *decoder) address(n *keepalived.Node, to *netip.Addr) (at hcl.Range, ok bool) {
	if n == nil {
		return at, false
	}
	w, ok := first(n)
	if !ok {
		return n.Range, false
	}
	return w.Range, d.plainAddress(n.Keyword.Text, w, to)
}

func (d *decoder) plainAddress(what string, w keepalived.Word, to *netip.Addr) bool {
	a, err := netip.ParseAddr(w.Text)
	if err != nil || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() {
		d.errorf(w.Range, "%s takes an address such as 192.168.2.1 or fe80::1, not %q", what, w.Text)
		return false
	}
	*to = a
	return true
}

// peers reads the lines of unicast_peer.
func (d *decoder) peers(n *keepalived.Node, t *Transport) {
	for _, line := range n.Children {
		p := UnicastPeer{MaxTTL: 255, Range: line.Range}
		if !line.Broken && d.plainAddress(n.Name, line.Keyword, &p.Address) && d.unicastPeer(line, &p) {
			t.UnicastPeers = append(t.UnicastPeers, p)
		}
	}
}

func (d *decoder) unicastPeer(line *keepalived.Node, p *UnicastPeer) bool {
	if p.Address.IsMulticast() {
		d.errorf(line.Range, "%s is a group and no peer; write it as mcast_dst_ip", p.Address)
		return false
	}
	if p.Address == limitedBroadcast() {
		d.errorf(line.Range, "%s is no address of one machine; write that of the other node", p.Address)
		return false
	}
	for rest := line.Args; len(rest) > 0; rest = rest[2:] {
		to := map[string]*uint8{"min_ttl": &p.MinTTL, "max_ttl": &p.MaxTTL}[rest[0].Text]
		switch {
		case to == nil:
			hint := ""
			if near := keepalived.Nearest(rest[0].Text, []string{"min_ttl", "max_ttl"}); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(rest[0].Range, "Unknown keyword %q in unicast_peer%s", rest[0].Text, hint)
			return false
		case len(rest) == 1:
			d.errorf(rest[0].Range, "%q needs a value behind it", rest[0].Text)
			return false
		}
		v, err := strconv.ParseUint(rest[1].Text, 10, 8)
		if err != nil {
			d.errorf(rest[1].Range, "%s takes a whole number from 0 to 255, not %q", rest[0].Text, rest[1].Text)
			return false
		}
		*to = uint8(v)
	}
	if p.MinTTL > p.MaxTTL {
		d.errorf(line.Range, "min_ttl %d is more than max_ttl %d; no advert would count", p.MinTTL, p.MaxTTL)
		return false
	}
	return true
}

// samePeers leaves the peers that an instance can have: of its family, each once, and not itself.
func (d *decoder) samePeers(i *Instance) {
	var kept []UnicastPeer
	seen := map[netip.Addr]bool{}
	for _, p := range i.Transport.UnicastPeers {
		mistake := ""
		switch {
		case p.Address.Is6() != i.Transport.IPv6:
			mistake = fmt.Sprintf("The adverts of vrrp_instance %q go over %s, and %s cannot hear them", i.Name, familyName(i.Transport.IPv6), p.Address)
		case p.Address == i.Transport.SourceIP:
			mistake = fmt.Sprintf("The peer %s is this node itself", p.Address)
		case seen[p.Address]:
			mistake = fmt.Sprintf("The peer %s is given twice", p.Address)
		}
		if mistake != "" {
			d.repairs(p.Range, mistake, "it is left out", "remove it")
			continue
		}
		seen[p.Address] = true
		kept = append(kept, p)
	}
	i.Transport.UnicastPeers = kept
	if i.Transport.UnicastFaultNoPeer && len(kept) == 0 {
		d.warnf(i.Range, "vrrp_instance %q is in FAULT for ever: it has unicast_fault_no_peer and no unicast_peer; write the other node's address in unicast_peer", i.Name)
	}
}

// group finds the multicast group of an instance: its own, or that of global_defs.
func (d *decoder) group(i *Instance, own netip.Addr, at hcl.Range) {
	t := &i.Transport
	if own.IsValid() && len(t.UnicastPeers) > 0 {
		d.repairs(at, "mcast_dst_ip has no effect with unicast_peer", "it is ignored", "remove it")
		return
	}
	sound := own.IsValid() && d.isGroup(own, "mcast_dst_ip", at)
	if sound && own.Is6() != t.IPv6 {
		d.errorf(at, "The adverts of vrrp_instance %q go over %s; %s is no group of such", i.Name, familyName(t.IPv6), own)
		return
	}
	if !sound {
		if own = d.global.group4; t.IPv6 {
			own = d.global.group6
		}
	}
	usual := netip.AddrFrom4([4]byte{224, 0, 0, 18})
	if t.IPv6 {
		usual = netip.MustParseAddr("ff02::12")
	}
	if own.IsValid() && own != usual && !t.Unicast() {
		t.Group = own
	}
}

// isGroup tells whether an address is a multicast group that adverts can go to, of IPv6 one of the
// link. Another one is what keepalived does without.
func (d *decoder) isGroup(a netip.Addr, word string, at hcl.Range) bool {
	if a.Is4() && !a.IsMulticast() {
		d.repairs(at, fmt.Sprintf("%s is no multicast group", a), "it is ignored", "write one from 224.0.0.0 to 239.255.255.255")
		return false
	}
	if a.Is6() && !a.IsLinkLocalMulticast() {
		d.repairs(at, fmt.Sprintf("%s is no multicast group of the link", a), "it is ignored", word+" begins with ff02 or another ffX2")
		return false
	}
	return true
}

// unicastWords holds the words about unicast to the peers that they are about.
func (d *decoder) unicastWords(i *Instance, words map[string]*keepalived.Node) {
	t := &i.Transport
	if n := words["unicast_ttl"]; n != nil {
		if v := 0; d.whole(n, 1, 255, &v) {
			t.UnicastTTL = uint8(v)
		}
	}
	if t.Unicast() {
		return
	}
	t.UnicastTTL = maxTTL
	if n := words["unicast_peer"]; n != nil && len(n.Children) > 0 {
		return // of none of its peers anything has come, which is said
	}
	for _, name := range []string{"unicast_src_ip", "unicast_ttl"} {
		if n := words[name]; n != nil && n.Keyword.Text == name {
			d.repairs(n.Range, name+" has no unicast_peer beside it", "adverts go to a multicast group", "write unicast_peer, or mcast_src_ip")
		}
	}
}

// maxTTL is the TTL of adverts that do not say (RFC 9568 §5.1.1.3).
const maxTTL = 255

// oldChecksum reads old_unicast_checksum, which stands alone or says never.
func (d *decoder) oldChecksum(n *keepalived.Node, t *Transport) {
	switch w, ok := first(n); {
	case n.Broken:
	case !ok || w.Text == "true":
		t.OldUnicastChecksum = true
	case w.Text == "never":
		t.NoOldUnicastChecksum = true
	case w.Text != "false":
		d.errorf(w.Range, "old_unicast_checksum stands alone, or has never behind it, not %q", w.Text)
	}
}

// versionOf gives an instance over IPv6 the version that there is. Two keepaliveds that are told
// otherwise send adverts of their own making to one another.
func (d *decoder) versionOf(i *Instance, n *keepalived.Node) {
	if !i.Transport.IPv6 || i.Version == 3 {
		return
	}
	if n != nil && len(n.Args) > 0 && n.Args[0].Text == "2" {
		d.errorf(n.Range, "Version 2 is for IPv4 (RFC 3768); write version 3, on both nodes")
	}
	i.Version = 3
}

// advertised are the addresses of virtual_ipaddress that an advert can name, and those that move
// beside them.
func (d *decoder) advertised(i *Instance, addresses []VirtualAddress) (named, beside []VirtualAddress) {
	limit := maxAddresses
	if i.Transport.IPv6 {
		limit = maxAddresses6
	}
	for _, a := range addresses {
		if a.Prefix.Addr().Is6() != i.Transport.IPv6 {
			mistake := fmt.Sprintf("The adverts of vrrp_instance %q go over %s and cannot name %s", i.Name, familyName(i.Transport.IPv6), a.Prefix.Addr())
			d.repairs(a.Range, mistake, "it is ignored, by keepalived too; move it to virtual_ipaddress_excluded", "move it to virtual_ipaddress_excluded")
			continue
		}
		named = append(named, a)
	}
	if len(named) <= limit {
		return named, nil
	}
	mistake := fmt.Sprintf("vrrp_instance %q has %d addresses and an advert names %d at most", i.Name, len(named), limit)
	if !d.repairs(i.Range, mistake, "the others move too, and are not named", "move the others to virtual_ipaddress_excluded") {
		return named, nil
	}
	return named[:limit], named[limit:]
}
