package director

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
)

// deployment is a world with the two appliers in it: what the rollout has sent, and what each
// applier has taken up.
type deployment struct {
	rollout  rollout
	services ipvs.Wanted
	network  netif.Want
	packets  []netif.PacketRule

	sentServices map[uint64]ipvs.Wanted
	sentNetwork  map[uint64]netif.Want
	sentPackets  map[uint64][]netif.PacketRule
	ackServices  uint64 // generation acknowledged
	ackNetwork   uint64
	ackPackets   uint64

	// promised has, for each network generation, the services that were wanted with it.
	promised map[uint64]ipvs.Wanted
}

func (d *deployment) want() *want {
	return &want{services: d.services, network: d.network, packets: d.packets}
}

// advance asks the rollout and checks what it says against its two promises.
func (d *deployment) advance(t *rapid.T) (sent bool) {
	services, packets, network := d.rollout.next(d.want())
	if services != nil {
		sent = true
		d.sentServices[d.rollout.services.sent] = *services
		for key := range d.sentServices[d.rollout.services.sent-1].All() {
			if _, kept := services.Get(key); !kept && !d.freed(key) {
				t.Fatalf("service %s is taken away before its address", key)
			}
		}
	}
	if packets != nil {
		sent = true
		d.sentPackets[d.rollout.packets.sent] = *packets
		for _, r := range d.sentPackets[d.rollout.packets.sent-1] {
			if !slices.Contains(*packets, r) && !d.freed(keyOf(r)) {
				t.Fatalf("%s is taken away before its address", r)
			}
		}
	}
	if network != nil {
		sent = true
		for _, r := range d.packets {
			if !slices.Contains(d.sentPackets[d.ackPackets], r) {
				t.Fatalf("network %d is sent before %s, which is wanted with it, was acknowledged", d.rollout.network.sent, r)
			}
		}
		g := d.rollout.network.sent
		d.sentNetwork[g], d.promised[g] = *network, d.services
		stands := d.sentServices[d.ackServices]
		for key := range d.services.All() {
			if _, ok := stands.Get(key); !ok {
				t.Fatalf("network %d is sent before %s, which is wanted with it, was acknowledged", g, key)
			}
		}
	}
	return sent
}

// freed tells whether the network without the address of a service that is not wanted any more
// was acknowledged: no network that is out there was wanted together with the service.
func (d *deployment) freed(key ipvs.ServiceKey) bool {
	for g := d.ackNetwork; g <= d.rollout.network.sent; g++ {
		if _, needed := d.promised[g].Get(key); needed {
			return false
		}
	}
	return true
}

func newDeployment() *deployment {
	return &deployment{sentServices: map[uint64]ipvs.Wanted{}, sentPackets: map[uint64][]netif.PacketRule{},
		sentNetwork: map[uint64]netif.Want{}, promised: map[uint64]ipvs.Wanted{}}
}

// settle acknowledges everything until nothing more is sent, and returns how often it did.
func (d *deployment) settle(t *rapid.T) int {
	for n := range 10 {
		d.ackServices = d.rollout.services.sent
		d.ackPackets = d.rollout.packets.sent
		d.rollout.services.reached, d.rollout.packets.reached = d.ackServices, d.ackPackets
		sent := d.advance(t)
		d.ackNetwork = d.rollout.network.sent
		d.rollout.network.reached = d.ackNetwork
		sent = d.advance(t) || sent
		if !sent && d.rollout.done(d.want()) {
			return n
		}
	}
	t.Fatal("it does not converge")
	return 0
}

// TestRollout: with any sequence of wants, and acknowledgements that come as late as they like
// and skip what was replaced, addresses come after their services and go before them.
func TestRollout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDeployment()
		t.Repeat(map[string]func(*rapid.T){
			"want": func(t *rapid.T) {
				// The address of service n is wanted exactly with service n.
				d.services, d.network, d.packets = someWant(rapid.SliceOfDistinct(rapid.IntRange(1, 4), rapid.ID[int]).Draw(t, "wanted"),
					uint32(rapid.IntRange(0, 1).Draw(t, "weight")))
				d.advance(t)
			},
			"want the same": func(t *rapid.T) {
				d.advance(t)
				if d.advance(t) {
					t.Fatal("an equal want was sent again")
				}
			},
			"services acknowledge": func(t *rapid.T) {
				d.ackServices = acknowledged(t, d.ackServices, d.rollout.services.sent)
				d.rollout.services.reached = d.ackServices
				d.advance(t)
			},
			"rules acknowledge": func(t *rapid.T) {
				d.ackPackets = acknowledged(t, d.ackPackets, d.rollout.packets.sent)
				d.rollout.packets.reached = d.ackPackets
				d.advance(t)
			},
			"network acknowledges": func(t *rapid.T) {
				d.ackNetwork = acknowledged(t, d.ackNetwork, d.rollout.network.sent)
				d.rollout.network.reached = d.ackNetwork
				d.advance(t)
			},
		})
		d.settle(t)
		if got := d.sentServices[d.rollout.services.sent]; !equal(got, d.services) {
			t.Fatalf("it converged to services %v, want %v", got, d.services)
		}
		if got := d.sentNetwork[d.rollout.network.sent]; !reflect.DeepEqual(got, d.network) {
			t.Fatalf("it converged to network %v, want %v", got, d.network)
		}
		if got := d.sentPackets[d.rollout.packets.sent]; !slices.Equal(got, d.packets) {
			t.Fatalf("it converged to rules %v, want %v", got, d.packets)
		}
		if d.advance(t) {
			t.Fatal("something is sent after everything was done")
		}
	})
}

// acknowledged is a generation between the last acknowledged and the last sent: a mailbox of one
// skips what was replaced.
func acknowledged(t *rapid.T, last, sent uint64) uint64 {
	return rapid.Uint64Range(last, sent).Draw(t, "generation")
}

// keyOf is the service that someWant has for a rule.
func keyOf(r netif.PacketRule) ipvs.ServiceKey {
	return ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: r.(netif.Marking).To, Port: 80}
}

// someWant has a service, an address and a rule for each number.
func someWant(numbers []int, weight uint32) (services ipvs.Wanted, network netif.Want, rules []netif.PacketRule) {
	table := ipvs.Table{}
	network = netif.Want{Instances: map[string]netif.Instance{}}
	for _, n := range numbers {
		address := netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
		table[ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: address, Port: 80}] = ipvs.Entry{
			Service: ipvs.Service{Scheduler: "rr"},
			Destinations: map[netip.AddrPort]ipvs.Destination{
				netip.MustParseAddrPort("10.0.0.1:80"): {Weight: weight},
			},
		}
		network.Instances[fmt.Sprint("eth0/", n)] = netif.Instance{Addresses: []netif.Address{
			{Prefix: netip.PrefixFrom(address, 24), Dev: "eth0"}}}
		rules = append(rules, netif.Marking{To: address, Protocol: unix.IPPROTO_TCP, Mark: 1})
	}
	return table.Wanted(), network, netif.SortPackets(rules)
}

// TestRolloutSteps spells out the three shapes of a change.
func TestRolloutSteps(t *testing.T) {
	one, netOne, _ := someWant([]int{1}, 1)
	two, netTwo, _ := someWant([]int{1, 2}, 1)
	var r rollout
	expect := func(what string, s *ipvs.Wanted, n *netif.Want, services *ipvs.Wanted, network *netif.Want) {
		t.Helper()
		if (s == nil) != (services == nil) || s != nil && !equal(*s, *services) {
			t.Errorf("%s: services sent: %v, want %v", what, s, services)
		}
		if !reflect.DeepEqual(n, network) {
			t.Errorf("%s: network sent: %v, want %v", what, n, network)
		}
	}
	s, _, n := r.next(&want{services: one, network: netOne})
	expect("start", s, n, &one, nil)
	s, _, n = r.next(&want{services: one, network: netOne})
	expect("services not acknowledged yet", s, n, nil, nil)
	r.services.reached = 1
	s, _, n = r.next(&want{services: one, network: netOne})
	expect("services stand", s, n, nil, &netOne)
	r.network.reached = 1
	if r.done(&want{services: one, network: netOne}) {
		t.Error("done before the rules were acknowledged, of which there are none")
	}
	r.packets.reached = 1
	r.network.reached = 0
	if r.done(&want{services: one, network: netOne}) {
		t.Error("done before the network was acknowledged")
	}
	r.network.reached = 1
	s, _, n = r.next(&want{services: one, network: netOne})
	expect("network stands", s, n, nil, nil)
	if !r.done(&want{services: one, network: netOne}) {
		t.Error("not done with everything acknowledged")
	}

	s, _, n = r.next(&want{services: two, network: netTwo})
	expect("a service more", s, n, &two, nil)
	r.services.reached = 2
	s, _, n = r.next(&want{services: two, network: netTwo})
	expect("which stands", s, n, nil, &netTwo)
	r.network.reached = 2

	s, _, n = r.next(&want{services: one, network: netOne})
	expect("a service less", s, n, nil, &netOne)
	s, _, n = r.next(&want{services: one, network: netOne})
	expect("whose address is not off yet", s, n, nil, nil)
	r.network.reached = 3
	s, _, n = r.next(&want{services: one, network: netOne})
	expect("address off", s, n, &one, nil)
	r.services.reached = 3
	if !r.done(&want{services: one, network: netOne}) {
		t.Error("not done after a removal")
	}

	lighter, _, _ := someWant([]int{1}, 0)
	s, _, n = r.next(&want{services: lighter, network: netOne})
	expect("a weight", s, n, &lighter, nil)
}

// While an address is still out there its old rule stays, but not beside one that marks the same packets.
func TestRolloutOfMarks(t *testing.T) {
	services, network, _ := someWant([]int{1}, 1)
	rule := func(first, last uint16, mark uint32) netif.PacketRule {
		return netif.Marking{To: netip.MustParseAddr("192.0.2.1"), Protocol: unix.IPPROTO_TCP, First: first, Last: last, Mark: mark}
	}
	var r rollout
	step := func(what string, network netif.Want, wanted, sent []netif.PacketRule) {
		t.Helper()
		w := &want{services: services, network: network, packets: wanted}
		_, p, _ := r.next(w)
		if p == nil || !slices.Equal(*p, sent) {
			t.Errorf("%s: %v is sent, not %v", what, p, sent)
		}
		r.services.reached, r.packets.reached = r.services.sent, r.packets.sent
		r.next(w)
		r.network.reached = r.network.sent
	}
	step("at first", network, []netif.PacketRule{rule(80, 80, 1), rule(443, 443, 1)}, []netif.PacketRule{rule(80, 80, 1), rule(443, 443, 1)})
	step("another mark, and ports", network, []netif.PacketRule{rule(80, 90, 2)}, []netif.PacketRule{rule(80, 90, 2)})
	_, less, _ := someWant([]int{2}, 1)
	step("another address", less, []netif.PacketRule{rule(85, 85, 3)}, []netif.PacketRule{rule(85, 85, 3)})
}
