package director

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// serviceName names a virtual server in this package and in what it tells.
func serviceName(s *conf.VirtualServer) string { return serviceKey(s).String() }

func serviceKey(s *conf.VirtualServer) ipvs.ServiceKey {
	if s.FWMark != 0 {
		return ipvs.ServiceKey{Family: family(s), FWMark: s.FWMark}
	}
	protocol := map[conf.Protocol]uint8{conf.TCP: unix.IPPROTO_TCP, conf.UDP: unix.IPPROTO_UDP,
		conf.SCTP: unix.IPPROTO_SCTP}[s.Protocol]
	return ipvs.ServiceKey{Family: family(s), Protocol: protocol, Addr: s.Address.Addr(),
		Port: s.Address.Port()}
}

// family is 4 or 6; a firewall mark has that of its servers.
func family(s *conf.VirtualServer) uint8 {
	a := s.Address.Addr()
	if s.FWMark != 0 {
		a = s.Sorry.Address.Addr()
		if len(s.RealServers) > 0 {
			a = s.RealServers[0].Address.Addr()
		}
	}
	if a.Is6() {
		return 6
	}
	return 4
}

func service(s *conf.VirtualServer, m memory) ipvs.Entry {
	e := ipvs.Entry{
		Service:      ipvs.Service{Scheduler: s.Scheduler, Netmask: ipvs.HostMask(family(s))},
		Destinations: make(map[netip.AddrPort]ipvs.Destination, len(s.RealServers)),
	}
	if s.PersistenceTimeout > 0 {
		e.Service.Flags |= ipvs.Persistent
		e.Service.Timeout = uint32(s.PersistenceTimeout / time.Second)
	}
	name := serviceName(s)
	sorry := sorryServes(s, m)
	for i := range s.RealServers {
		r := &s.RealServers[i]
		d := ipvs.Destination{Forward: forward(r.Forwarding), Weight: uint32(r.Weight),
			UpperThreshold: uint32(r.UpperThreshold), LowerThreshold: uint32(r.LowerThreshold)}
		if sorry || !m.up[member{name, r.Address}] {
			if !r.InhibitOnFailure {
				continue
			}
			d.Weight = 0
		}
		e.Destinations[r.Address] = d
	}
	switch _, taken := e.Destinations[s.Sorry.Address]; {
	case sorry:
		e.Destinations[s.Sorry.Address] = ipvs.Destination{Forward: forward(s.Sorry.Forwarding), Weight: 1}
	case s.Sorry.Inhibit && s.Sorry.Address.IsValid() && !taken:
		e.Destinations[s.Sorry.Address] = ipvs.Destination{Forward: forward(s.Sorry.Forwarding)}
	}
	return e
}

// sorryServes tells whether a virtual server has a sorry server, and that serves.
func sorryServes(s *conf.VirtualServer, m memory) bool {
	return s.Sorry.Address.IsValid() && !m.quorate[serviceName(s)]
}

func forward(f conf.Forwarding) ipvs.Forward {
	switch f {
	case conf.DR:
		return ipvs.Route
	case conf.TUN:
		return ipvs.Tunnel
	}
	return ipvs.Masquerade
}

// onlyNAT tells whether no packet of a virtual server is forwarded without a new address.
func onlyNAT(s *conf.VirtualServer) bool {
	for i := range s.RealServers {
		if s.RealServers[i].Forwarding != conf.NAT {
			return false
		}
	}
	return !s.Sorry.Address.IsValid() || s.Sorry.Forwarding == conf.NAT
}
