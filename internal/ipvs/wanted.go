package ipvs

import (
	"iter"
	"net/netip"

	"lvsd/internal/overlay"
)

// Wanted is a table that is wanted: one that does not change, and that is told quickly from one it was made from.
type Wanted = overlay.Map[ServiceKey, WantedService]

// Destinations are those of a service that is wanted.
type Destinations = overlay.Map[netip.AddrPort, Destination]

// WantedService is a service that is wanted, with its destinations.
type WantedService struct {
	Service      Service
	Destinations Destinations
}

// Equal tells whether both are the same to the kernel.
func (s WantedService) Equal(o WantedService) bool {
	if s.Service != o.Service {
		return false
	}
	for range DifferentDestinations(s.Destinations, o.Destinations) {
		return false
	}
	return true
}

// Different are the services that two tables do not both have, or not the same.
func Different(a, b Wanted) iter.Seq[ServiceKey] {
	return overlay.Differ(a, b, WantedService.Equal)
}

// DifferentDestinations are the destinations that two services do not both have, or not the same.
func DifferentDestinations(a, b Destinations) iter.Seq[netip.AddrPort] {
	return overlay.Differ(a, b, func(x, y Destination) bool { return x == y })
}

// Wanted is the table as one that is wanted. The caller must not change it any more.
func (t Table) Wanted() Wanted {
	all := make(map[ServiceKey]WantedService, len(t))
	for key, e := range t {
		all[key] = WantedService{Service: e.Service, Destinations: overlay.Of(e.Destinations)}
	}
	return overlay.Of(all)
}
