package ipvs

import "time"

// MaxResync is the longest time from one reading of the kernel's table to the next, which finds what others
// changed.
const MaxResync = 60 * time.Second

const (
	// minResync is the shortest.
	minResync = time.Second
	// resyncShare is how much longer that time is than the reading took: with what planning costs
	// besides, they are one percent of a core at most.
	resyncShare = 150
	// tornShare is the same after a reading that others disturbed, which may lack what is there.
	tornShare = 10
)

// resyncAfter is when to read the table again after a reading that took so long.
func resyncAfter(took time.Duration) time.Duration {
	if took >= MaxResync/resyncShare {
		return MaxResync
	}
	return max(resyncShare*took, minResync)
}
