package conf

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func (v *VirtualServer) title() string {
	if v.FWMark != 0 {
		return fmt.Sprintf("virtual_server fwmark %d", v.FWMark)
	}
	return fmt.Sprintf("virtual_server %s %s", strings.ToUpper(string(v.Protocol)), v.Address)
}

// validateServices looks for duplicates and for servers that the kernel would refuse or not reach.
func (d *decoder) validateServices() {
	type identity struct {
		address  netip.AddrPort
		mark     uint32
		protocol Protocol
	}
	seen := map[identity]hcl.Range{}
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		id := identity{v.Address, v.FWMark, v.Protocol}
		if other, twice := seen[id]; twice {
			d.errorf(v.Range, "%s stands at %s already; put the real servers into one", v.title(), place(other))
			d.relate(other, "first defined here")
		} else {
			seen[id] = v.Range
		}
		if len(v.RealServers) == 0 {
			d.warnf(v.Range, "%s has no real_server; it refuses every connection", v.title())
		}
		d.validateServers(v)
	}
}

func (d *decoder) validateServers(v *VirtualServer) {
	seen := map[netip.AddrPort]hcl.Range{}
	kept := v.RealServers[:0]
	for _, r := range v.RealServers {
		d.validateFamily(v, &r)
		d.validatePort(v, &r)
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
}

// validateFamily holds servers to the family of their service, which only a tunnel can change.
func (d *decoder) validateFamily(v *VirtualServer, r *RealServer) {
	service := v.Address.Addr()
	if v.FWMark != 0 {
		service = v.RealServers[0].Address.Addr()
	}
	if v.Forwarding != TUN && service.Is4() != r.Address.Addr().Is4() {
		d.errorf(r.Range, "real_server %s is not of the address family of its virtual_server; lb_kind %s cannot change it", r.Address.Addr(), v.Forwarding)
	}
}

// validatePort: only NAT rewrites ports, and port 0 leaves them as they are.
func (d *decoder) validatePort(v *VirtualServer, r *RealServer) {
	port, want := r.Address.Port(), v.Address.Port()
	if v.FWMark != 0 || port == want {
		return
	}
	switch {
	case v.Forwarding != NAT:
		mistake := fmt.Sprintf("lb_kind %s cannot change the port from %d to %d", v.Forwarding, want, port)
		if d.repairs(r.Range, mistake, fmt.Sprintf("%d is taken", want), fmt.Sprintf("write %d", want)) {
			r.Address = netip.AddrPortFrom(r.Address.Addr(), want)
		}
	case port == 0:
		d.errorf(r.Range, "real_server %s has port 0, which only a virtual_server with port 0 can have; write %d", r.Address.Addr(), want)
	}
}
