package ipvs

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The commands and attributes of the IPVS generic netlink family (linux/ip_vs.h).
const (
	cmdNewService = 1
	cmdSetService = 2
	cmdDelService = 3
	cmdGetService = 4
	cmdNewDest    = 5
	cmdSetDest    = 6
	cmdDelDest    = 7
	cmdGetDest    = 8
	cmdNewDaemon  = 9
	cmdDelDaemon  = 10
	cmdGetDaemon  = 11
	cmdSetConfig  = 12
	cmdGetConfig  = 13

	attrService = 1
	attrDest    = 2
	attrDaemon  = 3
	attrTCP     = 4
	attrTCPFin  = 5
	attrUDP     = 6

	svcFamily    = 1
	svcProtocol  = 2
	svcAddr      = 3
	svcPort      = 4
	svcFWMark    = 5
	svcScheduler = 6
	svcFlags     = 7
	svcTimeout   = 8
	svcNetmask   = 9
	svcStats     = 10
	svcPEName    = 11
	svcStats64   = 12

	dstAddr       = 1
	dstPort       = 2
	dstForward    = 3
	dstWeight     = 4
	dstUpper      = 5
	dstLower      = 6
	dstActive     = 7
	dstInactive   = 8
	dstPersistent = 9
	dstStats      = 10
	dstFamily     = 11
	dstStats64    = 12
	dstTunType    = 13
	dstTunPort    = 14
	dstTunFlags   = 15

	daemonState     = 1
	daemonInterface = 2
	daemonID        = 3
	daemonMaxLen    = 4
	daemonGroup     = 5
	daemonGroup6    = 6
	daemonPort      = 7
	daemonTTL       = 8

	statsConns    = 1
	statsPktsIn   = 2
	statsPktsOut  = 3
	statsBytesIn  = 4
	statsBytesOut = 5
	statsCPS      = 6
	statsPPSIn    = 7
	statsPPSOut   = 8
	statsBPSIn    = 9
	statsBPSOut   = 10

	forwardMask = 0x7 // IP_VS_CONN_F_FWD_MASK
)

// addressFamily is the AF_* of a family 4 or 6.
func addressFamily(family uint8) uint16 {
	if family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// familyOf is the 4 or 6 of an AF_*.
func familyOf(af uint16) (uint8, error) {
	switch af {
	case unix.AF_INET:
		return 4, nil
	case unix.AF_INET6:
		return 6, nil
	}
	return 0, fmt.Errorf("unknown address family %d", af)
}

// netmaskBytes is the number which the kernel wants for Service.Netmask. It keeps an IPv4 mask
// in network byte order and an IPv6 prefix length as it is.
func netmaskBytes(family uint8, mask uint32) uint32 {
	if family == 4 && binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return bits.ReverseBytes32(mask)
	}
	return mask
}

// service names a service, and where s is given says what it is to become.
func (m *message) service(key ServiceKey, s *Service) {
	start := m.open(attrService)
	m.u16(svcFamily, addressFamily(key.Family))
	if key.FWMark != 0 {
		m.u32(svcFWMark, key.FWMark)
	} else {
		m.u16(svcProtocol, uint16(key.Protocol))
		m.address(svcAddr, key.Addr)
		m.be16(svcPort, key.Port)
	}
	if s != nil {
		m.text(svcScheduler, s.Scheduler)
		if s.PEName != "" {
			m.text(svcPEName, s.PEName)
		}
		// struct ip_vs_flags: the flags, and which of them are meant.
		flags := m.open(svcFlags)
		m.b = binary.NativeEndian.AppendUint32(m.b, s.Flags)
		m.b = binary.NativeEndian.AppendUint32(m.b, ^uint32(0))
		m.close(flags)
		m.u32(svcTimeout, s.Timeout)
		m.u32(svcNetmask, netmaskBytes(key.Family, s.Netmask))
	}
	m.close(start)
}

// destination names a destination, and where d is given says what it is to become. The address
// family is always there: without it the kernel takes the service's.
func (m *message) destination(addr netip.AddrPort, d *Destination) {
	start := m.open(attrDest)
	family := uint16(unix.AF_INET)
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	m.u16(dstFamily, family)
	m.address(dstAddr, addr.Addr())
	m.be16(dstPort, addr.Port())
	if d != nil {
		m.u32(dstForward, uint32(d.Forward))
		m.u32(dstWeight, d.Weight)
		m.u32(dstUpper, d.UpperThreshold)
		m.u32(dstLower, d.LowerThreshold)
		if d.Forward == Tunnel {
			m.u8(dstTunType, uint8(d.TunnelType))
			m.be16(dstTunPort, d.TunnelPort)
			m.u16(dstTunFlags, d.TunnelFlags)
		}
	}
	m.close(start)
}

// parseService reads one message of a dump of services, behind its generic netlink header.
func parseService(b []byte) (ServiceStats, error) {
	var s ServiceStats
	top, err := parseAttributes(b)
	if err != nil {
		return s, fmt.Errorf("read a service: %w", err)
	}
	a, err := parseAttributes(top[attrService])
	if err != nil {
		return s, fmt.Errorf("read a service: %w", err)
	}
	if s.Key.Family, err = familyOf(a.u16(svcFamily)); err != nil {
		return s, fmt.Errorf("read a service: %w", err)
	}
	if s.Key.FWMark = a.u32(svcFWMark); s.Key.FWMark == 0 {
		s.Key.Protocol = uint8(a.u16(svcProtocol))
		s.Key.Port = a.be16(svcPort)
		if s.Key.Addr, err = address(a[svcAddr], s.Key.Family); err != nil {
			return s, fmt.Errorf("read a service: %w", err)
		}
	}
	s.Service = Service{
		Scheduler: a.text(svcScheduler),
		Flags:     a.u32(svcFlags) &^ hashed,
		Timeout:   a.u32(svcTimeout),
		Netmask:   netmaskBytes(s.Key.Family, a.u32(svcNetmask)),
		PEName:    a.text(svcPEName),
	}
	s.Counters, err = parseCounters(a[svcStats64], a[svcStats])
	return s, err
}

// parseDestination reads one message of a dump of the destinations of a service of the family.
func parseDestination(b []byte, family uint8) (DestinationStats, error) {
	var d DestinationStats
	top, err := parseAttributes(b)
	if err != nil {
		return d, fmt.Errorf("read a destination: %w", err)
	}
	a, err := parseAttributes(top[attrDest])
	if err != nil {
		return d, fmt.Errorf("read a destination: %w", err)
	}
	if af := a.u16(dstFamily); af != 0 { // kernels before 3.18 do not tell it
		if family, err = familyOf(af); err != nil {
			return d, fmt.Errorf("read a destination: %w", err)
		}
	}
	addr, err := address(a[dstAddr], family)
	if err != nil {
		return d, fmt.Errorf("read a destination: %w", err)
	}
	d.Address = netip.AddrPortFrom(addr, a.be16(dstPort))
	d.Destination = Destination{
		Forward:        Forward(a.u32(dstForward) & forwardMask),
		Weight:         a.u32(dstWeight),
		UpperThreshold: a.u32(dstUpper),
		LowerThreshold: a.u32(dstLower),
	}
	if d.Destination.Forward == Tunnel {
		d.Destination.TunnelType = TunnelType(a.u8(dstTunType))
		d.Destination.TunnelPort = a.be16(dstTunPort)
		d.Destination.TunnelFlags = a.u16(dstTunFlags)
	}
	d.Active, d.Inactive, d.Persistent = a.u32(dstActive), a.u32(dstInactive), a.u32(dstPersistent)
	d.Counters, err = parseCounters(a[dstStats64], a[dstStats])
	return d, err
}

// parseCounters reads the 64-bit counters, or before kernel 4.1 the 32-bit ones.
func parseCounters(wide, narrow []byte) (Counters, error) {
	if wide == nil {
		wide = narrow
	}
	a, err := parseAttributes(wide)
	if err != nil {
		return Counters{}, fmt.Errorf("read counters: %w", err)
	}
	return Counters{
		Connections: a.u64(statsConns),
		PacketsIn:   a.u64(statsPktsIn), PacketsOut: a.u64(statsPktsOut),
		BytesIn: a.u64(statsBytesIn), BytesOut: a.u64(statsBytesOut),
		ConnectionsPerSecond: a.u64(statsCPS),
		PacketsInPerSecond:   a.u64(statsPPSIn), PacketsOutPerSecond: a.u64(statsPPSOut),
		BytesInPerSecond: a.u64(statsBPSIn), BytesOutPerSecond: a.u64(statsBPSOut),
	}, nil
}

// address reads the kernel's union nf_inet_addr: 16 bytes, of which IPv4 uses the first four.
func address(b []byte, family uint8) (netip.Addr, error) {
	n := 4
	if family == 6 {
		n = 16
	}
	if len(b) < n {
		return netip.Addr{}, errShort
	}
	addr, _ := netip.AddrFromSlice(b[:n])
	return addr, nil
}
