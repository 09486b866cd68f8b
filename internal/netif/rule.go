package netif

import (
	"fmt"
	"net/netip"
	"strings"
)

// The actions of rules, FR_ACT_* of linux/fib_rules.h.
const (
	ActionTable       = 1
	ActionGoto        = 2
	ActionNop         = 3
	ActionBlackhole   = 6
	ActionUnreachable = 7
	ActionProhibit    = 8
)

// Range is an inclusive range of numbers.
type Range struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
}

// Rule is one rule of policy routing, with everything that this package writes of it. It is
// comparable.
type Rule struct {
	// Family is 4 or 6.
	Family uint8 `json:"family,omitzero"`
	// Priority is the place of the rule, the lower the earlier.
	Priority uint32 `json:"priority,omitzero"`
	// Not makes the rule hold for packets that do not match.
	Not bool `json:"not,omitzero"`
	// From and To are prefixes that the packet's addresses must be in; invalid for any.
	From netip.Prefix `json:"from,omitzero"`
	To   netip.Prefix `json:"to,omitzero"`
	// Iif and Oif are the names of the interfaces that the packet came by, or is bound to.
	Iif string `json:"iif,omitzero"`
	Oif string `json:"oif,omitzero"`
	// Mark and Mask are the firewall mark and its bits that count; a Mask of 0 is none.
	Mark uint32 `json:"mark,omitzero"`
	Mask uint32 `json:"mask,omitzero"`
	// TOS is the packet's type of service; 0 is any.
	TOS uint8 `json:"tos,omitzero"`
	// IPProto is the packet's protocol; 0 is any.
	IPProto uint8 `json:"ipproto,omitzero"`
	// Sport and Dport are its ports; zero for any.
	Sport Range `json:"sport,omitzero"`
	Dport Range `json:"dport,omitzero"`
	// UIDs are the owners of the socket that sends, where UIDRange is set.
	UIDs     Range `json:"uids,omitzero"`
	UIDRange bool  `json:"uidrange,omitzero"`
	// TunID is the id of the tunnel that the packet came by; 0 is any.
	TunID uint64 `json:"tun_id,omitzero"`
	// L3mdev looks up the table of the packet's VRF.
	L3mdev bool `json:"l3mdev,omitzero"`

	// Action is what to do with the packet, one of the constants above.
	Action uint8 `json:"action,omitzero"`
	// Table is the number of the table that ActionTable looks up; 254 is main.
	Table uint32 `json:"table,omitzero"`
	// Goto is the priority of the rule at which ActionGoto goes on.
	Goto uint32 `json:"goto,omitzero"`
	// SuppressPrefix rejects what the table gives with a prefix length of this number less one, or
	// less; 0 rejects nothing.
	SuppressPrefix uint32 `json:"suppress_prefixlength,omitzero"`
	// SuppressGroup rejects routes by interfaces of the group with this number less one; 0 rejects
	// nothing.
	SuppressGroup uint32 `json:"suppress_ifgroup,omitzero"`
	// Protocol is the origin, as that of a Route.
	Protocol uint8 `json:"protocol,omitzero"`
	// NoTrack is that of a Route.
	NoTrack bool `json:"no_track,omitzero"`
}

// String gives the rule as ip-rule(8) would.
func (r Rule) String() string {
	var b strings.Builder
	if r.Family == 6 {
		b.WriteString("inet6 ")
	}
	if r.Not {
		b.WriteString("not ")
	}
	b.WriteString("from " + prefixName(r.From))
	put := func(there bool, format string, args ...any) {
		if there {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	put(r.To.IsValid(), "to %s", r.To)
	put(r.Iif != "", "iif %s", r.Iif)
	put(r.Oif != "", "oif %s", r.Oif)
	switch r.Mask {
	case 0:
	case ^uint32(0):
		put(true, "fwmark %#x", r.Mark)
	default:
		put(true, "fwmark %#x/%#x", r.Mark, r.Mask)
	}
	put(r.TOS != 0, "tos %#02x", r.TOS)
	put(r.IPProto != 0, "ipproto %d", r.IPProto)
	put(r.Sport != Range{}, "sport %s", r.Sport)
	put(r.Dport != Range{}, "dport %s", r.Dport)
	put(r.UIDRange, "uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	put(r.TunID != 0, "tun_id %d", r.TunID)
	switch r.Action {
	case ActionTable:
		put(!r.L3mdev, "table %d", r.Table)
		put(r.L3mdev, "l3mdev")
	case ActionGoto:
		put(true, "goto %d", r.Goto)
	case ActionNop:
		put(true, "nop")
	case ActionBlackhole:
		put(true, "blackhole")
	case ActionUnreachable:
		put(true, "unreachable")
	case ActionProhibit:
		put(true, "prohibit")
	}
	put(r.SuppressPrefix != 0, "suppress_prefixlength %d", r.SuppressPrefix-1)
	put(r.SuppressGroup != 0, "suppress_ifgroup %d", r.SuppressGroup-1)
	put(true, "preference %d", r.Priority)
	return b.String()
}

func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

func prefixName(p netip.Prefix) string {
	if !p.IsValid() {
		return "all"
	}
	return p.String()
}

// canonical writes equal rules the same way, the way the kernel's dump is read.
func (r Rule) canonical() Rule {
	mask := func(p netip.Prefix) netip.Prefix {
		if !p.IsValid() || p.Bits() == 0 {
			return netip.Prefix{}
		}
		return p.Masked()
	}
	r.From, r.To = mask(r.From), mask(r.To)
	if r.Action != ActionTable || r.L3mdev {
		r.Table = 0
	}
	return r
}

func (r Rule) parts() []Rule { return []Rule{r.canonical()} }

// slot is the rule without what it does and where it comes from: in its place another one that
// matches the same packets comes.
func (r Rule) slot() any {
	r = r.key()
	r.Action, r.Table, r.Goto, r.SuppressPrefix, r.SuppressGroup, r.Protocol = 0, 0, 0, 0, 0, 0
	return r
}

func (r Rule) is(have Rule) bool { return r.key() == have }

// excludes reports whether the kernel has no room for r beside have: rule_exists in
// net/core/fib_rules.c leaves these out of its comparison.
func (r Rule) excludes(have Rule) bool {
	have.Protocol, have.Goto, have.Not = r.Protocol, r.Goto, r.Not
	return r.key() == have
}

func (r Rule) origin() uint8 { return r.Protocol }

func (r Rule) key() Rule {
	r.NoTrack = false
	return r
}

func (r Rule) mayStayAway() bool { return r.NoTrack }

// interfaces are none: a rule outlives those that it names.
func (r Rule) interfaces() []string { return nil }

func (r Rule) behind() Rule { return r }

func (r Rule) beside() Rule { return r }

// renamed is the rule itself: the kernel keeps the name in it.
func (r Rule) renamed(map[string]string) Rule { return r }
