package netif

import (
	"maps"
	"slices"
	"time"
)

// OpKind says what an Op does.
type OpKind uint8

// The operations on addresses.
const (
	Add OpKind = iota + 1
	Delete
)

// String gives the verb of ip-address(8).
func (k OpKind) String() string {
	if k == Add {
		return "add"
	}
	return "delete"
}

// Op is one operation that brings the kernel nearer to what is wanted.
type Op struct {
	Kind    OpKind
	Address Address
	// Instance names who wants the address, or is meant to when it is master; empty for an
	// address that no instance wants any more.
	Instance string
	// Replace marks a deletion that makes room for the same IP address with another prefix
	// length, label or scope.
	Replace bool
}

// Plan returns the operations that make the addresses in have equal to what want and roles say
// at the time now, in the order in which to apply them; none if they are equal.
//
// The addresses of an instance which is master, and whose Until is after now, are added where
// they are missing. Those of every other instance are deleted where they are found, and so is
// every address in owned that no instance wants any more. All other addresses are left alone, and
// so is one of an instance that owned does not name where its interface would be without any
// address of the family: it is the host's own, and the host would be cut off.
//
// An instance's IP address that stands on its interface with another prefix length, label or
// scope is replaced. The new one is added first where the kernel allows it: IPv4 with another
// prefix length. With the same prefix length it holds only one entry (as for IPv6 with any), so
// the old one is deleted first and the address is gone for the time between two system calls.
//
// Additions come first: they are what a takeover waits for.
func Plan(want Want, roles map[string]Role, have, owned map[Address]struct{}, now time.Time) []Op {
	ops, _ := compare(want, roles, have, owned, now)
	return ops
}

// compare is Plan, and returns the addresses beside that should be off and are left alone.
func compare(want Want, roles map[string]Role, have, owned map[Address]struct{}, now time.Time) (ops []Op, spared []Address) {
	due, holder := desired(want, roles, now)

	claimant := make(map[place]string)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(want.Instances))) {
		for _, a := range want.Instances[name].Addresses {
			claimant[a.canonical().place()] = name
		}
	}
	taken := make(map[place]bool, len(due))
	for _, a := range due {
		claimant[a.place()] = holder[a]
		taken[a.place()] = true
	}
	mine := make(map[Address]bool, len(owned))
	for a := range owned {
		mine[a.canonical()] = true
	}

	var surplus []Address
	keeps := make(map[string]family) // by interface: what has an address that stays
	for a := range have {
		_, claimed := claimant[a.place()]
		_, wanted := holder[a]
		switch {
		case !claimed && !mine[a]:
			keeps[a.Dev] |= a.family()
		case !wanted:
			surplus = append(surplus, a)
		}
	}
	slices.SortFunc(surplus, compareAddress)

	for _, a := range due {
		if _, there := have[a]; there {
			continue
		}
		surplus = slices.DeleteFunc(surplus, func(old Address) bool {
			if !old.shares(a) {
				return false
			}
			ops = append(ops, Op{Kind: Delete, Address: old, Instance: holder[a], Replace: true})
			return true
		})
		ops = append(ops, Op{Kind: Add, Address: a, Instance: holder[a]})
	}
	for _, a := range surplus {
		if !mine[a] && keeps[a.Dev]&a.family() == 0 {
			spared = append(spared, a)
			continue
		}
		ops = append(ops, Op{Kind: Delete, Address: a, Instance: claimant[a.place()], Replace: taken[a.place()]})
	}
	return ops, spared
}

// desired returns the addresses that should be on interfaces now, in the order of the instances'
// names, and which instance each belongs to.
func desired(want Want, roles map[string]Role, now time.Time) (due []Address, holder map[Address]string) {
	holder = make(map[Address]string)
	at := make(map[place][]Address)
	for _, name := range slices.Sorted(maps.Keys(want.Instances)) {
		if !want.Instances[name].Static && !roles[name].holds(now) {
			continue
		}
		for _, a := range want.Instances[name].Addresses {
			a = a.canonical()
			if slices.ContainsFunc(at[a.place()], a.shares) {
				continue
			}
			at[a.place()] = append(at[a.place()], a)
			due, holder[a] = append(due, a), name
		}
	}
	return due, holder
}
