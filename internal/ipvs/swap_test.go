package ipvs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// While the servers of a service are exchanged, as when a sorry server takes over, there is one that
// gets connections after each write, whatever write is refused for a while.
func TestSwapNeverEmptiesAService(t *testing.T) {
	servers := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
	sorry := ipvs.Table{web: entry("rr", 1, "10.0.0.9:80")}
	silent := ipvs.Table{web: entry("rr", 0, "10.0.0.1:80", "10.0.0.2:80")}
	for addr, d := range sorry[web].Destinations {
		silent[web].Destinations[addr] = d
	}
	for name, swap := range map[string]ipvs.Table{"removed": sorry, "inhibited": silent} {
		for refused := range 8 {
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				r := run(t, kernel, "")
				defer r.stop()
				r.applier.Want(1, servers.Wanted())
				r.since()
				until := time.Now().Add(5 * time.Second)
				first := len(kernel.Writes())
				kernel.Fail(func(n int, op ipvs.Op) error {
					// From one write on all additions and gains of weight fail, for a while.
					if n > first+refused && op.Destination.Weight > 0 && time.Now().Before(until) {
						return unix.ENOBUFS
					}
					return nil
				})
				kernel.Watch(func(op ipvs.Op, table ipvs.Table) {
					for _, d := range table[web].Destinations {
						if d.Weight > 0 {
							return
						}
					}
					t.Errorf("%s, %d: after %s the service has no server: %v", name, refused, op, table[web])
				})
				r.applier.Want(2, swap.Wanted())
				time.Sleep(time.Second)
				r.applier.Want(3, servers.Wanted())
				time.Sleep(time.Second)
				r.applier.Want(4, swap.Wanted())
				time.Sleep(time.Minute)
				r.table(swap)
				for _, rep := range r.since() {
					if rep.Err != nil && !errors.Is(rep.Err, unix.ENOBUFS) {
						t.Errorf("report %+v", rep)
					}
				}
			})
		}
	}
}
