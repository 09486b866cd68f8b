package director

import (
	"maps"
	"reflect"

	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
)

// rollout orders addresses against services: a service stands before its address comes, and an
// address goes before its service does. It knows what the appliers were given and how far they
// are; it is pure.
type rollout struct {
	services, network         generation
	sentServices              ipvs.Table
	sentNetwork               netif.Want
	toldServices, toldNetwork bool // something was sent at all
}

// generation counts what was sent to an applier and what it has reached.
type generation struct{ sent, reached uint64 }

func (g generation) settled() bool { return g.sent == g.reached }

// next says what to give the appliers now on the way to the wanted services and network; nil is
// nothing. It is called again after every acknowledgement.
func (r *rollout) next(services ipvs.Table, network netif.Want) (s ipvs.Table, n *netif.Want) {
	networkDone := r.toldNetwork && reflect.DeepEqual(network, r.sentNetwork) && r.network.settled()
	if !networkDone {
		services = joined(services, r.sentServices)
	}
	if !r.toldServices || !equal(services, r.sentServices) {
		r.sentServices, r.toldServices = services, true
		r.services.sent++
		s = services
	}
	if r.services.settled() && (!r.toldNetwork || !reflect.DeepEqual(network, r.sentNetwork)) {
		r.sentNetwork, r.toldNetwork = network, true
		r.network.sent++
		n = &network
	}
	return s, n
}

// done tells whether both appliers have reached the wanted services and network.
func (r *rollout) done(services ipvs.Table, network netif.Want) bool {
	return r.toldServices && r.toldNetwork && r.services.settled() && r.network.settled() &&
		equal(services, r.sentServices) && reflect.DeepEqual(network, r.sentNetwork)
}

// joined is t and what of old is not in it.
func joined(t, old ipvs.Table) ipvs.Table {
	both := maps.Clone(t)
	for key, entry := range old {
		if _, ok := both[key]; !ok {
			both[key] = entry
		}
	}
	return both
}

func equal(a, b ipvs.Table) bool {
	return maps.EqualFunc(a, b, func(x, y ipvs.Entry) bool {
		return x.Service == y.Service && maps.Equal(x.Destinations, y.Destinations)
	})
}
