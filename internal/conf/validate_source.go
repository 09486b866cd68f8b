package conf

import "slices"

// validateSources looks for IPv6 virtual addresses from which the master would check servers that have
// them too, and so answer nobody but themselves: of an interface's addresses with equal prefixes the
// kernel takes the newest one that is not deprecated (RFC 6724 section 5, net/ipv6/addrconf.c).
func (d *decoder) validateSources() {
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		i := d.holder(v.Address.Addr())
		if i == nil || v.Address.Addr().Is4() {
			continue
		}
		moving := i.Moving()
		vip := moving[slices.IndexFunc(moving, func(a VirtualAddress) bool { return a.Prefix.Addr() == v.Address.Addr() })]
		if vip.PreferredLft == 0 {
			continue
		}
		for _, r := range v.RealServers {
			unbound := slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Through == nil && !c.BindTo.IsValid() })
			if r.Forwarding != NAT && unbound && vip.Prefix.Masked().Contains(r.Address.Addr()) {
				d.warnf(vip.Range, "checks of real_server %s come from %s while this node has it, and get no answer, since the server has it too; write preferred_lft 0 behind the address, and give the node one of its own in %s",
					r.Address.Addr(), vip.Prefix.Addr(), vip.Prefix.Masked())
				break
			}
		}
	}
}
