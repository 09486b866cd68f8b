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
		return ipvs.ServiceKey{Family: s.Family, FWMark: s.FWMark}
	}
	protocol := map[conf.Protocol]uint8{conf.TCP: unix.IPPROTO_TCP, conf.UDP: unix.IPPROTO_UDP,
		conf.SCTP: unix.IPPROTO_SCTP}[s.Protocol]
	return ipvs.ServiceKey{Family: s.Family, Protocol: protocol, Addr: s.Address.Addr(),
		Port: s.Address.Port()}
}

func service(s *conf.VirtualServer, m memory) ipvs.Entry {
	e := ipvs.Entry{
		Service:      scheduling(s),
		Destinations: make(map[netip.AddrPort]ipvs.Destination, len(s.RealServers)),
	}
	name := serviceName(s)
	sorry := sorryServes(s, m)
	for i := range s.RealServers {
		r := &s.RealServers[i]
		d := destination(r.Forwarding, r.Tunnel, r.Weight)
		d.UpperThreshold, d.LowerThreshold = uint32(r.UpperThreshold), uint32(r.LowerThreshold)
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
		e.Destinations[s.Sorry.Address] = destination(s.Sorry.Forwarding, s.Sorry.Tunnel, 1)
	case s.Sorry.Inhibit && s.Sorry.Address.IsValid() && !taken:
		e.Destinations[s.Sorry.Address] = destination(s.Sorry.Forwarding, s.Sorry.Tunnel, 0)
	}
	return e
}

// sorryServes tells whether a virtual server has a sorry server, and that serves.
func sorryServes(s *conf.VirtualServer, m memory) bool {
	return s.Sorry.Address.IsValid() && !m.quorate[serviceName(s)]
}

// scheduling is what a service is beside its servers.
func scheduling(s *conf.VirtualServer) ipvs.Service {
	service := ipvs.Service{Scheduler: s.Scheduler, Netmask: ipvs.HostMask(s.Family)}
	flag := func(set bool, bit uint32) {
		if set {
			service.Flags |= bit
		}
	}
	flag(s.Fallback, ipvs.SchedFlag1)
	flag(s.HashPort, ipvs.SchedFlag2)
	flag(s.Flag3, ipvs.SchedFlag3)
	flag(s.OnePacket, ipvs.OnePacket)
	if s.PersistenceTimeout == 0 {
		return service
	}
	service.Flags |= ipvs.Persistent
	service.Timeout = uint32(s.PersistenceTimeout / time.Second)
	service.PEName = s.PersistenceEngine
	if bits := s.PersistencePrefix; bits > 0 {
		service.Netmask = ipvs.NetMask(s.Family, bits)
	}
	return service
}

// destination is a server of a service.
func destination(f conf.Forwarding, t conf.Tunnel, weight int) ipvs.Destination {
	d := ipvs.Destination{Forward: ipvs.Masquerade, Weight: uint32(weight)}
	switch f {
	case conf.NAT:
	case conf.DR:
		d.Forward = ipvs.Route
	case conf.TUN:
		d.Forward, d.TunnelPort = ipvs.Tunnel, t.Port
		d.TunnelType = map[conf.TunnelType]ipvs.TunnelType{conf.GUE: ipvs.GUE, conf.GRE: ipvs.GRE}[t.Type]
		d.TunnelFlags = map[conf.Checksum]uint16{conf.OuterChecksum: ipvs.TunnelChecksum,
			conf.RemoteChecksum: ipvs.TunnelRemoteChecksum}[t.Checksum]
	}
	return d
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
