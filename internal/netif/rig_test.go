package netif

import (
	"context"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a test waits for what must happen.
const patience = 5 * time.Second

// rig runs an Applier and collects its reports.
type rig struct {
	*Applier
	t       testing.TB
	reports chan Report
	all     []Report // those that were awaited, and those passed over
	want    Want
	flushes uint64 // the generations of settled; above those that tests choose
	stop    func() // ends Run and waits for it
}

func startApplier(t testing.TB, o Options) *rig {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	r := &rig{t: t, reports: make(chan Report, 10_000), flushes: 1 << 32}
	o.Report = func(rep Report) { r.reports <- rep }
	a, err := NewApplier(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Applier = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		ended <- a.Run(ctx)
	}()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
		goleak.VerifyNone(t, leaks)
	}
	t.Cleanup(r.stop)
	return r
}

// await returns the next report of a type that fits, and drops those before it.
func await[T Report](r *rig, fits func(T) bool) T {
	r.t.Helper()
	deadline := time.After(patience)
	var passed []Report
	for {
		select {
		case rep := <-r.reports:
			r.all = append(r.all, rep)
			if typed, ok := rep.(T); ok && fits(typed) {
				return typed
			}
			passed = append(passed, rep)
		case <-deadline:
			var none T
			r.t.Fatalf("no such %T; instead: %+v", none, passed)
		}
	}
}

// applied waits until a generation is applied with nothing pending.
func (r *rig) applied(generation uint64) {
	r.t.Helper()
	await(r, func(a Applied) bool { return a.Generation == generation && a.Pending == 0 })
}

// Want is the Applier's, and remembered for settled, which repeats it.
func (r *rig) Want(generation uint64, w Want) {
	r.want = w
	r.Applier.Want(generation, w)
}

// settled waits until all roles are applied with nothing pending.
func (r *rig) settled() {
	r.t.Helper()
	r.flushes++
	r.Applier.Want(r.flushes, r.want)
	r.applied(r.flushes)
}

// master makes an instance master for longer than any test takes, backup ends it.
func (r *rig) master(instance string) {
	r.Role(instance, Role{Master: true, Until: time.Now().Add(time.Hour)})
}

func (r *rig) backup(instance string) { r.Role(instance, Role{}) }
