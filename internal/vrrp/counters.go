package vrrp

import "errors"

// Counters count the adverts of an instance since it was configured first.
type Counters struct {
	Sent  uint64 // to a group, or to all peers
	Heard uint64 // that counted
	// Refused are those that did not count, by what the Err value says.
	Refused map[string]uint64
}

// tally is what an instance counts. It is kept apart from Counters so that counting costs no allocation.
type tally struct {
	sent, heard uint64
	refused     map[error]uint64 // by the Err value
}

func (t *tally) refuse(err error) {
	if t.refused == nil {
		t.refused = map[error]uint64{}
	}
	t.refused[reasonOf(err)]++
}

// reasonOf is the Err value of what Decode or an instance says of an advert.
func reasonOf(err error) error {
	if wrapped := errors.Unwrap(err); wrapped != nil {
		return wrapped
	}
	return err
}

// Counters are those of every instance.
func (e *Election) Counters() map[Key]Counters {
	all := make(map[Key]Counters, len(e.order))
	for _, i := range e.order {
		c := Counters{Sent: i.tally.sent, Heard: i.tally.heard, Refused: make(map[string]uint64, len(i.tally.refused))}
		for reason, n := range i.tally.refused {
			c.Refused[reason.Error()] = n
		}
		all[i.cfg.Key] = c
	}
	return all
}
