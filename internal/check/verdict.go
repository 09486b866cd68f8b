package check

import (
	"errors"
	"time"
)

// State is what is known of a target.
type State uint8

// The states of a target.
const (
	Unknown State = iota // no probe has finished
	Up
	Down
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Up:
		return "up"
	default:
		return "down"
	}
}

// Verdict is what a check has found.
type Verdict struct {
	// Healthy is false once the target is known to be down. Until a probe has finished it is what
	// Spec.Alpha says.
	Healthy bool
	// Known is true when at least one probe has finished with a result.
	Known bool
	// Since is when Healthy became what it is; for a check that never changed, its start.
	Since time.Time
	// Failures is how many probes have failed since the last that succeeded.
	Failures int
	// Successes is how many have succeeded since the last that failed, counted only while the
	// target is down.
	Successes int
	// Err is the error of the last probe, nil when it succeeded or when none has finished.
	Err error
	// Last is when the last probe with a result ended, and Took how long it took.
	Last time.Time
	Took time.Duration
	// Found is what the last probe found beside that.
	Found Finding
	// Fault is our own error that keeps the target from being probed at present, nil if none.
	Fault error
}

// State returns the verdict in one word.
func (v Verdict) State() State {
	switch {
	case !v.Known:
		return Unknown
	case v.Healthy:
		return Up
	default:
		return Down
	}
}

// Change is a target that went down or came back, or that found another weight for itself. That the first probe of a check without Spec.Alpha
// succeeded is no change, since the target counted as healthy before; what the first of one with it
// found is one in any case.
type Change struct {
	Spec Spec
	From State // Unknown, Up or Down
	To   State // Up or Down
	Err  error // why it is down; nil when it is up
	At   time.Time
}

// state is a check between two probes.
type state struct {
	Verdict
	first time.Time // start of the first probe; regular probes keep its phase
}

// suspect tells whether a probe has contradicted the verdict, which the next may change.
func (s state) suspect() bool {
	return s.Known && (s.Healthy && s.Failures > 0 || !s.Healthy && s.Successes > 0)
}

// result is one finished probe.
type result struct {
	start, end time.Time
	err        error // nil, the target's failure, or a *fault of ours
	found      Finding
}

// newState is the state of a check that starts now.
func newState(spec Spec, now time.Time) state {
	return state{
		Verdict: Verdict{Healthy: !spec.Alpha, Since: now},
		first:   spec.first(now),
	}
}

// minRetryDelay keeps retries without a delay from spinning against a target that refuses at once.
const minRetryDelay = 10 * time.Millisecond

// step takes a check from one probe to the next: its state afterwards, and when to probe again.
//
// The first probe ever decides alone. Later a failed probe is followed by up to Retry more, each
// DelayBeforeRetry after the end of the one before; only when all have failed is the target down.
// Rise successes in a row bring it back, which follow one another as closely. So a target that stops answering is down within
// Interval + Timeout + Retry·(DelayBeforeRetry + Timeout).
//
// A fault of ours says nothing of the target: it neither counts as a failure nor ends a row of
// them, and the next probe is the next regular one.
func step(spec Spec, s state, r result) (state, time.Time) {
	next, soon := s.nextRegular(spec, r.end), r.end.Add(max(spec.DelayBeforeRetry, minRetryDelay))

	if isFault(r.err) {
		s.Fault = r.err
		return s, next
	}
	from := s.State()
	if r.found.Expires.IsZero() { // it was not shown this time
		r.found.Expires = s.Found.Expires
	}
	s.Known, s.Fault, s.Err, s.Last, s.Took, s.Found = true, nil, r.err, r.end, r.end.Sub(r.start), r.found
	switch {
	case r.err == nil:
		s.Failures = 0
		switch {
		case s.Healthy:
		case from == Unknown || s.Successes+1 >= spec.Rise:
			s.Healthy, s.Since, s.Successes = true, r.end, 0
		default:
			s.Successes++
			next = soon
		}
	default:
		s.Failures++
		s.Successes = 0
		switch {
		case from == Down:
		case from == Unknown || s.Failures > spec.Retry:
			if s.Healthy {
				s.Since = r.end
			}
			s.Healthy = false
		default:
			next = soon
		}
	}
	return s, next
}

// nextRegular is the first time after now that lies a whole number of intervals after the check's
// first probe. Retries and late timers do not move it.
func (s state) nextRegular(spec Spec, now time.Time) time.Time {
	if now.Before(s.first) {
		return s.first
	}
	n := now.Sub(s.first)/spec.interval() + 1
	return s.first.Add(n * spec.interval())
}

// change compares two verdicts of one check. The second result is false where nobody needs to be
// told.
func change(spec Spec, before, after Verdict) (Change, bool) {
	return Change{
		Spec: spec, From: before.State(), To: after.State(), Err: after.Err, At: after.Since,
	}, before.Healthy != after.Healthy || spec.Alpha && before.Known != after.Known || before.Found.weight() != after.Found.weight()
}

// faultChanged reports whether our own error began, ended or became another.
func faultChanged(before, after Verdict) bool {
	var b, a *fault
	switch hadFault, hasFault := errors.As(before.Fault, &b), errors.As(after.Fault, &a); {
	case hadFault && hasFault:
		return !errors.Is(b.cause, a.cause)
	default:
		return hadFault != hasFault
	}
}

// borne reports whether the probe between two verdicts failed without a change, and is to be told.
func borne(spec Spec, before, after Verdict) bool {
	return spec.LogAllFailures && after.Healthy && after.Failures > before.Failures
}

// worse reports whether a verdict is the one to go on with, of two about one target: one that is
// known rather than one that is not, and down rather than up.
func worse(v, than Verdict) bool {
	return v.Known && (!than.Known || than.Healthy && !v.Healthy)
}

// expiryNotice is how long before its end a certificate is told of.
const expiryNotice = 14 * 24 * time.Hour

// expiring reports whether the end of a certificate is near, and was not told today.
func expiring(before, after Verdict) bool {
	const day = 24 * time.Hour
	left := func(v Verdict) time.Duration { return v.Found.Expires.Sub(v.Last) }
	if after.Found.Expires.IsZero() || left(after) > expiryNotice {
		return false
	}
	told := before.Found.Expires.Equal(after.Found.Expires) && left(before) <= expiryNotice
	return !told || left(before)/day != left(after)/day
}
