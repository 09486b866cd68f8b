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

// schedulerFlag is a word that sets a flag of a service.
type schedulerFlag struct {
	word string
	// scheduler is the one that has the flag by this name; empty for any.
	scheduler string
	flag      func(*VirtualServer) *bool
}

func schedulerFlags() []schedulerFlag {
	fallback := func(v *VirtualServer) *bool { return &v.Fallback }
	port := func(v *VirtualServer) *bool { return &v.HashPort }
	return []schedulerFlag{
		{"flag-1", "", fallback},
		{"flag-2", "", port},
		{"flag-3", "", func(v *VirtualServer) *bool { return &v.Flag3 }},
		{"sh-fallback", "sh", fallback},
		{"sh-port", "sh", port},
		{"mh-fallback", "mh", fallback},
		{"mh-port", "mh", port},
	}
}

// schedulerFlags reads the flags of a service, whose scheduler and protocol are known.
func (d *decoder) schedulerFlags(given map[string]*keepalived.Node, v *VirtualServer) {
	for _, f := range schedulerFlags() {
		n, set := given[f.word], false
		if n == nil || !d.flag(n, &set) || !set {
			continue
		}
		if f.scheduler != "" && f.scheduler != v.Scheduler {
			mistake := fmt.Sprintf("%s is a flag of lb_algo %s, and this is %s", f.word, f.scheduler, v.Scheduler)
			if d.repairs(n.Range, mistake, "it is ignored", "remove it") {
				continue
			}
		}
		*f.flag(v) = true
	}
	n, ops := given["ops"], false
	if n == nil || !d.flag(n, &ops) || !ops {
		return
	}
	if v.Protocol != "" && v.Protocol != UDP {
		d.repairs(n.Range, "The kernel schedules each packet by itself for UDP only", "ops is ignored", "remove ops")
		return
	}
	v.OnePacket = true
}

// family reads ip_family.
func (d *decoder) family(n *keepalived.Node, to *uint8) bool {
	var name string
	ok := d.choice(n, []string{"inet", "inet6"}, &name)
	if ok {
		*to = map[string]uint8{"inet": 4, "inet6": 6}[name]
	}
	return ok
}

// serviceFamily finds the address family of a service: that of its address, or for a firewall mark
// what ip_family says, or that of its first server.
func (d *decoder) serviceFamily(n *keepalived.Node, v *VirtualServer) {
	said := v.Family
	switch {
	case v.Group != "":
		d.groupFamily(v)
	case v.FWMark == 0:
		v.Family = familyOf(v.Address.Addr())
	case said != 0:
	case len(v.Marks) > 0:
		v.Family = familyOf(v.Marks[0].Address)
	case len(v.RealServers) > 0:
		v.Family = familyOf(v.RealServers[0].Address.Addr())
	default:
		v.Family = familyOf(v.Sorry.Address.Addr())
	}
	if n != nil && said != 0 && said != v.Family {
		d.repairs(n.Range, "This ip_family is not that of the address", "it is ignored", "remove it")
	}
}

// groupFamily finds the family of a group: that of its addresses and of its marks of which it is
// said, or what is said of the virtual server, or that of its first server. It is 0 where members
// are of both.
func (d *decoder) groupFamily(v *VirtualServer) {
	var found [7]bool
	for k := range d.cfg.ServerGroups {
		if d.cfg.ServerGroups[k].Name == v.Group {
			for _, m := range d.cfg.ServerGroups[k].Members {
				found[m.Family] = true
			}
		}
	}
	switch {
	case found[4] && found[6]:
		v.Family = 0
	case found[4]:
		v.Family = 4
	case found[6]:
		v.Family = 6
	case v.Family == 0 && len(v.RealServers) > 0:
		v.Family = familyOf(v.RealServers[0].Address.Addr())
	case v.Family == 0:
		v.Family = 4
	}
}

// anyPort says whether a virtual server has an address with port 0.
func (d *decoder) anyPort(v *VirtualServer) bool {
	for a := range d.cfg.Addresses(v) {
		if a.FWMark == 0 && a.Address.IsValid() && a.Address.Port() == 0 {
			return true
		}
	}
	return false
}

// onlyMarks says whether a group has firewall marks alone.
func (d *decoder) onlyMarks(name string) bool {
	for a := range d.cfg.Addresses(&VirtualServer{Group: name}) {
		if a.FWMark == 0 {
			return false
		}
	}
	return true
}

// persistenceWords reads what says which clients stay with their server, once the family of the
// service is known.
func (d *decoder) persistenceWords(at *keepalived.Node, given map[string]*keepalived.Node, v *VirtualServer) {
	need := ""
	if n := given["persistence_engine"]; n != nil && d.engine(n, v) {
		need = "persistence_engine"
	}
	if n := given["persistence_granularity"]; n != nil {
		d.granularity(n, v)
		need = "persistence_granularity"
	}
	if d.anyPort(v) {
		need = "Port 0 is every port and"
	}
	if need == "" || given["persistence_timeout"] != nil {
		return
	}
	usual := d.front.defaults.PersistenceTimeout
	made := fmt.Sprintf("a persistence_timeout of %s is taken", seconds(usual))
	if d.repairs(at.Range, need+" needs persistence", made, "write persistence_timeout") {
		v.PersistenceTimeout = usual
	}
}

// engine reads persistence_engine, and says whether there is one. Of what is no UDP the kernel takes
// no connection then (ip_vs_sip_fill_param of net/netfilter/ipvs/ip_vs_pe_sip.c).
func (d *decoder) engine(n *keepalived.Node, v *VirtualServer) bool {
	var name string
	if !d.choice(n, []string{"sip"}, &name) {
		return true
	}
	if v.Protocol != "" && v.Protocol != UDP {
		mistake := fmt.Sprintf("persistence_engine sip reads UDP alone, and the kernel drops every connection of %s", strings.ToUpper(string(v.Protocol)))
		d.repairs(n.Range, mistake, "it is ignored", "remove it, or write protocol UDP")
		return false
	}
	v.PersistenceEngine = name
	return true
}

// granularity reads a prefix length, or for IPv4 a mask.
func (d *decoder) granularity(n *keepalived.Node, v *VirtualServer) {
	w, ok := first(n)
	if !ok {
		return
	}
	if v.Family == 0 {
		d.errorf(w.Range, "persistence_granularity means one thing for IPv4 and another for IPv6, and this virtual_server_group has both; write a group and a virtual_server for each")
		return
	}
	whole, form := 32, "a mask such as 255.255.255.0 or a length from 1 to 32"
	if v.Family == 6 {
		whole, form = 128, "a prefix length from 1 to 128"
	}
	bits, err := strconv.Atoi(w.Text)
	if mask, merr := netip.ParseAddr(w.Text); merr == nil && mask.Is4() && v.Family == 4 {
		bits, err = maskLength(mask), nil
	}
	if err != nil || bits < 1 || bits > whole {
		d.errorf(w.Range, "persistence_granularity of IPv%d takes %s, not %q", v.Family, form, w.Text)
		return
	}
	if bits < whole {
		v.PersistencePrefix = bits
	}
}

// maskLength is the number of ones with which a mask begins, or 0 where others follow.
func maskLength(mask netip.Addr) int {
	for bits := range 33 {
		if p, err := netip.MustParseAddr("255.255.255.255").Prefix(bits); err == nil && p.Masked().Addr() == mask {
			return bits
		}
	}
	return 0
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
