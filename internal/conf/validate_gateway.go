package conf

import (
	"net/netip"
	"slices"
)

// validateGateways looks for NAT services whose answers may not come back through the director
// that serves: the real servers' default gateway must be a virtual address, the V-gate, and it
// must be on the same node as the VIP.
func (d *decoder) validateGateways() {
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		vip := d.holder(v.Address.Addr())
		if v.Forwarding != NAT || vip == nil {
			continue
		}
		for _, r := range v.RealServers {
			if d.validateGateway(v, vip, &r) {
				break // the other servers of the service would be told the same
			}
		}
	}
}

// validateGateway reports whether it warned.
func (d *decoder) validateGateway(v *VirtualServer, vip *Instance, r *RealServer) bool {
	gate, holder, subnets := d.gateway(v.Address.Addr(), r.Address.Addr())
	switch {
	case !subnets || r.Address.Addr().Is4() != v.Address.Addr().Is4():
		return false
	case holder == nil:
		d.warnf(r.Range, "real_server %s is in the subnet of no virtual address; its answers come back through the serving director only if its default gateway is one: add the V-gate of its subnet to virtual_ipaddress", r.Address.Addr())
		return true
	case holder != vip && !d.together(holder.Name, vip.Name):
		d.warnf(gate.Range, "VIP %s and V-gate %s are in vrrp_instance %q and %q, which no vrrp_sync_group holds together; put them into one, or into one vrrp_instance: on different nodes they serve nobody", v.Address.Addr(), gate.Prefix.Addr(), vip.Name, holder.Name)
		d.relate(vip.Range, "the VIP's vrrp_instance")
		return true
	}
	return false
}

// gateway finds the virtual address in whose subnet a server is, other than the VIP. subnets is false
// where no such address has a subnet at all, so that nothing can be said.
func (d *decoder) gateway(vip, server netip.Addr) (gate VirtualAddress, holder *Instance, subnets bool) {
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		for _, a := range i.Moving() {
			if a.Prefix.Addr() == vip || a.Prefix.IsSingleIP() {
				continue
			}
			subnets = true
			if a.Prefix.Masked().Contains(server) {
				return a, i, true
			}
		}
	}
	return VirtualAddress{}, nil, subnets
}

// holder is the instance that has an address; nil for none.
func (d *decoder) holder(addr netip.Addr) *Instance {
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		if slices.ContainsFunc(i.Moving(), func(a VirtualAddress) bool { return a.Prefix.Addr() == addr }) {
			return i
		}
	}
	return nil
}

// together tells whether a sync group holds both instances.
func (d *decoder) together(a, b string) bool {
	return slices.ContainsFunc(d.cfg.SyncGroups, func(g SyncGroup) bool {
		return slices.Contains(g.Members, a) && slices.Contains(g.Members, b)
	})
}
