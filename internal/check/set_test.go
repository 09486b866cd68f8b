package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lan stands for the servers: which answer, how long an answer takes, and what was asked when.
type lan struct {
	mu     sync.Mutex
	dead   map[string]bool  // by Spec.Addr: does not answer
	broken map[string]error // by Spec.Addr: fails at once
	delay  time.Duration    // of an answer
	probes map[Spec][]time.Time
	active int
}

func newLAN() *lan {
	return &lan{dead: map[string]bool{}, broken: map[string]error{}, probes: map[Spec][]time.Time{}}
}

func (l *lan) probe(ctx context.Context, spec Spec) error {
	l.mu.Lock()
	l.probes[spec] = append(l.probes[spec], time.Now())
	l.active++
	dead, err, delay := l.dead[spec.Addr.String()], l.broken[spec.Addr.String()], l.delay
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.active--
		l.mu.Unlock()
	}()
	if err != nil {
		return err
	}
	if dead {
		<-ctx.Done()
		return errors.New("no answer")
	}
	select {
	case <-ctx.Done():
		return errors.New("no answer")
	case <-time.After(delay):
		return nil
	}
}

func (l *lan) locked(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

// since returns the times of the probes of spec, counted from start.
func (l *lan) since(start time.Time, spec Spec) (at []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.probes[spec] {
		at = append(at, p.Sub(start))
	}
	return at
}

// clock is an engine that probes nothing: it only waits, also in fake time.
type clock struct{ woken chan struct{} }

func newClock() clock { return clock{make(chan struct{}, 1)} }

func (clock) begin(*check) bool    { return false }
func (clock) abandon(*check) error { return nil }
func (clock) ended() []ending      { return nil }
func (clock) reserve(int) bool     { return true }
func (clock) release(int)          {}
func (clock) close()               {}

func (c clock) wait(d, urgent time.Duration, _ bool) {
	timer := time.NewTimer(min(d, urgent))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.woken:
	}
}

func (c clock) wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// reports collects what a set tells.
type reports struct {
	mu      sync.Mutex
	changes []Change
	faults  []error
}

func (r *reports) options() Options {
	return Options{
		Report: func(c Change) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.changes = append(r.changes, c)
		},
		LocalError: func(_ Spec, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.faults = append(r.faults, err)
		},
	}
}

func (r *reports) take() []Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := r.changes
	r.changes = nil
	return changes
}

func specs(list ...Spec) map[Spec]struct{} {
	m := map[Spec]struct{}{}
	for _, s := range list {
		m[s] = struct{}{}
	}
	return m
}

// simulate runs body with a set on a fake LAN, in fake time.
func simulate(t *testing.T, body func(t *testing.T, l *lan, r *reports, s *Set)) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newLAN(), &reports{}
		s := newSet(r.options(), l.probe, func() {}, newClock())
		defer s.Close()
		body(t, l, r, s)
	})
}

// after lets fake time pass, and everything that was due in it happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestProbesStartToStart(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		l.delay = 700 * time.Millisecond
		spec, start := tcpSpec("10.10.10.11:80"), time.Now()
		s.Apply(specs(spec))
		after(45 * time.Second)
		p := spec.phase()
		want := []time.Duration{p, p + 10*time.Second, p + 20*time.Second, p + 30*time.Second, p + 40*time.Second}
		if diff := cmp.Diff(want, l.since(start, spec)); diff != "" {
			t.Errorf("probes (-want +got):\n%s", diff)
		}
		if changes := r.take(); changes != nil {
			t.Errorf("a healthy target changed: %v", changes)
		}
	})
}

func TestNewCheckFailsOnFirstProbe(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec, start := tcpSpec("10.10.10.11:80"), time.Now()
		l.dead["10.10.10.11:80"] = true
		s.Apply(specs(spec))
		after(spec.phase())
		if v := s.Verdicts()[spec]; !v.Healthy || v.Known {
			t.Errorf("before the first probe has ended: %+v, want healthy, not known", v)
		}
		after(spec.Timeout)
		changes := r.take()
		if len(changes) != 1 || changes[0].From != Unknown || changes[0].To != Down || changes[0].Err == nil {
			t.Fatalf("got %+v, want one change from unknown to down", changes)
		}
		if got, want := changes[0].At.Sub(start), spec.phase()+spec.Timeout; got != want {
			t.Errorf("down after %v, want %v", got, want)
		}
		if v := s.Verdicts()[spec]; v.Healthy || !v.Known {
			t.Errorf("got %+v, want down", v)
		}
	})
}

// A target that falls silent the moment it has answered is down after exactly
// Interval + Timeout + Retry·(DelayBeforeRetry + Timeout), and never later.
func TestDetectionBound(t *testing.T) {
	for _, retry := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("retry %d", retry), func(t *testing.T) {
			simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
				spec := tcpSpec("10.10.10.11:80")
				spec.Retry = retry
				s.Apply(specs(spec))
				after(spec.phase() + 2*spec.Interval)
				l.locked(func() { l.dead["10.10.10.11:80"] = true })
				died := time.Now()
				bound := spec.Interval + spec.Timeout + time.Duration(retry)*(spec.DelayBeforeRetry+spec.Timeout)

				after(bound - 1)
				if changes := r.take(); changes != nil {
					t.Fatalf("down %v after it died, want %v", changes[0].At.Sub(died), bound)
				}
				after(1)
				changes := r.take()
				if len(changes) != 1 || changes[0].From != Up || changes[0].To != Down || !changes[0].At.Equal(died.Add(bound)) {
					t.Fatalf("%v after it died: %+v, want one change from up to down", bound, changes)
				}

				// Restoration: within one interval and the time of an answer.
				l.locked(func() { delete(l.dead, "10.10.10.11:80") })
				after(spec.Interval + spec.Timeout)
				changes = r.take()
				if len(changes) != 1 || changes[0].From != Down || changes[0].To != Up || changes[0].Err != nil {
					t.Fatalf("after it came back: %+v, want one change from down to up", changes)
				}
			})
		})
	}
}

func TestRetryTimes(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		s.Apply(specs(spec))
		after(spec.phase() + time.Second)
		start := time.Now().Add(-time.Second) // of the first probe
		l.locked(func() { l.dead["10.10.10.11:80"] = true })
		after(54 * time.Second)
		want := []time.Duration{0, 10e9, 14e9, 18e9, 30e9, 40e9, 50e9}
		if diff := cmp.Diff(want, l.since(start, spec)); diff != "" {
			t.Errorf("probes (-want +got):\n%s", diff)
		}
	})
}

func TestShortOutageIsBorne(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		s.Apply(specs(spec))
		after(spec.phase() + 9*time.Second)
		l.locked(func() { l.dead["10.10.10.11:80"] = true })
		after(8500 * time.Millisecond) // the probe at 10 s and the first retry fail, the second at 18 s does not
		l.locked(func() { delete(l.dead, "10.10.10.11:80") })
		after(time.Minute)
		if changes := r.take(); changes != nil {
			t.Errorf("got %v, want no change", changes)
		}
		if v := s.Verdicts()[spec]; v.Failures != 0 || v.Err != nil {
			t.Errorf("got %+v, want no failures left", v)
		}
	})
}

// The probes of many targets are spread over the interval from the first one on, and every target
// is probed once in it.
func TestProbesAreSpread(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		all := map[Spec]struct{}{}
		for i := range 1000 {
			all[tcpSpec(fmt.Sprintf("10.10.%d.%d:80", i/250, i%250))] = struct{}{}
		}
		start := time.Now()
		s.Apply(all)
		after(2*10*time.Second - 1)
		var perSecond [20]int
		for spec := range all {
			at := l.since(start, spec)
			if len(at) != 2 || at[0] >= spec.Interval || at[1]-at[0] != spec.Interval {
				t.Fatalf("%v probed at %v, want once in each interval", spec, at)
			}
			for _, a := range at {
				perSecond[a/time.Second]++
			}
		}
		for sec, n := range perSecond {
			if n < 60 || n > 140 {
				t.Errorf("%d probes in second %d, want about 100", n, sec)
			}
		}
	})
}

func TestApplyKeepsEqualChecks(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		kept, gone, added := tcpSpec("10.10.10.11:80"), tcpSpec("10.10.10.12:80"), tcpSpec("10.10.10.13:80")
		l.dead["10.10.10.11:80"] = true
		start := time.Now()
		s.Apply(specs(kept, gone))
		after(15 * time.Second)
		before := s.Verdicts()[kept]
		if before.Healthy {
			t.Fatal("the dead target is not down")
		}

		s.Apply(specs(kept, added))
		verdicts := s.Verdicts()
		if len(verdicts) != 2 || verdicts[kept] != before {
			t.Errorf("after a reload: %+v, want the verdict kept: %+v", verdicts, before)
		}
		if v := verdicts[added]; !v.Healthy || v.Known {
			t.Errorf("new check: %+v, want healthy, not known", v)
		}
		goneProbes := len(l.since(start, gone))
		for range 30 {
			s.Apply(specs(kept, added)) // reloads that change nothing
			after(time.Second)
		}
		for _, at := range l.since(start, kept) {
			if (at-kept.phase())%kept.Interval != 0 {
				t.Errorf("probe at %v is off its phase %v", at, kept.phase())
			}
		}
		if n := len(l.since(start, kept)); n != 4 && n != 5 {
			t.Errorf("%d probes in 45 s, want one each 10 s", n)
		}
		if n := len(l.since(start, gone)); n != goneProbes {
			t.Errorf("a removed target was probed %d times more", n-goneProbes)
		}
		if n := len(l.since(start, added)); n != 3 {
			t.Errorf("the added target was probed %d times in 30 s, want 3", n)
		}
	})
}

// A target that is down stays down when its check gets another timing, until a probe succeeds:
// that is told. Another question starts anew.
func TestApplyKeepsTargetsDown(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		l.dead["10.10.10.11:80"] = true
		s.Apply(specs(spec))
		after(spec.Interval + spec.Timeout)
		r.take()
		before := s.Verdicts()[spec]
		retimed, other := spec, spec
		retimed.Interval, retimed.Timeout, retimed.Retry, retimed.DelayBeforeRetry = 7*time.Second, time.Second, 5, 0
		other.Kind, other.Detail = HTTP, NewDetail(Socket{}, HTTPRequest{Path: "/"})
		s.Apply(specs(retimed, other))
		if v := s.Verdicts()[retimed]; v.Healthy || v.Err == nil || v.Since != before.Since {
			t.Errorf("with another timing: %+v, want %+v", v, before)
		}
		if v := s.Verdicts()[other]; v.Known {
			t.Errorf("with another question: %+v, want not known", v)
		}
		l.locked(func() { l.dead["10.10.10.11:80"] = false })
		after(2 * retimed.Interval)
		changes := r.take()
		if len(changes) != 1 || changes[0].Spec != retimed || changes[0].From != Down || changes[0].To != Up {
			t.Errorf("got %+v, want one change from down to up", changes)
		}
	})
}

// A check of a living target whose timing changes goes on with what is known: not even alpha
// forgets it.
func TestApplyKeepsTargetsUp(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		s.Apply(specs(spec))
		after(15 * time.Second)
		changed := spec
		changed.Timeout, changed.Alpha = time.Second, true
		before := s.Verdicts()[spec]
		s.Apply(specs(changed))
		if v := s.Verdicts(); len(v) != 1 || v[changed] != before {
			t.Errorf("got %+v, want one check with %+v", v, before)
		}
	})
}

// With alpha a target is down until a probe succeeds, which is told.
func TestAlphaIsTold(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		spec.Alpha = true
		l.dead["10.10.10.11:80"] = true
		s.Apply(specs(spec))
		if v := s.Verdicts()[spec]; v.Healthy || v.Known {
			t.Errorf("before its first probe: %+v", v)
		}
		after(spec.phase() + spec.Timeout)
		if c := r.take(); len(c) != 1 || c[0].From != Unknown || c[0].To != Down || c[0].Err == nil {
			t.Errorf("after a failed probe: %+v", c)
		}
		l.locked(func() { l.dead["10.10.10.11:80"] = false })
		after(2 * spec.Interval)
		if c := r.take(); len(c) != 1 || c[0].From != Down || c[0].To != Up {
			t.Errorf("after a good probe: %+v", c)
		}
		other := tcpSpec("10.10.10.12:80")
		other.Alpha = true
		s.Apply(specs(other))
		after(other.Interval)
		if c := r.take(); len(c) != 1 || c[0].From != Unknown || c[0].To != Up {
			t.Errorf("after a good first probe: %+v", c)
		}
	})
}

// A target that bears a failure is told of where the spec asks for it.
func TestLogAllFailures(t *testing.T) {
	for _, all := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l, told := newLAN(), []Verdict{}
			var mu sync.Mutex
			s := newSet(Options{Failed: func(_ Spec, v Verdict) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, v)
			}}, l.probe, func() {}, newClock())
			defer s.Close()
			spec := tcpSpec("10.10.10.11:80") // bears 2 failures
			spec.LogAllFailures = all
			s.Apply(specs(spec))
			after(spec.Interval)
			l.locked(func() { l.dead["10.10.10.11:80"] = true })
			after(3 * spec.Interval)
			mu.Lock()
			defer mu.Unlock()
			if all && (len(told) != 2 || told[0].Failures != 1 || told[1].Failures != 2 || told[1].Err == nil) || !all && len(told) != 0 {
				t.Errorf("all %t: told %+v", all, told)
			}
		})
	}
}

// Neither a reload nor a stop waits for probes that hang, and a removed check reports nothing.
func TestApplyDoesNotWaitForProbes(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		l.dead["10.10.10.11:80"] = true
		s.Apply(specs(spec))
		after(spec.phase() + time.Second) // in the middle of a probe
		start := time.Now()
		s.Apply(specs())
		s.Apply(specs(spec))
		s.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v, want no time", took)
		}
		if l.active != 0 {
			t.Errorf("%d probes run after Close", l.active)
		}
		if changes := r.take(); changes != nil {
			t.Errorf("got %v, want no report", changes)
		}
	})
}

func TestClosedSetStaysClosed(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		s.Close()
		s.Apply(specs(spec))
		s.Close()
		after(time.Minute)
		if v := s.Verdicts(); len(v) != 0 || len(l.probes) != 0 {
			t.Errorf("a closed set has checks %v and made %d probes", v, len(l.probes))
		}
	})
}

// An error of ours is told once when it begins, when it changes and when it ends, and takes
// nobody down.
func TestLocalErrors(t *testing.T) {
	simulate(t, func(t *testing.T, l *lan, r *reports, s *Set) {
		spec := tcpSpec("10.10.10.11:80")
		set := func(err error) {
			l.locked(func() { l.broken["10.10.10.11:80"] = err })
			after(3 * spec.Interval)
		}
		files, ports := &fault{"connect", syscall.EMFILE}, &fault{"connect", syscall.EADDRNOTAVAIL}
		s.Apply(specs(spec))
		set(nil)
		set(files)
		if v := s.Verdicts()[spec]; !v.Healthy || v.Fault != files {
			t.Errorf("got %+v, want healthy with a fault", v)
		}
		set(ports)
		set(nil)
		set(files)
		set(errDead) // ends the fault, too
		want := []error{files, ports, nil, files, nil}
		if fmt.Sprint(r.faults) != fmt.Sprint(want) {
			t.Errorf("told of %v, want %v", r.faults, want)
		}
		if changes := r.take(); len(changes) != 1 || changes[0].Err != errDead {
			t.Errorf("got %v, want one change, by the target's own failure", changes)
		}
	})
}

// By the time a change is reported, the set says the same.
func TestReportComesAfterTheVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		spec := tcpSpec("10.10.10.11:80")
		var s *Set
		reported := 0
		s = newSet(Options{Report: func(c Change) {
			reported++
			if v := s.Verdicts()[c.Spec]; v.State() != c.To || !v.Since.Equal(c.At) {
				t.Errorf("reported %+v while the verdict is %+v", c, v)
			}
		}}, l.probe, func() {}, newClock())
		defer s.Close()
		s.Apply(specs(spec))
		for _, dead := range []bool{true, false, true} {
			l.locked(func() { l.dead["10.10.10.11:80"] = dead })
			after(time.Minute)
		}
		if reported != 3 {
			t.Errorf("%d changes, want 3", reported)
		}
	})
}

// exceptions are the verdicts that Exceptions is to return, sought among all.
func exceptions(s *Set) map[Spec]Verdict {
	odd := s.Verdicts()
	maps.DeleteFunc(odd, func(_ Spec, v Verdict) bool { return v.Healthy && v.Found.weight() == (Finding{}) })
	return odd
}

// Exceptions are kept in mind, not sought: they follow checks that come and go, die, come back and find weights.
func TestExceptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		plain, alpha, weighted := tcpSpec("10.10.10.11:80"), tcpSpec("10.10.10.12:80"), tcpSpec("10.10.10.13:80")
		alpha.Alpha = true
		weight := 0
		probe := func(ctx context.Context, spec Spec) error {
			if spec == weighted {
				note(ctx, func(f *Finding) { f.Offset = weight })
			}
			return l.probe(ctx, spec)
		}
		s := newSet(Options{}, probe, func() {}, newClock())
		defer s.Close()
		look := func(what string, want int) {
			t.Helper()
			got := s.Exceptions()
			if !maps.Equal(got, exceptions(s)) || len(got) != want {
				t.Errorf("%s: %v, want %d", what, got, want)
			}
		}
		s.Apply(specs(plain, alpha, weighted))
		look("not probed", 1)
		after(time.Minute)
		look("all up", 0)
		l.locked(func() { l.dead["10.10.10.11:80"], weight = true, -5 })
		after(time.Minute)
		look("one down, one with a weight", 2)
		s.Apply(specs(alpha, weighted))
		look("the one that is down is gone", 1)
		s.Apply(specs(plain, alpha, weighted))
		after(time.Minute)
		l.locked(func() { l.dead["10.10.10.11:80"], weight = false, 0 })
		after(time.Minute)
		look("all up again", 0)
		s.Apply(nil)
		look("none", 0)
	})
}

// With no one to tell, a set still decides.
func TestOptionsAreOptional(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.dead["10.10.10.11:80"] = true
		l.broken["10.10.10.12:80"] = errFiles
		s := newSet(Options{}, l.probe, func() {}, newClock())
		defer s.Close()
		dead, broken := tcpSpec("10.10.10.11:80"), tcpSpec("10.10.10.12:80")
		s.Apply(specs(dead, broken))
		after(time.Minute)
		if v := s.Verdicts(); v[dead].Healthy || !v[broken].Healthy || v[broken].Fault == nil {
			t.Errorf("got %+v", v)
		}
	})
}
