package netif

import (
	"errors"
	"testing"
	"time"
)

func TestTriesBackOff(t *testing.T) {
	tr := tries[string]{first: 50 * time.Millisecond, most: 300 * time.Millisecond}
	now := start
	for i, wait := range []time.Duration{50, 100, 200, 300, 300} {
		if !tr.ready("k", now) {
			t.Fatalf("failure %d: not ready", i)
		}
		tr.failed("k", now, errors.New("no"))
		if next := tr.next(now); next != now.Add(wait*time.Millisecond) {
			t.Errorf("failure %d: wait %v, want %v ms", i, next.Sub(now), int64(wait))
		}
		now = now.Add(wait * time.Millisecond)
		if tr.ready("k", now.Add(-1)) {
			t.Errorf("failure %d: ready too early", i)
		}
	}
	for range 100 { // no shift runs over
		tr.failed("k", now, errors.New("no"))
	}
	if tr.next(now) != now.Add(300*time.Millisecond) {
		t.Error("the longest wait is exceeded")
	}
	tr.hurry()
	if !tr.ready("k", now) || !tr.due(now) {
		t.Error("hurry ends the wait")
	}
	tr.done("k", now, false)
	if len(tr.of) != 0 || !tr.ready("k", now) {
		t.Error("a success ends the failure")
	}
}

func TestTriesTellsAnErrorOnce(t *testing.T) {
	tr := tries[string]{first: 1, most: 1}
	for i, c := range []struct {
		text string
		news bool
	}{{"a", true}, {"a", false}, {"b", true}, {"a", true}, {"a", false}} {
		if tr.failed("k", start, errors.New(c.text)) != c.news {
			t.Errorf("failure %d (%s): news is not %v", i, c.text, c.news)
		}
	}
	tr.only(nil, start)
	if !tr.failed("k", start, errors.New("a")) {
		t.Error("what was no longer to be done is news when it comes back")
	}
}

func TestTriesThrottlesAStruggle(t *testing.T) {
	var tr tries[string]
	now, done := start, 0
	for range 100 { // undone again within 10 ms each time
		if tr.ready("k", now) {
			tr.done("k", now, true)
			done++
		}
		now = now.Add(10 * time.Millisecond)
	}
	if done != freeTimes {
		t.Errorf("done %d times in a second, want %d", done, freeTimes)
	}
	now = now.Add(quick)
	if !tr.ready("k", now) || tr.due(now) {
		t.Error("it may be done again after a second, but is not a failure to retry")
	}
	tr.only(nil, now.Add(forgetting+quick))
	if len(tr.of) != 0 {
		t.Error("it is not forgotten")
	}
}
