package netif

import "net/netip"

// Report is something an Applier did or could not do: one of the types of this file. Reports of
// one pass are delivered in order after the pass, so that nothing waits for them.
type Report interface{ report() }

// Applied acknowledges a generation of Want: addresses and sysctls have been compared and made
// equal. It comes once per generation, and again whenever the number of operations that could
// not be done, and are tried again, has changed.
type Applied struct {
	Generation uint64
	Pending    int // operations on addresses, routes and rules that are not done yet
}

// AddReason says why an address was added.
type AddReason string

// The reasons for adding an address.
const (
	Takeover   AddReason = "takeover"   // its instance became master
	Healed     AddReason = "healed"     // it was on, and somebody or the loss of its interface removed it
	Configured AddReason = "configured" // a new Want gives it to an instance which is master
)

// RemoveReason says why an address was removed.
type RemoveReason string

// The reasons for removing an address.
const (
	Released     RemoveReason = "released"     // its instance is no longer master
	Expired      RemoveReason = "expired"      // its instance is master, but the election did not renew Until
	Unconfigured RemoveReason = "unconfigured" // no instance wants it any more
	Replaced     RemoveReason = "replaced"     // it makes room for another prefix length, label or scope
	LeftOver     RemoveReason = "left over"    // it was found, left by a crash or put by somebody, where it should not be
)

// Added says that an address is on its interface.
type Added struct {
	Instance string
	Address  Address
	Why      AddReason
}

// Removed says that an address is off its interface.
type Removed struct {
	Instance string // empty if no instance wants the address
	Address  Address
	Why      RemoveReason
}

// OpFailed says that an address operation failed and will be tried again while it is wanted. It
// comes once per distinct error.
type OpFailed struct {
	Op  Op
	Err error
}

// RoutingChange is a route or a rule that was added or deleted.
type RoutingChange struct {
	Kind     OpKind
	What     string // "route" or "rule"
	Entry    string // as ip-route(8) or ip-rule(8) would have it
	Instance string // empty if no instance wants it
	Why      string // an AddReason or a RemoveReason
}

// String gives the change as ip(8) would be told it.
func (c RoutingChange) String() string { return c.What + " " + c.Kind.String() + " " + c.Entry }

// Routed says what became of routes and rules in one pass.
type Routed struct{ Done []RoutingChange }

// RoutingFailed says that a route or rule could not be changed, and that it will be tried again
// while it is wanted. It comes once per distinct error.
type RoutingFailed struct {
	Change RoutingChange
	Err    error
}

// LeaseFailed says that addresses of a master could not be renewed for some tenths of a second: the
// kernel is about to take them off. It comes once for each time.
type LeaseFailed struct {
	Instance string
	Err      error
}

// Announced says that a burst of gratuitous ARP was sent, a refresh not being one.
type Announced struct {
	Instance string
	Frames   int   // frames sent
	Err      error // the first error, if a frame could not be sent
}

// SysctlSet says that a sysctl was written.
type SysctlSet struct {
	Sysctl Sysctl // with the value written
	Was    string
}

// SysctlFailed says that a sysctl could not be read or written and will be tried again. It comes
// once per distinct error.
type SysctlFailed struct {
	Sysctl Sysctl
	Err    error
}

// Conflict says that another host answers for an address of an instance. It comes at most once a
// minute for each address and host.
type Conflict struct {
	Instance string
	Address  netip.Addr
	Dev      string
	// MACs are the link-layer addresses of those who claim it: one beside this node's own where Master
	// is true; else the two or more that answered one question, sorted.
	MACs   []string
	Master bool
}

// Trouble says that the state file or the kernel's tables could not be read or written, or an
// announcement not be refreshed. The applier goes on. It comes once per distinct error.
type Trouble struct{ Err error }

func (Applied) report()       {}
func (Added) report()         {}
func (Removed) report()       {}
func (OpFailed) report()      {}
func (Routed) report()        {}
func (RoutingFailed) report() {}
func (LeaseFailed) report()   {}
func (Announced) report()     {}
func (SysctlSet) report()     {}
func (SysctlFailed) report()  {}
func (Conflict) report()      {}
func (Trouble) report()       {}
