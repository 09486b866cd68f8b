package ipvs

import (
	"maps"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// scripted is a kernel with an empty table that answers every write by a function.
type scripted func(Op) error

func (scripted) Dump() (Table, error)           { return Table{}, nil }
func (scripted) Stats() ([]ServiceStats, error) { return nil, nil }
func (scripted) Settings() (Settings, error)    { return Settings{}, nil }
func (scripted) Close()                         {}
func (scripted) Look(func([]byte)) error        { return unix.ENOENT }
func (s scripted) Apply(ops []Op) []error {
	errs := make([]error, len(ops))
	for i, op := range ops {
		errs[i] = s(op)
	}
	return errs
}

// A destination whose service is not there waits for it, and does not call for attention.
func TestADestinationWaitsForItsService(t *testing.T) {
	services := 0
	kernel := scripted(func(op Op) error {
		if op.Kind == AddService {
			if services++; services > 1 { // somebody deletes it, and then it is refused
				return unix.EINVAL
			}
			return nil
		}
		return unix.ESRCH
	})
	var l loop
	l.start(Options{Open: func() (Kernel, error) { return kernel, nil }, Resync: time.Minute})
	w := &wanted{generation: 1, table: Table{tcp("192.0.2.1:80"): entry(1, "10.0.0.1:80")}.Wanted()}
	r, said := l.step(t.Context(), w, func() bool { return false })
	if !said || r.Pending != 2 || len(r.Failed) != 1 || r.Failed[0].Op.Kind != AddService {
		t.Errorf("report %+v", r)
	}
	if wait := time.Until(l.next()); wait < firstRetry/2 {
		t.Errorf("the next step is due in %s", wait)
	}
}

// steady is a kernel in which nothing changes, and which is read by copying it.
type steady Table

func (s steady) Dump() (Table, error) {
	t := make(Table, len(s))
	for key, e := range s {
		t[key] = Entry{Service: e.Service, Destinations: maps.Clone(e.Destinations)}
	}
	return t, nil
}
func (steady) Stats() ([]ServiceStats, error) { return nil, nil }
func (steady) Settings() (Settings, error)    { return Settings{}, nil }
func (steady) Close()                         {}
func (steady) Look(func([]byte)) error        { return unix.ENOENT }
func (steady) Apply(ops []Op) []error         { return make([]error, len(ops)) }

// BenchmarkResync is what the applier itself does to find that nothing has changed, the kernel's work apart.
func BenchmarkResync(b *testing.B) {
	for _, size := range []struct {
		name                   string
		services, destinations int
	}{{"100x1", 100, 1}, {"100x100", 100, 100}, {"10000x1", 10000, 1}} {
		b.Run(size.name, func(b *testing.B) {
			var l loop
			table := sized(size.services, size.destinations)
			l.start(Options{Open: func() (Kernel, error) { return steady(table), nil }})
			never := func() bool { return false }
			l.step(b.Context(), &wanted{generation: 1, table: sized(size.services, size.destinations).Wanted()}, never)
			b.ReportAllocs()
			for b.Loop() {
				l.stale = true
				if r, said := l.step(b.Context(), nil, never); said {
					b.Fatalf("report %+v", r)
				}
			}
		})
	}
}
