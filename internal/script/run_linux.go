package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Why a program gave no exit status. An error that is none of them, and not the context's, is that
// of starting it.
var (
	// ErrTimeout: it ran for longer than it may, and is being ended.
	ErrTimeout = errors.New("timed out")
	// ErrRunning: the one before it has not ended yet.
	ErrRunning = errors.New("the former run has not ended yet")
	// ErrSignal: a signal ended it.
	ErrSignal = errors.New("ended by a signal")
)

// Grace is how long a program that timed out, or is not wanted any more, may take from SIGTERM to
// SIGKILL.
const Grace = 2 * time.Second

// Runner runs one program at a time: it never starts one while another is still there, even one
// that is to end and does not. The zero value is ready; it is used by one goroutine.
type Runner struct {
	last *process
}

// Run runs a program and returns its exit status, 0-255, or why it has none. It returns when the
// program has ended, when timeout is over (0 is never) or when ctx ends. In the last two cases the
// program's process group is sent SIGTERM, and SIGKILL once the program has ended, or after Grace:
// Run does not wait for that.
//
// Processes that leave the group escape this, and what the program leaves running behind it when
// it ends in time is its own affair, but for its output: with the next run, nobody reads that any more.
func (r *Runner) Run(ctx context.Context, c Command, timeout time.Duration) (status int, err error) {
	if r.last != nil && !r.last.over() {
		return 0, ErrRunning
	}
	if r.last != nil {
		r.last.output.close()
		r.last = nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p, err := start(c)
	if err != nil {
		return 0, err
	}
	r.last = p
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-p.ended:
		return p.status()
	case <-ctx.Done():
		p.terminate()
		return 0, ctx.Err()
	case <-expired:
		p.terminate()
		return 0, fmt.Errorf("%w after %v", ErrTimeout, timeout)
	}
}

// Wait waits until the last program has ended. ErrRunning is that ctx ended first.
func (r *Runner) Wait(ctx context.Context) error {
	if r.last == nil {
		return nil
	}
	select {
	case <-r.last.ended:
		return nil
	case <-ctx.Done():
		return ErrRunning
	}
}

// Output is the end of what the last program wrote to its standard output and error, in one line of
// some 200 bytes; empty where it wrote nothing, or was not started.
func (r *Runner) Output() string {
	if r.last == nil {
		return ""
	}
	return r.last.output.String()
}

// process is a program that was started. It stays a zombie until it is reaped under the mutex, so
// that nobody else gets the number of its group while signals may be sent to it.
type process struct {
	handle *os.Process
	output *output
	ended  chan struct{} // closed after state and err are set

	mu         sync.Mutex
	reaped     bool
	terminated bool

	state *os.ProcessState
	err   error
}

func start(c Command) (*process, error) {
	program, attributes, err := prepare(c)
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	said, theirs, err := newOutput()
	if err != nil {
		return nil, err
	}
	handle, err := os.StartProcess(program, c.Line.Words(), &os.ProcAttr{
		Dir: "/", Env: []string{"PATH=" + Path}, Files: []*os.File{null, theirs, theirs}, Sys: attributes,
	})
	_ = theirs.Close()
	if err != nil {
		return nil, fmt.Errorf("start script: %w", err)
	}
	p := &process{handle: handle, output: said, ended: make(chan struct{})}
	go p.reap()
	return p, nil
}

// reap waits for the program's end. A program that the kernel holds keeps it for as long.
func (p *process) reap() {
	defer close(p.ended)
	for errors.Is(unix.Waitid(unix.P_PID, p.handle.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	p.output.finish()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminated {
		p.signal(unix.SIGKILL) // whatever of the group is left
	}
	p.state, p.err = p.handle.Wait()
	p.reaped = true
}

// terminate ends the program's group, without waiting for it.
func (p *process) terminate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.terminated = true
	p.signal(unix.SIGTERM)
	kill := time.AfterFunc(Grace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.signal(unix.SIGKILL)
	})
	go func() {
		<-p.ended
		kill.Stop()
	}()
}

// signal is sent to the group; the caller holds the mutex. An error is that nobody is left in it.
func (p *process) signal(s syscall.Signal) {
	if !p.reaped {
		_ = unix.Kill(-p.handle.Pid, s)
	}
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) status() (int, error) {
	if p.err != nil {
		return 0, fmt.Errorf("wait for script: %w", p.err)
	}
	if w, ok := p.state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 0, fmt.Errorf("%w: %v", ErrSignal, w.Signal())
	}
	return p.state.ExitCode(), nil
}
