package ipvs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStopped says that the applier's Run has ended.
var ErrStopped = errors.New("the IPVS applier has stopped")

const (
	// openInterval is how often a kernel that has no IPVS is asked again.
	openInterval = 3 * time.Second
	// firstRetry is the wait after an operation's first failure; it doubles up to MaxResync. A dump that stayed inconsistent is repeated after this long too.
	firstRetry = time.Second
	// pause is the shortest wait between two steps that nobody asked for: whatever the kernel
	// answers, the applier does not eat the processor.
	pause = 10 * time.Millisecond
	// dumpAttempts is how often an inconsistent dump is repeated at once.
	dumpAttempts = 5
)

// Options configure an Applier.
type Options struct {
	// Open connects to the kernel; Open of this package is the real one. It is called again
	// after every loss of the connection, on the goroutine of Run.
	Open func() (Kernel, error)
	// StateFile remembers between two runs which services are ours; empty for no such file.
	StateFile string
	// Leftover says of a service that is there when the table is first read as a whole whether it counts as ours
	// though the state file does not know it; nil for none.
	Leftover func(ServiceKey) bool
	// Resync is how often the kernel's table is read to find what others changed: IPVS tells
	// nobody. 0 is as often as is cheap: every second for a small table, every MaxResync for the
	// largest.
	Resync time.Duration
	// Report is called on the goroutine of Run with everything there is to say. It must not
	// block. It may be nil.
	Report func(Report)
}

// Report says what the applier did and what it could not do. One comes for the newest wanted
// generation, one for every later repair, and one for each new error.
type Report struct {
	// Generation is the newest generation that has been attempted as a whole.
	Generation uint64
	// Applied are the operations that succeeded, in order.
	Applied []Op
	// Healed is true when one of Applied undid a change that somebody else had made.
	Healed bool
	// Available says whether the kernel answered: false without IPVS or without the right to
	// change it.
	Available bool
	// Down is why the kernel did not answer (ErrNoIPVS); nil exactly when Available is true.
	Down error
	// State is what is wrong with the state file and was not yet reported.
	State error
	// Err is nil, or joins all that went wrong and was not yet reported: Down, State, and the
	// errors of Failed.
	Err error
	// Differ are the sysctls that are not as wanted, and are not to be written or are not there; each
	// comes once for each value.
	Differ []SysctlDifference
	// Failed are the operations that the kernel refused, each once for each distinct error.
	Failed []*OpError
	// Pending is the number of operations that are still to be done: refused ones, which are
	// tried again at growing intervals, and those that need them. It counts what was reported
	// before too.
	Pending int
}

// OpError is an operation that the kernel refused.
type OpError struct {
	Op  Op
	Err error // a unix.Errno, mostly
}

// Error says what was refused and why.
func (e *OpError) Error() string {
	if errors.Is(e.Err, unix.ENOENT) && (e.Op.Kind == AddService || e.Op.Kind == EditService) {
		what := fmt.Sprintf("the kernel has no scheduler %q (module ip_vs_%s)", e.Op.Service.Scheduler, e.Op.Service.Scheduler)
		if pe := e.Op.Service.PEName; pe != "" {
			what += fmt.Sprintf(" or no persistence engine %q (module ip_vs_pe_%s)", pe, pe)
		}
		return fmt.Sprintf("%s: %s: %v", e.Op, what, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Op, e.Err)
}

// Unwrap returns the kernel's error.
func (e *OpError) Unwrap() error { return e.Err }

// Applier makes the kernel's table equal to the newest wanted one, and keeps it so.
type Applier struct {
	opts Options

	mu      sync.Mutex
	mailbox *wanted
	wish    *Settings // the newest, until it is looked at
	refresh bool      // the kernel's table is to be read again
	wake    chan struct{}

	stats chan chan<- statsReply
	done  chan struct{}

	state loop // belongs to the goroutine of Run
}

type wanted struct {
	generation uint64
	table      Wanted
}

type statsReply struct {
	stats Stats
	err   error
}

// NewApplier returns an applier that does nothing until Run, and writes nothing until Want.
func NewApplier(opts Options) *Applier {
	if opts.Report == nil {
		opts.Report = func(Report) {}
	}
	return &Applier{
		opts:  opts,
		wake:  make(chan struct{}, 1),
		stats: make(chan chan<- statsReply),
		done:  make(chan struct{}),
	}
}

// Want makes t the wanted table. It never blocks; a table that has not been looked at yet is
// replaced. Generations grow.
//
// Services that were wanted before (in an earlier run too, by the state file) and are not in t
// are deleted; services that never were wanted are left alone.
func (a *Applier) Want(generation uint64, t Wanted) {
	a.mu.Lock()
	a.mailbox = &wanted{generation: generation, table: t}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Configure makes s the wanted settings, for the next comparison and now. It never blocks.
func (a *Applier) Configure(s Settings) {
	a.mu.Lock()
	a.wish = &s
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Refresh has the kernel's table read before the next comparison, and compared now. It never
// blocks.
func (a *Applier) Refresh() {
	a.mu.Lock()
	a.refresh = true
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// superseded says whether a newer table waits in the mailbox.
func (a *Applier) superseded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mailbox != nil
}

func (a *Applier) take() *wanted {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.mailbox
	a.mailbox = nil
	if a.wish != nil {
		a.state.settings, a.wish = *a.wish, nil
	}
	a.state.stale = a.state.stale || a.refresh
	a.refresh = false
	return w
}

// Stats reads what the kernel has now, foreign services and counters included. It waits for
// writes under way, for ctx at most. Errors are ErrNoIPVS, ErrStopped, ctx's, or the kernel's.
func (a *Applier) Stats(ctx context.Context) (Stats, error) {
	reply := make(chan statsReply, 1)
	select {
	case a.stats <- reply:
	case <-a.done:
		return Stats{}, ErrStopped
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
	select {
	case r := <-reply:
		return r.stats, r.err
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
}

// Run owns the kernel side until ctx ends, and then returns ctx's error. It leaves the kernel's
// table as it is. It is called once.
func (a *Applier) Run(ctx context.Context) error {
	defer close(a.done)
	defer a.state.disconnect()
	a.state.start(a.opts)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if r, said := a.state.step(ctx, a.take(), a.superseded); said {
			a.opts.Report(r)
		}
		timer.Reset(max(pause, time.Until(a.state.next())))
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-a.wake:
				waiting = false
			case <-timer.C:
				waiting = false
			case reply := <-a.stats:
				stats, err := a.state.stats()
				reply <- statsReply{stats, err}
				timer.Reset(time.Until(a.state.next()))
			}
		}
	}
}
