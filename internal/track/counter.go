package track

// counter is how often a script has to agree with itself: rise runs that succeed bring it up, fall
// runs that fail bring it down. Its count is that of keepalived: from 0, surely down, to
// rise+fall-1, surely up; it is up from rise on.
type counter struct {
	rise, fall int // 1 or more
	count      int
	known      bool
}

// newCounter begins with what was last known. Where nothing is, the first run alone decides, unless
// initFail says that the script counts as failed until rise runs have succeeded.
func newCounter(rise, fall int, last State, initFail bool) counter {
	c := counter{rise: rise, fall: fall, count: rise - 1}
	switch {
	case last == Up:
		c.count, c.known = rise+fall-1, true
	case last == Down, initFail:
		c.count, c.known = 0, true
	}
	return c
}

// state is what the runs so far come to.
func (c counter) state() State {
	switch {
	case !c.known:
		return Unknown
	case c.count >= c.rise:
		return Up
	}
	return Down
}

// after is the counter after one more run.
func (c counter) after(success bool) counter {
	if success {
		if c.count++; c.count >= c.rise { // it comes up, or is surely up again
			c.count = c.rise + c.fall - 1
		}
	} else if c.count--; c.count < c.rise { // it goes down, or is surely down again
		c.count = 0
	}
	c.known = true
	return c
}
