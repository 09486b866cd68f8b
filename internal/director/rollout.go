package director

import (
	"reflect"
	"slices"

	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/overlay"
)

// rollout orders addresses against services and the rules for their packets: these stand before the
// address comes, and go after it has gone. It knows what the appliers were given and how far they
// are; it is pure.
type rollout struct {
	services, network, packets             generation
	sentServices                           ipvs.Wanted
	sentNetwork                            netif.Want
	sentPackets                            []netif.PacketRule
	toldServices, toldNetwork, toldPackets bool // something was sent at all
}

// generation counts what was sent to an applier and what it has reached.
type generation struct{ sent, reached uint64 }

func (g generation) settled() bool { return g.sent == g.reached }

// next says what to give the appliers now on the way to what is wanted; nil is nothing. It is called
// again after every acknowledgement.
func (r *rollout) next(w *want) (s *ipvs.Wanted, p *[]netif.PacketRule, n *netif.Want) {
	networkDone := r.toldNetwork && reflect.DeepEqual(w.network, r.sentNetwork) && r.network.settled()
	services, packets := w.services, w.packets
	if !networkDone {
		services, packets = joined(services, r.sentServices), joinedPackets(packets, r.sentPackets)
	}
	if !r.toldServices || !equal(services, r.sentServices) {
		r.sentServices, r.toldServices = services, true
		r.services.sent++
		s = &services
	}
	if !r.toldPackets || !slices.Equal(packets, r.sentPackets) {
		r.sentPackets, r.toldPackets = packets, true
		r.packets.sent++
		p = &packets
	}
	// Where no rule is wanted the addresses wait for none: a restart has little time to put them on again.
	if r.services.settled() && (r.packets.settled() || len(w.packets) == 0) && (!r.toldNetwork || !reflect.DeepEqual(w.network, r.sentNetwork)) {
		network := w.network
		r.sentNetwork, r.toldNetwork = network, true
		r.network.sent++
		n = &network
	}
	return s, p, n
}

// done tells whether the appliers have reached what is wanted.
func (r *rollout) done(w *want) bool {
	return r.toldServices && r.toldNetwork && r.toldPackets && r.services.settled() && r.network.settled() && r.packets.settled() &&
		equal(w.services, r.sentServices) && slices.Equal(w.packets, r.sentPackets) && reflect.DeepEqual(w.network, r.sentNetwork)
}

// joined is t and what of old is not in it.
func joined(t, old ipvs.Wanted) ipvs.Wanted {
	more := map[ipvs.ServiceKey]overlay.Change[ipvs.WantedService]{}
	for key := range ipvs.Different(t, old) {
		if _, there := t.Get(key); !there {
			s, _ := old.Get(key)
			more[key] = overlay.Change[ipvs.WantedService]{Value: s}
		}
	}
	return t.With(more)
}

// joinedPackets is the same for rules. An old one whose packets have another mark now is left out: they
// would have both, one after the other.
func joinedPackets(rules, old []netif.PacketRule) []netif.PacketRule {
	both := slices.Clone(rules)
	for _, r := range old {
		if m, marks := r.(netif.Marking); marks && slices.ContainsFunc(rules, func(other netif.PacketRule) bool { return other != r && m.Overlaps(other) }) {
			continue
		}
		both = append(both, r)
	}
	return netif.SortPackets(both)
}

// equal tells whether two tables are the same.
func equal(a, b ipvs.Wanted) bool {
	for range ipvs.Different(a, b) {
		return false
	}
	return true
}
