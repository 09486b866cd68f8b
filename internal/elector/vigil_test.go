package elector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestVigil(t *testing.T) {
	v := newVigil(3 * time.Second)
	for step, c := range []struct {
		heard  bool
		change change
		silent time.Duration
	}{
		{true, same, 0}, {false, same, time.Second}, {false, same, 2 * time.Second},
		{true, same, 0}, // in time
		{false, same, time.Second}, {false, same, 2 * time.Second}, {false, lost, 3 * time.Second},
		{false, same, 4 * time.Second}, {false, same, 5 * time.Second}, // told once
		{true, found, 5 * time.Second}, {true, same, 0}, {false, same, time.Second},
	} {
		if c.heard {
			v.hear()
			v.hear()
		}
		if change, silent := v.look(); change != c.change || silent != c.silent {
			t.Errorf("step %d: %d after %v, want %d after %v", step, change, silent, c.change, c.silent)
		}
	}
	if change, _ := newVigil(0).look(); change != lost {
		t.Errorf("%d", change)
	}
}

// What stops both processes for an hour is one look, and no silence.
func TestPausedMachineIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVigil(DefaultSilence)
		ctx, stop := context.WithCancel(t.Context())
		looks := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			each(ctx, func() {
				if looks++; looks == 3 {
					time.Sleep(time.Hour)
				}
				if change, _ := v.look(); change != same {
					t.Errorf("look %d: %d", looks, change)
				}
			})
		}()
		time.Sleep(time.Hour + 10*time.Second)
		stop()
		<-done
	})
}

// A director whose election does not answer ends it, and says so.
func TestSilentElectionIsEnded(t *testing.T) {
	var reports []Report
	p := NewProcess(Options{Silence: beat, Report: func(r Report) { reports = append(reports, r) }}, "sleep", "1000")
	p.Run(context.Background())
	if len(reports) != 2 {
		t.Fatalf("%v", reports)
	}
	if _, is := reports[0].(ElectionSilent); !is {
		t.Errorf("%T", reports[0])
	}
	if l, is := reports[1].(Lost); !is || l.Err.Error() != "the process of the election has ended: signal: killed" {
		t.Errorf("%v", reports[1])
	}
}
