package director

import (
	"fmt"
	"net/netip"
	"reflect"
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
	services ipvs.Table
	network  netif.Want

	sentServices map[uint64]ipvs.Table
	sentNetwork  map[uint64]netif.Want
	ackServices  uint64 // generation acknowledged
	ackNetwork   uint64

	// promised has, for each network generation, the services that were wanted with it.
	promised map[uint64]ipvs.Table
}

// advance asks the rollout and checks what it says against its two promises.
func (d *deployment) advance(t *rapid.T) (sent bool) {
	services, network := d.rollout.next(d.services, d.network)
	if services != nil {
		sent = true
		d.sentServices[d.rollout.services.sent] = services
		for key := range d.sentServices[d.rollout.services.sent-1] {
			if _, kept := services[key]; !kept && !d.freed(key) {
				t.Fatalf("service %s is taken away before its address", key)
			}
		}
	}
	if network != nil {
		sent = true
		g := d.rollout.network.sent
		d.sentNetwork[g], d.promised[g] = *network, d.services
		stands := d.sentServices[d.ackServices]
		for key := range d.services {
			if _, ok := stands[key]; !ok {
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
		if _, needed := d.promised[g][key]; needed {
			return false
		}
	}
	return true
}

func newDeployment() *deployment {
	return &deployment{services: ipvs.Table{}, sentServices: map[uint64]ipvs.Table{},
		sentNetwork: map[uint64]netif.Want{}, promised: map[uint64]ipvs.Table{}}
}

// settle acknowledges everything until nothing more is sent, and returns how often it did.
func (d *deployment) settle(t *rapid.T) int {
	for n := range 10 {
		d.ackServices = d.rollout.services.sent
		d.rollout.services.reached = d.ackServices
		sent := d.advance(t)
		d.ackNetwork = d.rollout.network.sent
		d.rollout.network.reached = d.ackNetwork
		sent = d.advance(t) || sent
		if !sent && d.rollout.done(d.services, d.network) {
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
				d.services, d.network = someWant(rapid.SliceOfDistinct(rapid.IntRange(1, 4), rapid.ID[int]).Draw(t, "wanted"),
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

// someWant has a service and an address for each number.
func someWant(numbers []int, weight uint32) (ipvs.Table, netif.Want) {
	services, network := ipvs.Table{}, netif.Want{Instances: map[string]netif.Instance{}}
	for _, n := range numbers {
		address := netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
		services[ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: address, Port: 80}] = ipvs.Entry{
			Service: ipvs.Service{Scheduler: "rr"},
			Destinations: map[netip.AddrPort]ipvs.Destination{
				netip.MustParseAddrPort("10.0.0.1:80"): {Weight: weight},
			},
		}
		network.Instances[fmt.Sprint("eth0/", n)] = netif.Instance{Addresses: []netif.Address{
			{Prefix: netip.PrefixFrom(address, 24), Dev: "eth0"}}}
	}
	return services, network
}

// TestRolloutSteps spells out the three shapes of a change.
func TestRolloutSteps(t *testing.T) {
	one, netOne := someWant([]int{1}, 1)
	two, netTwo := someWant([]int{1, 2}, 1)
	var r rollout
	expect := func(what string, s ipvs.Table, n *netif.Want, services ipvs.Table, network *netif.Want) {
		t.Helper()
		if (s == nil) != (services == nil) || !equal(s, services) {
			t.Errorf("%s: services sent: %v, want %v", what, s, services)
		}
		if !reflect.DeepEqual(n, network) {
			t.Errorf("%s: network sent: %v, want %v", what, n, network)
		}
	}
	s, n := r.next(one, netOne)
	expect("start", s, n, one, nil)
	s, n = r.next(one, netOne)
	expect("services not acknowledged yet", s, n, nil, nil)
	r.services.reached = 1
	s, n = r.next(one, netOne)
	expect("services stand", s, n, nil, &netOne)
	if r.done(one, netOne) {
		t.Error("done before the network was acknowledged")
	}
	r.network.reached = 1
	s, n = r.next(one, netOne)
	expect("network stands", s, n, nil, nil)
	if !r.done(one, netOne) {
		t.Error("not done with everything acknowledged")
	}

	s, n = r.next(two, netTwo)
	expect("a service more", s, n, two, nil)
	r.services.reached = 2
	s, n = r.next(two, netTwo)
	expect("which stands", s, n, nil, &netTwo)
	r.network.reached = 2

	s, n = r.next(one, netOne)
	expect("a service less", s, n, nil, &netOne)
	s, n = r.next(one, netOne)
	expect("whose address is not off yet", s, n, nil, nil)
	r.network.reached = 3
	s, n = r.next(one, netOne)
	expect("address off", s, n, one, nil)
	r.services.reached = 3
	if !r.done(one, netOne) {
		t.Error("not done after a removal")
	}

	lighter, _ := someWant([]int{1}, 0)
	s, n = r.next(lighter, netOne)
	expect("a weight", s, n, lighter, nil)
}
