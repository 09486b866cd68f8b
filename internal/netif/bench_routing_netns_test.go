//go:build netns

package netif

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// timedKernel is the host's kernel with the times of the last announcement and of the last deletion of
// an address: reports come after a whole pass.
type timedKernel struct {
	hostKernel
	announced, off atomic.Int64 // nanoseconds since the epoch
	dumps          atomic.Int64 // number
}

func (k *timedKernel) Dump() (Table, error) {
	k.dumps.Add(1)
	return k.hostKernel.Dump()
}

// rest waits until nothing has happened for a while.
func (k *timedKernel) rest() {
	for last := int64(-1); last != k.dumps.Load(); time.Sleep(50 * time.Millisecond) {
		last = k.dumps.Load()
	}
}

func (k *timedKernel) Announce(a Address) error {
	defer func() { k.announced.Store(time.Now().UnixNano()) }()
	return k.hostKernel.Announce(a)
}

func (k *timedKernel) Delete(a Address) error {
	defer func() { k.off.Store(time.Now().UnixNano()) }()
	return k.hostKernel.Delete(a)
}

// BenchmarkNetnsRoutes measures the takeover of an address with routes behind it: from Role to the
// address announced five times, and to the last route set; then from the release to the address off.
func BenchmarkNetnsRoutes(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprintf("%d routes", n), func(b *testing.B) {
			routers(b)
			in := Instance{Repeat: 5, Addresses: []Address{{Prefix: netip.MustParsePrefix("198.51.100.9/24"), Dev: "eth0"}}}
			for i := range n {
				to := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
				in.Routes = append(in.Routes, route(to.String(), via("192.0.2.1", "eth0")))
			}
			k := new(timedKernel)
			r := startApplier(b, Options{Kernel: k})
			r.Want(1, Want{Instances: map[string]Instance{"web": in}})
			r.applied(1)
			var announced, set, off time.Duration
			for b.Loop() {
				began := time.Now()
				r.master("web")
				await(r, func(Announced) bool { return true }) // after the pass, with all that is in it
				set += time.Since(began)
				announced += time.Duration(k.announced.Load() - began.UnixNano())
				k.rest()
				began = time.Now()
				r.backup("web")
				await(r, func(Removed) bool { return true })
				off += time.Duration(k.off.Load() - began.UnixNano())
				k.rest()
			}
			rounds := float64(b.N)
			b.ReportMetric(float64(announced.Microseconds())/rounds, "µs/announced")
			b.ReportMetric(float64(set.Microseconds())/rounds, "µs/set")
			b.ReportMetric(float64(off.Microseconds())/rounds, "µs/off")
			r.stop()
		})
	}
}
