package netif

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Run applies until ctx ends, then applies once more what was ordered before that, and returns
// nil. It removes no address because ctx ends: who wants them off says so with Role first. It is
// called once, on a goroutine locked to its thread, which the caller may make a real-time one.
// The error is of a kernel that cannot be opened or watched.
func (a *Applier) Run(ctx context.Context) error {
	defer a.end()
	if err := a.kernel.Open(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.poke()
	})
	defer stop()

	l := newLoop(a)
	l.recall()
	for {
		last := ctx.Err() != nil
		next := l.pass()
		if last {
			return a.kernel.Close()
		}
		changed, err := a.wait(next)
		if err != nil {
			return errors.Join(err, a.kernel.Close())
		}
		l.stale = l.stale || changed
	}
}

// wait returns when there is an order, when the kernel has changed, or at the time next (never,
// if it is zero).
func (a *Applier) wait(next time.Time) (changed bool, err error) {
	fds := []unix.PollFd{
		{Fd: int32(a.wake), Events: unix.POLLIN},
		{Fd: int32(a.kernel.Changed()), Events: unix.POLLIN},
	}
	for ready := false; !ready; {
		until, awake := next, a.isRoused()
		if awake {
			until = time.Now()
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // where there is one processor only
		}
		if err := poll(fds, until); err != nil {
			return false, err
		}
		ready = !awake || fds[0].Revents|fds[1].Revents != 0 || !next.IsZero() && !time.Now().Before(next)
	}
	if fds[0].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(a.wake, count[:]) // resets it; EAGAIN is as good
	}
	if fds[1].Revents == 0 {
		return false, nil
	}
	changed, err = a.kernel.Drain()
	if err != nil {
		return false, fmt.Errorf("watch addresses: %w", err)
	}
	return changed, nil
}

// poll waits in ppoll(2) on the caller's thread until a descriptor is ready, a signal comes, or
// it is the time until (zero: no limit).
func poll(fds []unix.PollFd, until time.Time) error {
	var limit *unix.Timespec
	if !until.IsZero() {
		ts := unix.NsecToTimespec(max(0, time.Until(until)).Nanoseconds())
		limit = &ts
	}
	if _, err := unix.Ppoll(fds, limit, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// end closes the eventfd, so that later calls do nothing.
func (a *Applier) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	_ = unix.Close(a.wake) // an eventfd has nothing to flush
}
