package ipvs_test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// action is one thing that happens to a running applier.
type action struct {
	kind  string
	table ipvs.Table
	pause time.Duration
	every int // of the writes that fails
	errno error
}

func drawTable(t *rapid.T) ipvs.Table {
	table := ipvs.Table{}
	for _, key := range []ipvs.ServiceKey{web, mail} {
		if !rapid.Bool().Draw(t, "service") {
			continue
		}
		e := entry(rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler"), 1)
		for _, addr := range []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"} {
			if rapid.Bool().Draw(t, "server") {
				e.Destinations[netip.MustParseAddrPort(addr)] = ipvs.Destination{Weight: rapid.Uint32Range(0, 2).Draw(t, "weight")}
			}
		}
		table[key] = e
	}
	return table
}

func drawAction(t *rapid.T) action {
	a := action{kind: rapid.SampledFrom([]string{"want", "want", "edit", "fail", "unload", "load", "tear", "restart"}).Draw(t, "kind")}
	a.pause = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 10 * time.Second, 2 * time.Minute}).Draw(t, "pause")
	switch a.kind {
	case "want", "edit":
		a.table = drawTable(t)
	case "fail":
		a.every = rapid.IntRange(0, 3).Draw(t, "every")
		a.errno = rapid.SampledFrom([]error{unix.EAGAIN, unix.ENOENT, unix.EEXIST, os.ErrDeadlineExceeded}).Draw(t, "errno")
	}
	return a
}

// Whatever happens, the table is as wanted two minutes after it stops happening, and the service
// that was never wanted is as it was.
func TestRandomSchedulesConverge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "services.json")
	rapid.Check(t, func(rt *rapid.T) {
		actions := rapid.SliceOfN(rapid.Custom(drawAction), 1, 12).Draw(rt, "actions")
		last := drawTable(rt)
		problem := ""
		synctest.Test(t, func(t *testing.T) {
			problem = converge(t, file, actions, last)
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func converge(t *testing.T, file string, actions []action, last ipvs.Table) string {
	foreign := entry("sh", 3, "10.9.9.9:99")
	if err := os.RemoveAll(file); err != nil {
		return err.Error()
	}
	kernel := ipvstest.NewKernel()
	r := run(t, kernel, file)
	defer func() { r.stop() }()
	generation := uint64(0)
	for _, a := range actions {
		switch a.kind {
		case "want":
			generation++
			r.applier.Want(generation, a.table.Wanted())
		case "edit":
			kernel.Edit(func(table ipvs.Table) {
				// Only services of ours: one that is not would rightly stay.
				for key := range table {
					e, ok := a.table[key]
					if !ok {
						delete(table, key)
						continue
					}
					table[key] = ipvs.Entry{Service: e.Service, Destinations: maps.Clone(e.Destinations)}
				}
			})
		case "fail":
			kernel.Fail(func(n int, _ ipvs.Op) error {
				if a.every > 0 && n%a.every == 0 {
					return a.errno
				}
				return nil
			})
		case "unload":
			kernel.Unload()
		case "load":
			kernel.Load()
		case "tear":
			kernel.TearDumps(7)
		case "restart":
			r.stop()
			r = run(t, kernel, file)
		}
		time.Sleep(a.pause)
		synctest.Wait()
		if ops := r.applier.Disagrees(); len(ops) > 0 {
			return fmt.Sprintf("after %s the kernel counts as having all, and lacks %v", a.kind, ops)
		}
	}
	kernel.Fail(nil)
	kernel.TearDumps(0)
	kernel.Load()
	kernel.Edit(func(table ipvs.Table) { table[other] = foreign })
	generation++
	r.applier.Want(generation, last.Wanted())
	time.Sleep(2*ipvs.MaxResync + 10*time.Second)
	synctest.Wait()
	want := ipvs.Table{other: foreign}
	for key, e := range last {
		want[key] = e
	}
	if d := diff(want, kernel.Table()); d != "" {
		return fmt.Sprintf("the kernel's table (-want +got):\n%s", d)
	}
	reports := r.since()
	if len(reports) == 0 || reports[len(reports)-1].Generation != generation || reports[len(reports)-1].Pending != 0 {
		return fmt.Sprintf("last of the reports %+v", reports)
	}
	return ""
}
