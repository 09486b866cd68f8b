package track

import "testing"

// Every row of runs, with every rise and fall: what they come to is what keepalived.conf(5) says of
// rise and fall, counted the plain way.
func TestCounter(t *testing.T) {
	for rise := 1; rise <= 4; rise++ {
		for fall := 1; fall <= 4; fall++ {
			for _, last := range []State{Unknown, Up, Down} {
				for _, initFail := range []bool{false, true} {
					for row := range 1 << 9 {
						checkRow(t, rise, fall, last, initFail, row)
					}
				}
			}
		}
	}
}

func checkRow(t *testing.T, rise, fall int, last State, initFail bool, row int) {
	c := newCounter(rise, fall, last, initFail)
	want, inRow, previous := last, 0, false
	if last == Unknown && initFail {
		want = Down
	}
	if c.state() != want {
		t.Fatalf("rise %d, fall %d, last %v, init_fail %t: starts %v", rise, fall, last, initFail, c.state())
	}
	for n := range 9 {
		success := row>>n&1 == 1
		if n == 0 || success != previous {
			inRow = 0
		}
		inRow++
		previous = success
		switch {
		case want == Unknown && success, want == Down && success && inRow >= rise:
			want = Up
		case want == Unknown, want == Up && !success && inRow >= fall:
			want = Down
		}
		if c = c.after(success); c.state() != want {
			t.Fatalf("rise %d, fall %d, last %v, init_fail %t, runs %09b: after %d it is %v, want %v",
				rise, fall, last, initFail, row, n+1, c.state(), want)
		}
	}
}
