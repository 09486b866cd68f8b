//go:build vm

package ipvs_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// disturbances are what somebody may do to a service of many, and how many operations undo it.
func disturbances() map[string]struct {
	args []string
	ops  int
} {
	service, server := []string{"-t", "192.168.0.7:80"}, []string{"-r", "10.0.0.0:80"}
	on := func(what string, more ...string) []string { return slices.Concat([]string{what}, service, more) }
	return map[string]struct {
		args []string
		ops  int
	}{
		"a service deleted":     {on("-D"), 2},
		"another scheduler":     {on("-E", "-s", "lc"), 1},
		"a destination deleted": {on("-d", server...), 1},
		"another weight":        {on("-e", append(server, "-m", "-w", "9")...), 1},
		"a destination added":   {on("-a", "-r", "10.9.9.9:80", "-m"), 1},
	}
}

// counting is a kernel that counts what it is asked, and knows the longest times that it took to answer.
type counting struct {
	ipvs.Kernel
	*asked
}

type asked struct {
	writes, looks, dumps     atomic.Int64
	longestLook, longestDump atomic.Int64 // ns
}

// Apply implements ipvs.Kernel.
func (c counting) Apply(ops []ipvs.Op) []error {
	c.writes.Add(int64(len(ops)))
	return c.Kernel.Apply(ops)
}

// Look implements ipvs.Kernel.
func (c counting) Look(show func([]byte)) error {
	began := time.Now()
	err := c.Kernel.Look(show)
	c.longestLook.Store(max(c.longestLook.Load(), int64(time.Since(began))))
	c.looks.Add(1)
	return err
}

// Dump implements ipvs.Kernel.
func (c counting) Dump() (ipvs.Table, error) {
	began := time.Now()
	table, err := c.Kernel.Dump()
	c.longestDump.Store(max(c.longestDump.Load(), int64(time.Since(began))))
	c.dumps.Add(1)
	return table, err
}

// healedWithin is in what time a foreign change is undone: two seconds where reading the table and looking at it cost so
// little that looks are hardly more than a second apart, as for a hundred services also in an emulated machine that is not
// too busy; else there is no better bound than that of all tables.
func (a *asked) healedWithin() time.Duration {
	if a.longestDump.Load() > int64(150*time.Millisecond) || a.longestLook.Load() > int64(5*time.Millisecond) {
		return ipvs.MaxResync
	}
	return 2 * time.Second
}

// Whatever a foreign change is, it is found without being asked for, undone, and told once. A table that nobody changed is
// looked at and read, and not written.
func TestForeignChangeIsFound(t *testing.T) {
	ns := newNamespace(t)
	var kernel asked
	s := startWith(t, func() (ipvs.Kernel, error) {
		k, err := ns.open()
		if err != nil {
			return nil, err
		}
		return counting{k, &kernel}, nil
	}, 0)
	s.applier.Want(1, many(100, 1).Wanted())
	s.until("programmed", func(r ipvs.Report) bool { return r.Generation == 1 && r.Pending == 0 })
	for name, c := range disturbances() {
		written := kernel.writes.Load()
		begun := time.Now()
		ns.ipvsadm(t, c.args...)
		r := s.until("healed", func(r ipvs.Report) bool { return r.Healed })
		took, within := time.Since(begun), kernel.healedWithin()
		t.Logf("%s: healed after %s; the longest look %s, the longest reading %s", name, took,
			time.Duration(kernel.longestLook.Load()), time.Duration(kernel.longestDump.Load()))
		if took > within {
			t.Errorf("%s: healed after %s, not within %s", name, took, within)
		}
		if written = kernel.writes.Load() - written; len(r.Applied) != c.ops || r.Err != nil || written != int64(c.ops) {
			t.Errorf("%s: %d writes, report %+v", name, written, r)
		}
	}
	written, looked, read := kernel.writes.Load(), kernel.looks.Load(), kernel.dumps.Load()
	for deadline := time.Now().Add(2 * ipvs.MaxResync); kernel.looks.Load() < looked+3; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d looks in %s", kernel.looks.Load()-looked, 2*ipvs.MaxResync)
		}
	}
	if n := kernel.dumps.Load() - read; n > 1 {
		t.Errorf("%d readings with %d looks that found nothing", n, kernel.looks.Load()-looked)
	}
	s.applier.Refresh()
	s.applier.Want(2, many(100, 1).Wanted())
	s.until("the same", func(r ipvs.Report) bool { return r.Generation == 2 })
	if kernel.dumps.Load() == read || kernel.writes.Load() != written {
		t.Errorf("%d readings, %d writes of a table that is as wanted", kernel.dumps.Load()-read, kernel.writes.Load()-written)
	}
	s.applier.Want(3, ipvs.Table{}.Wanted()) // the module is to be unloaded by other tests
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 3 && r.Pending == 0 })
}

// BenchmarkHealing is the time from a foreign change until it is undone, and what looking for them costs.
func BenchmarkHealing(b *testing.B) {
	for _, size := range []struct{ services, destinations int }{{100, 1}, {100, 100}, {10000, 1}} {
		b.Run(fmt.Sprintf("%dx%d", size.services, size.destinations), func(b *testing.B) {
			ns := newNamespace(b)
			s := startIn(b, ns, 0)
			s.applier.Want(1, many(size.services, size.destinations).Wanted())
			s.until("programmed", func(r ipvs.Report) bool { return r.Generation == 1 && r.Pending == 0 })
			var took []time.Duration
			for b.Loop() {
				for _, c := range disturbances() {
					ns.ipvsadm(b, c.args...)
					begun := time.Now()
					s.until("healed", func(r ipvs.Report) bool { return r.Healed })
					took = append(took, time.Since(begun))
				}
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took[0].Seconds(), "s-min")
			b.ReportMetric(took[len(took)/2].Seconds(), "s-median")
			b.ReportMetric(took[len(took)-1].Seconds(), "s-max")
			var before, after unix.Rusage
			if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
				b.Fatal(err)
			}
			const quiet = 2 * ipvs.MaxResync // with a reading or two, whatever one costs
			time.Sleep(quiet)
			if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
				b.Fatal(err)
			}
			used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(100*float64(used)/float64(quiet), "%cpu")
			s.applier.Want(2, ipvs.Table{}.Wanted())
			s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 && r.Pending == 0 })
		})
	}
}

// BenchmarkDumpInTheKernel reads tables of the real kernel.
func BenchmarkDumpInTheKernel(b *testing.B) {
	for _, size := range []struct{ services, destinations int }{{100, 1}, {100, 100}, {10000, 1}} {
		b.Run(fmt.Sprintf("%dx%d", size.services, size.destinations), func(b *testing.B) {
			ns := newNamespace(b)
			kernel, err := ns.open()
			if err != nil {
				b.Fatal(err)
			}
			defer kernel.Close()
			for ops := range slices.Chunk(ipvs.Plan(many(size.services, size.destinations).Wanted(), ipvs.Table{}, nil), 100) {
				for i, err := range kernel.Apply(ops) {
					if err != nil {
						b.Fatalf("%s: %v", ops[i], err)
					}
				}
			}
			b.Run("reading", func(b *testing.B) {
				for b.Loop() {
					if table, err := kernel.Dump(); err != nil || len(table) != size.services {
						b.Fatalf("%d services, %v", len(table), err)
					}
				}
			})
			b.Run("look", func(b *testing.B) {
				for b.Loop() {
					lines := 0
					if err := kernel.Look(func([]byte) { lines++ }); err != nil || lines != 3+size.services*(1+size.destinations) {
						b.Fatalf("%d lines, %v", lines, err)
					}
				}
			})
		})
	}
}
