package vrrp

import (
	"testing"
	"time"
)

func TestWhenAnAdvertArrived(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name   string
		waited time.Duration
		want   time.Duration // before now
	}{
		{"while the thread slept", 150 * time.Microsecond, 150 * time.Microsecond},
		{"as long ago as a thread takes to be woken at most", maxWaited, maxWaited},
		{"before a stall", maxWaited + 1, 0},
		{"before the clock was set forward", time.Hour, 0},
		{"after the turn began", -time.Microsecond, 0},
		{"before the clock was set back", -time.Hour, 0},
	} {
		r := arrival{stamp: now.UnixNano() - int64(c.waited)}
		if got := now.Sub(r.at(now)); got != c.want {
			t.Errorf("an advert that came %s counts as %v ago, want %v", c.name, got, c.want)
		}
	}
	if got := new(arrival).at(now); !got.Equal(now) {
		t.Errorf("one whose time the kernel does not tell counts as %v", got)
	}
}
