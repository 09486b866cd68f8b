package conf

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// TrackKind says what an instance depends on, by the keyword of the block that lists it.
type TrackKind string

// The kinds of what is tracked: network interfaces, and what is defined by a block of its own.
const (
	TrackInterface TrackKind = "track_interface"
	TrackScript    TrackKind = "track_script"
)

// Tracked is one line of track_interface, or of a block like it: what an instance depends on.
type Tracked struct {
	Kind TrackKind
	Name string
	// Weight is added to the priority while what is tracked is up where it is positive, and while it
	// is down where it is negative, -253 to 253. With 0 the instance takes no part in the election
	// while it is down.
	Weight int
	// Reverse turns the weight's sign; with a weight of 0, it takes up for down.
	Reverse bool
	Range   hcl.Range
}

// Program is a program that lvsd runs.
type Program struct {
	Words []string // the program and its arguments; none is no program
	// User and Group are names or numbers. An empty user is keepalived_script where the host has it,
	// else lvsd's own; an empty group is that of the user.
	User, Group string
}

// Script is one vrrp_script: a program that is run again and again, and is up while it exits with
// status 0.
type Script struct {
	Name    string
	Command Program
	// Interval is the time from the start of a run to the start of the next, 1 ms to 24 h.
	Interval time.Duration
	// Timeout is how long a run may take before it has failed and is ended, 1 ms to 24 h.
	Timeout time.Duration
	// Rise and Fall are how many runs in a row bring the script up and down, 1 to 65535; the first run
	// decides alone.
	Rise, Fall int
	// InitFail lets it begin as down.
	InitFail bool
	Range    hcl.Range
}
