package ipvs

import (
	"testing"
	"time"
)

func TestResyncAfter(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		-time.Second:            time.Second, // the clock was set back
		0:                       time.Second,
		time.Millisecond:        time.Second,
		6666 * time.Microsecond: time.Second,
		10 * time.Millisecond:   1500 * time.Millisecond,
		200 * time.Millisecond:  30 * time.Second,
		400 * time.Millisecond:  59200 * time.Millisecond,
		3400 * time.Millisecond: 53200 * time.Millisecond,
		time.Minute:             30 * time.Second,
		time.Duration(1) << 62:  30 * time.Second,
	} {
		if got := resyncAfter(took, resyncShare); got != want {
			t.Errorf("after a reading of %s: %s, want %s", took, got, want)
		}
	}
}

// TestResyncCosts: whatever a reading costs, all of them are one percent of the time at most, as long as one is
// less than a percent of the time between two.
func TestResyncCosts(t *testing.T) {
	for took := time.Microsecond; took <= MaxResync/102; took += took/7 + time.Microsecond {
		for look := time.Microsecond; look <= MaxResync/100; look += look/7 + time.Microsecond {
			wait := lookAfter(look, took)
			share := float64(took)/float64(took+resyncAfter(took, seenShare)) + float64(look)/float64(look+wait)
			if wait < minResync || wait > MaxResync || wait < MaxResync && share > 0.01 {
				t.Fatalf("readings of %s and looks of %s every %s are %.2f%% of a core", took, look, wait, 100*share)
			}
		}
		if share := float64(took) / float64(took+resyncAfter(took, resyncShare)); share > 0.01 {
			t.Fatalf("readings of %s are %.2f%% of a core", took, 100*share)
		}
	}
}

// TestResyncEndsInTime: a reading has ended within MaxResync of the last one, also if it takes twice as long as that.
func TestResyncEndsInTime(t *testing.T) {
	for _, share := range []time.Duration{resyncShare, seenShare} {
		for took := time.Millisecond; took <= MaxResync/4; took += took / 7 {
			if after := resyncAfter(took, share); after < minResync || after+2*took > MaxResync {
				t.Errorf("after a reading of %s: %s", took, after)
			}
		}
	}
}
