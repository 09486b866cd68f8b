package netif

import (
	"errors"
	"testing"
	"time"
)

// TestDeadline: the next pass is at the first time at which something becomes due, also if that
// time came while the last pass was under way.
func TestDeadline(t *testing.T) {
	const ms = time.Millisecond
	until := func(d time.Duration) map[string]Role {
		return map[string]Role{"web": {Master: true, Until: start.Add(d)}}
	}
	failing := func(wait time.Duration) tries[Op] {
		tr := tries[Op]{first: wait, most: wait}
		tr.failed(Op{}, start, errors.New("no"))
		return tr
	}
	for name, c := range map[string]struct {
		loop loop
		next time.Time
	}{
		"nothing is due by itself":        {loop{}, time.Time{}},
		"the second burst":                {loop{state: map[string]*instanceState{"web": {again: start.Add(ms)}}}, start.Add(ms)},
		"the end of a role":               {loop{state: map[string]*instanceState{"web": {}}, roles: until(ms)}, start.Add(ms)},
		"a role that has ended":           {loop{state: map[string]*instanceState{"web": {}}, roles: until(0)}, time.Time{}},
		"a backup's role does not end":    {loop{state: map[string]*instanceState{"web": {}}, roles: map[string]Role{"web": {Until: start.Add(ms)}}}, time.Time{}},
		"a retry":                         {loop{ops: failing(ms)}, start.Add(ms)},
		"the first of several":            {loop{ops: failing(2 * ms), state: map[string]*instanceState{"web": {again: start.Add(3 * ms)}}, roles: until(ms)}, start.Add(ms)},
		"a table known to be out of date": {loop{stale: true, ops: failing(ms)}, start},
	} {
		t.Run(name, func(t *testing.T) {
			c.loop.began = start
			if next := c.loop.deadline(); !next.Equal(c.next) {
				t.Errorf("deadline %v, want %v", next, c.next)
			}
		})
	}
}
