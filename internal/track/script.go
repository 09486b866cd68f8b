package track

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lvsd/internal/script"
)

// Script is a program that is run again and again: it is up when it exits with status 0.
type Script struct {
	Command script.Command
	// Interval is the time from the start of a run to the start of the next, at least 1 ms. A start
	// that comes while the run before is still going on is left out.
	Interval time.Duration
	// Timeout is how long a run may take; one that takes longer has failed, and is ended. It is
	// above 0.
	Timeout time.Duration
	// Rise and Fall are how many runs in a row bring it up and down, 1 or more. The first run of all
	// decides alone.
	Rise, Fall int
	// InitFail says that it is down until Rise runs have succeeded.
	InitFail bool
}

// String returns the command line.
func (s Script) String() string { return "script " + s.Command.Line.String() }

func (s Script) subject() any { return s.Command }

func (s Script) watch(ctx context.Context, last Reading, report func(Reading)) {
	var runner script.Runner
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), script.Grace+time.Second)
		defer cancel()
		_ = runner.Wait(end) // one that the kernel holds is left to it
	}()
	s.repeat(ctx, last, report, func() (int, string, error) {
		status, err := runner.Run(ctx, s.Command, s.Timeout)
		return status, runner.Output(), err
	})
}

// repeat runs the script until ctx ends. run returns its exit status, and what it said.
func (s Script) repeat(ctx context.Context, last Reading, report func(Reading), run func() (int, string, error)) {
	c := newCounter(s.Rise, s.Fall, last.State, s.InitFail)
	r := Reading{State: c.state(), Why: last.Why}
	if r.State == Down && r.Why == "" {
		r.Why = "has not run yet"
	}
	report(r)
	next := time.Now()
	for {
		status, said, err := run()
		if ctx.Err() != nil {
			return
		}
		why, fault, counts := outcome(status, err)
		if why != "" && said != "" {
			why += ": " + said
		}
		if r.Fault = fault; counts {
			c = c.after(why == "")
			r.State = c.state()
			switch { // a success that is not enough leaves the reason
			case r.State == Up:
				r.Why = ""
			case why != "":
				r.Why = why
			}
		}
		report(r)
		next = nextStart(next, time.Now(), s.Interval)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
	}
}

// outcome is what a run says: why it failed, empty when it did not; or the error of ours that kept
// it from being started. counts is false where it says nothing.
func outcome(status int, err error) (why string, fault error, counts bool) {
	switch {
	case err == nil && status == 0:
		return "", nil, true
	case err == nil:
		return fmt.Sprintf("exited with status %d", status), nil, true
	case errors.Is(err, script.ErrTimeout), errors.Is(err, script.ErrSignal):
		return err.Error(), nil, true
	case errors.Is(err, script.ErrRunning):
		return "", nil, false
	}
	return "", err, false
}

// nextStart is the first time after now that lies a whole number of intervals after the last start.
func nextStart(last, now time.Time, interval time.Duration) time.Time {
	interval = max(interval, time.Millisecond)
	missed := max(now.Sub(last)/interval, 0)
	return last.Add((missed + 1) * interval)
}
