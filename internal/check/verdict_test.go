package check

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	t0       = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	errDead  = errors.New("connection refused")
	errFiles = &fault{op: "connect", cause: syscall.EMFILE}
	errPorts = &fault{op: "connect", cause: syscall.EADDRNOTAVAIL}
)

// play takes a check whose regular probes start at 0, 10, 20 s after t0 through a row of probes,
// each of which takes the given time. It returns the state after each and the times the probes
// started, in seconds after t0, the next one's last.
func play(t *testing.T, spec Spec, took time.Duration, errs ...error) ([]State, []float64, state) {
	t.Helper()
	s := newState(spec, t0)
	s.first = t0
	start := s.first
	states, starts := []State{}, []float64{start.Sub(t0).Seconds()}
	for _, err := range errs {
		end := start.Add(took)
		s, start = step(spec, s, result{start: start, end: end, err: err})
		if start.Before(end) {
			t.Fatalf("next probe at %v, before the end of this one at %v", start, end)
		}
		states = append(states, s.State())
		starts = append(starts, start.Sub(t0).Seconds())
	}
	return states, starts, s
}

func TestStep(t *testing.T) {
	const u, d = Up, Down
	ok, bad := error(nil), errDead
	for _, c := range []struct {
		name   string
		retry  int
		took   time.Duration
		errs   []error
		states []State
		starts []float64
	}{
		{"nothing probed yet", 2, 0, nil, []State{}, []float64{0}},
		{"healthy for ever", 2, 1e9, []error{ok, ok, ok}, []State{u, u, u}, []float64{0, 10, 20, 30}},
		{"the first failure of a new check is enough", 2, 3e9, []error{bad}, []State{d}, []float64{0, 10}},
		{"down: probed every interval, without retries", 2, 3e9, []error{bad, bad, bad}, []State{d, d, d}, []float64{0, 10, 20, 30}},
		{"one success brings it up", 2, 0, []error{bad, ok, ok}, []State{d, u, u}, []float64{0, 10, 20, 30}},
		{"up again, it has its retries again", 2, 0, []error{bad, ok, bad, bad, bad}, []State{d, u, u, u, d}, []float64{0, 10, 20, 21, 22, 30}},
		{"retries after the end of the failed probe", 2, 3e9, []error{ok, bad, bad, bad}, []State{u, u, u, d}, []float64{0, 10, 14, 18, 30}},
		{"a retry succeeds: back to the phase", 2, 3e9, []error{ok, bad, ok, ok}, []State{u, u, u, u}, []float64{0, 10, 14, 20, 30}},
		{"a success ends the row", 1, 0, []error{ok, bad, ok, bad, ok, bad, bad}, []State{u, u, u, u, u, u, d}, []float64{0, 10, 11, 20, 21, 30, 31, 40}},
		{"without retries", 0, 3e9, []error{ok, bad, ok}, []State{u, d, u}, []float64{0, 10, 20, 30}},
		{"retries longer than the interval", 3, 3e9, []error{ok, bad, bad, bad, bad, bad}, []State{u, u, u, u, d, d}, []float64{0, 10, 14, 18, 22, 30, 40}},
		{"a probe longer than the interval keeps the phase", 0, 12e9, []error{ok, bad, ok}, []State{u, d, u}, []float64{0, 20, 40, 60}},
		{"a probe exactly as long as the interval", 0, 10e9, []error{ok, ok}, []State{u, u}, []float64{0, 20, 40}},
		{"a fault of ours is no verdict", 0, 0, []error{errFiles, errFiles, ok}, []State{Unknown, Unknown, u}, []float64{0, 10, 20, 30}},
		{"a fault does not make a new check known", 2, 0, []error{errFiles, bad}, []State{Unknown, d}, []float64{0, 10, 20}},
		{"a fault takes nobody down", 0, 0, []error{ok, errFiles, errFiles}, []State{u, u, u}, []float64{0, 10, 20, 30}},
		{"a fault brings nobody up", 0, 0, []error{bad, errFiles, errFiles}, []State{d, d, d}, []float64{0, 10, 20, 30}},
		{"a fault neither counts nor ends a row", 1, 0, []error{ok, bad, errFiles, bad}, []State{u, u, u, d}, []float64{0, 10, 11, 20, 30}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := tcpSpec("10.10.10.11:80")
			spec.Retry = c.retry
			states, starts, _ := play(t, spec, c.took, c.errs...)
			if fmt.Sprint(states) != fmt.Sprint(c.states) {
				t.Errorf("states %v, want %v", states, c.states)
			}
			if fmt.Sprint(starts) != fmt.Sprint(c.starts) {
				t.Errorf("probes at %v s, want %v", starts, c.starts)
			}
		})
	}
}

// TestRise: a target that was down comes back after so many successes in a row, which follow one
// another as fast as failures do; the first probe of all decides alone.
func TestRise(t *testing.T) {
	const u, d = Up, Down
	ok, bad := error(nil), errDead
	for _, c := range []struct {
		name   string
		rise   int
		alpha  bool
		errs   []error
		states []State
		starts []float64
	}{
		{"the first probe decides", 3, false, []error{ok, ok}, []State{u, u}, []float64{0, 10, 20}},
		{"with alpha too", 3, true, []error{ok}, []State{u}, []float64{0, 10}},
		{"three in a row", 3, false, []error{bad, ok, ok, ok, ok}, []State{d, d, d, u, u}, []float64{0, 10, 11, 12, 20, 30}},
		{"a failure ends the row", 3, false, []error{bad, ok, ok, bad, ok, ok, ok}, []State{d, d, d, d, d, d, u}, []float64{0, 10, 11, 12, 20, 21, 22, 30}},
		{"a fault neither counts nor ends it", 2, false, []error{bad, ok, errFiles, ok}, []State{d, d, d, u}, []float64{0, 10, 11, 20, 30}},
		{"down and up again", 2, false, []error{ok, bad, bad, ok, ok, bad, bad, ok}, []State{u, u, d, d, u, u, d, d}, []float64{0, 10, 11, 20, 21, 30, 31, 40, 41}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := tcpSpec("10.10.10.11:80")
			spec.Retry, spec.Rise, spec.Alpha = 1, c.rise, c.alpha
			states, starts, _ := play(t, spec, 0, c.errs...)
			if fmt.Sprint(states) != fmt.Sprint(c.states) {
				t.Errorf("states %v, want %v", states, c.states)
			}
			if fmt.Sprint(starts) != fmt.Sprint(c.starts) {
				t.Errorf("probes at %v s, want %v", starts, c.starts)
			}
		})
	}
}

// TestExpiring: the end of a certificate is told once a day from two weeks before, and again when
// another certificate ends soon; a probe that sees none changes nothing.
func TestExpiring(t *testing.T) {
	spec := tcpSpec("10.10.10.11:443")
	const day = 24 * time.Hour
	s := newState(spec, t0)
	for _, c := range []struct {
		name    string
		at      time.Duration
		expires time.Duration // 0 for none
		err     error
		told    bool
	}{
		{"none", 0, 0, nil, false},
		{"far away", 0, 30 * day, nil, false},
		{"15 days before", 15 * day, 30 * day, nil, false},
		{"14 days before", 16 * day, 30 * day, nil, true},
		{"at once again", 16*day + time.Second, 30 * day, nil, true}, // 13 whole days are left
		{"and again", 16*day + time.Minute, 30 * day, nil, false},
		{"not seen", 16*day + 2*time.Minute, 0, errDead, false},
		{"seen again", 16*day + 3*time.Minute, 30 * day, nil, false},
		{"the next day", 17*day + time.Minute, 30 * day, nil, true},
		{"another that ends soon", 17*day + 2*time.Minute, 20 * day, nil, true},
		{"renewed", 17*day + 3*time.Minute, 400 * day, nil, false},
		{"ended, with nobody who minds", 401 * day, 400 * day, nil, true},
	} {
		r := result{start: t0.Add(c.at), end: t0.Add(c.at), err: c.err}
		if c.expires != 0 {
			r.found.Expires = t0.Add(c.expires)
		}
		after, _ := step(spec, s, r)
		if told := expiring(s.Verdict, after.Verdict); told != c.told {
			t.Errorf("%s: told %t", c.name, told)
		}
		s = after
	}
}

// TestAlpha: a target with alpha is down until a probe has succeeded, and what the first one finds
// is told in any case.
func TestAlpha(t *testing.T) {
	spec := tcpSpec("10.10.10.11:80")
	spec.Alpha = true
	for _, c := range []struct {
		name    string
		errs    []error
		healthy bool
		told    bool
	}{
		{"nothing probed yet", nil, false, false},
		{"a success", []error{nil}, true, true},
		{"a failure", []error{errDead}, false, true},
		{"a failure, then a success", []error{errDead, nil}, true, true},
		{"a second success", []error{nil, nil}, true, false},
		{"a fault of ours", []error{errFiles}, false, false},
		{"a success after a fault", []error{errFiles, nil}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, s := play(t, spec, 0, c.errs...)
			if s.Healthy != c.healthy {
				t.Errorf("healthy: %t", s.Healthy)
			}
			if len(c.errs) == 0 {
				return
			}
			_, _, before := play(t, spec, 0, c.errs[:len(c.errs)-1]...)
			if _, told := change(spec, before.Verdict, s.Verdict); told != c.told {
				t.Errorf("told: %t", told)
			}
		})
	}
}

func TestVerdictSaysWhatWasFound(t *testing.T) {
	spec := tcpSpec("10.10.10.11:80")
	at := func(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }

	_, _, s := play(t, spec, time.Second)
	want := Verdict{Healthy: true, Since: t0}
	if s.Verdict != want {
		t.Errorf("before the first probe: %+v, want %+v", s.Verdict, want)
	}
	_, _, s = play(t, spec, time.Second, nil, errDead)
	want = Verdict{Healthy: true, Known: true, Since: t0, Failures: 1, Err: errDead, Last: at(11), Took: time.Second}
	if s.Verdict != want {
		t.Errorf("failing: %+v, want %+v", s.Verdict, want)
	}
	_, _, s = play(t, spec, time.Second, nil, errDead, errDead, errDead, errDead)
	want = Verdict{Known: true, Since: at(15), Failures: 4, Err: errDead, Last: at(21), Took: time.Second}
	if s.Verdict != want {
		t.Errorf("down: %+v, want %+v", s.Verdict, want)
	}
	_, _, s = play(t, spec, time.Second, errDead, errFiles)
	want = Verdict{Known: true, Since: at(1), Failures: 1, Err: errDead, Last: at(1), Took: time.Second, Fault: errFiles}
	if s.Verdict != want {
		t.Errorf("down, with a fault: %+v, want %+v", s.Verdict, want)
	}
	_, _, s = play(t, spec, time.Second, errDead, errFiles, nil)
	want = Verdict{Healthy: true, Known: true, Since: at(21), Last: at(21), Took: time.Second}
	if s.Verdict != want {
		t.Errorf("up again: %+v, want %+v", s.Verdict, want)
	}
}

func TestChange(t *testing.T) {
	spec := tcpSpec("10.10.10.11:80")
	unknown := Verdict{Healthy: true, Since: t0}
	up := Verdict{Healthy: true, Known: true, Since: t0}
	down := Verdict{Known: true, Since: t0, Err: errDead}
	for _, c := range []struct {
		before, after Verdict
		changed       bool
	}{
		{unknown, unknown, false},
		{unknown, up, false},
		{unknown, down, true},
		{up, up, false},
		{up, down, true},
		{down, up, true},
		{down, down, false},
	} {
		got, changed := change(spec, c.before, c.after)
		if changed != c.changed {
			t.Errorf("%v to %v: changed %v, want %v", c.before.State(), c.after.State(), changed, c.changed)
		}
		if want := (Change{Spec: spec, From: c.before.State(), To: c.after.State(), Err: c.after.Err, At: t0}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestFaultChanged(t *testing.T) {
	again := &fault{op: "another call", cause: syscall.EMFILE}
	for _, c := range []struct {
		before, after error
		want          bool
	}{
		{nil, nil, false},
		{nil, errFiles, true},
		{errFiles, errFiles, false},
		{errFiles, again, false},
		{errFiles, errPorts, true},
		{errFiles, nil, true},
	} {
		if got := faultChanged(Verdict{Fault: c.before}, Verdict{Fault: c.after}); got != c.want {
			t.Errorf("%v to %v: %v, want %v", c.before, c.after, got, c.want)
		}
	}
}

// Against a plain count of what has happened: once known, a target is down only after retry+1
// failures in a row, always then, and up after any success; probes never overlap, regular ones keep
// the phase, and the time from a probe to the next is never more than an interval from its end.
func TestStepProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := func(name string, low, high time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(int64(low), int64(high)).Draw(t, name))
		}
		spec := Spec{
			Kind: TCP, Timing: Timing{Interval: duration("interval", time.Millisecond, time.Minute), Timeout: time.Second,
				Warmup: duration("warmup", 0, time.Minute), Retry: rapid.IntRange(0, 5).Draw(t, "retry"), Rise: rapid.IntRange(0, 4).Draw(t, "rise"),
				DelayBeforeRetry: duration("delay", 0, time.Minute)},
		}
		s := newState(spec, t0)
		start := s.first
		known, healthy, row, good := false, true, 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "probes") {
			late := duration("late", 0, 10*time.Millisecond)
			end := start.Add(late + duration("took", 0, 2*time.Minute))
			err := rapid.SampledFrom([]error{nil, errDead, errFiles}).Draw(t, "result")
			retrying := false
			switch err {
			case nil:
				row = 0
				if good++; healthy || !known || good >= spec.Rise {
					healthy = true
				}
				known, retrying = true, !healthy
			case errDead:
				row++
				good = 0
				if !known || row > spec.Retry {
					healthy = false
				}
				known = true
				retrying = healthy
			}
			if healthy {
				good = 0
			}
			before := s
			var next time.Time
			s, next = step(spec, s, result{start: start, end: end, err: err})
			if s.Healthy != healthy || s.Known != known || s.Failures != row {
				t.Fatalf("%+v, want healthy %v, known %v, %d failures", s.Verdict, healthy, known, row)
			}
			if s.Healthy != before.Healthy && !s.Since.Equal(end) || s.Healthy == before.Healthy && !s.Since.Equal(before.Since) {
				t.Fatalf("since %v, was %v, probe ended %v", s.Since, before.Since, end)
			}
			if (s.Fault != nil) != (err == errFiles) {
				t.Fatalf("fault %v after %v", s.Fault, err)
			}
			switch wait := next.Sub(end); {
			case retrying && wait != max(spec.DelayBeforeRetry, minRetryDelay):
				t.Fatalf("retry %v after the probe's end, delay_before_retry is %v", wait, spec.DelayBeforeRetry)
			case !retrying && (wait <= 0 || wait > spec.Interval):
				t.Fatalf("next probe %v after this one's end, interval %v", wait, spec.Interval)
			case !retrying && next.Sub(s.first)%spec.Interval != 0:
				t.Fatalf("next probe at %v is off the phase", next.Sub(s.first))
			}
			start = next
		}
	})
}

// TestSuspect: while probes contradict the verdict, and before they have changed it.
func TestSuspect(t *testing.T) {
	ok, bad := error(nil), errDead
	for _, c := range []struct {
		errs []error
		want bool
	}{
		{nil, false},
		{[]error{bad}, false}, // down at once
		{[]error{ok}, false},
		{[]error{ok, bad}, true},
		{[]error{ok, bad, ok}, false},
		{[]error{ok, bad, bad}, true},
		{[]error{ok, bad, errFiles}, true},
		{[]error{ok, bad, bad, bad}, false}, // down
		{[]error{ok, bad, bad, bad, ok}, true},
		{[]error{ok, bad, bad, bad, ok, bad}, false},
		{[]error{ok, bad, bad, bad, ok, ok}, false}, // up again
	} {
		spec := tcpSpec("10.10.10.11:80")
		spec.Retry, spec.Rise = 2, 2
		if _, _, s := play(t, spec, 0, c.errs...); s.suspect() != c.want {
			t.Errorf("%v: %t", c.errs, s.suspect())
		}
	}
}
