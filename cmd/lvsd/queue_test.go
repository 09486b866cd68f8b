package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A log that nobody reads costs lines, not the daemon's time; when it is read again, what waited comes first.
func TestQueueNeverWaits(t *testing.T) {
	blocked := &gate{open: make(chan struct{})}
	q := newQueue(blocked)
	const written = maxQueued + 100
	for i := range written {
		if _, err := fmt.Fprintf(q, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	// One line may be in the writer's hands.
	if lost := q.Lost(); lost != 99 && lost != 100 {
		t.Errorf("%d lines were lost of %d", lost, written)
	}
	q.Close(time.Millisecond) // does not wait for a reader either
	close(blocked.open)
	<-q.done
	got := blocked.String()
	if n := strings.Count(got, "\n"); n != written-int(q.Lost()) {
		t.Errorf("%d lines came out", n)
	}
	if !strings.HasPrefix(got, "line 0\nline 1\n") {
		t.Errorf("the first lines are %.20q", got)
	}
}

// gate is a writer that waits until it is open.
type gate struct {
	bytes.Buffer
	open chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(b)
}
