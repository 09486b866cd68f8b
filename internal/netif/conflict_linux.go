package netif

import (
	"context"
	"maps"
	"sync"
	"time"
)

// ConflictWatch finds other hosts that answer for the addresses of instances: it asks for them by
// ARP probes (RFC 5227 §2.1.1) and neighbour solicitations (RFC 4861 §4.3), and listens. It puts nothing
// on and takes nothing off, and nothing waits for it. All methods may be called from any goroutine.
type ConflictWatch struct {
	report func(Report)
	defend func(instance string)
	wake   chan struct{}
	heard  chan heard

	mu        sync.Mutex
	instances map[string]Instance
	masters   map[string]bool
}

// NewConflictWatch returns a watch that waits for Run. Defend is told of an instance that should be
// announced again because its address is claimed by another while it is master. Neither function
// may block.
func NewConflictWatch(report func(Report), defend func(instance string)) *ConflictWatch {
	return &ConflictWatch{report: report, defend: defend, wake: make(chan struct{}, 1), heard: make(chan heard, 64),
		masters: map[string]bool{}}
}

// Want makes instances those whose addresses are watched.
func (w *ConflictWatch) Want(instances map[string]Instance) {
	w.change(func() { w.instances = instances })
}

// Role tells whether an instance is master.
func (w *ConflictWatch) Role(instance string, master bool) {
	w.change(func() { w.masters[instance] = master })
}

func (w *ConflictWatch) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// reopen is how often an interface that could not be listened to is tried again, and those that are
// listened to are looked at: one that is made anew has another index.
const reopen = 5 * time.Second

// Run watches until ctx ends.
func (w *ConflictWatch) Run(ctx context.Context) {
	known := newConflicts()
	ears := ears{open: map[earKey]ear{}, tell: w.heard, gone: make(chan deaf)}
	defer ears.close()
	look := time.NewTicker(reopen)
	defer look.Stop()
	for {
		timer := time.NewTimer(time.Hour)
		if next := known.deadline(); !next.IsZero() {
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case h := <-w.heard:
			reports, defend := known.hear(h)
			for _, r := range reports {
				w.report(r)
			}
			if defend != "" {
				w.defend(defend)
			}
		case <-w.wake:
			w.mu.Lock()
			instances, masters := w.instances, maps.Clone(w.masters)
			w.mu.Unlock()
			known.follow(time.Now(), instances, masters)
			ears.listen(known.of)
		case <-look.C:
			ears.listen(known.of)
		case d := <-ears.gone:
			ears.forget(d)
		case <-timer.C:
			for _, p := range known.due(time.Now()) {
				ears.ask(p)
			}
		}
		timer.Stop()
	}
}
