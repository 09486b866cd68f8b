package netif

import (
	"errors"
	"time"
)

// errNoDevice says that an address's interface does not exist (yet).
var errNoDevice = errors.New("no such interface")

// Kernel is the host as an Applier sees it. Only the goroutine of Applier.Run calls it.
type Kernel interface {
	// Open opens what the other methods need; Close releases it.
	Open() error
	Close() error
	// Changed is a file descriptor that poll(2) reports readable when addresses or links, or routes or
	// rules of the origins last given to Routing, may have changed since Drain was last called. Drain says whether they may, and never blocks.
	Changed() int
	Drain() (changed bool, err error)
	// Dump reads the links and addresses. Addresses are canonical: no label that repeats the
	// interface's name, neither label nor scope for IPv6. They are without what is written only.
	Dump() (Table, error)
	// Add and Delete change one address. The errors EEXIST of Add and EADDRNOTAVAIL of Delete say
	// that there was nothing to do.
	Add(Lease) error
	Delete(Address) error
	// Renew gives addresses that are on their leases anew, and returns an error for each; nil where
	// it was renewed. One that is not on is put on.
	Renew([]Lease) []error
	// Routing reads the routes and rules whose protocol is one of the origins, in canonical form; it
	// leaves out those that this package could not have written.
	Routing(origins map[uint8]bool) ([]Route, []Rule, error)
	// AddRoute and DeleteRoute, AddRule and DeleteRule change one entry. An IPv6 route has one
	// nexthop at most, and is refused where its slot has others unless Append says that they are to
	// be beside it. The error EEXIST says that the kernel has no room for it beside another one;
	// ESRCH, ENOENT and ENODEV of a deletion that there was nothing to do. What is deleted is an entry
	// that Routing has read.
	AddRoute(Route) error
	DeleteRoute(Route) error
	AddRule(Rule) error
	DeleteRule(Rule) error
	// Announce sends one gratuitous ARP for an IPv4 address, one unsolicited neighbour
	// advertisement for an IPv6 address. On an interface that knows neither it does nothing.
	Announce(Address) error
	// Sysctl reads a kernel parameter named as in type Sysctl, SetSysctl writes it.
	Sysctl(name string) (string, error)
	SetSysctl(name, value string) error
}

// Lease is an address with the time after which the kernel takes it off by itself.
type Lease struct {
	Address Address
	// Valid is whole seconds, 0 for ever. The kernel looks once a second: the address goes up to one
	// second later.
	Valid time.Duration
	// Preferred is how long the address is taken as the source of new connections, 0 for as long as
	// it is there. Deprecated, it is none from the start.
	Preferred  time.Duration
	Deprecated bool
}

// Table is what a Kernel holds.
type Table struct {
	Links     map[string]int  // interface indexes by name
	Up        map[string]bool // interfaces that are administratively up and have a carrier
	Addresses map[Address]struct{}
}

// Host returns the kernel of the network namespace that the calling thread is in when it calls Open.
func Host() Kernel { return new(hostKernel) }
