package check

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lvsd/internal/script"
)

// MiscRequest is a program that says whether a server works.
type MiscRequest struct {
	Command script.Command
	// Dynamic takes an exit status of 2 or more for the weight that the server is to have, and 2
	// more.
	Dynamic bool
}

// Words are what the request says in keepalived's words.
func (q MiscRequest) Words() []Word {
	user := q.Command.User
	if q.Command.Group != "" {
		user += " " + q.Command.Group
	}
	return []Word{{Name: "misc_path", Value: q.Command.Line.String()}, {Name: "misc_dynamic", Value: flag(q.Dynamic)},
		{Name: "user", Value: user}, {Name: "enable_script_security", Value: flag(q.Command.Secure)}}
}

func (q MiscRequest) suffix() string { return q.Command.Line.String() }

// misc runs a program once. It is healthy with status 0; with Dynamic any other status than 1 is the
// weight of a healthy server. A program that is not done in time, or that a signal ended, has
// failed; one that cannot be run is a fault of ours.
func (p *probers) misc(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(MiscRequest)
	status, said, err := p.runners.run(ctx, q.Command)
	if said != "" {
		said = ": " + said
	}
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("%s did not end within %v%s", q.Command.Line, spec.Timeout, said)
	case errors.Is(err, script.ErrRunning), errors.Is(err, script.ErrSignal):
		return fmt.Errorf("%s: %w", q.Command.Line, err)
	case err != nil:
		return &fault{op: q.Command.Line.String(), cause: err}
	case status == 0:
		return nil
	case q.Dynamic && status >= 2:
		note(ctx, func(f *Finding) { f.Weight, f.Weighted = status-2, true })
		return nil
	}
	return fmt.Errorf("%s: exit status %d%s", q.Command.Line, status, said)
}

// runners run the programs, each one at a time: not even one that does not end when it should is
// started again.
type runners struct {
	mu   sync.Mutex
	runs map[script.Command]*scriptRun
}

// scriptRun is a program that runs, or that may still be there.
type scriptRun struct {
	turn   chan struct{} // holds a token while the program is run
	users  int           // probes that run it or wait for their turn, under the lock of the runners
	runner script.Runner
}

// run runs a program when the former run has ended. An error of the context is script.ErrRunning
// where there was no turn. said is the end of what the program wrote.
func (r *runners) run(ctx context.Context, c script.Command) (status int, said string, err error) {
	one := r.enter(c)
	defer r.leave(c, one)
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, "", script.ErrRunning
	}
	defer func() { <-one.turn }()
	if err := one.runner.Wait(ctx); err != nil {
		return 0, "", err
	}
	status, err = one.runner.Run(ctx, c, 0)
	return status, one.runner.Output(), err
}

func (r *runners) enter(c script.Command) *scriptRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.runs[c]
	if one == nil {
		one = &scriptRun{turn: make(chan struct{}, 1)}
		if r.runs == nil {
			r.runs = map[script.Command]*scriptRun{}
		}
		r.runs[c] = one
	}
	one.users++
	return one
}

// leave forgets a program that nobody waits for and that has ended.
func (r *runners) leave(c script.Command, one *scriptRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if one.users--; one.users == 0 && one.runner.Wait(over) == nil {
		delete(r.runs, c)
	}
}

// wait waits for the programs that were told to end, when no probe runs any more. Those that the
// kernel holds are left to it.
func (r *runners) wait() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*script.Grace)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.runs {
		_ = one.runner.Wait(ctx)
	}
}
