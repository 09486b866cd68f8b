package director

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/overlay"
)

// serviceName names a virtual server in this package and in what it tells.
func serviceName(s *conf.VirtualServer) string {
	switch {
	case s.Group != "" && s.Protocol == "":
		return "group " + s.Group
	case s.Group != "":
		return strings.ToUpper(string(s.Protocol)) + " group " + s.Group
	}
	return serviceKey(s, conf.ServiceAddress{Address: s.Address, FWMark: s.FWMark, Family: s.Family}).String()
}

// served is a virtual server at one of its addresses or marks: a service of the kernel.
type served struct {
	*conf.VirtualServer
	key ipvs.ServiceKey
}

// services are those that a configuration comes to, in its order.
func services(cfg *conf.Config) []served {
	list := make([]served, 0, len(cfg.Services))
	for i := range cfg.Services {
		s := &cfg.Services[i]
		for a := range cfg.Addresses(s) {
			list = append(list, served{s, serviceKey(s, a)})
		}
	}
	return list
}

func serviceKey(s *conf.VirtualServer, a conf.ServiceAddress) ipvs.ServiceKey {
	if a.FWMark != 0 {
		return ipvs.ServiceKey{Family: a.Family, FWMark: a.FWMark}
	}
	return ipvs.ServiceKey{Family: a.Family, Protocol: ipProtocol(s.Protocol), Addr: a.Address.Addr(), Port: a.Address.Port()}
}

// entry is the service with the servers that are up, or with its sorry server where that serves.
func (s served) entry(servers func(int) standing, sorry bool) ipvs.WantedService {
	destinations := make(map[netip.AddrPort]ipvs.Destination, len(s.RealServers))
	for j := range s.RealServers {
		if r, is := &s.RealServers[j], servers(j); is.inKernel(r, sorry) {
			destinations[s.at(r.Address, r.Forwarding)] = is.destination(r, sorry)
		}
	}
	at := s.at(s.Sorry.Address, s.Sorry.Forwarding)
	switch _, taken := destinations[at]; {
	case !s.Sorry.Address.IsValid():
	case sorry:
		destinations[at] = destination(s.Sorry.Forwarding, s.Sorry.Tunnel, 1)
	case s.Sorry.Inhibit && !taken:
		destinations[at] = destination(s.Sorry.Forwarding, s.Sorry.Tunnel, 0)
	}
	return ipvs.WantedService{Service: s.scheduling(), Destinations: overlay.Of(destinations)}
}

// inKernel tells whether the kernel is to have a real server at all; sorry is whether the sorry server serves.
func (s standing) inKernel(r *conf.RealServer, sorry bool) bool {
	switch {
	case s.drained:
		return false
	case s.drains: // also where its check fails: a program that ends in order refuses new connections first
		return true
	}
	return s.up && !sorry || r.InhibitOnFailure
}

// destination is a real server as the kernel is to have it.
func (s standing) destination(r *conf.RealServer, sorry bool) ipvs.Destination {
	weight := s.kernelWeight()
	if s.drains || !s.up || sorry {
		weight = 0
	}
	d := destination(r.Forwarding, r.Tunnel, weight)
	d.UpperThreshold, d.LowerThreshold = uint32(r.UpperThreshold), uint32(r.LowerThreshold)
	return d
}

// at is what the kernel knows a server by: its address, with the port of the service where nothing
// changes that. The services of a group may have different ones.
func (s served) at(server netip.AddrPort, f conf.Forwarding) netip.AddrPort {
	if f == conf.NAT || s.key.FWMark != 0 {
		return server
	}
	return netip.AddrPortFrom(server.Addr(), s.key.Port)
}

// scheduling is what the service is beside its servers.
func (s served) scheduling() ipvs.Service {
	service := ipvs.Service{Scheduler: s.Scheduler, Netmask: ipvs.HostMask(s.key.Family)}
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
		service.Netmask = ipvs.NetMask(s.key.Family, bits)
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

// someNAT tells whether a virtual server has a server behind NAT.
func someNAT(s *conf.VirtualServer) bool {
	return slices.ContainsFunc(s.RealServers, func(r conf.RealServer) bool { return r.Forwarding == conf.NAT }) ||
		s.Sorry.Address.IsValid() && s.Sorry.Forwarding == conf.NAT
}

// oneArm tells whether a server is in a subnet that the interface of its VIP has: what it answers comes in
// by the interface by which it leaves.
func oneArm(cfg *conf.Config) bool {
	at := map[netip.Addr][]string{} // interfaces of virtual addresses
	subnets := map[string]map[netip.Prefix]bool{}
	for i := range cfg.Instances {
		for _, a := range cfg.Instances[i].Moving() {
			at[a.Prefix.Addr()] = append(at[a.Prefix.Addr()], a.Dev)
			if subnets[a.Dev] == nil {
				subnets[a.Dev] = map[netip.Prefix]bool{}
			}
			if !a.Prefix.IsSingleIP() {
				subnets[a.Dev][a.Prefix.Masked()] = true
			}
		}
	}
	for i := range cfg.Services {
		v := &cfg.Services[i]
		for vip := range cfg.VIPs(v) {
			for _, dev := range at[vip] {
				for subnet := range subnets[dev] {
					if slices.ContainsFunc(v.RealServers, func(r conf.RealServer) bool { return subnet.Contains(r.Address.Addr()) }) {
						return true
					}
				}
			}
		}
	}
	return false
}

// destinations are those of a service of a table, none where the service is not there.
func destinations(t ipvs.Wanted, key ipvs.ServiceKey) ipvs.Destinations {
	s, _ := t.Get(key)
	return s.Destinations
}

// in is a server of the kernel as a table has it, and whether it does.
func (k serverKey) in(t ipvs.Wanted) (ipvs.Destination, bool) {
	return destinations(t, k.service).Get(k.address)
}

// serves tells whether a service has a server that gets connections.
func serves(t ipvs.Wanted, key ipvs.ServiceKey) bool {
	for _, d := range destinations(t, key).All() {
		if d.Weight > 0 {
			return true
		}
	}
	return false
}
