// Package conf turns configuration files into a validated Config.
//
// Two front ends fill one model: keepalived.conf (package conf/keepalived parses it) and HCL.
// Both report problems as hcl.Diagnostics, so that one printer serves both. Nothing here looks
// at the host: the same file gives the same answer on any machine.
package conf

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Config is everything a configuration says, with every default filled in by its front end.
type Config struct {
	// RouterID names this node in logs and in status; the hostname where the file does not say.
	RouterID   string
	Instances  []Instance
	SyncGroups []SyncGroup
	Services   []VirtualServer
}

// State is the initial state that a vrrp_instance names.
type State string

// The initial states of keepalived.conf(5). Only an instance with priority 255 starts as master.
const (
	Backup State = "BACKUP"
	Master State = "MASTER"
)

// Instance is one vrrp_instance: a virtual router on one interface.
type Instance struct {
	Name  string
	State State
	// Interface carries the adverts; addresses without a dev of their own stand on it too.
	Interface       string
	VirtualRouterID uint8 // 1-255
	Priority        uint8 // 1-255; 255 is the owner of the addresses
	// AdvertInterval is whole seconds from 1 s to 255 s in version 2, and a multiple of 10 ms
	// from 10 ms to 40.95 s in version 3 (RFC 9568 §5.2.7).
	AdvertInterval time.Duration
	Version        uint8 // 2 (RFC 3768) or 3 (RFC 9568)
	// Preempt lets a backup with a higher priority replace a living master (RFC 9568 §6.1).
	Preempt   bool
	Addresses []VirtualAddress
	// TrackInterfaces fail the instance when one of them is down, beside Interface and the
	// interfaces of Addresses, which are always tracked.
	TrackInterfaces []string
	// GARPMasterDelay is the time from a takeover to the second burst of gratuitous ARP; 0 is
	// no second burst.
	GARPMasterDelay time.Duration
	// GARPMasterRepeat is the number of gratuitous ARPs per address in a burst, 1 or more.
	GARPMasterRepeat int
	Range            hcl.Range
}

// VirtualAddress is one line of virtual_ipaddress: a VIP or a V-gate.
type VirtualAddress struct {
	Prefix netip.Prefix // the address itself with its prefix length, not masked
	Dev    string       // never empty: the instance's interface where the file does not say
	Label  string       // the IFA_LABEL of ip-address(8); may be empty
	Scope  uint8        // rtnetlink(7) scope: 0 global, 200 site, 253 link, 254 host, 255 nowhere
	Range  hcl.Range
}

// SyncGroup is one vrrp_sync_group: instances that change state together.
type SyncGroup struct {
	Name    string
	Members []string // names of instances, each in one group at most
	Range   hcl.Range
}

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

// VirtualServer is one virtual_server: an address or firewall mark and the servers behind it.
type VirtualServer struct {
	// Address is the service's address and port; port 0 is every port and needs persistence.
	// It is the zero value where FWMark is set.
	Address netip.AddrPort
	FWMark  uint32 // firewall mark, 0 for none
	// Protocol is empty where FWMark is set: a mark matches every protocol.
	Protocol   Protocol
	Scheduler  string // lb_algo, lvs_sched: the name of the kernel's module without "ip_vs_"
	Forwarding Forwarding
	// PersistenceTimeout is how long a client stays with its server, in whole seconds; 0 is off.
	PersistenceTimeout time.Duration
	RealServers        []RealServer
	Range              hcl.Range
}

// RealServer is one real_server of a virtual server.
type RealServer struct {
	Address netip.AddrPort
	Weight  int // 0-65535
	// InhibitOnFailure keeps a failed server in the kernel with weight 0 instead of removing it.
	InhibitOnFailure bool
	Checks           []Check
	Range            hcl.Range
}

// CheckKind says how a real server is probed.
type CheckKind string

// The kinds of check, by keepalived's names. ICMP_CHECK is an older name of PING_CHECK.
const (
	PingCheck CheckKind = "PING_CHECK"
	TCPCheck  CheckKind = "TCP_CHECK"
	HTTPGet   CheckKind = "HTTP_GET"
	SSLGet    CheckKind = "SSL_GET"
)

// Check is one checker of a real server, with what it inherits from the real server and the
// virtual server already filled in.
type Check struct {
	Kind CheckKind
	// URLs are what HTTP_GET and SSL_GET ask for, one at least; empty for other kinds.
	URLs []URL
	// Interval is the time from the start of a probe to the start of the next (delay_loop).
	Interval time.Duration
	// Timeout bounds a whole probe, from its first packet to its last (connect_timeout).
	Timeout time.Duration
	// Retry is how many failed probes after the first are borne before the server is down.
	Retry int
	// DelayBeforeRetry is the time from the end of a failed probe to the next while retrying.
	DelayBeforeRetry time.Duration
	Range            hcl.Range
}

// URL is one url block of HTTP_GET or SSL_GET.
type URL struct {
	Path string // begins with a slash
	// StatusCodes are the accepted ranges of HTTP status codes; 200-299 where the file does
	// not say.
	StatusCodes []StatusRange
	Range       hcl.Range
}

// StatusRange is an inclusive range of HTTP status codes, 100-599.
type StatusRange struct{ First, Last int }
