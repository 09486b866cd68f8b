package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Line is one line of a process's output.
type Line struct {
	At   time.Time
	Text string
}

// Process is a program that runs on a host.
type Process struct {
	cmd  *exec.Cmd
	host *Host
	done chan struct{}
	err  error // of Wait; valid once done is closed

	mu      sync.Mutex
	partial []byte
	lines   []Line
	news    chan struct{} // closed and replaced with each line
}

// Run runs a program on the host and returns its output, stdout and stderr together. The error holds the output too.
func (h *Host) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // for daemons that keep the output open
	err := h.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return out.String(), fmt.Errorf("%s on %s: %w\n%s", strings.Join(args, " "), h.Name, err, out.String())
	}
	return out.String(), nil
}

// start starts a command on the host's launcher thread.
func (h *Host) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return h.onLauncher(cmd.Start)
}

// Start starts a program on the host; it is killed with the lab at the latest. Variables (NAME=value) are added to its environment.
func (h *Host) Start(variables []string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(args[0], args[1:]...), host: h, done: make(chan struct{}), news: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), variables...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.WaitDelay = time.Second
	if err := h.start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", strings.Join(args, " "), h.Name, err)
	}
	h.mu.Lock()
	h.processes[p] = struct{}{}
	h.mu.Unlock()
	go func() {
		p.err = p.cmd.Wait()
		h.mu.Lock()
		delete(h.processes, p)
		h.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// Write takes the process's output; it is for the process alone.
func (p *Process) Write(b []byte) (int, error) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, b...)
	for {
		line, rest, ok := bytes.Cut(p.partial, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		p.lines = append(p.lines, Line{At: now, Text: string(line)})
		p.partial = rest
		close(p.news)
		p.news = make(chan struct{})
	}
}

// Lines returns the output so far.
func (p *Process) Lines() []Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Line(nil), p.lines...)
}

// WaitFor returns the first line since a moment (the zero Time: since the start) that matches, waiting for it if need be.
// The error says why none came, and shows the end of the output.
func (p *Process) WaitFor(ctx context.Context, since time.Time, match func(line string) bool) (Line, error) {
	for next := 0; ; {
		ended := false
		select {
		case <-p.done:
			ended = true
		default:
		}
		p.mu.Lock()
		lines, news := p.lines, p.news
		p.mu.Unlock()
		for ; next < len(lines); next++ {
			if l := lines[next]; !l.At.Before(since) && match(l.Text) {
				return l, nil
			}
		}
		if ended {
			return Line{}, fmt.Errorf("%s ended (%s) without the line waited for; it said:\n%s", p, p.cmd.ProcessState, p.tail())
		}
		select {
		case <-news:
		case <-p.done:
		case <-ctx.Done():
			return Line{}, fmt.Errorf("wait for a line of %s: %w; it said:\n%s", p, context.Cause(ctx), p.tail())
		}
	}
}

// Containing matches lines that contain all the texts.
func Containing(texts ...string) func(string) bool {
	return func(line string) bool {
		for _, t := range texts {
			if !strings.Contains(line, t) {
				return false
			}
		}
		return true
	}
}

// tail is the end of the output.
func (p *Process) tail() string {
	lines := p.Lines()
	var b strings.Builder
	for _, l := range lines[max(0, len(lines)-40):] {
		fmt.Fprintf(&b, "%s  %s\n", l.At.Format("15:04:05.000"), l.Text)
	}
	return b.String()
}

// String names the process: its program and host.
func (p *Process) String() string { return p.cmd.Path + " on " + p.host.Name }

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p, err)
	}
	return nil
}

// Kill kills the process and those it started (its process group) with SIGKILL.
func (p *Process) Kill() {
	select {
	case <-p.done: // the number may be another's by now
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may just have ended
	}
}

// Done is closed when the process has ended and its output is complete.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and returns its error as exec.Cmd.Wait does.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w; it said:\n%s", p, context.Cause(ctx), p.tail())
	}
}
