package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Key is the identity of an instance across reloads: its name may change, these may not.
type Key struct {
	Interface string
	VRID      uint8
	IPv6      bool // adverts travel over IPv6: another virtual router than over IPv4
}

// String is the key as a person reads it, "eth0/51" or "eth0/51 IPv6".
func (k Key) String() string {
	if k.IPv6 {
		return fmt.Sprintf("%s/%d IPv6", k.Interface, k.VRID)
	}
	return fmt.Sprintf("%s/%d", k.Interface, k.VRID)
}

// socket is the key of what instances of an interface and family have in common.
func (k Key) socket() Key { return Key{Interface: k.Interface, IPv6: k.IPv6} }

// Config is one instance as the configuration has it.
type Config struct {
	Key
	Name     string
	Version  uint8 // 2 or 3
	Priority uint8 // 1-255
	// Interval is Advertisement_Interval of RFC 9568 §6.1.
	Interval time.Duration
	// DownTimerAdverts is how many adverts of a master a backup misses before it takes over,
	// 1-100; RFC 9568 §6.1 has 3. All nodes must have the same.
	DownTimerAdverts uint8
	Preempt          bool
	// PreemptDelay is how long a lesser master is left to serve before it is preempted.
	PreemptDelay time.Duration
	// LowerPrioNoAdvert leaves an advert of a lesser master unanswered.
	LowerPrioNoAdvert bool
	// HigherPrioSendAdvert makes way for a better master with one last advert, by which that one
	// learns that there were two and announces its addresses again.
	HigherPrioSendAdvert bool
	// OwnerIgnoreAdverts makes an instance with priority 255 deaf to all others.
	OwnerIgnoreAdverts bool
	// DontTrackPrimary lets the instance take part while Key.Interface is down, as it is where the
	// interface is a cable to the other node.
	DontTrackPrimary bool
	// StartMaster skips the wait for other masters at start: the owner of the addresses does
	// (RFC 9568 §6.4.1).
	StartMaster bool
	Addresses   []netip.Addr // advertised, in the configuration's order
	// Excluded move with Addresses and are in no advert. Like those, none is a source of adverts.
	Excluded  []netip.Addr
	Password  Password // of version 2
	Transport Transport
	HMAC      HMAC
	Track     []Track // what the instance depends on, beside Key.Interface
}

func (c *Config) equal(d *Config) bool {
	return c.Key == d.Key && c.Name == d.Name && c.Version == d.Version &&
		c.Priority == d.Priority && c.Interval == d.Interval && c.Preempt == d.Preempt &&
		c.DownTimerAdverts == d.DownTimerAdverts && c.PreemptDelay == d.PreemptDelay &&
		c.LowerPrioNoAdvert == d.LowerPrioNoAdvert && c.HigherPrioSendAdvert == d.HigherPrioSendAdvert &&
		c.OwnerIgnoreAdverts == d.OwnerIgnoreAdverts && c.DontTrackPrimary == d.DontTrackPrimary &&
		c.StartMaster == d.StartMaster && slices.Equal(c.Addresses, d.Addresses) &&
		slices.Equal(c.Track, d.Track) && c.Password == d.Password && slices.Equal(c.Excluded, d.Excluded) &&
		c.Transport.equal(&d.Transport) && c.HMAC.equal(&d.HMAC)
}

// SyncGroup names instances that change state together.
type SyncGroup struct {
	Name    string
	Members []Key
}

// Link is what the election needs to know of a network interface.
type Link struct {
	Index int
	Up    bool // administratively up, with carrier
	// Addresses are those of the interface that can be used, the primary ones of IPv4 first.
	Addresses []netip.Addr
}

// State is an instance's state: those of RFC 9568 §6.3, and keepalived's FAULT for an instance
// that may not take part.
type State uint8

// The states. Init is before the first look at the interfaces, and after the end.
const (
	Init State = iota
	Fault
	Backup
	Master
)

// String is the state as keepalived's users know it, in capitals.
func (s State) String() string {
	return [...]string{"INIT", "FAULT", "BACKUP", "MASTER"}[s]
}
