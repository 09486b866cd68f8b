package ipvs_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// A foreign change is found within the time that the size of the table allows, and told once; in an hour without one
// nothing is written, and reading costs a percent of it.
func TestHealingTakesAsLongAsReadingCosts(t *testing.T) {
	const blind = -1 // the kernel shows nothing to look at
	for _, c := range []struct{ took, look, within time.Duration }{
		{0, blind, 2 * time.Second},
		{6 * time.Millisecond, blind, 2 * time.Second},
		{200 * time.Millisecond, blind, 31 * time.Second},
		{580 * time.Millisecond, blind, ipvs.MaxResync},
		{3400 * time.Millisecond, 130 * time.Millisecond, ipvs.MaxResync}, // 10,000 services where the machine is emulated
		{2 * time.Millisecond, time.Millisecond, 2 * time.Second},
		{200 * time.Millisecond, 5 * time.Millisecond, 2600 * time.Millisecond},
		{200 * time.Millisecond, 50 * time.Millisecond, 16 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			kernel := ipvstest.NewKernel()
			var spent atomic.Int64 // ns
			kernel.Dumping(func(int) (time.Duration, error) {
				spent.Add(int64(c.took))
				return c.took, nil
			})
			kernel.Looking(func() (time.Duration, error) {
				if c.look == blind {
					return 0, unix.ENOENT
				}
				spent.Add(int64(c.look))
				return c.look, nil
			})
			r := run(t, kernel, "")
			defer r.stop()
			want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
			r.applier.Want(1, want.Wanted())
			time.Sleep(time.Minute)
			r.since()
			for offset := range 7 {
				time.Sleep(time.Minute + time.Duration(offset)*c.within/7) // not so often that finding it has to be put off
				kernel.Edit(func(table ipvs.Table) { delete(table, web) })
				time.Sleep(c.within)
				rep := r.one()
				if !rep.Healed || len(rep.Applied) != 3 {
					t.Errorf("a reading of %s: report %+v", c.took, rep)
				}
				r.table(want)
			}
			writes := len(kernel.Writes())
			spent.Store(0)
			time.Sleep(time.Hour)
			if n := len(kernel.Writes()) - writes; n > 0 || len(r.since()) > 0 {
				t.Errorf("a reading of %s: %d writes in an hour without a change", c.took, n)
			}
			if spent := time.Duration(spent.Load()); spent > time.Hour/100 && c.took < ipvs.MaxResync/102 {
				t.Errorf("a reading of %s: %s of an hour spent on reading", c.took, spent)
			}
		})
	}
}

// The first look is the slowest: nothing of what it needs is in the processor's caches. The second one is not put off for that.
func TestFirstLookIsSlow(t *testing.T) {
	for _, found := range []bool{false, true} { // by the first one
		synctest.Test(t, func(t *testing.T) {
			kernel := ipvstest.NewKernel()
			kernel.Dumping(func(int) (time.Duration, error) { return 100 * time.Millisecond, nil })
			var looks atomic.Int64
			kernel.Looking(func() (time.Duration, error) {
				if looks.Add(1) == 1 {
					return 35 * time.Millisecond, nil
				}
				return time.Millisecond, nil
			})
			r := run(t, kernel, "")
			defer r.stop()
			want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
			r.applier.Want(1, want.Wanted())
			take := func() { kernel.Edit(func(table ipvs.Table) { delete(table, web) }) }
			if time.Sleep(500 * time.Millisecond); found {
				take()
			}
			for looks.Load() == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(200 * time.Millisecond)
			r.table(want)
			take()
			time.Sleep(2 * time.Second)
			r.table(want)
		})
	}
}

// A module that is loaded again is found by the look that fails, also where reading the table is put off for long; and one
// that goes on showing nothing does not have it read at every look.
func TestLookThatFailsHasTheTableRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Dumping(func(int) (time.Duration, error) { return 200 * time.Millisecond, nil })
		var blind atomic.Bool
		kernel.Looking(func() (time.Duration, error) {
			if blind.Load() {
				return 0, unix.ENOENT
			}
			return time.Millisecond, nil
		})
		r := run(t, kernel, "")
		defer r.stop()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		r.applier.Want(1, want.Wanted())
		time.Sleep(5 * time.Minute)
		r.since()
		kernel.Unload()
		kernel.Load()
		time.Sleep(3 * time.Second)
		r.table(want)
		time.Sleep(5 * time.Minute)
		dumps := kernel.Dumps()
		blind.Store(true)
		time.Sleep(time.Hour)
		if n := kernel.Dumps() - dumps; n > 130 { // every 30 s, and once more
			t.Errorf("%d readings in an hour", n)
		}
	})
}

// Somebody who never stops changing the table does not make reading it cost more than its percent.
func TestRestlessWriterCostsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 50 * time.Millisecond
		kernel := ipvstest.NewKernel()
		var spent atomic.Int64 // ns
		kernel.Dumping(func(int) (time.Duration, error) {
			spent.Add(int64(took))
			return took, nil
		})
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		time.Sleep(time.Minute)
		spent.Store(0)
		for range 3600 { // it is a service of his own
			kernel.Edit(func(table ipvs.Table) {
				if _, there := table[mail]; there {
					delete(table, mail)
				} else {
					table[mail] = entry("rr", 1, "10.0.0.9:25")
				}
			})
			time.Sleep(time.Second)
		}
		if spent := time.Duration(spent.Load()); spent > time.Hour/100+10*took {
			t.Errorf("%s of an hour spent on reading", spent)
		}
	})
}

// TestEveryDumpFailsOnce: whatever keeps a dump from being made, it is made again, and what others did meanwhile is
// found by it.
func TestEveryDumpFailsOnce(t *testing.T) {
	want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
	for _, errno := range []error{unix.EAGAIN, unix.ENOBUFS, unix.EINTR, unix.ENOENT, unix.ENOMEM, unix.EPERM, ipvs.ErrNoIPVS, os.ErrDeadlineExceeded} {
		for failing := 1; failing <= 4; failing++ { // dumps one after the other
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				first := 0
				var armed atomic.Bool
				kernel.Dumping(func(n int) (time.Duration, error) {
					if armed.Load() && first == 0 {
						first = n
					}
					if armed.Load() && n < first+failing {
						return 0, errno
					}
					return 0, nil
				})
				r := run(t, kernel, "")
				defer r.stop()
				r.applier.Want(1, want.Wanted())
				r.since()
				kernel.Edit(func(table ipvs.Table) { delete(table[web].Destinations, netip.MustParseAddrPort("10.0.0.1:80")) })
				armed.Store(true)
				time.Sleep(15 * time.Second)
				told := 0
				for _, rep := range r.since() {
					if !rep.Available && rep.Err != nil {
						told++
					}
					if rep.Err != nil && !errors.Is(rep.Err, errno) {
						t.Errorf("%v, %d times: report %+v", errno, failing, rep)
					}
				}
				if (told > 0) != (failing > 1) || told > 1 { // the first one may be the connection's
					t.Errorf("%v, %d times: told %d times", errno, failing, told)
				}
				r.table(want)
			})
		}
	}
}

// TestModuleIsLoadedAgainInMidPlan: the module goes and comes with another family id between any two writes.
func TestModuleIsLoadedAgainInMidPlan(t *testing.T) {
	steps := []ipvs.Table{
		{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80"), mail: entry("rr", 1, "10.0.0.1:25")},
		{web: entry("wlc", 3, "10.0.0.2:80", "10.0.0.3:80")},
		{},
	}
	settings := ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 77}, Sender: daemon("eth1", 3), Sysctls: wishes, ManageSysctls: true, FTP: true}
	for k := 1; ; k++ {
		reloaded := false
		synctest.Test(t, func(t *testing.T) {
			kernel := ipvstest.NewKernel()
			kernel.Fail(func(n int, _ ipvs.Op) error {
				if n == k {
					reloaded = true
					kernel.Unload()
					kernel.Load()
				}
				return nil
			})
			r := run(t, kernel, filepath.Join(t.TempDir(), "services.json"))
			defer r.stop()
			r.applier.Configure(settings)
			for i, want := range steps {
				r.applier.Want(uint64(i+1), want.Wanted())
				time.Sleep(5 * time.Second)
				for _, rep := range r.since() {
					if rep.Err != nil {
						t.Errorf("at write %d, step %d: report %+v", k, i+1, rep)
					}
				}
				r.table(want)
			}
			got := kernel.Settings()
			if got.Timeouts.TCP != 77 || got.Sender.Interface != "eth1" || got.Sysctls != wishes || !got.FTP {
				t.Errorf("at write %d: settings %+v", k, got)
			}
		})
		if !reloaded {
			if k < 14 {
				t.Errorf("only %d writes", k-1)
			}
			return
		}
	}
}

// TestEverySettingFailsOnce is TestEveryOperationFailsOnce for what there is beside the table.
func TestEverySettingFailsOnce(t *testing.T) {
	steps := []ipvs.Settings{
		{Timeouts: ipvs.Timeouts{TCP: 77}, Receiver: daemon("eth1", 3), Sysctls: wishes, ManageSysctls: true, FTP: true},
		{Timeouts: ipvs.Timeouts{UDP: 77}, Sender: daemon("eth1", 3), Sysctls: wishes, ManageSysctls: true},
		{},
	}
	for _, errno := range []error{unix.EAGAIN, unix.ENOBUFS, unix.EINTR, unix.ENOENT, unix.ESRCH, unix.EEXIST, unix.EROFS, os.ErrDeadlineExceeded} {
		t.Run(fmt.Sprint(errno), func(t *testing.T) {
			for k := 1; ; k++ {
				failed := false
				synctest.Test(t, func(t *testing.T) {
					kernel := ipvstest.NewKernel()
					kernel.Fail(func(n int, _ ipvs.Op) error {
						if n == k {
							failed = true
							return errno
						}
						return nil
					})
					r := run(t, kernel, "")
					defer r.stop()
					r.applier.Want(1, ipvs.Table{}.Wanted())
					for i, want := range steps {
						r.applier.Configure(want)
						time.Sleep(time.Second)
						for _, rep := range r.since() {
							if rep.Err != nil || rep.Pending != 0 {
								t.Errorf("write %d fails, step %d: report %+v", k, i+1, rep)
							}
						}
						got := kernel.Settings()
						if got.Sender.Interface != want.Sender.Interface || got.Receiver.Interface != want.Receiver.Interface || got.Sysctls != wishes || !got.FTP {
							t.Errorf("write %d fails, step %d: settings %+v", k, i+1, got)
						}
					}
					if got := kernel.Settings().Timeouts; got != usual {
						t.Errorf("write %d fails: timeouts %+v", k, got)
					}
				})
				if !failed {
					if k < 8 {
						t.Errorf("only %d writes", k-1)
					}
					return
				}
			}
		})
	}
}
