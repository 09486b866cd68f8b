// Package elector is the part of a node that must be on time whatever else the node does: the
// election, the addresses that follow it, and their announcement.
//
// [Elector] runs it within the process. [Process] runs it in a child process, which [Serve] is the
// other end of: beside ten thousand checks a goroutine of the same process waits for its turn for
// up to a second, at whatever priority its thread runs, for the threads that hold Go's processors
// may not have the kernel's. Both have the same methods, none of which waits, and report the same.
package elector

import (
	"time"

	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// Report is what an elector tells: one of the types of this file, of vrrp, or of netif.
//   - vrrp.Transition and vrrp.Note, of the election
//   - a netif.Report, of the addresses
//   - RealtimeRefused, Resigned, Broken, DirectorBack, ElectionSilent and Lost
type Report any

// RealtimeRefused says that the process has no real-time priority, for the reason in Err.
type RealtimeRefused struct{ Err error }

// Resigned says that the election is over: because Resign asked for it, where Err is nil.
type Resigned struct{ Err error }

// Broken says that a part has ended with an error.
type Broken struct {
	Part string
	Err  error
}

// Lost says that the process of the election has ended without being asked to. Whatever it held is
// as after a crash.
type Lost struct{ Err error }

// DirectorBack says that the election has heard from the director again, after a silence for which it
// had made way.
type DirectorBack struct{ Silent time.Duration }

// ElectionSilent says that the process of the election has not answered for so long, and is ended for
// it: Lost follows.
type ElectionSilent struct{ Silent time.Duration }

// Configuration is the whole of the election.
type Configuration struct {
	Instances []vrrp.Config
	Groups    []vrrp.SyncGroup
	Delays    map[string]vrrp.LinkDelay // of links, by their names
	Readings  map[vrrp.Tracker]vrrp.Reading
	// Hold is how long instances wait before they take part at all; 0 is not at all.
	Hold time.Duration
}

// Network is what the addresses should be, and the number by which a netif.Applied acknowledges it.
type Network struct {
	Generation uint64
	Want       netif.Want
}
