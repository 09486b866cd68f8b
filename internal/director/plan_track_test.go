package director

import (
	"testing"

	"lvsd/internal/vrrp"
)

// A plan says of what is tracked what it does.
func TestTrackersOfAPlan(t *testing.T) {
	track := func(weight int, reverse bool) vrrp.Track {
		return vrrp.Track{Tracker: vrrp.Tracker{Kind: vrrp.TrackInterface, Name: "eth1"}, Weight: weight, Reverse: reverse}
	}
	for _, c := range []struct {
		track          vrrp.Track
		line, sentence string
	}{
		{track(0, false), "eth1", "goes to FAULT while eth1 is down"},
		{track(0, true), "eth1 weight 0 reverse", "goes to FAULT while eth1 is up"},
		{track(10, false), "eth1 weight 10", "has +10 priority while eth1 is up"},
		{track(10, true), "eth1 weight 10 reverse", "has -10 priority while eth1 is up"},
		{track(-10, false), "eth1 weight -10", "has -10 priority while eth1 is down"},
		{track(-10, true), "eth1 weight -10 reverse", "has +10 priority while eth1 is down"},
	} {
		if got := trackText([]vrrp.Track{c.track}, vrrp.TrackInterface); got != c.line {
			t.Errorf("%q, want %q", got, c.line)
		}
		if got := trackEffect(c.track); got != c.sentence {
			t.Errorf("%q, want %q", got, c.sentence)
		}
	}
}
