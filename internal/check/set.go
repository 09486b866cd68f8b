package check

import (
	"context"
	"sync"
	"time"
)

// Options say whom a set tells what it finds. Each may be nil. They are called from many
// goroutines and must not block. A call may come shortly after its spec was removed from the set,
// but none comes after Close has returned.
type Options struct {
	// Report is told of every target that goes down or comes back. By then [Set.Verdicts] has
	// the new verdict.
	Report func(Change)
	// Failed is told of each failed probe of a target that is up all the same, where the spec
	// asks for it (LogAllFailures).
	Failed func(Spec, Verdict)
	// Expiring is told once a day of the certificate that a target shows, beginning two weeks
	// before its end.
	Expiring func(Spec, time.Time)
	// LocalError is told when an error of our own (no descriptors, no permission) keeps a target
	// from being probed: once when it begins, again when it becomes another, and with nil when
	// it is over; not when the spec is removed from the set. It says nothing of the target.
	LocalError func(Spec, error)
	// StateFile is where the verdicts are written, for the next process; empty is nowhere.
	StateFile string
	// StateLost is told once when that fails, until it works again.
	StateLost func(error)
}

// Set runs the checks it was given last. Its methods may be called from any goroutine.
type Set struct {
	options Options
	probe   func(context.Context, Spec) error // what the engine does not probe
	release func()                            // waits for what probes left behind
	running sync.WaitGroup
	epoch   time.Time // the times below are counted from here

	closing chan struct{} // closed when the set is

	saving sync.Mutex // held while the verdicts are written

	mu         sync.Mutex
	closed     bool
	engine     engine
	heard      func(*check, result, notices) notices // judge
	checks     index
	exceptions map[*check]struct{} // those with a verdict that Exceptions returns
	due        agenda              // checks between two probes
	suspects   agenda              // those of them whose next probe may change the verdict
	late       agenda              // checks that the engine probes, by their deadlines
	asleep     time.Duration       // until when nothing is due
	before     map[string]saved    // what the process before found
	lost       bool                // the verdicts could not be written
}

// check is one running check. It changes under the set's lock alone. It is in one of the agendas,
// or has a goroutine that probes and can be cancelled.
type check struct {
	spec     Spec
	state    state
	next     *check             // in the index
	id       id                 // the spec's, once it was needed, under saving
	began    time.Duration      // the start of its last probe
	cancel   context.CancelFunc // nil unless a goroutine probes
	place    int32              // in its agenda
	flight   int32              // the engine's own
	underway bool               // the engine probes
	suspect  bool               // it is among the suspects, when it is not probed
	gone     bool               // no longer in the set
}

// NewSet returns an empty set.
func NewSet(o Options) *Set {
	p := newProbers()
	return newSet(o, p.probe, p.wait, newSockets(p))
}

func newSet(o Options, probe func(context.Context, Spec) error, release func(), e engine) *Set {
	if o.Report == nil {
		o.Report = func(Change) {}
	}
	if o.Failed == nil {
		o.Failed = func(Spec, Verdict) {}
	}
	if o.Expiring == nil {
		o.Expiring = func(Spec, time.Time) {}
	}
	if o.LocalError == nil {
		o.LocalError = func(Spec, error) {}
	}
	if o.StateLost == nil {
		o.StateLost = func(error) {}
	}
	s := &Set{options: o, probe: probe, release: release, engine: e, epoch: time.Now(),
		closing: make(chan struct{}), checks: newIndex(), exceptions: map[*check]struct{}{}}
	s.heard = s.judge
	if o.StateFile != "" {
		s.before = restore(o.StateFile)
		s.running.Go(s.saver)
	}
	s.running.Go(s.run)
	return s
}

// Apply makes specs the checks of the set: it starts those that are new, stops those that are gone
// and leaves the others alone, with their verdict and their phase. A new check probes first within
// its warmup. One that differs in its timing alone from a check that is stopped starts with that
// one's verdict: other times are no reason to forget what is known of the target. So does one that
// a former process found out about, as long as that is fresh. Apply does not wait for probes. After
// Close it does nothing.
func (s *Set) Apply(specs map[Spec]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	found := map[Spec]Verdict{} // by checks that are stopped, without their timing
	for c := range s.checks.all() {
		if _, ok := specs[c.spec]; !ok {
			s.stop(c)
			s.checks.remove(c)
			if worse(c.state.Verdict, found[c.spec.Untimed()]) {
				found[c.spec.Untimed()] = c.state.Verdict
			}
		}
	}
	now := time.Now()
	for spec := range specs {
		if s.checks.get(spec) != nil {
			continue
		}
		c := &check{spec: spec, state: newState(spec, now)}
		if v := found[spec.Untimed()]; v.Known {
			v.Fault = nil // the new check finds its own
			c.state.Verdict = v
		} else if len(s.before) > 0 {
			if v, fresh := s.before[spec.key()].verdict(spec, now); fresh {
				c.state.Verdict = v
			}
		}
		s.checks.add(c)
		s.note(c)
		s.schedule(c, c.state.first.Sub(s.epoch))
	}
	if len(specs) > 0 {
		s.before = nil // what it knew of others is not fresh when they are wanted
	}
}

// Verdicts returns what every check of the set has found so far.
func (s *Set) Verdicts() map[Spec]Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	verdicts := make(map[Spec]Verdict, s.checks.length)
	for c := range s.checks.all() {
		verdicts[c.spec] = c.state.Verdict
	}
	return verdicts
}

// Exceptions returns the verdicts that a target is down, or that found something about its weight: they are
// few while all is well.
func (s *Set) Exceptions() map[Spec]Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	verdicts := make(map[Spec]Verdict, len(s.exceptions))
	for c := range s.exceptions {
		verdicts[c.spec] = c.state.Verdict
	}
	return verdicts
}

// note keeps in mind whether a check is an exception; it is called when its verdict may have changed.
func (s *Set) note(c *check) {
	if v := &c.state.Verdict; !v.Healthy || v.Found.weight() != (Finding{}) {
		s.exceptions[c] = struct{}{}
	} else {
		delete(s.exceptions, c)
	}
}

// Verdict returns what one check has found so far, and whether the set has it.
func (s *Set) Verdict(spec Spec) (v Verdict, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.checks.get(spec)
	if c == nil {
		return Verdict{}, false
	}
	return c.state.Verdict, true
}

// Close stops every check. When it returns, all goroutines of the set have ended; it waits for
// none longer than a probe takes to see that it is cancelled. Calling it again does nothing.
func (s *Set) Close() {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if !again {
		close(s.closing)
		s.Save()
	}
	s.mu.Lock()
	for c := range s.checks.all() {
		s.stop(c)
		s.checks.remove(c)
	}
	s.engine.wake()
	s.mu.Unlock()
	s.running.Wait()
	s.release()
	if !again {
		s.engine.close()
	}
}
