package conf

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Protocol is the transport of a virtual server, in lower case.
type Protocol string

// The protocols that IPVS balances.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// Forwarding is the way packets reach a real server (lb_kind, lvs_method).
type Forwarding string

// The forwarding methods of ipvsadm(8): masquerading, direct routing, IP-IP tunnelling.
const (
	NAT Forwarding = "NAT"
	DR  Forwarding = "DR"
	TUN Forwarding = "TUN"
)

// TunnelType is the encapsulation of TUN (ipvsadm(8), --tun-type).
type TunnelType string

// The encapsulations: IP in IP, generic UDP encapsulation, generic routing encapsulation.
const (
	IPIP TunnelType = "ipip"
	GUE  TunnelType = "gue"
	GRE  TunnelType = "gre"
)

// Checksum is what a GUE or GRE tunnel has of that kind; empty is none.
type Checksum string

// The checksums: of the outer header, and for GUE the remote checksum offload of its extension.
const (
	OuterChecksum  Checksum = "csum"
	RemoteChecksum Checksum = "remcsum"
)

// Tunnel is what stands behind TUN; it is the zero value for other methods.
type Tunnel struct {
	Type     TunnelType
	Port     uint16 // UDP, 1-65535, of GUE; 0 for others
	Checksum Checksum
}

// VirtualServer is one virtual_server: an address or firewall mark and the servers behind it.
type VirtualServer struct {
	// Address is the service's address and port; port 0 is every port and needs persistence.
	// It is the zero value where FWMark or Group is set.
	Address netip.AddrPort
	FWMark  uint32 // firewall mark, 0 for none
	// Marks are the packets that get FWMark; none where others mark them.
	Marks []Mark
	// Group names the ServerGroup that has the addresses and marks in place of these; empty for none.
	Group string
	// Protocol is empty where FWMark is set: a mark matches every protocol.
	Protocol Protocol
	// Family is 4 or 6: the address's, or what packets with the mark are of. It is 0 for a group with
	// addresses of both.
	Family    uint8
	Scheduler string // lb_algo, lvs_sched: the name of the kernel's module without "ip_vs_"
	// Fallback has sh and mh choose another server for one that is unavailable, and HashPort has them
	// look at the client's port too. They are flag-1 and flag-2 of other schedulers; Flag3 is flag-3.
	Fallback, HashPort, Flag3 bool
	// OnePacket schedules each UDP packet by itself (ops).
	OnePacket  bool
	Forwarding Forwarding
	Tunnel     Tunnel
	// PersistenceTimeout is how long a client stays with its server, in whole seconds; 0 is off.
	PersistenceTimeout time.Duration
	// PersistencePrefix has the clients of one network stay together: the length of its prefix,
	// 1-31 or 1-127; 0 is that each is on its own.
	PersistencePrefix int
	// PersistenceEngine is "sip", which tells clients apart by the Call-ID of their SIP, or empty.
	PersistenceEngine string
	// Quorum is the sum of the weights of healthy servers that the service needs, 1 or more;
	// Hysteresis, less than that, is how far the sum must pass it in either direction.
	Quorum     int
	Hysteresis int
	// QuorumUp and QuorumDown are told that the quorum is gained and lost; without words for nothing.
	QuorumUp, QuorumDown Program
	// Omega has the programs of a loss told at a stop too: QuorumDown, and NotifyDown of each server.
	Omega bool
	// DrainTimeout is how long a server that a reload removes may take to finish its connections, to
	// 24 h; 0 removes it at once.
	DrainTimeout time.Duration
	// Sorry serves while the quorum is lost; its Address is the zero value for none.
	Sorry SorryServer
	// PanicThreshold is the percentage of real servers, 0-100, below which servers that fail stay.
	PanicThreshold int
	RealServers    []RealServer
	Range          hcl.Range
}

// SorryServer is the server of a virtual server that has lost its quorum. It has no checks, and
// the weight 1.
type SorryServer struct {
	Address    netip.AddrPort
	Forwarding Forwarding
	Tunnel     Tunnel
	// Inhibit keeps it in the kernel with weight 0 while it does not serve.
	Inhibit bool
	Range   hcl.Range
}

// RealServer is one real_server of a virtual server.
type RealServer struct {
	Address netip.AddrPort
	Weight  int // 0-65535
	// Forwarding is the virtual server's where the file does not say (lvs_method).
	Forwarding Forwarding
	Tunnel     Tunnel
	// UpperThreshold is the number of connections at which the server gets no more, 0 for no limit;
	// it gets some again below LowerThreshold, or where that is 0 below three quarters of it.
	UpperThreshold int
	LowerThreshold int
	// SlowStart is how long the weight takes to grow to its full value after the server came back; 0
	// is at once.
	SlowStart time.Duration
	// InhibitOnFailure keeps a failed server in the kernel with weight 0 instead of removing it.
	InhibitOnFailure bool
	// NotifyUp and NotifyDown are told that the server is restored and lost; without words for nothing.
	NotifyUp, NotifyDown Program
	Checks               []Check
	Range                hcl.Range
}
