package vrrp

import (
	"net/netip"
	"time"
)

// Output is what an Election wants done, in the order of its fields: adverts leave before
// addresses move.
type Output struct {
	Sends       []Send
	Transitions []Transition
	Announces   []Key // announce the instance's addresses again: another node claimed them
	Notes       []Note
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	o.Sends, o.Transitions = o.Sends[:0], o.Transitions[:0]
	o.Announces, o.Notes = o.Announces[:0], o.Notes[:0]
}

// Send is an advert to send from the interface of Key.
type Send struct {
	Key    Key
	Advert Advert
	// To is where it goes. Advert has the first of them as its destination.
	To []netip.Addr
	// Until is when another node may become master if this advert is the last: an address may
	// be put on the interface before it, not after. It is zero when the advert claims nothing:
	// its priority is 0, or it is the last word to a better master. The priority 0 of a
	// resignation has it where the addresses, served on, would else be given up too early.
	Until time.Time
	// Regardless says that Until holds even where the advert cannot be sent: the instance does not
	// depend on its interface.
	Regardless bool
}

// Transition is a change of an instance's state.
type Transition struct {
	Key      Key
	Name     string
	From, To State
	Reason   string
	Priority uint8     // the effective one
	Until    time.Time // as in Send; zero unless To is Master
}

// NoteKind says what a Note is about.
type NoteKind uint8

// What is worth telling beside transitions.
const (
	// NoteMaster: a backup accepts adverts from another node than before.
	NoteMaster NoteKind = iota
	// NoteDuplicate: a master heard an advert of a lesser master.
	NoteDuplicate
	// NoteRefused: an advert was refused, for the reason in Err.
	NoteRefused
	// NoteAddresses: the master advertises other addresses than ours.
	NoteAddresses
	// NoteInterval: the master's interval is another than ours, which is taken from it.
	NoteInterval
	// NoteStall: a timer was served so late that another node may have become master.
	NoteStall
	// NoteSocket: an interface cannot be listened to or sent from, for the reason in Err; a nil
	// Err says that it can again.
	NoteSocket
	// NotePriority: the trackers, or a new configuration, made an instance's effective priority
	// another: Priority, which was Was.
	NotePriority
)

// Note is something that an operator may have to know, without a change of state.
type Note struct {
	Kind     NoteKind
	Key      Key
	Name     string // of the instance; empty when no instance has the key
	Peer     netip.Addr
	Priority uint8         // the peer's; NotePriority: ours
	Was      uint8         // NotePriority
	Late     time.Duration // NoteStall: how late
	Interval time.Duration // NoteInterval: the peer's
	Ours     time.Duration // NoteInterval
	Err      error         // NoteRefused, NoteSocket
	// Weights are those of NotePriority that count now: "interface eth1 -20, script web +10".
	Weights string
	// Advertised are the peer's addresses in NoteAddresses.
	Advertised []netip.Addr
}
