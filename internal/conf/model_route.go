package conf

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// The types of routes that rtnetlink(7) has, by their numbers there.
const (
	Unicast     uint8 = 1
	Local       uint8 = 2
	Broadcast   uint8 = 3
	Anycast     uint8 = 4
	Multicast   uint8 = 5
	Blackhole   uint8 = 6
	Unreachable uint8 = 7
	Prohibit    uint8 = 8
	Throw       uint8 = 9
)

// Route is one line of static_routes or virtual_routes.
type Route struct {
	Type uint8        // one of the constants above
	To   netip.Prefix // the destination, masked; its address tells the family
	// Table is the number of the table, 1 to 4294967295; 254 is main.
	Table uint32
	// Metric is the preference, the lower the better; 0 is the best for IPv4, and for IPv6 the
	// kernel's 1024.
	Metric uint32
	TOS    uint8 // of an IPv4 route; 0 is any
	// Protocol is the origin that the kernel shows, 1 to 255; 18 is keepalived.
	Protocol uint8
	Scope    uint8      // of an IPv4 route, as that of a VirtualAddress
	Src      netip.Addr // the address to send from; invalid where the kernel chooses
	// Nexthops are the ways to take, 1 to 128; none for types from Blackhole on.
	Nexthops []Nexthop
	// Metrics are what TCP and IP go by, each at its number in linux/rtnetlink.h (RTAX_MTU is 2), 0
	// for the kernel's choice; at 1 stands the mask of those that the kernel must not adapt. RTT is in
	// eighths of a millisecond, RTTVAR in quarters, RTO_MIN in milliseconds.
	Metrics [18]uint32
	Congctl string // the algorithm for congestion control; empty for the host's
	Pref    uint8  // of an IPv6 route (RFC 4191): 0 medium, 1 high, 3 low
	// Append puts the route behind others to the same destination, not in front of them.
	Append bool
	// Untracked lets the instance go on when the interface of the route is down, and a route that
	// somebody deletes stay away until the next takeover (no_track).
	Untracked bool
	Range     hcl.Range
}

// Nexthop is one way that a route takes.
type Nexthop struct {
	Via    netip.Addr // the gateway; invalid for a destination that is on the link
	Dev    string     // empty where the kernel finds the interface by Via
	Weight uint16     // 1 to 256
	Onlink bool       // Via is on the link of Dev, whatever addresses are there
}

// The actions of rules, by their numbers in linux/fib_rules.h.
const (
	RuleTable       uint8 = 1
	RuleGoto        uint8 = 2
	RuleNop         uint8 = 3
	RuleBlackhole   uint8 = 6
	RuleUnreachable uint8 = 7
	RuleProhibit    uint8 = 8
)

// Rule is one line of static_rules or virtual_rules.
type Rule struct {
	Family uint8 // 4 or 6
	// Priority is the place of the rule, the lower the earlier, 0 to 4294967295.
	Priority   uint32
	Not        bool         // the rule holds for packets that do not match
	From, To   netip.Prefix // masked; invalid for any
	Iif, Oif   string       // interfaces; empty for any
	Mark, Mask uint32       // firewall mark and the bits of it that count; a Mask of 0 is any
	TOS        uint8        // 0 is any
	IPProto    uint8        // 0 is any
	// Sport and Dport are ranges of ports, 1-65535; zero for any.
	Sport, Dport PortRange
	// UIDs are the users of the sockets that send, unless AnyUID is set.
	UIDs   UIDRange
	AnyUID bool
	TunID  uint64 // 0 is any
	L3mdev bool   // look up the table of the packet's VRF

	Action uint8  // one of the constants above
	Table  uint32 // of RuleTable without L3mdev, 1 to 4294967295
	Goto   uint32 // of RuleGoto: a Priority that is higher
	// SuppressPrefix rejects what the table gives with this prefix length or a shorter one, 0 to 128;
	// -1 rejects nothing.
	SuppressPrefix int
	// SuppressGroup rejects routes by interfaces of this group; -1 rejects nothing.
	SuppressGroup int64
	Protocol      uint8 // as that of a Route
	// Untracked is that of a Route, for Iif and Oif.
	Untracked bool
	Range     hcl.Range
}

// PortRange is an inclusive range of ports.
type PortRange struct{ First, Last uint16 }

// UIDRange is an inclusive range of user ids.
type UIDRange struct{ First, Last uint32 }
