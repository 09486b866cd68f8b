package track

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processScan is how often the processes are looked for. The end of one that was found is seen at
// once.
const processScan = time.Second

// maxHeld bounds how many processes are watched for their end; those beyond are seen gone by the
// next scan.
const maxHeld = 256

func (p Process) watch(ctx context.Context, last Reading, report func(Reading)) {
	p.follow(ctx, "/proc", last, report)
}

// follow looks for the processes under a proc(5), until ctx ends.
func (p Process) follow(ctx context.Context, proc string, last Reading, report func(Reading)) {
	w, err := newEndWatch(ctx)
	if err != nil {
		report(Reading{State: last.State, Why: last.Why, Fault: err})
		<-ctx.Done()
		return
	}
	defer w.close()
	is := presence{Reading: Reading{State: last.State, Why: last.Why}}
	for ctx.Err() == nil {
		pids, err := p.scan(proc)
		now := time.Now()
		next := now.Add(processScan)
		if is.Fault = err; err == nil {
			var again time.Time
			is, again = p.after(now, is, len(pids))
			if !again.IsZero() && again.Before(next) {
				next = again
			}
		}
		report(is.Reading)
		w.wait(pids, next)
	}
}

// scan finds the processes. One that ended and waits to be reaped is none.
func (p Process) scan(proc string) ([]int, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", proc, err)
	}
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(proc, name, "stat"))
		if err != nil {
			continue // it ended
		}
		comm, runs := parseStat(stat)
		if !runs {
			continue
		}
		var arguments []string
		if p.Full {
			line, err := os.ReadFile(filepath.Join(proc, name, "cmdline"))
			if err != nil || len(line) == 0 {
				continue // it ended, or is one of the kernel's
			}
			arguments = strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		}
		if p.matches(comm, arguments) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// parseStat reads the name and the state of a process out of its stat (proc(5)). The name may have
// anything in it, parentheses too.
func parseStat(stat []byte) (comm string, runs bool) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || len(stat) < end+3 {
		return "", false
	}
	state := stat[end+2]
	return string(stat[open+1 : end]), state != 'Z' && state != 'X' && state != 'x'
}

// endWatch waits for processes to end.
type endWatch struct {
	wake    int // an eventfd that tells of the context's end
	stop    func() bool
	stopped chan struct{} // closed when the context's end was told
	poll    []unix.PollFd
}

func newEndWatch(ctx context.Context) (*endWatch, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	w := &endWatch{wake: fd, stopped: make(chan struct{})}
	w.stop = context.AfterFunc(ctx, func() {
		defer close(w.stopped)
		_, _ = unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	return w, nil
}

func (w *endWatch) close() {
	if !w.stop() {
		<-w.stopped // the descriptor may be somebody else's afterwards
	}
	_ = unix.Close(w.wake)
}

// wait returns when one of the processes has ended, when ctx has, or at the given time.
func (w *endWatch) wait(pids []int, until time.Time) {
	w.poll = append(w.poll[:0], unix.PollFd{Fd: int32(w.wake), Events: unix.POLLIN})
	for _, pid := range pids[:min(len(pids), maxHeld)] {
		// Where the kernel has no such descriptors, or none is left, the next scan sees it.
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			w.poll = append(w.poll, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		} else if errors.Is(err, unix.ESRCH) {
			until = time.Now() // it ended since
		}
	}
	timeout := max(time.Until(until)+time.Millisecond-1, 0)
	_, _ = unix.Poll(w.poll, int(timeout/time.Millisecond))
	for _, p := range w.poll[1:] {
		_ = unix.Close(int(p.Fd))
	}
}
