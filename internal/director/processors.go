package director

import (
	"time"

	"lvsd/internal/check"
)

// severalFrom is from how many probes a second with goroutines of their own on the process should have
// several processors: some TLS handshakes are a millisecond of work.
const severalFrom = 100

// several reports whether there is work for several processors at once. There is none in checks that are made
// together, by one goroutine; and with more than one processor Go wakes a second thread, in vain, each time
// that one awakes.
func several(checks map[check.Spec]struct{}) bool {
	rate := 0.0
	for spec := range checks {
		if !spec.Together() {
			rate += float64(time.Second) / float64(max(spec.Interval, time.Millisecond))
		}
	}
	return rate >= severalFrom
}
