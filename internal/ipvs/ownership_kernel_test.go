package ipvs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// Leftovers are removed at the start; what somebody adds later is foreign, even at the same address.
func TestLeftoversAreRemovedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		stray := service("192.168.2.11:8080")
		kernel.Edit(func(table ipvs.Table) {
			table[stray] = entry("rr", 1, "10.0.0.1:80")
			table[other] = entry("rr", 1, "10.0.0.1:80")
		})
		applier := ipvs.NewApplier(ipvs.Options{Open: kernel.Open, Leftover: func(key ipvs.ServiceKey) bool { return key.Addr == web.Addr }})
		go func() { _ = applier.Run(t.Context()) }()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80"), other: entry("rr", 1, "10.0.0.1:80")}
		applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")})
		synctest.Wait()
		if d := diff(want, kernel.Table()); d != "" {
			t.Error(d)
		}
		kernel.Edit(func(table ipvs.Table) { table[stray] = entry("rr", 1, "10.0.0.1:80") })
		time.Sleep(10 * ipvs.MaxResync)
		want[stray] = entry("rr", 1, "10.0.0.1:80")
		if d := diff(want, kernel.Table()); d != "" {
			t.Error(d)
		}
	})
}
