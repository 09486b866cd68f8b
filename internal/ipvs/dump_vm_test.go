//go:build vm

package ipvs_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lvsd/internal/ipvs"
)

// A foreign change is found without being asked for, undone, and told once.
func TestForeignChangeIsFound(t *testing.T) {
	ns := newNamespace(t)
	s := startIn(t, ns, 0)
	s.applier.Want(1, many(20, 1))
	s.until("programmed", func(r ipvs.Report) bool { return r.Generation == 1 && r.Pending == 0 })
	for range 2 {
		ns.ipvsadm(t, "-D", "-t", "192.168.0.7:80")
		begun := time.Now()
		r := s.until("healed", func(r ipvs.Report) bool { return r.Healed })
		t.Logf("healed after %s", time.Since(begun))
		if len(r.Applied) != 2 || r.Err != nil {
			t.Errorf("report %+v", r)
		}
	}
	s.applier.Want(2, ipvs.Table{}) // the module is to be unloaded by other tests
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 && r.Pending == 0 })
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
			for ops := range slices.Chunk(ipvs.Plan(many(size.services, size.destinations), ipvs.Table{}, nil), 100) {
				for i, err := range kernel.Apply(ops) {
					if err != nil {
						b.Fatalf("%s: %v", ops[i], err)
					}
				}
			}
			for b.Loop() {
				if table, err := kernel.Dump(); err != nil || len(table) != size.services {
					b.Fatalf("%d services, %v", len(table), err)
				}
			}
		})
	}
}
