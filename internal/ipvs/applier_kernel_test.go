package ipvs_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

func TestKernelWithoutIPVS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Unload()
		r := run(t, kernel, "")
		defer r.stop()
		if rep := r.one(); rep.Available || !errors.Is(rep.Err, ipvs.ErrNoIPVS) {
			t.Errorf("first report %+v", rep)
		}
		// Generations are acknowledged all the same, without saying it again.
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		r.applier.Want(1, want.Wanted())
		if rep := r.one(); rep.Generation != 1 || rep.Available || rep.Err != nil {
			t.Errorf("report %+v", rep)
		}
		if _, err := r.applier.Stats(t.Context()); !errors.Is(err, ipvs.ErrNoIPVS) {
			t.Errorf("Stats: %v", err)
		}
		time.Sleep(time.Hour)
		if got := r.since(); len(got) != 0 {
			t.Errorf("reported again: %+v", got)
		}
		kernel.Load()
		time.Sleep(5 * time.Second)
		if rep := r.one(); !rep.Available || len(rep.Applied) != 2 || rep.Healed || rep.Err != nil {
			t.Errorf("report %+v", rep)
		}
		r.table(want)
	})
}

// The module is removed and loaded again, between two operations or for a while: the family id
// is another one, and the table is empty.
func TestModuleIsLoadedAgain(t *testing.T) {
	for name, gone := range map[string]time.Duration{"at once": 0, "an hour later": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				r := run(t, kernel, "")
				defer r.stop()
				r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
				r.since()
				kernel.Unload()
				time.Sleep(gone)
				kernel.Load()
				want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
				r.applier.Want(2, want.Wanted())
				time.Sleep(5 * time.Second)
				lost := 0
				reports := r.since()
				for _, rep := range reports {
					if errors.Is(rep.Err, ipvs.ErrNoIPVS) {
						lost++
					} else if rep.Err != nil {
						t.Errorf("report %+v", rep)
					}
				}
				if (lost == 1) != (gone > 0) {
					t.Errorf("the loss was reported %d times", lost)
				}
				last := reports[len(reports)-1]
				if last.Generation != 2 || !last.Available || !last.Healed {
					t.Errorf("last report %+v", last)
				}
				r.table(want)
			})
		})
	}
}

// A dump that others disturb is repeated, then used and soon repeated again.
func TestInconsistentDump(t *testing.T) {
	want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80"), mail: entry("rr", 1, "10.0.0.1:25")}
	for _, torn := range []int{1, 4, 5, 12} {
		synctest.Test(t, func(t *testing.T) {
			kernel := ipvstest.NewKernel()
			r := run(t, kernel, "")
			defer r.stop()
			r.applier.Want(1, want.Wanted())
			r.since()
			kernel.TearDumps(torn)
			kernel.Edit(func(table ipvs.Table) { delete(table[web].Destinations, netip.MustParseAddrPort("10.0.0.1:80")) })
			time.Sleep(ipvs.MaxResync)
			r.table(want)
			time.Sleep(10 * time.Second)
			for _, rep := range r.since() {
				if rep.Err != nil {
					t.Errorf("torn %d times: report %+v", torn, rep)
				}
			}
			r.table(want)
			dumps := kernel.Dumps()
			time.Sleep(10 * time.Minute)
			if n := kernel.Dumps() - dumps; n < 599 || n > 600 {
				t.Errorf("torn %d times: %d dumps in ten quiet minutes", torn, n)
			}
		})
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Edit(func(table ipvs.Table) { table[other] = entry("rr", 1, "10.9.9.9:99") })
		r := run(t, kernel, "")
		r.applier.Want(1, ipvs.Table{web: entry("rr", 4, "10.0.0.1:80")}.Wanted())
		r.since()
		stats, err := r.applier.Stats(t.Context())
		if err != nil || len(stats.Services) != 2 {
			t.Fatalf("Stats: %+v, %v", stats, err)
		}
		if s := stats.Services[0]; s.Key != web || !s.Owned || s.Destinations[0].Destination.Weight != 4 {
			t.Errorf("ours: %+v", s)
		}
		if s := stats.Services[1]; s.Key != other || s.Owned {
			t.Errorf("the foreign one: %+v", s)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.applier.Stats(ended); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Stats with a context that has ended: %v", err)
		}
		r.stop()
		if _, err := r.applier.Stats(t.Context()); !errors.Is(err, ipvs.ErrStopped) {
			t.Errorf("Stats of an applier that has stopped: %v", err)
		}
	})
}

// Stats meets a module that was loaded again: the next thing the applier does is to repair that.
func TestStatsAfterTheModuleIsLoadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		r.applier.Want(1, want.Wanted())
		r.since()
		kernel.Unload()
		kernel.Load()
		if _, err := r.applier.Stats(t.Context()); err == nil {
			t.Error("Stats on a dead connection succeeded")
		}
		if rep := r.one(); !rep.Healed || !rep.Available || rep.Err != nil {
			t.Errorf("report %+v", rep)
		}
		r.table(want)
	})
}

func TestStatsBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := ipvs.NewApplier(ipvs.Options{Open: ipvstest.NewKernel().Open})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Stats(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stats: %v", err)
		}
	})
}

// The kernel never answers a write in time.
func TestAKernelThatHangsDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Fail(func(int, ipvs.Op) error { return os.ErrDeadlineExceeded })
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		time.Sleep(time.Hour)
		if n := len(kernel.Writes()); n > 2000 {
			t.Errorf("%d attempts in an hour", n)
		}
		reports := r.since()
		if len(reports) == 0 || !errors.Is(reports[0].Err, os.ErrDeadlineExceeded) || reports[0].Generation != 1 {
			t.Errorf("reports %+v", reports)
		}
		kernel.Fail(nil)
		time.Sleep(2 * time.Minute)
		r.table(ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")})
	})
}
