package check

import "time"

// agenda has checks in the order of the times at which something is due for them, counted from the
// start of their set: a heap of which each entry has four below it, so that a sift touches few lines
// of the cache. A check is in one agenda at a time.
type agenda []entry

type entry struct {
	at time.Duration
	c  *check
}

const fanOut = 4

// next is the earliest time in the agenda; the second result is false where it is empty.
func (a agenda) next() (time.Duration, bool) {
	if len(a) == 0 {
		return 0, false
	}
	return a[0].at, true
}

// take removes the earliest check and returns it, nil if none is due at a time.
func (a *agenda) take(now time.Duration) *check {
	if len(*a) == 0 || (*a)[0].at > now {
		return nil
	}
	c := (*a)[0].c
	a.remove(c)
	return c
}

// add puts a check into the agenda.
func (a *agenda) add(c *check, at time.Duration) {
	*a = append(*a, entry{})
	a.rise(len(*a)-1, entry{at, c})
}

// remove takes a check out of the agenda that it is in.
func (a *agenda) remove(c *check) {
	i, last := int(c.place), len(*a)-1
	moved := (*a)[last]
	(*a)[last] = entry{}
	*a = (*a)[:last]
	if i == last {
		return
	}
	if i > 0 && moved.at < (*a)[(i-1)/fanOut].at {
		a.rise(i, moved)
	} else {
		a.sink(i, moved)
	}
}

// rise finds the place of an entry from i upwards.
func (a agenda) rise(i int, e entry) {
	for i > 0 {
		above := (i - 1) / fanOut
		if a[above].at <= e.at {
			break
		}
		a.put(i, a[above])
		i = above
	}
	a.put(i, e)
}

// sink finds the place of an entry from i downwards.
func (a agenda) sink(i int, e entry) {
	for first := fanOut*i + 1; first < len(a); first = fanOut*i + 1 {
		least := first
		for below := first + 1; below < min(first+fanOut, len(a)); below++ {
			if a[below].at < a[least].at {
				least = below
			}
		}
		if a[least].at >= e.at {
			break
		}
		a.put(i, a[least])
		i = least
	}
	a.put(i, e)
}

func (a agenda) put(i int, e entry) {
	a[i] = e
	e.c.place = int32(i)
}
