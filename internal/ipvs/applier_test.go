package ipvs_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

var (
	web   = service("192.168.2.11:80")
	mail  = service("192.168.2.12:25")
	other = service("192.168.2.99:99")
)

func service(addrPort string) ipvs.ServiceKey {
	ap := netip.MustParseAddrPort(addrPort)
	return ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: ap.Addr(), Port: ap.Port()}
}

func entry(scheduler string, weight uint32, servers ...string) ipvs.Entry {
	e := ipvs.Entry{
		Service:      ipvs.Service{Scheduler: scheduler, Netmask: ipvs.HostMask(4)},
		Destinations: map[netip.AddrPort]ipvs.Destination{},
	}
	for _, s := range servers {
		e.Destinations[netip.MustParseAddrPort(s)] = ipvs.Destination{Weight: weight}
	}
	return e
}

func diff(want, got ipvs.Table) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}), cmpopts.EquateEmpty())
}

// running is an applier at work on a kernel in memory, inside a synctest bubble.
type running struct {
	t       *testing.T
	kernel  *ipvstest.Kernel
	applier *ipvs.Applier
	stop    func()

	mu      sync.Mutex
	reports []ipvs.Report
}

func run(t *testing.T, kernel *ipvstest.Kernel, stateFile string) *running {
	t.Helper()
	r := &running{t: t, kernel: kernel}
	r.applier = ipvs.NewApplier(ipvs.Options{Open: kernel.Open, StateFile: stateFile, Report: func(rep ipvs.Report) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reports = append(r.reports, rep)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.applier.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		kernel.CheckClosed(t)
	})
	synctest.Wait()
	return r
}

// since returns the reports that came since the last call.
func (r *running) since() []ipvs.Report {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.reports
	r.reports = nil
	return out
}

// one returns the only report since the last call.
func (r *running) one() ipvs.Report {
	r.t.Helper()
	out := r.since()
	if len(out) != 1 {
		r.t.Fatalf("%d reports, want 1: %+v", len(out), out)
	}
	return out[0]
}

func (r *running) table(want ipvs.Table) {
	r.t.Helper()
	synctest.Wait()
	if d := diff(want, r.kernel.Table()); d != "" {
		r.t.Errorf("the kernel's table (-want +got):\n%s", d)
	}
}

func ops(applied []ipvs.Op) string {
	var b strings.Builder
	for _, op := range applied {
		fmt.Fprintln(&b, op)
	}
	return b.String()
}

func TestWantIsAppliedAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Edit(func(table ipvs.Table) { table[other] = entry("rr", 1, "10.9.9.9:99") })
		r := run(t, kernel, "")
		defer r.stop()
		if got := r.since(); len(got) != 0 || kernel.Dumps() != 1 {
			t.Errorf("before anything is wanted: reports %+v, %d dumps", got, kernel.Dumps())
		}
		r.applier.Want(7, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		rep := r.one()
		if rep.Generation != 7 || !rep.Available || rep.Healed || rep.Err != nil || rep.Pending != 0 {
			t.Errorf("report %+v", rep)
		}
		want := "add service TCP 192.168.2.11:80 (scheduler rr)\n" +
			"add destination 10.0.0.1:80 to TCP 192.168.2.11:80 (NAT weight 1)\n"
		if got := ops(rep.Applied); got != want {
			t.Errorf("applied:\n%swant:\n%s", got, want)
		}
		r.table(ipvs.Table{web: entry("rr", 1, "10.0.0.1:80"), other: entry("rr", 1, "10.9.9.9:99")})

		r.applier.Want(8, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		if rep := r.one(); rep.Generation != 8 || len(rep.Applied) != 0 {
			t.Errorf("report of an unchanged table: %+v", rep)
		}
		if n := len(kernel.Writes()); n != 2 {
			t.Errorf("%d writes, want 2", n)
		}
		r.applier.Want(9, ipvs.Table{}.Wanted())
		if rep := r.one(); rep.Generation != 9 || ops(rep.Applied) != "delete service TCP 192.168.2.11:80\n" {
			t.Errorf("report %+v", rep)
		}
		r.table(ipvs.Table{other: entry("rr", 1, "10.9.9.9:99")})
		if n := kernel.Dumps(); n != 1 {
			t.Errorf("%d dumps, want the first one only", n)
		}
	})
}

func TestNewestWantWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		// While the first write of generation 1 is under way, 2 and then 3 are wanted.
		var once sync.Once
		kernel.Watch(func(ipvs.Op, ipvs.Table) {
			once.Do(func() {
				r.applier.Want(2, ipvs.Table{mail: entry("rr", 1, "10.0.0.1:25")}.Wanted())
				r.applier.Want(3, ipvs.Table{web: entry("wlc", 1, "10.0.0.2:80")}.Wanted())
			})
		})
		const servers = 1000
		large := entry("rr", 1)
		for i := range servers {
			large.Destinations[netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80)] = ipvs.Destination{Weight: 1}
		}
		r.applier.Want(1, ipvs.Table{web: large}.Wanted())
		reports := r.since()
		if len(reports) != 2 || reports[0].Generation != 0 || reports[1].Generation != 3 {
			t.Errorf("reports %+v", reports)
		}
		// What the kernel was given at once is done to its end, and no more than that.
		if begun := len(reports[0].Applied); begun > servers/4 {
			t.Errorf("%d writes before the newer table was looked at", begun)
		}
		r.table(ipvs.Table{web: entry("wlc", 1, "10.0.0.2:80")})
		for _, op := range kernel.Writes() {
			if op.Key == mail {
				t.Errorf("wrote what nobody wants any more: %s", op)
			}
		}
	})
}

func TestForeignChangesAreHealed(t *testing.T) {
	want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
	for name, edit := range map[string]func(ipvs.Table){
		"service deleted":     func(table ipvs.Table) { delete(table, web) },
		"table cleared":       func(table ipvs.Table) { clear(table) },
		"service edited":      func(table ipvs.Table) { e := table[web]; e.Service.Scheduler = "sh"; table[web] = e },
		"destination deleted": func(table ipvs.Table) { delete(table[web].Destinations, netip.MustParseAddrPort("10.0.0.1:80")) },
		"destination added": func(table ipvs.Table) {
			table[web].Destinations[netip.MustParseAddrPort("10.0.0.3:80")] = ipvs.Destination{Weight: 9}
		},
		"weight changed": func(table ipvs.Table) {
			table[web].Destinations[netip.MustParseAddrPort("10.0.0.1:80")] = ipvs.Destination{Weight: 0}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				r := run(t, kernel, "")
				defer r.stop()
				r.applier.Want(1, want.Wanted())
				r.since()
				kernel.Edit(edit)
				time.Sleep(ipvs.MaxResync)
				rep := r.one()
				if !rep.Healed || len(rep.Applied) == 0 || rep.Err != nil || rep.Generation != 1 {
					t.Errorf("report %+v", rep)
				}
				r.table(want)
				// From now on there is nothing to do, however long it runs.
				writes := len(kernel.Writes())
				time.Sleep(time.Hour)
				if got := r.since(); len(got) != 0 || len(kernel.Writes()) != writes {
					t.Errorf("an hour later: %d more writes, reports %+v", len(kernel.Writes())-writes, got)
				}
			})
		})
	}
}

// Somebody changes the table, and before the next dump something else is wanted: the kernel's
// error shows it, and both are done at once.
func TestAnErrorShowsAForeignChange(t *testing.T) {
	start := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80")}
	next := ipvs.Table{web: entry("rr", 5, "10.0.0.1:80", "10.0.0.3:80"), mail: entry("rr", 1)}
	for name, edit := range map[string]func(ipvs.Table){
		"ESRCH":               func(table ipvs.Table) { delete(table, web) },
		"ENOENT":              func(table ipvs.Table) { clear(table[web].Destinations) },
		"EEXIST of a service": func(table ipvs.Table) { table[mail] = entry("sh", 1, "10.0.0.9:25") },
		"EEXIST of destination": func(table ipvs.Table) {
			table[web].Destinations[netip.MustParseAddrPort("10.0.0.3:80")] = ipvs.Destination{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				r := run(t, kernel, "")
				defer r.stop()
				r.applier.Want(1, start.Wanted())
				r.since()
				kernel.Edit(edit)
				r.applier.Want(2, next.Wanted())
				rep := r.one()
				if rep.Generation != 2 || !rep.Healed || rep.Err != nil || rep.Pending != 0 {
					t.Errorf("report %+v", rep)
				}
				r.table(next)
			})
		})
	}
}

// Every operation fails once, with every error, and the table is as wanted at the end.
func TestEveryOperationFailsOnce(t *testing.T) {
	steps := []ipvs.Table{
		{web: entry("rr", 1, "10.0.0.1:80", "10.0.0.2:80"), mail: entry("rr", 1, "10.0.0.1:25")},
		{web: entry("wlc", 3, "10.0.0.2:80", "10.0.0.3:80")},
		{},
	}
	for _, errno := range []error{
		unix.EAGAIN, unix.ENOBUFS, unix.EINTR, unix.ENOENT, unix.ESRCH, unix.EEXIST,
		unix.EINVAL, unix.ENOMEM, unix.EPERM, os.ErrDeadlineExceeded,
	} {
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
					for i, want := range steps {
						r.applier.Want(uint64(i+1), want.Wanted())
						time.Sleep(time.Second)
						for _, rep := range r.since() {
							if rep.Err != nil || rep.Generation != uint64(i+1) || rep.Pending != 0 {
								t.Errorf("write %d fails, step %d: report %+v", k, i+1, rep)
							}
						}
						r.table(want)
					}
				})
				if !failed {
					if k < 10 {
						t.Errorf("only %d writes", k-1)
					}
					return
				}
			}
		})
	}
}

func TestARefusedOperationDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		bad := entry("nosuch", 1, "10.0.0.1:80")
		r.applier.Want(1, ipvs.Table{web: bad, mail: entry("rr", 1, "10.0.0.1:25")}.Wanted())
		rep := r.one()
		if rep.Generation != 1 || len(rep.Applied) != 2 || rep.Pending != 2 || len(rep.Failed) != 1 {
			t.Fatalf("report %+v", rep)
		}
		var refused *ipvs.OpError
		if !errors.As(rep.Err, &refused) || !errors.Is(rep.Err, unix.ENOENT) || refused.Op.Key != web || rep.Healed {
			t.Errorf("error %v", rep.Err)
		}
		r.table(ipvs.Table{mail: entry("rr", 1, "10.0.0.1:25")})

		// It is tried again, seldom and silently.
		writes := len(kernel.Writes())
		time.Sleep(time.Hour)
		if n := len(kernel.Writes()) - writes; n < 50 || n > 70 {
			t.Errorf("%d attempts in an hour", n)
		}
		if n := kernel.Dumps(); n > 3700 { // one a second, and those after an attempt
			t.Errorf("%d dumps in an hour", n)
		}
		if got := r.since(); len(got) != 0 {
			t.Errorf("reported again: %+v", got)
		}
		// Another error is news.
		kernel.Fail(func(_ int, op ipvs.Op) error { return unix.ENOMEM })
		time.Sleep(2 * time.Minute)
		if rep := r.one(); !errors.Is(rep.Err, unix.ENOMEM) {
			t.Errorf("report %+v", rep)
		}
		// What is wanted otherwise now works at once, and what works by itself is done at a retry.
		kernel.Fail(nil)
		r.applier.Want(2, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		if rep := r.one(); rep.Err != nil || rep.Pending != 0 {
			t.Errorf("report %+v", rep)
		}
		r.table(ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")})
	})
}

func TestARefusedOperationIsDoneWhenItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Fail(func(int, ipvs.Op) error { return unix.EINVAL })
		r := run(t, kernel, "")
		defer r.stop()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		r.applier.Want(1, want.Wanted())
		if rep := r.one(); rep.Pending != 2 || len(rep.Failed) != 1 {
			t.Errorf("report %+v", rep)
		}
		kernel.Fail(nil)
		time.Sleep(time.Second)
		if rep := r.one(); rep.Healed || rep.Err != nil || len(rep.Applied) != 2 || rep.Pending != 0 {
			t.Errorf("report %+v", rep)
		}
		r.table(want)
	})
}

// An operation whose error is another one each time must not spin.
func TestChangingErrorsDoNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Fail(func(n int, _ ipvs.Op) error { return []error{unix.EAGAIN, unix.ENOMEM, unix.EINTR}[n%3] })
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1)}.Wanted())
		time.Sleep(time.Hour)
		if n := len(kernel.Writes()); n > 200 {
			t.Errorf("%d attempts in an hour", n)
		}
	})
}
