package convert

import (
	"net/netip"
	"slices"
	"strings"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// transport converts a word about how adverts travel as it counts. false is that it is none, or means
// what it says.
func (k *tree) transport(n *keepalived.Node, t *conf.Transport) (items []*item, ok bool) {
	switch n.Name {
	case "unicast_src_ip":
		name := n.Name
		if !t.Unicast() {
			name = "mcast_src_ip"
		}
		k.note(n)
		return []*item{{name: name, expr: quote(t.SourceIP.String()), at: n.Range}}, true
	case "unicast_ttl":
		return nil, !t.Unicast()
	case "mcast_dst_ip":
		return nil, t.Unicast() || !isGroup(n)
	case "unicast_peer":
		if len(t.UnicastPeers) == 0 {
			return nil, true
		}
		k.note(n)
		list := &item{name: n.Name, at: n.Range}
		shape := k.shapes[conf.Place{Block: "vrrp_instance", Word: n.Name}]
		k.lines(list, n, func(l *keepalived.Node) string {
			if !slices.ContainsFunc(t.UnicastPeers, func(p conf.UnicastPeer) bool { return p.Range == l.Range }) {
				return ""
			}
			return plainLine(l, shape)
		})
		return []*item{list}, true
	}
	return nil, false
}

// isGroup tells whether a word's value is a group that adverts can go to; keepalived takes no notice
// of another.
func isGroup(n *keepalived.Node) bool {
	if len(n.Args) == 0 {
		return false
	}
	a, err := netip.ParseAddr(strings.TrimSpace(n.Args[0].Text))
	return err == nil && (a.Is4() && a.IsMulticast() || a.IsLinkLocalMulticast())
}

// virtualAddresses converts a block of addresses. Of virtual_ipaddress, those that an advert has no
// room for go where they belong.
func (k *tree) virtualAddresses(n *keepalived.Node, left map[string][]conf.VirtualAddress) []*item {
	const excluded = "virtual_ipaddress_excluded"
	counts := func(l *keepalived.Node) bool {
		at := func(a conf.VirtualAddress) bool { return a.Range == l.Range }
		return slices.ContainsFunc(left[n.Name], at) || slices.ContainsFunc(left[excluded], at)
	}
	if !slices.ContainsFunc(n.Children, counts) {
		return nil
	}
	k.note(n)
	list, beside := &item{name: n.Name, at: n.Range}, &item{name: excluded, at: n.Range}
	shape := k.shapes[conf.Place{Block: "vrrp_instance", Word: n.Name}]
	take := func(name string, l *keepalived.Node) string {
		at := slices.IndexFunc(left[name], func(a conf.VirtualAddress) bool { return a.Range == l.Range })
		if at < 0 {
			return ""
		}
		a := left[name][at]
		left[name] = slices.Delete(left[name], at, at+1)
		return plainLine(k.lasting(counting(l, &a), &a), shape)
	}
	k.lines(list, n, func(l *keepalived.Node) string {
		text := take(n.Name, l)
		if text == "" && n.Name != excluded {
			if other := take(excluded, l); other != "" {
				beside.list = append(beside.list, element{expr: other})
			}
		}
		return text
	})
	if len(beside.list) > 0 {
		return []*item{list, beside}
	}
	return []*item{list}
}
