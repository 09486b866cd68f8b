package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

// inherited is what a virtual server gives to its real servers, and these to their checks.
type inherited struct {
	checks     inheritance
	weight     int
	forwarding Forwarding
	tunnel     Tunnel
	inhibit    bool
	slowStart  time.Duration
	// port is the virtual server's, for a real server that names none.
	port uint16
}

func (d *decoder) virtualServer(n *keepalived.Node) {
	def := d.front.defaults
	v := VirtualServer{Protocol: def.Protocol, Scheduler: def.Scheduler, Forwarding: def.Forwarding, Quorum: 1, Range: n.Range}
	given := map[string]*keepalived.Node{}
	pass := inherited{weight: def.Weight}
	named := d.serviceName(n, &v)
	d.singles(n, func(name string) bool { return name == "real_server" }, func(c *keepalived.Node) {
		given[c.Name] = c
		switch c.Name {
		case "lb_algo":
			d.choice(c, schedulers(), &v.Scheduler)
		case "lb_kind":
			d.method(c, &v.Forwarding, &v.Tunnel)
		case "protocol":
			d.protocol(c, &v.Protocol)
		case "persistence_timeout":
			d.persistence(c, &v.PersistenceTimeout)
		case "ip_family":
			d.family(c, &v.Family)
		case "weight":
			d.whole(c, 0, maxWeight, &pass.weight)
		case "inhibit_on_failure":
			d.flag(c, &pass.inhibit)
		case "slow_start":
			d.duration(c, 0, maxDuration, &pass.slowStart)
		case "panic_threshold":
			d.whole(c, 0, 100, &v.PanicThreshold)
		case "quorum":
			d.whole(c, 1, maxQuorum, &v.Quorum)
		case "hysteresis":
			d.whole(c, 0, maxQuorum, &v.Hysteresis)
		case "quorum_up":
			d.notification(c, &v.QuorumUp)
		case "quorum_down":
			d.notification(c, &v.QuorumDown)
		case "mark":
			d.marks(c, &v)
		case "drain_timeout":
			d.duration(c, 0, maxDuration, &v.DrainTimeout)
		case "omega":
			d.flag(c, &v.Omega)
		default:
			d.inherited(c, &pass.checks)
		}
	})
	d.eitherFall(n)
	switch protocol := given["protocol"]; {
	case !named:
	case v.FWMark != 0 || v.Group != "" && d.onlyMarks(v.Group):
		v.Protocol = ""
		if protocol != nil {
			d.repairs(protocol.Range, "A firewall mark matches every protocol", "this one is ignored", "remove the protocol")
		}
	case protocol == nil && d.front.repair:
		d.warnf(n.Range, "virtual_server has no protocol; keepalived takes %s: write protocol TCP or protocol UDP", strings.ToUpper(string(v.Protocol)))
	}
	pass.port = v.Address.Port()
	d.sorryServer(given, &v)
	pass.forwarding, pass.tunnel = v.Forwarding, v.Tunnel
	v.RealServers = slices.Grow(v.RealServers, statements(n.Children, "real_server"))
	for _, c := range n.Children {
		if c.Name == "real_server" {
			d.realServer(c, pass, &v)
		}
	}
	d.serviceFamily(given["ip_family"], &v)
	d.schedulerFlags(given, &v)
	d.persistenceWords(n, given, &v)
	if named {
		d.quorums = append(d.quorums, quorumWords{given["quorum"], given["hysteresis"]})
		d.cfg.Services = append(d.cfg.Services, v)
	}
}

// groupName reads the name of a group, which has to be one of the file's.
func (d *decoder) groupName(n *keepalived.Node, v *VirtualServer) bool {
	if len(n.Args) < 2 {
		d.errorf(n.Args[0].Range, `"group" needs the name of a virtual_server_group behind it`)
		return false
	}
	var names []string
	for k := range d.cfg.ServerGroups {
		names = append(names, d.cfg.ServerGroups[k].Name)
	}
	if !slices.Contains(names, n.Args[1].Text) {
		hint := ""
		if near := keepalived.Nearest(n.Args[1].Text, names); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		d.errorf(n.Args[1].Range, "There is no virtual_server_group %q%s", n.Args[1].Text, hint)
		return false
	}
	v.Group = n.Args[1].Text
	return true
}

// serviceName reads what stands behind virtual_server.
func (d *decoder) serviceName(n *keepalived.Node, v *VirtualServer) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	switch w.Text {
	case "group":
		return d.groupName(n, v)
	case "fwmark":
		if len(n.Args) < 2 {
			d.errorf(w.Range, `"fwmark" needs the number of the mark behind it`)
			return false
		}
		return d.mark(n.Args[1], &v.FWMark)
	}
	return d.serverAddress(n, &v.Address)
}

func (d *decoder) protocol(n *keepalived.Node, to *Protocol) {
	w, ok := first(n)
	if !ok {
		return
	}
	switch p := Protocol(strings.ToLower(w.Text)); p {
	case TCP, UDP, SCTP:
		*to = p
	default:
		d.errorf(w.Range, "protocol is TCP, UDP or SCTP, not %q", w.Text)
	}
}

func (d *decoder) realServer(n *keepalived.Node, from inherited, v *VirtualServer) {
	r := RealServer{Weight: from.weight, Forwarding: from.forwarding, Tunnel: from.tunnel, InhibitOnFailure: from.inhibit, SlowStart: from.slowStart, Range: n.Range}
	named := d.serverAddress(n, &r.Address)
	if named && len(n.Args) == 1 {
		r.Address = netip.AddrPortFrom(r.Address.Addr(), from.port)
	}
	own := from.checks
	var thresholds thresholdWords
	d.singles(n, isChecker, func(c *keepalived.Node) {
		switch c.Name {
		case "weight":
			d.whole(c, 0, maxWeight, &r.Weight)
		case "inhibit_on_failure":
			d.flag(c, &r.InhibitOnFailure)
		case "slow_start":
			d.duration(c, 0, maxDuration, &r.SlowStart)
		case "lb_kind":
			d.method(c, &r.Forwarding, &r.Tunnel)
		case "notify_up":
			d.notification(c, &r.NotifyUp)
		case "notify_down":
			d.notification(c, &r.NotifyDown)
		case "uthreshold":
			thresholds.broken = !d.whole(c, 0, maxThreshold, &r.UpperThreshold)
		case "lthreshold":
			thresholds.lower = c
			d.whole(c, 0, maxThreshold, &r.LowerThreshold)
		default:
			d.inherited(c, &own)
		}
	})
	d.thresholds(thresholds, &r)
	d.eitherFall(n)
	checkers := 0
	for _, c := range n.Children {
		if isChecker(c.Name) {
			checkers++
		}
	}
	r.Checks = slices.Grow(r.Checks, checkers)
	for _, c := range n.Children {
		if isChecker(c.Name) {
			d.check(c, own, &r)
		}
	}
	if named {
		v.RealServers = append(v.RealServers, r)
	}
}

// thresholdWords are what is said of the connections of a real server.
type thresholdWords struct {
	lower  *keepalived.Node // lthreshold; nil where it is not there
	broken bool             // the uthreshold is no number
}

// thresholds holds an lthreshold to the uthreshold, as the kernel does (ip_vs_add_dest of
// net/netfilter/ipvs/ip_vs_ctl.c).
func (d *decoder) thresholds(w thresholdWords, r *RealServer) {
	switch {
	case w.broken || r.LowerThreshold <= r.UpperThreshold:
	case r.UpperThreshold == 0:
		d.errorf(w.lower.Range, "lthreshold is of no use without a uthreshold; write a uthreshold of %d or more, or remove it", r.LowerThreshold)
	default:
		d.errorf(w.lower.Range, "An lthreshold of %d is above the uthreshold of %d; write %d or less", r.LowerThreshold, r.UpperThreshold, r.UpperThreshold)
	}
}
