package ipvs_test

import (
	"sync/atomic"
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
		applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
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

// A leftover that the first reading lacks because somebody disturbed it is removed by the next.
func TestLeftoverThatATornDumpLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Edit(func(table ipvs.Table) {
			table[web] = entry("rr", 1, "10.0.0.1:80")
			table[service("192.168.2.11:8080")] = entry("rr", 1, "10.0.0.1:80") // the last in order
		})
		kernel.TearDumps(5)
		applier := ipvs.NewApplier(ipvs.Options{Open: kernel.Open, Leftover: func(key ipvs.ServiceKey) bool { return key.Addr == web.Addr }})
		go func() { _ = applier.Run(t.Context()) }()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		applier.Want(1, want.Wanted())
		time.Sleep(ipvs.MaxResync)
		if d := diff(want, kernel.Table()); d != "" {
			t.Error(d)
		}
	})
}

// hiding is a connection whose next dump lacks a service without a word, as the kernel's does when somebody deletes
// another one between two portions of it.
type hiding struct {
	ipvs.Kernel
	key ipvs.ServiceKey
	now *atomic.Bool
}

// Dump implements ipvs.Kernel.
func (h hiding) Dump() (ipvs.Table, error) {
	table, err := h.Kernel.Dump()
	if err == nil && h.now.Swap(false) {
		delete(table, h.key)
	}
	return table, err
}

// A service of ours that a reading lacks without a word is not forgotten, but deleted when it is not wanted any more.
func TestServiceThatOneDumpLacksStaysOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		var hide atomic.Bool
		applier := ipvs.NewApplier(ipvs.Options{Open: func() (ipvs.Kernel, error) {
			k, err := kernel.Open()
			return hiding{k, web, &hide}, err
		}})
		go func() { _ = applier.Run(t.Context()) }()
		applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80"), mail: entry("rr", 1, "10.0.0.1:25")}.Wanted())
		synctest.Wait()
		hide.Store(true)
		want := ipvs.Table{mail: entry("rr", 1, "10.0.0.1:25")}
		applier.Refresh()
		applier.Want(2, want.Wanted())
		time.Sleep(ipvs.MaxResync)
		if d := diff(want, kernel.Table()); d != "" {
			t.Error(d)
		}
	})
}
