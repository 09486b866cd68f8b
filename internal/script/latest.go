package script

import (
	"context"
	"sync"
	"time"
)

// Ran is a program that a Latest has run.
type Ran struct {
	Label   string // what Put was given
	Command Command
	Took    time.Duration
	Status  int
	Said    string // the end of what it wrote, see Runner.Output
	Err     error  // as Runner.Run returns it; context.Canceled is that another one was waiting
}

// Latest runs programs that tell of states, for each key one after the other and not beside one
// another. Of those that wait for the same key, only the newest is run: it tells of the state that
// counts. Its methods may be called from any goroutine.
type Latest struct {
	patience time.Duration
	report   func(Ran)
	ctx      context.Context
	cancel   context.CancelFunc
	closing  chan struct{}
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	rows   map[string]*row
}

// row is what runs and what waits for one key.
type row struct {
	next  *waiting
	newer chan struct{} // closed when next comes to wait for one that runs
}

type waiting struct {
	label   string
	command Command
}

// NewLatest returns one with nothing to run. A program may run for as long as nothing waits for its
// end; then patience is how long it may have run in all before it is ended. report is told of every
// run, from many goroutines, and must not block.
func NewLatest(patience time.Duration, report func(Ran)) *Latest {
	ctx, cancel := context.WithCancel(context.Background())
	return &Latest{patience: patience, report: report, ctx: ctx, cancel: cancel, closing: make(chan struct{}),
		rows: map[string]*row{}}
}

// Put has a program run when those before it with the same key have ended, in place of one that
// still waits. The label is for the report. After Close it does nothing.
func (q *Latest) Put(key, label string, c Command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if one := q.rows[key]; one != nil {
		if one.next == nil {
			close(one.newer)
		}
		one.next = &waiting{label, c}
		return
	}
	one := &row{next: &waiting{label, c}}
	q.rows[key] = one
	q.running.Go(func() { q.run(key, one) })
}

// take is the program to run now, and what is closed when another one waits for it; nil ends the
// row.
func (q *Latest) take(key string, one *row) (c *waiting, newer <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c = one.next
	if one.next, one.newer = nil, make(chan struct{}); c == nil {
		delete(q.rows, key)
	}
	return c, one.newer
}

func (q *Latest) run(key string, one *row) {
	var runner Runner
	for {
		c, newer := q.take(key, one)
		if c == nil {
			return
		}
		_ = runner.Wait(q.ctx) // one that was ended may take its time
		begin := time.Now()
		ctx, cancel := context.WithCancel(q.ctx)
		over := make(chan struct{})
		q.running.Go(func() {
			q.hurry(newer, over, begin)
			cancel()
		})
		status, err := runner.Run(ctx, c.command, 0)
		close(over)
		q.report(Ran{Label: c.label, Command: c.command, Took: time.Since(begin), Status: status, Said: runner.Output(), Err: err})
	}
}

// hurry returns when a program that began at a time has run for long enough.
func (q *Latest) hurry(newer, over <-chan struct{}, begin time.Time) {
	select {
	case <-over:
		return
	case <-newer:
	}
	timer := time.NewTimer(time.Until(begin.Add(q.patience)))
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	case <-q.closing:
	}
}

// Close waits until all programs have run, but not beyond ctx: then what runs is ended, and what
// waits is not run. A program that others wait for is ended at once.
func (q *Latest) Close(ctx context.Context) {
	q.mu.Lock()
	again := q.closed
	q.closed = true
	q.mu.Unlock()
	if again {
		return
	}
	close(q.closing)
	stop := context.AfterFunc(ctx, q.cancel)
	q.running.Wait()
	stop()
	q.cancel()
}
