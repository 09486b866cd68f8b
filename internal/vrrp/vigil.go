package vrrp

import "time"

// vigil is how long before a takeover this thread wakes and watches its sockets without sleeping: to be
// woken takes it some tenths of a millisecond, and some milliseconds on a busy machine, in which nobody has
// the addresses. It is less than a third of the shortest down timer, 30 ms: while adverts come there is none.
const vigil = 4 * time.Millisecond

// rest tells until when to wait for packets, and whether awake: zero times are none. A takeover that is
// due already needs no vigil.
func rest(now, deadline, takeover time.Time) (until time.Time, awake bool) {
	left := takeover.Sub(now)
	if takeover.IsZero() || left <= 0 {
		return deadline, false
	}
	if left <= vigil {
		return deadline, true
	}
	if at := takeover.Add(-vigil); at.Before(deadline) {
		return at, false
	}
	return deadline, false
}
