package conf

import (
	"fmt"
	"net/netip"

	"lvsd/internal/conf/keepalived"
)

// quorumWords are the words that say what the quorum of a virtual server is; nil where one is not
// there.
type quorumWords struct{ quorum, hysteresis *keepalived.Node }

// validateQuorum holds a quorum to the weights of the servers, and a hysteresis to the quorum.
func (d *decoder) validateQuorum(v *VirtualServer, given quorumWords) {
	sum := 0
	for _, r := range v.RealServers {
		sum += r.Weight
	}
	if n := given.quorum; n != nil && v.Quorum > sum && sum > 0 {
		mistake := fmt.Sprintf("A quorum of %d is more than all servers have, whose weights come to %d", v.Quorum, sum)
		if d.repairs(n.Range, mistake, fmt.Sprintf("%d is taken", sum), fmt.Sprintf("write %d or less", sum)) {
			v.Quorum = sum
		}
	}
	n := given.hysteresis
	if n == nil {
		return
	}
	switch {
	case v.Hysteresis < v.Quorum:
	case v.Quorum == 1:
		if d.repairs(n.Range, "A quorum of 1 has no room for a hysteresis", "the hysteresis is ignored", "remove it, or raise the quorum above it") {
			v.Hysteresis = 0
		}
	default:
		mistake := fmt.Sprintf("A hysteresis of %d is not less than the quorum of %d", v.Hysteresis, v.Quorum)
		if d.repairs(n.Range, mistake, fmt.Sprintf("%d is taken", v.Quorum-1), fmt.Sprintf("write %d or less", v.Quorum-1)) {
			v.Hysteresis = v.Quorum - 1
		}
	}
	if v.Quorum+v.Hysteresis > sum && v.Quorum <= sum && v.Hysteresis < v.Quorum {
		d.warnf(n.Range, "The quorum is gained at %d (quorum and hysteresis), and the weights of all servers come to %d: it never is", v.Quorum+v.Hysteresis, sum)
	}
}

// sorryServer reads the sorry_server of a virtual server, whose other words are known, and the
// words about it, in any order.
func (d *decoder) sorryServer(given map[string]*keepalived.Node, v *VirtualServer) {
	n := given["sorry_server"]
	if n == nil {
		for _, name := range []string{"sorry_server_inhibit", "sorry_server_lvs_method"} {
			if w := given[name]; w != nil {
				d.repairs(w.Range, name+" is of no use without a sorry_server", "it is ignored", "remove it, or write sorry_server ADDRESS PORT")
			}
		}
		return
	}
	s := SorryServer{Forwarding: v.Forwarding, Tunnel: v.Tunnel, Range: n.Range}
	if len(n.Args) == 0 && !n.Broken {
		d.errorf(n.Range, "sorry_server is empty; write its address and port")
	}
	if len(n.Args) > 2 {
		d.errorf(n.Args[2].Range, "sorry_server takes an address and a port, and nothing behind them")
	}
	named := d.serverAddress(n, &s.Address)
	if named && len(n.Args) == 1 {
		s.Address = netip.AddrPortFrom(s.Address.Addr(), v.Address.Port())
	}
	if w := given["sorry_server_inhibit"]; w != nil {
		d.flag(w, &s.Inhibit)
	}
	if w := given["sorry_server_lvs_method"]; w != nil {
		d.method(w, &s.Forwarding, &s.Tunnel)
	}
	if named {
		v.Sorry = s
	}
}
