package elector

import (
	"slices"
	"testing"
)

func TestOutbox(t *testing.T) {
	b := newOutbox[int]()
	b.put(1, nil)
	b.put(2, func(last *int) bool { *last += 2; return true })
	b.put(4, func(*int) bool { return false })
	if got := b.take(); !slices.Equal(got, []int{3, 4}) {
		t.Errorf("taken %v", got)
	}
	done := make(chan []int)
	go func() { done <- b.take() }()
	b.put(5, nil)
	if got := <-done; !slices.Equal(got, []int{5}) {
		t.Errorf("taken %v", got)
	}
	b.put(6, nil)
	b.close()
	b.put(7, nil)
	if got := b.take(); !slices.Equal(got, []int{6}) {
		t.Errorf("taken %v", got)
	}
	if got := b.take(); got != nil {
		t.Errorf("taken %v", got)
	}
}

// A reader that is too far behind is given up, whoever waits for it.
func TestOutboxIsBounded(t *testing.T) {
	b := newOutbox[int]()
	for i := range maxUnread {
		if !b.put(i, nil) {
			t.Fatalf("full at %d", i)
		}
	}
	if b.put(0, nil) {
		t.Error("never full")
	}
	if got := len(b.take()); got != maxUnread {
		t.Errorf("%d left", got)
	}
	if b.take() != nil {
		t.Error("open again")
	}
}
