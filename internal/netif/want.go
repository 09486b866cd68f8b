package netif

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Address is one address on one interface, with everything that distinguishes it in the kernel
// as far as this package writes it. It is comparable: == is the diff.
type Address struct {
	// Prefix is the address itself with its prefix length, not masked.
	Prefix netip.Prefix
	// Dev is the name of the interface.
	Dev string
	// Label is the IFA_LABEL of rtnetlink(7), empty for the interface's own name. IPv6 has none.
	Label string
	// Scope is the rtnetlink(7) scope: 0 global, 200 site, 253 link, 254 host. IPv6 addresses
	// have the scope that the kernel derives from them, whatever is written here.
	Scope uint8
	// Peer is the other end of a point-to-point address (IFA_ADDRESS), to which the prefix length
	// then belongs; the zero value without one.
	Peer netip.Addr
	// What follows is written with the address and never read back: the host may have given its own
	// addresses more than anybody asks for here.

	// Broadcast is the IFA_BROADCAST of IPv4, the zero value for none.
	Broadcast netip.Addr
	Flags     Flags
	// Preferred is how long the kernel takes the address as the source of new connections
	// (preferred_lft). It counts for IPv6 alone.
	Preferred Lifetime
}

// Flags are wishes about an address, bits of IFA_FLAGS (linux/if_addr.h). IPv4 knows NoPrefixRoute
// and AutoJoin.
type Flags uint32

// The flags, by the words of ip-address(8). DAD is the contrary of nodad: duplicate address
// detection keeps an address from use for a second, and gives it up for good if the former master
// is late, so that it has to be asked for.
const (
	DAD            Flags = unix.IFA_F_NODAD
	Home           Flags = unix.IFA_F_HOMEADDRESS
	ManageTempAddr Flags = unix.IFA_F_MANAGETEMPADDR
	NoPrefixRoute  Flags = unix.IFA_F_NOPREFIXROUTE
	AutoJoin       Flags = unix.IFA_F_MCAUTOJOIN

	flags4 = NoPrefixRoute | AutoJoin
	flags6 = flags4 | DAD | Home | ManageTempAddr
)

// String are the words of ip-address(8).
func (f Flags) String() string {
	var words []string
	for _, w := range []struct {
		flag Flags
		word string
	}{{Home, "home"}, {DAD, "-nodad"}, {ManageTempAddr, "mngtmpaddr"}, {NoPrefixRoute, "noprefixroute"}, {AutoJoin, "autojoin"}} {
		if f&w.flag != 0 {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, " ")
}

// Lifetime is a time in seconds; 0 is for ever.
type Lifetime int32

// Deprecated is a preferred lifetime that is over from the start.
const Deprecated Lifetime = -1

// String gives the address as ip-address(8) would take it.
func (a Address) String() string {
	s := a.Prefix.String() + " dev " + a.Dev
	if a.Label != "" {
		s += " label " + a.Label
	}
	if a.Peer.IsValid() {
		s += " peer " + a.Peer.String()
	}
	if a.Broadcast.IsValid() {
		s += " brd " + a.Broadcast.String()
	}
	if a.Flags != 0 {
		s += " " + a.Flags.String()
	}
	switch {
	case a.Preferred == Deprecated:
		s += " preferred_lft 0"
	case a.Preferred != 0:
		s += " preferred_lft " + strconv.Itoa(int(a.Preferred))
	}
	return s
}

// canonical writes equal addresses the same way, the way the kernel's dump is read.
func (a Address) canonical() Address {
	if ip := a.Prefix.Addr(); ip.Is4In6() && a.Prefix.Bits() >= 96 {
		a.Prefix = netip.PrefixFrom(ip.Unmap(), a.Prefix.Bits()-96)
	}
	if a.Label == a.Dev {
		a.Label = ""
	}
	a.Peer, a.Broadcast = a.Peer.Unmap(), a.Broadcast.Unmap()
	if a.Peer == a.Prefix.Addr() {
		a.Peer = netip.Addr{}
	}
	if a.Prefix.Addr().Is6() {
		a.Label, a.Scope, a.Broadcast = "", 0, netip.Addr{}
		a.Flags &= flags6
	} else {
		a.Flags &= flags4
		a.Preferred = 0
	}
	return a
}

// bare is an address as the kernel's table tells of it.
func (a Address) bare() Address {
	a.Broadcast, a.Flags, a.Preferred = netip.Addr{}, 0, 0
	return a
}

// with is an address with what was written with another.
func (a Address) with(b Address) Address {
	a.Broadcast, a.Flags, a.Preferred = b.Broadcast, b.Flags, b.Preferred
	return a
}

// network is what the prefix length is about.
func (a Address) network() netip.Prefix {
	ip := a.Prefix.Addr()
	if a.Peer.IsValid() {
		ip = a.Peer
	}
	return netip.PrefixFrom(ip, a.Prefix.Bits()).Masked()
}

// place is an IP address on an interface, whatever its prefix length, label or scope.
type place struct {
	dev string
	ip  netip.Addr
}

func (a Address) place() place { return place{a.Dev, a.Prefix.Addr()} }

// family is a set of address families. IPv6 link-local addresses are one of their own: every
// interface has such, and nobody beyond the link reaches a host by them.
type family uint8

func (a Address) family() family {
	switch ip := a.Prefix.Addr(); {
	case ip.Is4():
		return 1
	case ip.IsLinkLocalUnicast():
		return 2
	}
	return 4
}

// shares reports whether the kernel has room for only one of the two: it keeps one entry per
// address and subnet for IPv4 (__inet_insert_ifa in net/ipv4/devinet.c), one per address
// for IPv6 (ipv6_add_addr in net/ipv6/addrconf.c).
func (a Address) shares(b Address) bool {
	return a.place() == b.place() && (a.Prefix.Addr().Is6() || a.network() == b.network())
}

func compareAddress(a, b Address) int {
	if c := strings.Compare(a.Dev, b.Dev); c != 0 {
		return c
	}
	if c := a.Prefix.Addr().Compare(b.Prefix.Addr()); c != 0 {
		return c
	}
	if c := a.Prefix.Bits() - b.Prefix.Bits(); c != 0 {
		return c
	}
	if c := strings.Compare(a.Label, b.Label); c != 0 {
		return c
	}
	return cmp.Or(int(a.Scope)-int(b.Scope), a.Peer.Compare(b.Peer), a.Broadcast.Compare(b.Broadcast),
		cmp.Compare(a.Flags, b.Flags), cmp.Compare(a.Preferred, b.Preferred))
}

// Instance is what one VRRP instance should have while it is master.
type Instance struct {
	Addresses []Address
	// NoTrack are those of Addresses that are not put back when somebody removes them.
	NoTrack []Address
	// Routes and Rules come after the addresses, and go before them.
	Routes []Route
	Rules  []Rule
	// Static is what should be there whoever is master.
	Static bool
	// Repeat is the number of gratuitous ARPs per address in a burst (garp_master_repeat); 0
	// sends none.
	Repeat int
	// Delay is the time from a takeover to the second burst (garp_master_delay); 0 is no second
	// burst.
	Delay time.Duration
	// LowerPrioRepeat and LowerPrioDelay are the same for what Applier.Announce asks for
	// (garp_lower_prio_repeat, garp_lower_prio_delay).
	LowerPrioRepeat int
	LowerPrioDelay  time.Duration
	// Refresh is the time between the bursts of RefreshRepeat gratuitous ARPs per address while
	// the instance is master (garp_master_refresh); the first comes Delay and Refresh after the
	// takeover. 0 is no such bursts.
	Refresh       time.Duration
	RefreshRepeat int
}

// Spacing is the least time between two announcements; 0 is none.
type Spacing struct {
	ARP time.Duration // of gratuitous ARP (garp_interval)
	NA  time.Duration // of neighbour advertisements (gna_interval)
}

// SpacingGroup has the announcements on several interfaces wait for one another (garp_group): they
// lead to one switch.
type SpacingGroup struct {
	Interfaces []string
	Spacing
}

// Sysctl is a kernel parameter under /proc/sys/.
type Sysctl struct {
	// Name is written as sysctl(8) takes it: "net.ipv4.ip_forward". A dot inside an interface's
	// name is a slash: "net.ipv4.conf.eth0/100.send_redirects".
	Name string
	// Value is what the parameter should read. For net.ipv4.ping_group_range it is a range that
	// the parameter should cover at least: it is widened, never narrowed.
	Value string
}

// Want is everything a configuration wants of the host's network. An Applier keeps it: it must
// not be changed after it was handed over.
type Want struct {
	// Instances by name. No two should claim the same address on the same interface; where they
	// do and both are master, the first by name has it.
	Instances map[string]Instance
	// Sysctls are set when a Want comes and when interfaces appear. One that leaves the list
	// keeps its value.
	Sysctls []Sysctl
	// Spacing is that of each interface which no group names; a group's is of its own. An interface
	// is in one group at most.
	Spacing       Spacing
	SpacingGroups []SpacingGroup
}

// Role is what the election says of one instance.
type Role struct {
	Master bool
	// Until is the time up to which the election vouches for mastership: the earliest time at
	// which another node may take over. Nothing is added after it, and what is on comes off. The
	// election renews it whenever it sends an advert. With the zero time nobody vouches.
	Until time.Time
}

// holds reports whether the instance may have its addresses at the time now.
func (r Role) holds(now time.Time) bool { return r.Master && r.Until.After(now) }
