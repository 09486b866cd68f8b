package script

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrFull says that too much waits already: a program that hangs holds up those behind it.
var ErrFull = errors.New("too many programs wait to be run")

// maxWaiting is how many programs may wait for the same subject.
const maxWaiting = 100

// Queue runs programs that are told of what happened: those about one subject one after the other, in
// the order in which they were given; those about several at the same time. Its methods may be called
// from any goroutine, and but for Close none waits.
type Queue struct {
	timeout time.Duration
	report  func(subject string, c Command, err error)
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	waiting map[string][]Command // what is to be run; a subject that is there has a goroutine
}

// NewQueue returns a queue that gives each program so long. report is called, from many goroutines,
// for each that was not run to an exit status of 0; it must not block.
func NewQueue(timeout time.Duration, report func(subject string, c Command, err error)) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	return &Queue{timeout: timeout, report: report, ctx: ctx, cancel: cancel, waiting: map[string][]Command{}}
}

// Add has a program run when those before it about the same subject have ended. One without a line is
// none. After Close it does nothing.
func (q *Queue) Add(subject string, c Command) {
	if c.Line == "" {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	list, busy := q.waiting[subject]
	switch {
	case q.closed:
	case len(list) >= maxWaiting:
		q.report(subject, c, ErrFull)
	default:
		q.waiting[subject] = append(list, c)
		if !busy {
			q.running.Go(func() { q.serve(subject) })
		}
	}
}

// serve runs what waits for a subject until nothing does.
func (q *Queue) serve(subject string) {
	var r Runner
	for {
		c, ok := q.next(subject)
		if !ok {
			return
		}
		// One that timed out is being ended, which takes a little while.
		err := r.Wait(q.ctx)
		if err == nil {
			var status int
			if status, err = r.Run(q.ctx, c, q.timeout); err == nil && status != 0 {
				err = fmt.Errorf("exit status %d", status)
				if said := r.Output(); said != "" {
					err = fmt.Errorf("%w: %s", err, said)
				}
			}
		}
		if err != nil {
			q.report(subject, c, err)
		}
	}
}

// next takes the first of what waits for a subject, and forgets a subject for which nothing does.
func (q *Queue) next(subject string) (Command, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting[subject]
	if len(list) == 0 {
		delete(q.waiting, subject)
		return Command{}, false
	}
	q.waiting[subject] = list[1:]
	return list[0], true
}

// Close takes no more, and waits until all that was given has been run, or ctx ends: what is left is
// then ended, or not begun. Calling it again does nothing.
func (q *Queue) Close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		q.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	q.cancel()
	<-ended
}
