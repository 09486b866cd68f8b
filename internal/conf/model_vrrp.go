package conf

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

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
	// DownTimerAdverts is how many adverts a backup misses before it takes over, 1-100, the same on
	// all nodes; RFC 9568 §6.1 has 3.
	DownTimerAdverts uint8
	// Preempt lets a backup with a higher priority replace a living master (RFC 9568 §6.1).
	Preempt bool
	// PreemptDelay is how long a backup leaves a master with a lower priority in place, 0-1000 s.
	PreemptDelay time.Duration
	// LowerPrioNoAdvert has a master not answer the adverts of one with a lower priority.
	LowerPrioNoAdvert bool
	// HigherPrioSendAdvert has a master make way for one with a higher priority with a last advert.
	HigherPrioSendAdvert bool
	// OwnerIgnoreAdverts has an instance with priority 255 take no notice of adverts.
	OwnerIgnoreAdverts bool
	// NoAccept has packets to the instance's addresses dropped that are for no service of IPVS: Accept_Mode of
	// RFC 9568 §6.1 is its contrary. It is never set of the owner, with priority 255.
	NoAccept bool
	// DontTrackPrimary lets the instance take part while Interface is down.
	DontTrackPrimary bool
	Transport        Transport
	// Addresses are of the family of Transport. They are empty only where the file says no_virtual_ipaddress or has Excluded alone.
	Addresses []VirtualAddress
	// Excluded move with Addresses and are in no advert (virtual_ipaddress_excluded); they may be
	// of any family.
	Excluded []VirtualAddress
	// Routes and Rules are there while the instance is master.
	Routes []Route
	Rules  []Rule
	// Notify is run when the instance changes its state.
	Notify Notify
	// Track is what the instance depends on beside Interface and the interfaces of Moving, without
	// which it never takes part.
	Track []Tracked
	// AuthPass is the clear-text password of version 2 (RFC 2338 §5.3.6), 1 to 8 bytes; empty is no
	// authentication.
	AuthPass Secret
	HMAC     HMAC
	// GARPMasterDelay is the time from a takeover to the second burst of gratuitous ARP; 0 is
	// no second burst.
	GARPMasterDelay time.Duration
	// GARPMasterRepeat is the number of gratuitous ARPs per address in a burst, 1 or more.
	GARPMasterRepeat int
	// GARPMasterRefresh is the time between further announcements of GARPMasterRefreshRepeat
	// gratuitous ARPs per address while the instance is master; 0 is none.
	GARPMasterRefresh       time.Duration
	GARPMasterRefreshRepeat int // 1 or more
	// GARPLowerPrioDelay and GARPLowerPrioRepeat are as GARPMasterDelay and GARPMasterRepeat, after
	// another master was heard; with a repeat of 0 nothing is announced then.
	GARPLowerPrioDelay  time.Duration
	GARPLowerPrioRepeat int
	Range               hcl.Range
}

// Moving are all addresses of the instance, advertised or not.
func (i *Instance) Moving() []VirtualAddress { return slices.Concat(i.Addresses, i.Excluded) }

// Forever is the PreferredLft that does not end.
const Forever time.Duration = math.MaxInt64

// VirtualAddress is one line of virtual_ipaddress: a VIP or a V-gate.
type VirtualAddress struct {
	Prefix netip.Prefix // the address itself with its prefix length, not masked
	Dev    string       // never empty: the instance's interface where the file does not say
	Label  string       // the IFA_LABEL of ip-address(8); may be empty
	Scope  uint8        // rtnetlink(7) scope: 0 global, 200 site, 253 link, 254 host, 255 nowhere
	// Peer is the other end of a point-to-point address, which the prefix length then belongs to.
	Peer netip.Addr
	// Broadcast is of IPv4; the zero value for none.
	Broadcast netip.Addr
	// PreferredLft is how long an IPv6 address is the source of new connections: whole seconds up
	// to 2^31 - 1, or Forever. 0 is not at all, the default in HCL,
	// and in keepalived.conf that of one with a prefix length of 128.
	PreferredLft time.Duration
	// What follows are the flags of ip-address(8). DAD, Home and ManageTempAddr are of IPv6.

	DAD            bool // duplicate address detection, which is left out else (-nodad)
	Home           bool // RFC 6275
	ManageTempAddr bool // mngtmpaddr; with a prefix length of 64
	NoPrefixRoute  bool
	AutoJoin       bool // joins the group that the address is
	// NoTrack leaves the address away when somebody removes it, until the next takeover.
	NoTrack bool
	Range   hcl.Range
}

// SyncGroup is one vrrp_sync_group: instances that change state together.
type SyncGroup struct {
	Name    string
	Members []string // names of instances, each in one group at most
	// Notify is run when the group changes its state: all members are master, or backup, or one is in
	// FAULT.
	Notify Notify
	// Track counts for every member.
	Track []Tracked
	// TrackingWeight lets members have weights of their own (sync_group_tracking_weight): their
	// priorities may come to differ.
	TrackingWeight bool
	Range          hcl.Range
}

func (g *SyncGroup) has(instance string) bool { return slices.Contains(g.Members, instance) }
