package track

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/script"
)

// Runs start an interval apart, whatever they take; one whose time comes during another is left out.
func TestRunsStartAnIntervalApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Script{Interval: time.Second, Timeout: time.Minute, Rise: 2, Fall: 2}
		ctx, cancel := context.WithCancel(t.Context())
		takes := []time.Duration{0, 300 * time.Millisecond, time.Second, 2500 * time.Millisecond, 0, 0, time.Millisecond}
		results := []int{0, 1, 1, 0, 0, 1, 0}
		begin := time.Now()
		var got []string
		s.repeat(ctx, Reading{}, func(r Reading) {
			got = append(got, fmt.Sprintf("%v %v %s", time.Since(begin), r.State, r.Why))
		}, func() (int, string, error) {
			n := len(takes) - 1
			if n == 0 {
				cancel()
				return 0, "", context.Canceled
			}
			took, status := takes[0], results[0]
			takes, results = takes[1:], results[1:]
			time.Sleep(took)
			return status, []string{"", "no route"}[status], nil
		})
		want := []string{
			"0s unknown ", "0s up ", "1.3s up ", "3s down exited with status 1: no route",
			"6.5s down exited with status 1: no route", // begun at 4 s, since the one of 2 s ended when 3 s were over
			"7s up ", "8s up ",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		status int
		err    error
		want   string
	}{
		{0, nil, " <nil> true"},
		{1, nil, "exited with status 1 <nil> true"},
		{255, nil, "exited with status 255 <nil> true"},
		{0, fmt.Errorf("%w after 1s", script.ErrTimeout), "timed out after 1s <nil> true"},
		{0, fmt.Errorf("%w: killed", script.ErrSignal), "ended by a signal: killed <nil> true"},
		{0, script.ErrRunning, " <nil> false"},
		{0, os.ErrNotExist, " file does not exist false"},
	} {
		why, fault, counts := outcome(c.status, c.err)
		if got := fmt.Sprint(why, " ", fault, " ", counts); got != c.want {
			t.Errorf("%d, %v: %q, want %q", c.status, c.err, got, c.want)
		}
	}
}

// A script that cannot be started says nothing of what it would find.
func TestFaultIsNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		errs := []error{nil, os.ErrNotExist, os.ErrNotExist, nil, errors.New("x")}
		var got []string
		Script{Interval: time.Second, Rise: 1, Fall: 1}.repeat(ctx, Reading{}, func(r Reading) {
			got = append(got, fmt.Sprint(r.State, " ", r.Fault))
		}, func() (int, string, error) {
			if len(errs) == 0 {
				cancel()
				return 0, "", nil
			}
			err := errs[0]
			errs = errs[1:]
			return 0, "said", err
		})
		want := "unknown <nil>|up <nil>|up file does not exist|up file does not exist|up <nil>|up x"
		if strings.Join(got, "|") != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestNextStart(t *testing.T) {
	at := time.Unix(100, 0)
	for after, want := range map[time.Duration]time.Duration{
		-time.Hour: 2, 0: 2, 1: 2, 2*time.Second - 1: 2, 2 * time.Second: 4, 5 * time.Second: 6, 7 * time.Second: 8,
	} {
		if got := nextStart(at, at.Add(after), 2*time.Second); got != at.Add(want*time.Second) {
			t.Errorf("%v later: %v", after, got.Sub(at))
		}
	}
	if got := nextStart(at, at, 0); got != at.Add(time.Millisecond) {
		t.Error(got)
	}
}
