package director

import (
	"go.uber.org/zap"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// This file says which parameters of the kernel's IPVS the services need, and why.

// wishes are the parameters with another value than the kernel gives them that virtual servers need.
// There is none for net.ipv4.vs.conntrack: services work with either value.
func wishes(cfg *conf.Config) ipvs.Sysctls {
	var s ipvs.Sysctls
	for i := range cfg.Services {
		v := &cfg.Services[i]
		leaves := v.DrainTimeout > 0                          // a server leaves the kernel while it may have connections
		stays := v.Sorry.Inhibit && v.Sorry.Address.IsValid() // one that is not to be used stays there with weight 0
		for j := range v.RealServers {
			r := &v.RealServers[j]
			if checked := len(r.Checks) > 0; checked && r.InhibitOnFailure {
				stays = true
			} else if checked {
				leaves = true
			}
		}
		if leaves {
			s[ipvs.ExpireNodestConn] = 1
		}
		if stays && v.PersistenceTimeout > 0 {
			s[ipvs.ExpireQuiescentTemplate] = 1
		}
		if v.Protocol != conf.UDP {
			s[ipvs.ConnReuseMode] = 1
		}
	}
	return s
}

// why says what goes wrong without a wish.
func why(s ipvs.Sysctl) string {
	switch s {
	case ipvs.ExpireNodestConn:
		return "connections to a server that was taken out hang until they time out, in place of ending at once"
	case ipvs.ExpireQuiescentTemplate:
		return "clients that are to stay with a server (persistence_timeout) go on coming to it while it fails, as inhibit_on_failure leaves it in the kernel"
	}
	return "a client that uses a port again goes to the server that it had, also where that fails or is drained"
}

// noteSysctls tells of parameters that are not as services need them.
func (d *Director) noteSysctls(list []ipvs.SysctlDifference) {
	for _, s := range list {
		fields := []zap.Field{zap.Stringer("name", s.Sysctl), zap.Int("value", int(s.Has)), zap.Int("wanted", int(s.Want)),
			zap.String("why", why(s.Sysctl))}
		if s.Has == ipvs.NoSysctl {
			fields[1] = zap.String("value", "none: this kernel does not have it")
		} else {
			fields = append(fields, zap.String("write", "manage_sysctls in global_defs, or the value into /etc/sysctl.d"))
		}
		d.journal.event(SysctlDiffers, fields...)
	}
}
