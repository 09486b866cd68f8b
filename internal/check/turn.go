package check

import (
	"context"
	"time"
)

// engine makes probes that need no goroutine of their own while they wait. Its methods are called
// under the lock of the set, apart from wait and wake.
type engine interface {
	// begin starts the probe of a check; false where the engine has none of that kind.
	begin(*check) bool
	// abandon ends the probe of a check before its time, and returns what it is to be blamed for
	// when it is over its time.
	abandon(*check) error
	// ended returns the probes that have ended by themselves. The list is good until the next call.
	ended() []ending
	// wait returns after so long, or some milliseconds later, after wake, or when one of the probes that are underway
	// may have ended; and no later than urgent.
	wait(d, urgent time.Duration, underway bool)
	wake()
	// reserve counts descriptors of probes that are not the engine's among its own; false where they are
	// too many together. release ends that.
	reserve(n int) bool
	release(n int)
	close()
}

// Together reports whether probes of the target are made together with others, by one goroutine for all of
// them; those of any other kind need a goroutine of their own, as pings do without the right to raw sockets.
func (s Spec) Together() bool {
	switch s.Kind {
	case TCP:
		return s.Detail.Request() == nil
	case HTTP:
		q, ok := s.Detail.Request().(HTTPRequest)
		return ok && q.Version != HTTP2
	case ICMP:
		return s.Detail.Socket() == (Socket{})
	default:
		return false
	}
}

// ending is the end of one probe, or of the engine's part in it: the rest is a goroutine's, with one descriptor.
type ending struct {
	c    *check
	err  error
	rest func(context.Context) error // nil for an end
}

// never is how long a set without checks waits.
const never = time.Hour

// run starts the probes that are due and follows them to their end, until the set is closed.
func (s *Set) run() {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return
		}
		s.asleep = 0
		tell := s.turn()
		until, urgent := s.next()
		s.asleep = min(until, urgent)
		underway := len(s.late) > 0
		s.mu.Unlock()
		s.tell(tell)
		now := s.now()
		s.engine.wait(until-now, urgent-now, underway)
	}
}

// turn does all that is due.
func (s *Set) turn() (tell notices) {
	tell = s.collect(tell)
	now := s.now()
	for c := s.late.take(now); c != nil; c = s.late.take(now) {
		err := s.engine.abandon(c)
		c.underway = false
		tell = s.heard(c, s.result(c, err), tell)
	}
	for _, a := range []*agenda{&s.suspects, &s.due} {
		for c := a.take(now); c != nil; c = a.take(now) {
			tell = s.start(c, tell)
		}
	}
	return s.collect(tell)
}

// collect hears of the probes that the engine has ended.
func (s *Set) collect(tell notices) notices {
	for _, e := range s.engine.ended() {
		s.late.remove(e.c)
		e.c.underway = false
		if e.rest != nil {
			s.spawn(e.c, 1, e.rest)
			continue
		}
		tell = s.heard(e.c, s.result(e.c, e.err), tell)
	}
	return tell
}

func (s *Set) result(c *check, err error) result {
	return result{start: s.epoch.Add(c.began), end: time.Now(), err: err}
}

// start starts the probe of a check, within its timeout.
func (s *Set) start(c *check, tell notices) notices {
	c.began = s.now()
	if s.engine.begin(c) {
		c.underway = true
		s.late.add(c, c.began+c.spec.Timeout)
		return tell
	}
	if !s.engine.reserve(perGoroutine) {
		return s.heard(c, s.result(c, failure(c.spec.String(), errDescriptors)), tell)
	}
	s.spawn(c, perGoroutine, func(ctx context.Context) error { return s.probe(ctx, c.spec) })
	return tell
}

// spawn has a goroutine probe with so many descriptors, until the timeout of a probe that has begun.
func (s *Set) spawn(c *check, descriptors int, probe func(context.Context) error) {
	ctx, cancel := context.WithDeadline(context.Background(), s.epoch.Add(c.began+c.spec.Timeout))
	c.cancel = cancel
	s.running.Go(func() {
		var found Finding
		err := probe(withFinding(ctx, &found))
		r := s.result(c, err)
		r.found = found
		cancel()
		s.mu.Lock()
		s.engine.release(descriptors)
		c.cancel = nil
		var tell notices
		if !c.gone {
			tell = s.heard(c, r, nil)
		}
		s.mu.Unlock()
		s.tell(tell)
	})
}

// stop ends a check.
func (s *Set) stop(c *check) {
	c.gone = true
	delete(s.exceptions, c)
	switch {
	case c.cancel != nil:
		c.cancel()
	case c.underway:
		s.late.remove(c)
		_ = s.engine.abandon(c)
	case c.suspect:
		s.suspects.remove(c)
	default:
		s.due.remove(c)
	}
}

// judge takes a check from the end of one probe to the start of the next.
func (s *Set) judge(c *check, r result, tell notices) notices {
	before := c.state.Verdict
	after, next := step(c.spec, c.state, r)
	c.state = after
	s.schedule(c, next.Sub(s.epoch))
	if ordinary(before, after.Verdict) {
		return tell
	}
	s.note(c)
	return append(tell, notice{c.spec, before, after.Verdict})
}

// ordinary reports whether the probe between two verdicts was one of many that succeed: there is
// nothing to tell of it.
func ordinary(before, after Verdict) bool {
	return before.Known && before.Healthy && after.Healthy && before.Fault == nil && after.Fault == nil && after.Err == nil &&
		before.Found == (Finding{}) && after.Found == (Finding{})
}

// schedule has a check probe at a time.
func (s *Set) schedule(c *check, at time.Duration) {
	c.suspect = c.state.suspect()
	if c.suspect {
		s.suspects.add(c, at)
	} else {
		s.due.add(c, at)
	}
	if at < s.asleep {
		s.asleep = at
		s.engine.wake()
	}
}

// next is when something is due, and when something is that decides on a verdict, which waits for nothing else: the next
// probe of a check that is suspected, and the end of the time of one that has not been answered so far.
func (s *Set) next() (at, urgent time.Duration) {
	at = s.now() + never
	urgent = at
	if first, ok := s.due.next(); ok {
		at = first
	}
	for _, a := range []agenda{s.suspects, s.late} {
		if first, ok := a.next(); ok {
			urgent = min(urgent, first)
		}
	}
	return at, urgent
}

// now is the time since the set began, by the monotonic clock.
func (s *Set) now() time.Duration { return time.Since(s.epoch) }

// notice is a probe of which there may be something to tell once the set's lock is free.
type notice struct {
	spec          Spec
	before, after Verdict
}

type notices []notice

// tell tells what there is to tell.
func (s *Set) tell(all notices) {
	for _, n := range all {
		if change, ok := change(n.spec, n.before, n.after); ok {
			s.options.Report(change)
		}
		if borne(n.spec, n.before, n.after) {
			s.options.Failed(n.spec, n.after)
		}
		if expiring(n.before, n.after) {
			s.options.Expiring(n.spec, n.after.Found.Expires)
		}
		if faultChanged(n.before, n.after) {
			s.options.LocalError(n.spec, n.after.Fault)
		}
	}
}
