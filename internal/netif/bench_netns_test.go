//go:build netns

package netif

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkNetnsTakeover measures the way from Role to all addresses on and the first burst of
// five gratuitous ARPs each sent.
func BenchmarkNetnsTakeover(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d addresses", n), func(b *testing.B) {
			segment(b, "eth0")
			in := Instance{Repeat: 5}
			for i := range n {
				ip := netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
				in.Addresses = append(in.Addresses, Address{Prefix: netip.PrefixFrom(ip, 32), Dev: "eth0"})
			}
			r := startApplier(b, Options{})
			r.Want(1, Want{Instances: map[string]Instance{"web": in}})
			r.applied(1)
			var took, most time.Duration
			for b.Loop() {
				began := time.Now()
				r.master("web")
				await(r, func(Announced) bool { return true })
				t := time.Since(began)
				took, most = took+t, max(most, t)
				r.backup("web")
				r.settled()
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/takeover")
			b.ReportMetric(float64(most.Microseconds()), "µs/slowest")
			r.stop()
		})
	}
}
