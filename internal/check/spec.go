package check

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"time"
)

// Spec is the identity of a check: equal specs are one check, with one verdict. It is comparable,
// and small whatever it asks for.
type Spec struct {
	Kind Kind
	// Addr is the target. Its port is 0 for ICMP, and it is the zero value for checks of what has
	// no address.
	Addr netip.AddrPort
	// Detail is what the check says beyond its target; its zero value is nothing.
	Detail Detail
	Timing
}

// Timing says when a check probes, and how many results make a verdict.
type Timing struct {
	// Interval is the time from the start of one probe to the start of the next, at least 1 ms.
	Interval time.Duration
	// Timeout bounds a whole probe, from its first packet to its last. It is above 0.
	Timeout time.Duration
	// Warmup bounds the time from the check's start to its first probe; the phase of the check
	// lies within it.
	Warmup time.Duration
	// Retry is how many failed probes after the first are borne before a target that was
	// healthy is down.
	Retry int
	// Rise is how many probes in a row have to succeed before a target that was down is up; 0 is 1.
	Rise int
	// DelayBeforeRetry is the time from the end of a failed probe to the next while retrying.
	DelayBeforeRetry time.Duration
	// Alpha says that the target counts as down until a probe succeeds.
	Alpha bool
	// LogAllFailures asks to be told of each failed probe of a target that is up all the same.
	LogAllFailures bool
}

// String returns the kind and the target: "http 10.10.10.11:80/healthz". Specs that differ only in
// their timing or in what answer they accept print the same.
func (s Spec) String() string {
	target := s.Addr.String()
	switch {
	case !s.Addr.IsValid():
		target = ""
	case s.Kind == ICMP:
		target = s.Addr.Addr().String()
	}
	if r := s.Detail.Request(); r != nil {
		target += r.suffix()
	}
	if server := s.Detail.Socket().Server; server.IsValid() {
		target += " through " + server.String()
	}
	return s.Kind.String() + " " + target
}

// Untimed is what the spec asks of its target, without the times at which it does and what it
// makes of the answers.
func (s Spec) Untimed() Spec {
	s.Timing = Timing{}
	return s
}

// interval is the spec's interval, never so small that a check would spin.
func (s Spec) interval() time.Duration { return max(s.Interval, time.Millisecond) }

// first is when a check that starts now probes first: within its warmup, at its phase. That counts from
// a whole number of warmups of the wall clock's, so that a check has its place again after a restart where
// its warmup is its interval, as it is where nothing else is said.
func (s Spec) first(now time.Time) time.Time {
	span := max(s.Warmup, 1)
	return now.Add((s.phase() - time.Duration(now.UnixNano())%span + span) % span)
}

// phase is the place of a check's probes within its warmup. It depends on the target alone, so that
// checks spread evenly and in the same way after every restart, without one knowing of another.
func (s Spec) phase() time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, s)
	return time.Duration(h.Sum64() % uint64(max(s.Warmup, 1)))
}
