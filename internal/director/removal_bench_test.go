package director

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/ipvs"
)

// clocked is a kernel that tells when it was given something to write.
type clocked struct {
	ipvs.Kernel
	at chan time.Time
}

func (k clocked) Apply(ops []ipvs.Op) []error {
	now := time.Now()
	errs := k.Kernel.Apply(ops)
	k.at <- now
	return errs
}

// BenchmarkRemoval is the time from a verdict on one of 10,000 real servers until the kernel is given the one
// operation that follows from it: the server goes, and comes back.
func BenchmarkRemoval(b *testing.B) {
	for name, size := range map[string][2]int{"1x10000": {1, 10000}, "100x100": {100, 100}, "10000x1": {10000, 1}} {
		b.Run(name, func(b *testing.B) {
			still, err := net.Listen("tcp4", "0.0.0.0:0") // at every address of 127.0.0.0/8
			if err != nil {
				b.Fatal(err)
			}
			defer still.Close()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			address := l.Addr().String()
			var config strings.Builder
			for s := range size[0] {
				fmt.Fprintf(&config, "virtual_server 127.1.%d.%d 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\ndelay_loop 3600\nwarmup 0\n", s>>8, s&255)
				for r := range size[1] {
					fmt.Fprintf(&config, "real_server 127.2.%d.%d 80 {\nTCP_CHECK {\nconnect_port %d\n}\n}\n", r>>8, r&255, still.Addr().(*net.TCPAddr).Port)
				}
				if s == size[0]/2 {
					fmt.Fprintf(&config, "real_server 127.3.0.1 80 {\nTCP_CHECK {\nconnect_ip 127.0.0.1\nconnect_port %d\ndelay_loop 0.02\nretry 0\n}\n}\n",
						l.Addr().(*net.TCPAddr).Port)
				}
				config.WriteString("}\n")
			}
			written := make(chan time.Time, 1000)
			n := startNode(b, config.String(), func(n *node) {
				n.file = strings.TrimSuffix(n.file, ".hcl") + ".conf"
				n.through = func(k ipvs.Kernel) ipvs.Kernel { return clocked{k, written} }
			})
			n.ipvs.Watch(nil)
			n.wait(b, ServicesSet)
			for len(written) > 0 {
				<-written
			}
			var took []time.Duration
			var spec check.Spec
			for s := range n.checks.Verdicts() {
				if s.Addr.String() == address {
					spec = s
				}
			}
			for b.Loop() {
				if l != nil {
					l.Close()
					l = nil
				} else if l, err = net.Listen("tcp4", address); err != nil {
					b.Fatal(err)
				}
				at := <-written
				v, _ := n.checks.Verdict(spec)
				took = append(took, at.Sub(v.Since))
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
				b.ReportMetric(float64(took[min(len(took)-1, int(share*float64(len(took))))].Microseconds())/1000, "ms-"+name)
			}
		})
	}
}
