package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

// schedulers are the modules ip_vs_* of Linux up to 6.x.
func schedulers() []string {
	return []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos"}
}

// inherited is what a virtual server gives to its real servers, and these to their checks.
type inherited struct {
	timing     timing
	weight     int
	forwarding Forwarding
	inhibit    bool
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
			d.forwarding(c, &v.Forwarding)
		case "protocol":
			d.protocol(c, &v.Protocol)
		case "persistence_timeout":
			d.persistence(c, &v.PersistenceTimeout)
		case "weight":
			d.whole(c, 0, maxWeight, &pass.weight)
		case "inhibit_on_failure":
			d.flag(c, &pass.inhibit)
		case "quorum":
			d.whole(c, 1, maxQuorum, &v.Quorum)
		case "hysteresis":
			d.whole(c, 0, maxQuorum, &v.Hysteresis)
		default:
			d.timing(c, &pass.timing)
		}
	})
	switch protocol := given["protocol"]; {
	case !named:
	case v.FWMark != 0:
		v.Protocol = ""
		if protocol != nil {
			d.repairs(protocol.Range, "A firewall mark matches every protocol", "this one is ignored", "remove the protocol")
		}
	case protocol == nil && d.front.repair:
		d.warnf(n.Range, "virtual_server has no protocol; keepalived takes %s: write protocol TCP or protocol UDP", strings.ToUpper(string(v.Protocol)))
	}
	if named && v.FWMark == 0 && v.Address.Port() == 0 && given["persistence_timeout"] == nil {
		made := fmt.Sprintf("a persistence_timeout of %s is taken", seconds(def.PersistenceTimeout))
		if d.repairs(n.Range, "Port 0 is every port and needs persistence", made, "write persistence_timeout") {
			v.PersistenceTimeout = def.PersistenceTimeout
		}
	}
	pass.port = v.Address.Port()
	d.sorryServer(given, &v)
	pass.forwarding = v.Forwarding
	for _, c := range n.Children {
		if c.Name == "real_server" {
			d.realServer(c, pass, &v)
		}
	}
	d.quorum(given, &v)
	if named {
		d.cfg.Services = append(d.cfg.Services, v)
	}
}

// serviceName reads what stands behind virtual_server.
func (d *decoder) serviceName(n *keepalived.Node, v *VirtualServer) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	switch w.Text {
	case "group":
		why := "the service would not be there; write one virtual_server for each address"
		d.errorf(w.Range, "lvsd does not have virtual_server group yet: %s", why)
		d.last.Extra = keepalived.Refused{Word: "virtual_server group", Why: why}
		return false
	case "fwmark":
		if len(n.Args) < 2 {
			d.errorf(w.Range, `"fwmark" needs the number of the mark behind it`)
			return false
		}
		mark, err := strconv.ParseUint(n.Args[1].Text, 10, 32)
		if err != nil || mark == 0 {
			d.errorf(n.Args[1].Range, "fwmark takes a whole number from 1 to 4294967295, not %q", n.Args[1].Text)
			return false
		}
		v.FWMark = uint32(mark)
		return true
	}
	return d.serverAddress(n, &v.Address)
}

// quorum holds a quorum to the weights of the servers, and a hysteresis to the quorum.
func (d *decoder) quorum(given map[string]*keepalived.Node, v *VirtualServer) {
	sum := 0
	for _, r := range v.RealServers {
		sum += r.Weight
	}
	if n := given["quorum"]; n != nil && v.Quorum > sum && sum > 0 {
		mistake := fmt.Sprintf("A quorum of %d is more than all servers have, whose weights come to %d", v.Quorum, sum)
		if d.repairs(n.Range, mistake, fmt.Sprintf("%d is taken", sum), fmt.Sprintf("write %d or less", sum)) {
			v.Quorum = sum
		}
	}
	n := given["hysteresis"]
	if n == nil {
		return
	}
	if v.Hysteresis >= v.Quorum {
		mistake := fmt.Sprintf("A hysteresis of %d is not less than the quorum of %d", v.Hysteresis, v.Quorum)
		if d.repairs(n.Range, mistake, fmt.Sprintf("%d is taken", v.Quorum-1), fmt.Sprintf("write %d or less", v.Quorum-1)) {
			v.Hysteresis = v.Quorum - 1
		}
	}
	if v.Quorum+v.Hysteresis > sum && v.Quorum <= sum && v.Hysteresis < v.Quorum {
		d.warnf(n.Range, "The quorum is gained at %d (quorum and hysteresis), and the weights of all servers come to %d: it never is", v.Quorum+v.Hysteresis, sum)
	}
}

func (d *decoder) forwarding(n *keepalived.Node, to *Forwarding) {
	d.choice(n, []string{string(NAT), string(DR), string(TUN)}, (*string)(to))
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
	s := SorryServer{Forwarding: v.Forwarding, Range: n.Range}
	named := d.serverAddress(n, &s.Address)
	if named && len(n.Args) == 1 {
		s.Address = netip.AddrPortFrom(s.Address.Addr(), v.Address.Port())
	}
	if w := given["sorry_server_inhibit"]; w != nil {
		d.flag(w, &s.Inhibit)
	}
	if w := given["sorry_server_lvs_method"]; w != nil {
		d.forwarding(w, &s.Forwarding)
	}
	if named {
		v.Sorry = s
	}
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

// persistence reads persistence_timeout, which the kernel keeps in whole seconds.
func (d *decoder) persistence(n *keepalived.Node, to *time.Duration) {
	if len(n.Args) == 0 && !n.Broken {
		*to = d.front.defaults.PersistenceTimeout
		return
	}
	var v time.Duration
	if !d.duration(n, time.Second, maxPersistence, &v) {
		return
	}
	if v%time.Second != 0 {
		d.errorf(n.Args[0].Range, "persistence_timeout takes whole seconds, not %q", n.Args[0].Text)
		return
	}
	*to = v
}

func (d *decoder) realServer(n *keepalived.Node, from inherited, v *VirtualServer) {
	r := RealServer{Weight: from.weight, Forwarding: from.forwarding, InhibitOnFailure: from.inhibit, Range: n.Range}
	named := d.serverAddress(n, &r.Address)
	if named && len(n.Args) == 1 {
		r.Address = netip.AddrPortFrom(r.Address.Addr(), from.port)
	}
	own := from.timing
	d.singles(n, isChecker, func(c *keepalived.Node) {
		switch c.Name {
		case "weight":
			d.whole(c, 0, maxWeight, &r.Weight)
		case "inhibit_on_failure":
			d.flag(c, &r.InhibitOnFailure)
		case "lb_kind":
			d.forwarding(c, &r.Forwarding)
		case "uthreshold":
			d.whole(c, 0, maxThreshold, &r.UpperThreshold)
		case "lthreshold":
			d.whole(c, 0, maxThreshold, &r.LowerThreshold)
		default:
			d.timing(c, &own)
		}
	})
	for _, c := range n.Children {
		if isChecker(c.Name) {
			d.check(c, own, &r)
		}
	}
	if named {
		v.RealServers = append(v.RealServers, r)
	}
}
