package ipvs

import (
	"errors"
	"net/netip"
	"slices"
)

var (
	// ErrNoIPVS says that the running kernel has no IPVS: no module ip_vs, and none that could
	// be loaded.
	ErrNoIPVS = errors.New("the kernel has no IPVS (load the module ip_vs)")
	// ErrInconsistent comes together with a table: it was read while somebody changed it, and
	// may lack entries.
	ErrInconsistent = errors.New("the IPVS table changed while it was read")
)

// Kernel is a connection to the IPVS of one network namespace. It is not for concurrent use.
//
// Each call ends within a bounded time. A call that got no answer in time returns
// os.ErrDeadlineExceeded, and the connection is then good for nothing but Close.
type Kernel interface {
	// Dump reads the whole table. With an error that is ErrInconsistent the table is usable.
	Dump() (Table, error)
	// Look calls show with each line of /proc/net/ip_vs, which is good until show returns. An error says that
	// this kernel does not show its table.
	Look(show func(line []byte)) error
	// Settings reads what there is beside the table.
	Settings() (Settings, error)
	// Apply makes changes, in order, and returns the error of each: one that is refused keeps none
	// of those behind it from being tried. Errors are the kernel's unix.Errno: EEXIST for what is
	// there already, ESRCH for a service and ENOENT for a destination, scheduler or persistence
	// engine that is not there, ERANGE for bad thresholds or weights, EINVAL; of a daemon EEXIST
	// for one that runs, ESRCH for one that does not, ENODEV without its interface.
	Apply([]Op) []error
	// Stats reads the whole table with its counters, in the order of ServiceKey.Compare, and
	// of the addresses. With an error that is ErrInconsistent the result is usable.
	Stats() ([]ServiceStats, error)
	// Close ends the connection. The table stays as it is.
	Close()
}

// Counters are the counters of a service or destination since it was made or zeroed, and their
// rates over the last seconds as the kernel estimates them. The kernel brings both up to date
// every 2 s.
type Counters struct {
	Connections uint64
	PacketsIn   uint64
	PacketsOut  uint64
	BytesIn     uint64
	BytesOut    uint64

	ConnectionsPerSecond uint64
	PacketsInPerSecond   uint64
	PacketsOutPerSecond  uint64
	BytesInPerSecond     uint64
	BytesOutPerSecond    uint64
}

// ServiceStats is a service as the kernel has it.
type ServiceStats struct {
	Key     ServiceKey
	Service Service
	// Owned is true for a service of ours, false for one that somebody else configured.
	Owned        bool
	Counters     Counters
	Destinations []DestinationStats
}

// DestinationStats is a destination as the kernel has it.
type DestinationStats struct {
	Address     netip.AddrPort
	Destination Destination
	// Active and Inactive are the connections it has now: for TCP the established and the
	// others. Persistent is the number of its persistence templates.
	Active     uint32
	Inactive   uint32
	Persistent uint32
	Counters   Counters
}

// Stats is what the kernel has, ours and others'.
type Stats struct {
	Services []ServiceStats
	// Settings are as they were last read or written.
	Settings Settings
}

// tableOf is the table that a dump with counters shows.
func tableOf(services []ServiceStats) Table {
	t := make(Table, len(services))
	for _, s := range services {
		e := Entry{Service: s.Service, Destinations: make(map[netip.AddrPort]Destination, len(s.Destinations))}
		for _, d := range s.Destinations {
			e.Destinations[d.Address] = d.Destination
		}
		t[s.Key] = e
	}
	return t
}

func sortStats(services []ServiceStats) {
	slices.SortFunc(services, func(a, b ServiceStats) int { return a.Key.Compare(b.Key) })
	for _, s := range services {
		slices.SortFunc(s.Destinations, func(a, b DestinationStats) int { return a.Address.Compare(b.Address) })
	}
}
