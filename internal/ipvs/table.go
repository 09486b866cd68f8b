// Package ipvs makes the kernel's IPVS table equal to a wanted one.
//
// Table is a value; Plan compares two of them and says what to write; an Applier owns the
// kernel side: it dumps, plans, writes, and reports.
//
// Which library speaks to the kernel (Open): github.com/moby/ipvs writes a service that changes by
// itself. What it cannot do or does wrong is written here: many operations at once (moby waits for
// the answer to each, which is most of the time that a table takes), every write of
// a destination (moby sends neither its address family nor its tunnel), every dump (moby reads
// 16 bits of a weight, 32 bits of a counter and no persistence engine), and the search for the
// kernel's family id (without IPVS in the kernel moby reports success for every write). moby
// looks that id up once per process, and the id changes when the module is unloaded and loaded
// again; Open notices that, and then services too are written by the code here.
package ipvs

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// ServiceKey is what tells one virtual service from another: a protocol, address and port, or a
// firewall mark.
type ServiceKey struct {
	// Family is 4 or 6. A firewall mark can have one service of each.
	Family uint8
	// Protocol is unix.IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP; 0 with a firewall mark.
	Protocol uint8
	// Addr is of Family, without a zone; the zero Addr with a firewall mark.
	Addr netip.Addr
	// Port 0 is every port. It is 0 with a firewall mark.
	Port uint16
	// FWMark is the firewall mark, 0 for none.
	FWMark uint32
}

// String writes the key as ipvsadm(8) -L does: "TCP 192.168.2.11:80", "FWM 100 IPv6".
func (k ServiceKey) String() string {
	if k.FWMark != 0 {
		s := "FWM " + strconv.FormatUint(uint64(k.FWMark), 10)
		if k.Family == 6 {
			s += " IPv6"
		}
		return s
	}
	return protocolName(k.Protocol) + " " + netip.AddrPortFrom(k.Addr, k.Port).String()
}

// Compare orders keys: addresses before marks, then by protocol, address, port, mark, family.
func (k ServiceKey) Compare(o ServiceKey) int {
	return cmp.Or(
		cmp.Compare(k.FWMark, o.FWMark),
		cmp.Compare(k.Family, o.Family),
		cmp.Compare(k.Protocol, o.Protocol),
		k.Addr.Compare(o.Addr),
		cmp.Compare(k.Port, o.Port),
	)
}

// check says what is wrong with a key that no service can have.
func (k ServiceKey) check() error {
	switch {
	case k.Family != 4 && k.Family != 6:
		return fmt.Errorf("family %d is neither 4 nor 6", k.Family)
	case k.FWMark != 0:
		if k.Protocol != 0 || k.Addr.IsValid() || k.Port != 0 {
			return fmt.Errorf("firewall mark %d together with an address, protocol or port", k.FWMark)
		}
	case k.Protocol == 0:
		return fmt.Errorf("neither a firewall mark nor a protocol")
	case !validAddr(k.Addr) || k.Addr.Is4() != (k.Family == 4):
		return fmt.Errorf("address %q is not one of IPv%d", k.Addr, k.Family)
	}
	return nil
}

// validAddr says whether the kernel's two address families can hold the address as it stands.
func validAddr(a netip.Addr) bool {
	return a.IsValid() && !a.Is4In6() && a.Zone() == ""
}

func protocolName(p uint8) string {
	switch p {
	case unix.IPPROTO_TCP:
		return "TCP"
	case unix.IPPROTO_UDP:
		return "UDP"
	case unix.IPPROTO_SCTP:
		return "SCTP"
	}
	return "PROTO" + strconv.Itoa(int(p))
}

// The flags of a service (IP_VS_SVC_F_*, linux/ip_vs.h).
const (
	// Persistent keeps a client with its server for Service.Timeout.
	Persistent uint32 = 0x1
	// hashed is set by the kernel on every service it has; a dump leaves it out.
	hashed uint32 = 0x2
	// OnePacket schedules each UDP packet by itself (ops).
	OnePacket uint32 = 0x4
	// SchedFlag1 is sh-fallback or mh-fallback.
	SchedFlag1 uint32 = 0x8
	// SchedFlag2 is sh-port or mh-port.
	SchedFlag2 uint32 = 0x10
	// SchedFlag3 has no scheduler yet that uses it.
	SchedFlag3 uint32 = 0x20
)

// Service is what can be changed about a virtual service. It is comparable: two services are
// equal to the kernel when they are equal in Go.
type Service struct {
	// Scheduler is the name of the kernel's scheduler: "rr", "wlc" …
	Scheduler string
	// Flags is a set of Persistent, OnePacket and SchedFlag1 to SchedFlag3.
	Flags uint32
	// Timeout is the persistence timeout in seconds; used with Persistent.
	Timeout uint32
	// Netmask groups the clients of a persistent service: for IPv4 the mask as a number
	// (0xffffff00 is /24), for IPv6 the prefix length, 1-128. It is never 0 for IPv6, not even
	// without persistence: see HostMask.
	Netmask uint32
	// PEName is the persistence engine, "sip" or empty.
	PEName string
}

// HostMask is the Service.Netmask under which every client is its own, the kernel's default:
// all ones for IPv4, 128 for IPv6.
func HostMask(family uint8) uint32 {
	if family == 6 {
		return 128
	}
	return 0xffffffff
}

// NetMask is the Service.Netmask under which the clients of one network of that prefix length are
// one: 1-32 for IPv4, 1-128 for IPv6.
func NetMask(family uint8, bits int) uint32 {
	if family == 6 {
		return uint32(bits)
	}
	return ^uint32(0) << (32 - bits)
}

// String names the service's scheduler and what is not the default.
func (s Service) String() string {
	out := "scheduler " + s.Scheduler
	if s.Flags&Persistent != 0 {
		out += fmt.Sprintf(", persistent %d s", s.Timeout)
		if s.Netmask != 0xffffffff && s.Netmask != 128 {
			out += fmt.Sprintf(" mask %#x", s.Netmask)
		}
	}
	if f := s.Flags &^ Persistent; f != 0 {
		out += fmt.Sprintf(", flags %#x", f)
	}
	if s.PEName != "" {
		out += ", engine " + s.PEName
	}
	return out
}

// Forward is the way packets reach a destination (IP_VS_CONN_F_FWD_MASK, linux/ip_vs.h).
type Forward uint8

// The forwarding methods. Local and Bypass are the kernel's own: they may be read, never wanted.
const (
	Masquerade Forward = 0 // NAT: addresses and ports are rewritten
	Local      Forward = 1
	Tunnel     Forward = 2 // TUN: encapsulated
	Route      Forward = 3 // DR: only the link-layer address is changed
	Bypass     Forward = 4
)

// String is keepalived's name of the method: NAT, TUN, DR.
func (f Forward) String() string {
	switch f {
	case Masquerade:
		return "NAT"
	case Local:
		return "Local"
	case Tunnel:
		return "TUN"
	case Route:
		return "DR"
	case Bypass:
		return "Bypass"
	}
	return "forward" + strconv.Itoa(int(f))
}

// TunnelType is the encapsulation of a Tunnel destination (IP_VS_CONN_F_TUNNEL_TYPE_*). Kernels
// before 5.2 know IPIP only, and take the others for it.
type TunnelType uint8

// The encapsulations of ipvsadm(8) --tun-type.
const (
	IPIP TunnelType = 0
	GUE  TunnelType = 1
	GRE  TunnelType = 2
)

// The flags of a GUE or GRE tunnel (IP_VS_TUNNEL_ENCAP_FLAG_*, linux/ip_vs.h). The kernel has the
// remote checksum with GUE only.
const (
	TunnelChecksum       uint16 = 0x1
	TunnelRemoteChecksum uint16 = 0x2
)

// Destination is what can be changed about a real server of a service; it is comparable.
type Destination struct {
	Forward Forward
	// Weight is 0 (no new connections) to 2147483647.
	Weight uint32
	// UpperThreshold is the number of connections at which the server gets no more, 0 for no
	// limit; at LowerThreshold it gets some again. LowerThreshold ≤ UpperThreshold.
	UpperThreshold uint32
	LowerThreshold uint32
	// The tunnel of a Tunnel destination; zero for others.
	TunnelType  TunnelType
	TunnelPort  uint16 // UDP port of GUE
	TunnelFlags uint16 // 0, TunnelChecksum or TunnelRemoteChecksum
}

// String names the forwarding method, the weight, and what is not the default.
func (d Destination) String() string {
	out := fmt.Sprintf("%s weight %d", d.Forward, d.Weight)
	if d.UpperThreshold != 0 || d.LowerThreshold != 0 {
		out += fmt.Sprintf(", thresholds %d-%d", d.LowerThreshold, d.UpperThreshold)
	}
	if d.TunnelType != IPIP {
		out += fmt.Sprintf(", tunnel type %d port %d flags %d", d.TunnelType, d.TunnelPort, d.TunnelFlags)
	}
	return out
}

// Entry is a service with its destinations.
type Entry struct {
	Service      Service
	Destinations map[netip.AddrPort]Destination
}

// Table is the whole IPVS table of a network namespace, or what is wanted of it.
type Table map[ServiceKey]Entry

// apply makes the change that op makes to the kernel's table. An operation which does not fit
// the table leaves it alone.
func (t Table) apply(op Op) {
	e, ok := t[op.Key]
	switch op.Kind {
	case AddService:
		if !ok {
			t[op.Key] = Entry{Service: op.Service, Destinations: map[netip.AddrPort]Destination{}}
		}
		return
	case DeleteService:
		delete(t, op.Key)
		return
	}
	if !ok {
		return
	}
	switch op.Kind {
	case EditService:
		e.Service = op.Service
		t[op.Key] = e
	case AddDestination, EditDestination:
		e.Destinations[op.Address] = op.Destination
	case DeleteDestination:
		delete(e.Destinations, op.Address)
	}
}
