package check

import (
	"fmt"
	"slices"
	"testing"
)

// Checks are found by their specs alone, also those whose hashes are the same.
func TestIndex(t *testing.T) {
	x := newIndex()
	var in []*check
	for i := range 100 {
		c := &check{spec: tcpSpec(fmt.Sprintf("10.0.0.%d:80", i))}
		x.add(c)
		in = append(in, c)
	}
	// As if the hashes of ten were one: each of them is found only by way of those before it.
	hash := func(c *check) (is uint64) {
		for h, first := range x.first {
			if first == c {
				is = h
			}
		}
		return is
	}
	shared := in[0]
	for _, c := range in[1:10] {
		delete(x.first, hash(c))
		c.next, shared.next = shared.next, c
	}
	if n := len(slices.Collect(x.all())); n != 100 || x.length != 100 {
		t.Errorf("%d of %d checks, want 100", n, x.length)
	}
	if x.get(in[0].spec) != shared || x.get(tcpSpec("10.0.1.1:80")) != nil {
		t.Error("a check is not found, or one that is not there is")
	}
	for c := range x.all() {
		if slices.Index(in, c) >= 10 {
			x.remove(c)
		}
	}
	if n := len(slices.Collect(x.all())); n != 10 || x.length != 10 || len(x.first) != 1 {
		t.Errorf("%d of %d checks at %d hashes, want 10 at 1", n, x.length, len(x.first))
	}
}
