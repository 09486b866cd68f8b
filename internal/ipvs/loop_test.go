package ipvs

import (
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
	w := &wanted{generation: 1, table: Table{tcp("192.0.2.1:80"): entry(1, "10.0.0.1:80")}}
	r, said := l.step(t.Context(), w, func() bool { return false })
	if !said || r.Pending != 2 || len(r.Failed) != 1 || r.Failed[0].Op.Kind != AddService {
		t.Errorf("report %+v", r)
	}
	if wait := time.Until(l.next()); wait < firstRetry/2 {
		t.Errorf("the next step is due in %s", wait)
	}
}
