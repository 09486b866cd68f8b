package vrrp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every advert is counted once: as sent, as heard, or by why it was refused.
func TestCounters(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	want := Counters{Refused: map[string]uint64{}}
	for k, reason := range []error{ErrTruncated, ErrTTL, ErrVersion, ErrType, ErrChecksum, ErrAuth, ErrInterval, ErrOwnSource, ErrDestination, ErrSource, ErrReplay} {
		a := advertFrom(c, 2, 200)
		for range k + 1 {
			var out Output
			n.e.Receive(n.now, "eth0", &a, fmt.Errorf("in some words: %w", reason), &out)
			n.e.Receive(n.now, "eth0", &a, reason, &out)
		}
		want.Refused[reason.Error()] = uint64(2 * (k + 1))
	}
	a := advertFrom(c, 2, 200)
	a.VRID++
	n.hear(a) // nobody's
	for range 3 {
		n.hear(advertFrom(c, 2, 50))
		want.Heard++
	}
	n.now = n.e.Deadline()
	n.tick()
	for range 4 {
		n.now = n.now.Add(time.Second)
		n.tick()
	}
	want.Sent = 5
	c.Priority = 90
	n.reload([]Config{c}, nil) // says so, and counts on
	want.Sent++
	if diff := cmp.Diff(map[Key]Counters{outside: want}, n.e.Counters()); diff != "" {
		t.Error(diff)
	}
}
