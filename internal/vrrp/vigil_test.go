package vrrp

import (
	"testing"
	"time"
)

func TestVigil(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	never := time.Time{}
	for _, c := range []struct {
		name               string
		deadline, takeover time.Time
		until              time.Time
		awake              bool
	}{
		{"nothing is due", never, never, never, false},
		{"no takeover comes", at(time.Second), never, at(time.Second), false},
		{"a takeover comes later", at(time.Second), at(time.Second), at(time.Second - vigil), false},
		{"something is due before the vigil", at(time.Second), at(2 * time.Second), at(time.Second), false},
		{"the vigil begins", at(vigil), at(vigil), at(vigil), true},
		{"something is due within the vigil", at(vigil / 4), at(vigil / 2), at(vigil / 4), true},
		{"the takeover is due", at(0), at(0), at(0), false},
		{"the takeover is late", at(-time.Second), at(-time.Second), at(-time.Second), false},
	} {
		if until, awake := rest(now, c.deadline, c.takeover); !until.Equal(c.until) || awake != c.awake {
			t.Errorf("%s: until %v, awake %t", c.name, until.Sub(now), awake)
		}
	}
}
