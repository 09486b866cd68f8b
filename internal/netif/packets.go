package netif

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// PacketRule is what is done to some packets: a Marking, a Masquerade or a Refusal. Rules are comparable.
type PacketRule interface {
	fmt.Stringer
	packetRule()
}

// Marking gives packets to a virtual address a firewall mark before they are routed, and so before IPVS
// looks for a service.
type Marking struct {
	To       netip.Addr
	Protocol uint8 // of IP: 6 is TCP, 17 UDP, 132 SCTP
	// First and Last are the ports of the destination; both 0 for every port.
	First, Last uint16
	Mark        uint32 // takes the place of any other one
}

// Masquerade gives forwarded packets the address of the interface by which they leave, unless they go to
// where they come from.
type Masquerade struct {
	From netip.Prefix // masked
	Out  string       // the interface, empty for any
}

// Refusal drops packets to an address of the node itself, after IPVS has taken those of its services, and
// leaves neighbour solicitations and advertisements alone (Accept_Mode false of RFC 9568 §6.1).
type Refusal struct {
	To netip.Addr
}

func (Marking) packetRule()    {}
func (Masquerade) packetRule() {}
func (Refusal) packetRule()    {}

// Overlaps tells whether another rule marks some of the packets too.
func (m Marking) Overlaps(r PacketRule) bool {
	o, marks := r.(Marking)
	return marks && m.To == o.To && m.Protocol == o.Protocol &&
		(m.First == 0 || o.First == 0 || m.First <= o.Last && o.First <= m.Last)
}

// String gives the rule much as nft(8) would be told it.
func (m Marking) String() string {
	protocol := map[uint8]string{6: "tcp", 17: "udp", 132: "sctp"}[m.Protocol]
	s := fmt.Sprintf("mark %d for %s %s", m.Mark, m.To, protocol)
	switch {
	case m.First == 0:
		return s
	case m.First == m.Last:
		return fmt.Sprintf("%s %d", s, m.First)
	}
	return fmt.Sprintf("%s %d-%d", s, m.First, m.Last)
}

// String gives the rule much as nft(8) would be told it.
func (m Masquerade) String() string {
	s := "masquerade " + m.From.String()
	if m.Out != "" {
		s += " out " + m.Out
	}
	return s
}

// String gives the rule much as nft(8) would be told it.
func (r Refusal) String() string { return fmt.Sprintf("drop what is for %s", r.To) }

// PacketTable is what the kernel has of the table of nftables that is lvsd's, by its name.
type PacketTable struct {
	Present bool // there is such a table
	// Whole says that the table has the chains that it should have, as they should be, and no others.
	Whole bool
	Rules []KernelRule
}

// KernelRule is a rule in one of the table's chains.
type KernelRule struct {
	Rule   PacketRule // nil for one that is none of lvsd's
	Chain  string
	Handle uint64 // tells it from the others of the table
}

// PacketChange is what makes a table what it should be, in one transaction.
type PacketChange struct {
	// Anew removes the table, if there is one, and makes it again; without Add it is not made again.
	Anew   bool
	Delete []KernelRule
	Add    []PacketRule
}

// Empty tells whether nothing is to be done.
func (c PacketChange) Empty() bool { return !c.Anew && len(c.Delete)+len(c.Add) == 0 }

// Operations say what is done, one for each rule.
func (c PacketChange) Operations() []string {
	var list []string
	if c.Anew && len(c.Add) == 0 {
		return []string{"delete table " + packetTable}
	}
	for _, r := range c.Delete {
		what := "rule of somebody else"
		if r.Rule != nil {
			what = r.Rule.String()
		}
		list = append(list, "delete "+what)
	}
	for _, r := range c.Add {
		list = append(list, "add "+r.String())
	}
	return list
}

// PlanPackets returns what makes the rules of lvsd's table those that are wanted, in any order: no two of
// them concern one packet in the same way. Only what differs is written. It is pure.
func PlanPackets(want []PacketRule, have PacketTable) PacketChange {
	switch {
	case len(want) == 0:
		return PacketChange{Anew: have.Present}
	case !have.Present || !have.Whole:
		return PacketChange{Anew: true, Add: want}
	}
	var c PacketChange
	missing := make(map[PacketRule]bool, len(want))
	for _, r := range want {
		missing[r] = true
	}
	for _, r := range have.Rules {
		if r.Rule == nil || !missing[r.Rule] {
			c.Delete = append(c.Delete, r) // foreign, no longer wanted, or there twice
			continue
		}
		delete(missing, r.Rule)
	}
	for _, r := range want {
		if missing[r] {
			c.Add = append(c.Add, r)
			delete(missing, r)
		}
	}
	return c
}

// SortPackets sorts rules, and removes those that stand there twice.
func SortPackets(rules []PacketRule) []PacketRule {
	slices.SortFunc(rules, func(a, b PacketRule) int { return comparePackets(a, b) })
	return slices.Compact(rules)
}

// comparePackets has markings first, by address, protocol, port and mark.
func comparePackets(a, b PacketRule) int {
	m, marking := a.(Marking)
	n, other := b.(Marking)
	switch {
	case marking && other:
		return cmp.Or(m.To.Compare(n.To), cmp.Compare(m.Protocol, n.Protocol), cmp.Compare(m.First, n.First),
			cmp.Compare(m.Last, n.Last), cmp.Compare(m.Mark, n.Mark))
	case marking:
		return -1
	case other:
		return 1
	}
	return strings.Compare(a.String(), b.String())
}
