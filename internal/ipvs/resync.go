package ipvs

import "time"

// MaxResync is the longest time from one reading of the kernel's table to the end of the next, which finds what others
// changed, as long as a reading takes a quarter of that at most.
const MaxResync = 60 * time.Second

const (
	// minResync is the shortest.
	minResync = time.Second
	// resyncShare is how much longer that time is than the reading took: with what planning costs
	// besides, they are one percent of a core at most.
	resyncShare = 150
	// seenShare is the same where there are looks at what /proc shows of the table, which find most of what there
	// is to find, and have what is left of that percent.
	seenShare = 400
	// maxStirs is how many readings out of their turn there may be at once, before the next ones have to wait as long as
	// others.
	maxStirs = 5
	// tornShare is the same after a reading that others disturbed, which may lack what is there.
	tornShare = 10
)

// resyncAfter is when to read the table again after a reading that took so long, of which that time may be a share.
// The next one is to have ended, with what it leads to, within MaxResync.
func resyncAfter(took time.Duration, share time.Duration) time.Duration {
	took = max(took, 0) // the clock may have been set back
	most := MaxResync - 2*min(took, MaxResync/4)
	if took >= MaxResync/share {
		return most
	}
	return min(max(share*took, minResync), most)
}

// lookAfter is when to look again after a look that took so long, where a reading takes so long too.
func lookAfter(look, reading time.Duration) time.Duration {
	left := 1.0/resyncShare - float64(max(reading, 0))/float64(resyncAfter(reading, seenShare))
	if left <= 0 || float64(look) >= left*float64(MaxResync) {
		return MaxResync
	}
	return max(time.Duration(float64(look)/left), minResync)
}
