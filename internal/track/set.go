package track

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Spec is the identity of something that is tracked: equal specs are one. A Script, a File or a
// Process.
type Spec interface {
	fmt.Stringer
	// subject is what is tracked, without how and when: specs with an equal one see the same.
	subject() any
	// watch reports every reading until ctx ends, from what was last known of the subject on.
	watch(ctx context.Context, last Reading, report func(Reading))
}

// Change is a reading that differs from the one before in what it says.
type Change struct {
	Spec     Spec
	From, To Reading
}

// Set watches what it was given last. Its methods may be called from any goroutine.
type Set struct {
	report  func(Change)
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watches map[Spec]*watch
	ending  map[any]<-chan struct{} // by subject: when the last watch of it has ended
}

type watch struct {
	cancel  context.CancelFunc
	ended   chan struct{}
	reading Reading
}

// NewSet returns an empty set. report is told of every change, from many goroutines, when
// Set.Readings has it; it must not block. A call may come shortly after its spec was removed from
// the set, but none after Close has returned.
func NewSet(report func(Change)) *Set {
	return &Set{report: report, watches: map[Spec]*watch{}, ending: map[any]<-chan struct{}{}}
}

// Apply makes specs what the set watches: it starts those that are new, stops those that are gone
// and leaves the others alone, with their readings. A new one with the subject of one that is
// stopped begins with the reading of that, and not before it has ended. Apply waits for nothing.
// After Close it does nothing.
func (s *Set) Apply(specs map[Spec]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	last := map[any]Reading{}
	for spec, w := range s.watches {
		if _, ok := specs[spec]; !ok {
			w.cancel()
			delete(s.watches, spec)
			last[spec.subject()] = w.reading
			s.ending[spec.subject()] = w.ended
		}
	}
	for subject, ended := range s.ending {
		select {
		case <-ended:
			delete(s.ending, subject)
		default:
		}
	}
	for spec := range specs {
		if _, ok := s.watches[spec]; ok {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		w := &watch{cancel: cancel, ended: make(chan struct{}), reading: last[spec.subject()]}
		if w.reading.Since.IsZero() {
			w.reading.Since = time.Now()
		}
		s.watches[spec] = w
		before := s.ending[spec.subject()]
		s.running.Go(func() {
			defer close(w.ended)
			if before != nil {
				select {
				case <-before:
				case <-ctx.Done():
					return
				}
			}
			spec.watch(ctx, w.reading, func(r Reading) { s.take(ctx, spec, w, r) })
		})
	}
}

// take stores a reading, and tells of a change.
func (s *Set) take(ctx context.Context, spec Spec, w *watch, r Reading) {
	s.mu.Lock()
	before := w.reading
	r.Since = before.Since
	if before.State != r.State || before.Value != r.Value {
		r.Since = time.Now()
	}
	w.reading = r
	s.mu.Unlock()
	if changed(before, r) && ctx.Err() == nil {
		s.report(Change{spec, before, r})
	}
}

// Readings returns what was last seen of everything that is watched.
func (s *Set) Readings() map[Spec]Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	readings := make(map[Spec]Reading, len(s.watches))
	for spec, w := range s.watches {
		readings[spec] = w.reading
	}
	return readings
}

// Close stops everything. When it returns, all goroutines of the set have ended; it waits for none
// longer than a script takes to end that is told to. Calling it again does nothing.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for spec, w := range s.watches {
		w.cancel()
		delete(s.watches, spec)
	}
	s.mu.Unlock()
	s.running.Wait()
}
