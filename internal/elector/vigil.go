package elector

import (
	"context"
	"sync"
	"time"
)

// The two processes watch one another: the director gives a sign of life with each beat, and the
// election's thread answers it.
const beat = time.Second

// DefaultSilence is how long one of the processes may be silent before the other takes it for hung.
// Checks that take all there is of the processors have made a director's goroutine 3.5 s late; disks
// are waited for by neither sign nor answer.
const DefaultSilence = 30 * time.Second

// vigil counts how long the other process has been silent: in looks, not by the clock, so that
// what stops both, as a paused machine does, is no silence of the other.
type vigil struct {
	bound int // looks

	mu     sync.Mutex
	heard  bool // since the last look
	silent int  // looks in a row without
	lost   bool
}

// change is what a look found out.
type change uint8

const (
	same change = iota
	lost
	found
)

func newVigil(silence time.Duration) *vigil { return &vigil{bound: max(1, int(silence/beat))} }

// hear notes a sign of life.
func (v *vigil) hear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.heard = true
}

// look is called once a beat. silent is for how long nothing was heard, until this look.
func (v *vigil) look() (c change, silent time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	silent = time.Duration(v.silent) * beat
	switch {
	case v.heard && v.lost:
		v.heard, v.lost, v.silent = false, false, 0
		return found, silent
	case v.heard:
		v.heard, v.silent = false, 0
		return same, 0
	}
	v.silent++
	if silent += beat; v.lost || v.silent < v.bound {
		return same, silent
	}
	v.lost = true
	return lost, silent
}

// each calls do once a beat until ctx ends.
func each(ctx context.Context, do func()) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
