// Package track watches what VRRP instances depend on beside the links: scripts, files and
// processes. What its readings mean for an instance is for the election.
package track

import "time"

// State is what is known of something that is tracked.
type State uint8

// The states.
const (
	Unknown State = iota // nothing yet
	Up
	Down
)

// String returns the state in lower case.
func (s State) String() string { return [...]string{"unknown", "up", "down"}[s] }

// Reading is what was last seen of something that is tracked.
type Reading struct {
	State State
	Value int       // of a file
	Since time.Time // when State and Value became what they are
	Why   string    // why it is down; empty when it is not
	// Fault is our own error that keeps it from being looked at now, nil if none: it says nothing of
	// what is tracked.
	Fault error
}

// changed tells whether somebody has to hear of the second reading after the first.
func changed(before, after Reading) bool {
	return before.State != after.State || before.Value != after.Value || text(before.Fault) != text(after.Fault)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
