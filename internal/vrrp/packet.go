package vrrp

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// protocol is VRRP's number in the IP header (RFC 9568 §5.1.1.4, §5.1.2.4).
const protocol = 112

// hopLimit is the TTL or hop limit that proves an advert was not forwarded by a router
// (RFC 9568 §5.1.1.3, §5.1.2.3).
const hopLimit = 255

// typeAdvert is the only packet type there is (RFC 9568 §5.2.2).
const typeAdvert = 1

// headerLength is the fixed part of both versions; version 2 has 8 bytes of authentication data
// behind the addresses (RFC 3768 §5.1).
const (
	headerLength = 8
	authLength   = 8
)

// Why an advert was refused. Match with errors.Is.
var (
	ErrTruncated   = errors.New("packet too short")
	ErrTTL         = errors.New("wrong TTL")
	ErrVersion     = errors.New("version differs from ours")
	ErrType        = errors.New("not an advert")
	ErrChecksum    = errors.New("wrong checksum")
	ErrAuth        = errors.New("authentication differs from ours")
	ErrInterval    = errors.New("advert interval differs from ours")
	ErrOwnSource   = errors.New("another node sends from our address")
	ErrDestination = errors.New("not sent to us as ours are sent")
	ErrSource      = errors.New("not one of the unicast peers")
)

// Group4 and Group6 are the multicast groups of adverts (RFC 9568 §5.1.1.2, §5.1.2.2).
var (
	Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	Group6 = netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 0x12})
)

// Checksum is one of the ways to calculate the checksum of a version 3 advert over IPv4. Over IPv6
// there is the one of RFC 9568 §5.2.8, with a pseudo header.
type Checksum uint8

// The checksums. All are accepted; what is sent has to be what the other node expects.
const (
	// ChecksumPseudo covers a pseudo header of source and destination: RFC 5798 §5.2.8 as
	// keepalived and FRR read it.
	ChecksumPseudo Checksum = iota
	// ChecksumPlain covers the advert alone: RFC 9568 §5.2.8.
	ChecksumPlain
	// ChecksumGroup is ChecksumPseudo with the multicast group in place of a unicast destination:
	// keepalived before 1.3.7.
	ChecksumGroup
)

// Advert is the content of one VRRP packet, and what its IP header says.
type Advert struct {
	Source      netip.Addr
	Destination netip.Addr
	HopLimit    uint8 // the TTL of IPv4
	Version     uint8
	VRID        uint8
	Priority    uint8 // 0 says that the sender stops being master
	// Interval is whole seconds in version 2, and centiseconds up to 40.95 s in version 3.
	Interval  time.Duration
	Addresses []netip.Addr // of the family of Source
	Checksum  Checksum     // of version 3 over IPv4
	// AuthType and AuthData are those of version 2 (RFC 2338 §5.3.6); what they have to be is for
	// the instance to say.
	AuthType uint8
	AuthData Password
	// Trailer authenticates the advert where an instance has keys.
	Trailer Trailer

	signer *signer // of an advert to be sent; nil for none
	signed []byte  // of one received, with a trailer: what that covers
}

// AppendTo appends the encoded packet, without an IP header, to b.
func (a *Advert) AppendTo(b []byte) []byte {
	start := len(b)
	b = append(b, a.Version<<4|typeAdvert, a.VRID, a.Priority, uint8(len(a.Addresses)))
	if a.Version == 2 {
		b = append(b, a.AuthType, uint8(a.Interval/time.Second))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(a.Interval/(10*time.Millisecond))&0x0fff)
	}
	b = append(b, 0, 0)
	for _, ip := range a.Addresses {
		if ip.Is4() {
			four := ip.As4()
			b = append(b, four[:]...)
		} else {
			sixteen := ip.As16()
			b = append(b, sixteen[:]...)
		}
	}
	if a.Version == 2 {
		b = append(b, a.AuthData[:]...)
	}
	if a.signer != nil {
		b = a.appendTrailer(b, start)
	}
	binary.BigEndian.PutUint16(b[start+6:], checksum(a.pseudoHeader(a.Checksum, len(b)-start), b[start:]))
	return b
}

// pseudoHeader is the sum of what a checksum covers beside the packet, whose length is given.
func (a *Advert) pseudoHeader(kind Checksum, length int) uint32 {
	to := a.Destination
	switch {
	case a.Version == 2 || kind == ChecksumPlain && a.Source.Is4():
		return 0
	case kind == ChecksumGroup && a.Source.Is4():
		to = Group4
	}
	return sumOf(a.Source) + sumOf(to) + protocol + uint32(length)
}

// sumOf is the sum of the 16-bit words of an address.
func sumOf(ip netip.Addr) (sum uint32) {
	if ip.Is4() {
		four := ip.As4()
		return uint32(binary.BigEndian.Uint16(four[:])) + uint32(binary.BigEndian.Uint16(four[2:]))
	}
	sixteen := ip.As16()
	for at := 0; at < 16; at += 2 {
		sum += uint32(binary.BigEndian.Uint16(sixteen[at:]))
	}
	return sum
}

// checksum is the Internet checksum of RFC 1071 over b, starting from sum.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
