package elector

import (
	"encoding/gob"
	"errors"
	"time"

	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// order is what the parent process asks of the child; what is nil or false is not asked for.
type order struct {
	// Start comes first, and once.
	Start     *start
	Configure *Configuration
	Readings  map[vrrp.Tracker]vrrp.Reading
	Network   *Network
	Resign    bool
	Present   bool
	// Beat is a sign of life, and asks for one.
	Beat bool
	// End lets Run end: what was ordered before is carried out once more.
	End bool
}

type start struct {
	StateFile, RecordFile string
	Silence               time.Duration
}

// answer is what the child process tells the parent.
type answer struct {
	Report Report // nil for none
	// Present answers order.Present where it is not nil.
	Present *Presence
	// Beat answers order.Beat.
	Beat bool
	// Ended says that Run has ended, and that nothing more comes.
	Ended bool
}

// Presence is what there is of each instance now.
type Presence struct {
	Kernel  map[string]netif.Presence // by the text of the key
	Adverts map[vrrp.Key]vrrp.Counters
}

// failure is an error that happened in the child: what it says is what is left of it.
type failure struct{ Text string }

func (f failure) Error() string { return f.Text }

// portable makes an error one that can be sent.
func portable(err error) error {
	if err == nil {
		return nil
	}
	return failure{err.Error()}
}

// sendable is a report whose errors can be sent.
func sendable(r Report) Report {
	switch r := r.(type) {
	case RealtimeRefused:
		r.Err = portable(r.Err)
		return r
	case Resigned:
		r.Err = portable(r.Err)
		return r
	case Broken:
		r.Err = portable(r.Err)
		return r
	case vrrp.Note:
		r.Err = portable(r.Err)
		return r
	case netif.OpFailed:
		r.Err = portable(r.Err)
		return r
	case netif.RoutingFailed:
		r.Err = portable(r.Err)
		return r
	case netif.LeaseFailed:
		r.Err = portable(r.Err)
		return r
	case netif.Announced:
		r.Err = portable(r.Err)
		return r
	case netif.SysctlFailed:
		r.Err = portable(r.Err)
		return r
	case netif.Trouble:
		r.Err = portable(r.Err)
		return r
	}
	return r
}

// reports has one of every type of report.
func reports() []Report {
	return []Report{
		RealtimeRefused{}, Resigned{}, Broken{}, DirectorBack{}, vrrp.Transition{}, vrrp.Note{},
		netif.Applied{}, netif.Added{}, netif.Removed{}, netif.OpFailed{}, netif.Routed{}, netif.RoutingFailed{},
		netif.LeaseFailed{}, netif.Announced{}, netif.SysctlSet{}, netif.SysctlFailed{}, netif.Conflict{}, netif.Trouble{},
	}
}

// register makes the types of reports known to gob, whose register is the process's.
func register() {
	gob.Register(failure{})
	for _, r := range reports() {
		gob.Register(r)
	}
}

var errEnded = errors.New("the process of the election has ended")
