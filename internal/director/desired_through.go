package director

import (
	"net/netip"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/overlay"
)

// throughServices are the services for probes that go through a service of the configuration. Each has
// the mark of the probes of one server, and that server alone, whatever became of it: a server that is
// out could not be found healthy without.
func throughServices(s served) map[ipvs.ServiceKey]ipvs.WantedService {
	t := map[ipvs.ServiceKey]ipvs.WantedService{}
	for i := range s.RealServers {
		r := &s.RealServers[i]
		for k := range r.Checks {
			through := r.Checks[k].Through
			if through == nil {
				continue
			}
			t[ipvs.ServiceKey{Family: s.key.Family, FWMark: through.Mark}] = ipvs.WantedService{
				Service: ipvs.Service{Scheduler: "rr", Netmask: ipvs.HostMask(s.key.Family)},
				Destinations: overlay.Of(map[netip.AddrPort]ipvs.Destination{
					s.at(r.Address, r.Forwarding): destination(r.Forwarding, r.Tunnel, 1)}),
			}
		}
	}
	return t
}

// answeredThrough tells whether there are probes through a service which servers answer as the service
// itself, over IPv4: the master gets packets from an address that it has.
func answeredThrough(cfg *conf.Config) bool {
	for i := range cfg.Services {
		s := &cfg.Services[i]
		for j := range s.RealServers {
			r := &s.RealServers[j]
			for k := range r.Checks {
				if r.Checks[k].Through != nil && r.Forwarding != conf.NAT && s.Family == 4 {
					return true
				}
			}
		}
	}
	return false
}
