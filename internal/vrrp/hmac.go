package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/netip"
	"slices"
	"time"
)

// This file authenticates adverts by a trailer of lvsd's own behind the VRRP message, of both
// versions and families (docs/vrrp-hmac.md). The checksum of the advert covers it.
//
//	 0                   1                   2                   3
//	+-------+-------+-------+-------+
//	| "L"   | "v"   | 1     | key   |   the format, and which key
//	+-------+-------+-------+-------+
//	| seconds since 1970, UTC       |   the sequence number, which grows with each advert
//	+-------+-------+-------+-------+
//	| fraction      | counter       |
//	+-------+-------+-------+-------+
//	| HMAC-SHA256, first 16 bytes   |
//	|            …                  |
//	+-------+-------+-------+-------+
const (
	trailerLength = 28
	signedTrailer = 12 // what the HMAC covers of it
	tagLength     = 16
)

var trailerMagic = [3]byte{'L', 'v', 1}

// ErrReplay is why a trailer does not count, beside ErrAuth. Match with errors.Is.
var ErrReplay = errors.New("an advert of before, or of another time")

// HMAC has the adverts of an instance authenticated. The zero value has not.
type HMAC struct {
	Keys   []HMACKey
	Active uint8 // the ID of the key that signs
	// Monotonic lets the time of an advert be any, as long as it is later than that of the last one
	// of the same sender. Otherwise it has to be within Window of ours too.
	Monotonic bool
	Window    time.Duration
	// Permissive lets adverts without a trailer count; Silent sends such.
	Permissive, Silent bool
}

// HMACKey is one of the keys, by its ID of 1 to 255.
type HMACKey struct {
	ID  uint8
	Key Secret
}

// Secret is a key that no print of a configuration shows.
type Secret string

// String is not the secret.
func (Secret) String() string { return "(not shown)" }

// GoString is not the secret either, for %#v.
func (Secret) GoString() string { return "(not shown)" }

func (h *HMAC) equal(o *HMAC) bool {
	return h.Active == o.Active && h.Monotonic == o.Monotonic && h.Window == o.Window && h.Permissive == o.Permissive &&
		h.Silent == o.Silent && slices.Equal(h.Keys, o.Keys)
}

// Accepts tells whether adverts of a node with the words o count at one with the words h.
func (h *HMAC) Accepts(o *HMAC) bool {
	switch {
	case h.Active == 0:
		return true
	case o.Active == 0 || o.Silent:
		return h.Permissive
	}
	for _, k := range o.Keys {
		if k.ID == o.Active {
			return slices.Contains(h.Keys, k)
		}
	}
	return false
}

// Trailer is that of an advert; a Key of 0 is none.
type Trailer struct {
	Key      uint8
	Sequence uint64
	Tag      [tagLength]byte
}

// signer makes the tags of one key.
type signer struct {
	id      uint8
	mac     hash.Hash
	scratch [20]byte
	tag     [sha256.Size]byte
}

func newSigner(k HMACKey) *signer {
	return &signer{id: k.ID, mac: hmac.New(sha256.New, []byte(k.Key))}
}

// sign returns the tag of a message from source with its trailer up to the tag. The checksum in it
// counts as zero. The source is bound in, and so is its family, so that nobody passes an advert of
// one node off as that of another.
func (s *signer) sign(source netip.Addr, message []byte) [tagLength]byte {
	clear(s.scratch[:])
	s.scratch[0] = 4
	if source.Is6() {
		s.scratch[0] = 6
	}
	sixteen := source.As16()
	copy(s.scratch[1:], sixteen[:])
	s.mac.Reset()
	s.mac.Write(s.scratch[:17])
	s.mac.Write(message[:6])
	s.mac.Write(s.scratch[17:19]) // in place of the checksum
	s.mac.Write(message[8:])
	s.mac.Sum(s.tag[:0])
	return [tagLength]byte(s.tag[:tagLength])
}

// appendTrailer appends the trailer of the message that begins at start.
func (a *Advert) appendTrailer(b []byte, start int) []byte {
	b = append(b, trailerMagic[:]...)
	b = append(b, a.signer.id)
	b = binary.BigEndian.AppendUint64(b, a.Trailer.Sequence)
	tag := a.signer.sign(a.Source, b[start:])
	return append(b, tag[:]...)
}

// hasTrailer tells whether a message of size bytes has a trailer in what follows.
func hasTrailer(p []byte, size int) bool {
	return len(p) == size+trailerLength && [3]byte(p[size:size+3]) == trailerMagic && p[size+3] != 0
}

// readTrailer reads the trailer of a message of size bytes, and keeps what its tag covers.
func (a *Advert) readTrailer(p []byte, size int) {
	a.Trailer = Trailer{Key: p[size+3], Sequence: binary.BigEndian.Uint64(p[size+4:]), Tag: [tagLength]byte(p[size+signedTrailer:])}
	a.signed = append(a.signed[:0], p[:size+signedTrailer]...)
}

// sequenceOf is the sequence number of a time.
func sequenceOf(at time.Time) uint64 {
	fraction := uint64(at.Nanosecond()) << 16 / uint64(time.Second)
	return uint64(uint32(at.Unix()))<<32 | fraction<<16
}

// keyed is what an instance knows of the trailers of its adverts.
type keyed struct {
	signers []*signer
	last    uint64 // the sequence number last used
	heard   map[netip.Addr]uint64
}

// maxSenders bounds the senders whose last sequence number is known. Only holders of a key get there.
const maxSenders = 256

// rekey takes the keys of a configuration. What was heard stays known.
func (k *keyed) rekey(h *HMAC) {
	k.signers = k.signers[:0]
	for _, key := range h.Keys {
		k.signers = append(k.signers, newSigner(key))
	}
}

func (k *keyed) signer(id uint8) *signer {
	for _, s := range k.signers {
		if s.id == id {
			return s
		}
	}
	return nil
}

// seal has an advert signed that is sent at the time now, with a sequence number that none had before.
func (i *instance) seal(now time.Time, a *Advert) {
	h := &i.cfg.HMAC
	if h.Active == 0 || h.Silent {
		return
	}
	sequence := sequenceOf(now)
	if int64(sequence-i.keyed.last) <= 0 && i.keyed.last != 0 { // RFC 1982: the seconds may wrap
		sequence = i.keyed.last + 1
	}
	i.keyed.last = sequence
	a.signer = i.keyed.signer(h.Active)
	a.Trailer.Sequence = sequence
}

// unseal says why the trailer of an advert does not let it count.
func (i *instance) unseal(now time.Time, a *Advert) error {
	h := &i.cfg.HMAC
	switch {
	case h.Active == 0, a.Trailer.Key == 0 && h.Permissive:
		return nil
	case a.Trailer.Key == 0:
		return fmt.Errorf("no HMAC: %w", ErrAuth)
	}
	s := i.keyed.signer(a.Trailer.Key)
	if s == nil {
		return fmt.Errorf("HMAC key %d, which we do not have: %w", a.Trailer.Key, ErrAuth)
	}
	if tag := s.sign(a.Source, a.signed); !hmac.Equal(tag[:], a.Trailer.Tag[:]) {
		return fmt.Errorf("wrong HMAC: %w", ErrAuth)
	}
	if !h.Monotonic {
		if off := offset(a.Trailer.Sequence, now); off.Abs() > h.Window {
			return fmt.Errorf("its clock is %v off ours: %w", off.Round(time.Millisecond), ErrReplay)
		}
	}
	last, known := i.keyed.heard[a.Source]
	if known && int64(a.Trailer.Sequence-last) <= 0 {
		return fmt.Errorf("its number is not above the last one: %w", ErrReplay)
	}
	i.keyed.hear(a.Source, a.Trailer.Sequence)
	return nil
}

// offset is how far the time of a sequence number is from ours.
func offset(sequence uint64, now time.Time) time.Duration {
	apart := int64(sequence - sequenceOf(now)) // seconds in its upper half
	return time.Duration(apart>>32)*time.Second + time.Duration(uint64(uint32(apart))*uint64(time.Second)>>32)
}

func (k *keyed) hear(source netip.Addr, sequence uint64) {
	if k.heard == nil {
		k.heard = map[netip.Addr]uint64{}
	}
	if _, known := k.heard[source]; !known && len(k.heard) >= maxSenders {
		clear(k.heard)
	}
	k.heard[source] = sequence
}
