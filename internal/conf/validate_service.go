package conf

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func (v *VirtualServer) title() string {
	if v.Group != "" {
		return "virtual_server group " + v.Group
	}
	return titleOf(ServiceAddress{Address: v.Address, FWMark: v.FWMark}, v.Protocol)
}

func titleOf(a ServiceAddress, p Protocol) string {
	if a.FWMark != 0 {
		return fmt.Sprintf("virtual_server fwmark %d", a.FWMark)
	}
	return fmt.Sprintf("virtual_server %s %s", strings.ToUpper(string(p)), a.Address)
}

// validateServices looks for duplicates and for servers that the kernel would refuse or not reach.
func (d *decoder) validateServices() {
	type identity struct {
		ServiceAddress
		protocol Protocol
	}
	seen := map[identity]hcl.Range{}
	destinations := 0
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		members := 0
		for a := range d.cfg.Addresses(v) {
			members++
			id := identity{a, v.Protocol}
			if a.FWMark != 0 {
				id.protocol = ""
			}
			if other, twice := seen[id]; twice {
				if other == v.Range {
					d.errorf(v.Range, "virtual_server_group %s holds %s twice; write each address and mark once", v.Group, strings.TrimPrefix(titleOf(a, id.protocol), "virtual_server "))
					break
				}
				d.errorf(v.Range, "%s stands at %s already; put the real servers into one", titleOf(a, id.protocol), place(other))
				d.relate(other, "first defined here")
				break
			}
			seen[id] = v.Range
			if destinations += len(v.RealServers); destinations > maxDestinations {
				d.errorf(v.Range, "The groups and their real servers come to more than %d destinations; write a firewall mark for a group, which matches any number of addresses", maxDestinations)
				return
			}
		}
		switch {
		case members == 0:
			d.warnf(v.Range, "%s has no address and no mark; it is not there", v.title())
		case len(v.RealServers) == 0 && !v.Sorry.Address.IsValid():
			d.warnf(v.Range, "%s has no real_server; it refuses every connection", v.title())
		}
		d.validateServers(v)
		d.validateQuorum(v, d.quorums[k])
	}
}

func (d *decoder) validateServers(v *VirtualServer) {
	seen := make(map[netip.AddrPort]hcl.Range, len(v.RealServers))
	kept := v.RealServers[:0]
	for _, r := range v.RealServers {
		s := serverOf{v, "real_server", &r.Address, r.Forwarding, r.Range}
		d.validateFamily(s)
		d.validatePort(s)
		d.validateMachine(s)
		if other, twice := seen[r.Address]; twice {
			mistake := fmt.Sprintf("real_server %s stands in this virtual_server twice", r.Address)
			d.repairs(r.Range, mistake, "the first one counts", "remove one")
			d.relate(other, "the first one")
			continue
		}
		seen[r.Address] = r.Range
		kept = append(kept, r)
	}
	v.RealServers = kept
	if v.Sorry.Address.IsValid() {
		s := serverOf{v, "sorry_server", &v.Sorry.Address, v.Sorry.Forwarding, v.Sorry.Range}
		d.validateFamily(s)
		d.validatePort(s)
		d.validateMachine(s)
	}
}

// serverOf is a server of a virtual server: a real_server or its sorry_server.
type serverOf struct {
	service    *VirtualServer
	word       string
	address    *netip.AddrPort
	forwarding Forwarding
	at         hcl.Range
}

// validateFamily holds servers to the family of their service, which only a tunnel can change.
func (d *decoder) validateFamily(s serverOf) {
	if s.forwarding != TUN && s.service.Family == 0 {
		d.errorf(s.at, "%s %s is of a group with addresses of IPv4 and IPv6, where only a tunnel reaches every server; write lb_kind TUN, or a group for each", s.word, s.address.Addr())
		return
	}
	if s.forwarding != TUN && s.service.Family != familyOf(s.address.Addr()) {
		d.errorf(s.at, "%s %s is not of the address family of its virtual_server; %s cannot change it", s.word, s.address.Addr(), s.method())
	}
}

// validateMachine looks for addresses at which the kernel takes no server (ip_vs_new_dest of
// net/netfilter/ipvs/ip_vs_ctl.c).
func (d *decoder) validateMachine(s serverOf) {
	switch a := s.address.Addr(); {
	case a == limitedBroadcast():
		d.errorf(s.at, "%s %s is no address of one machine", s.word, a)
	case a.Is6() && a.IsLinkLocalUnicast():
		d.errorf(s.at, "%s %s is an address of one link, at which the kernel takes no server; write another one of the machine", s.word, a)
	}
}

// method names the way to the server as the file has it.
func (s serverOf) method() string {
	word := "lvs_method"
	switch {
	case s.forwarding == s.service.Forwarding:
		word = "lb_kind"
	case s.word == "sorry_server":
		word = "sorry_server_lvs_method"
	}
	return word + " " + string(s.forwarding)
}

// validatePort: only NAT rewrites ports, and port 0 leaves them as they are.
func (d *decoder) validatePort(s serverOf) {
	port, want := s.address.Port(), s.service.Address.Port()
	if s.service.FWMark != 0 || s.service.Group != "" || port == want {
		return
	}
	switch {
	case s.forwarding != NAT:
		mistake := fmt.Sprintf("%s cannot change the port from %d to %d", s.method(), want, port)
		if d.repairs(s.at, mistake, fmt.Sprintf("%d is taken", want), fmt.Sprintf("write %d", want)) {
			*s.address = netip.AddrPortFrom(s.address.Addr(), want)
		}
	case port == 0:
		d.errorf(s.at, "%s %s has port 0, which only a virtual_server with port 0 can have; write %d", s.word, s.address.Addr(), want)
	}
}
