package conf

import "time"

// HMAC is how the adverts of an instance are authenticated (auth_hmac); without Keys they are not.
type HMAC struct {
	Keys []HMACKey // each ID once
	// ActiveKey is the ID of the key that signs.
	ActiveKey uint8
	// Monotonic lets an advert be of any time that is later than that of the last one of its sender
	// (anti_replay monotonic). Otherwise it has to be within TimeWindow of ours too.
	Monotonic bool
	// TimeWindow is 1 s to 300 s, whole seconds.
	TimeWindow time.Duration
	Mode       HMACMode
}

// HMACKey is one line of key.
type HMACKey struct {
	ID uint8 // 1-255
	// Value are the bytes of the key, 32 to 64.
	Value Secret
}

// HMACMode says what becomes of adverts without a trailer.
type HMACMode string

// The modes of keepalived.conf(5), from what is wanted in the end to how one begins.
const (
	Enforce     HMACMode = "enforce"      // they do not count
	Permissive  HMACMode = "permissive"   // they do
	ReceiveOnly HMACMode = "receive-only" // they do, and ours are such
)
