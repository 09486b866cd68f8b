package check

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever is put in and taken out, checks come in the order of their times, each once, and none
// before its time.
func TestAgenda(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a agenda
		in := map[*check]time.Duration{}
		earliest := func() (at time.Duration, any bool) {
			for _, t := range in {
				if !any || t < at {
					at, any = t, true
				}
			}
			return at, any
		}
		for range 300 {
			switch random.IntN(4) {
			case 0, 1:
				c, at := &check{}, time.Duration(random.IntN(50))
				a.add(c, at)
				in[c] = at
			case 2:
				for c := range in {
					a.remove(c)
					delete(in, c)
					break
				}
			default:
				now := time.Duration(random.IntN(50))
				at, any := earliest()
				c := a.take(now)
				if due := any && at <= now; due != (c != nil) || due && in[c] != at {
					t.Fatalf("took %v at %v, the earliest is %v", in[c], now, at)
				}
				delete(in, c)
			}
			at, any := earliest()
			if next, ok := a.next(); ok != any || next != at || len(a) != len(in) {
				t.Fatalf("%d checks, next %v %t, want %d, %v %t", len(a), next, ok, len(in), at, any)
			}
			for i, e := range a {
				if int(e.c.place) != i || in[e.c] != e.at {
					t.Fatalf("a check at %d believes to be at %d", i, e.c.place)
				}
			}
		}
	}
}
