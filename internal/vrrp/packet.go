package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// protocol is VRRP's number in the IP header (RFC 9568 §5.1.1.4).
const protocol = 112

// hopLimit is the TTL that proves an advert was not forwarded by a router (RFC 9568 §5.1.1.3).
const hopLimit = 255

// typeAdvert is the only packet type there is (RFC 9568 §5.2.2).
const typeAdvert = 1

// headerLength is the fixed part of both versions; version 2 has 8 bytes of authentication data
// behind the addresses (RFC 3768 §5.1).
const (
	headerLength = 8
	authLength   = 8
)

// Group is the IPv4 multicast group of adverts (RFC 9568 §5.1.1.2).
var Group = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// Why an advert was refused. Match with errors.Is.
var (
	ErrTruncated = errors.New("packet too short")
	ErrTTL       = errors.New("TTL is not 255")
	ErrVersion   = errors.New("version differs from ours")
	ErrType      = errors.New("not an advert")
	ErrChecksum  = errors.New("wrong checksum")
	ErrAuth      = errors.New("authentication differs from ours")
	ErrInterval  = errors.New("advert interval differs from ours")
	ErrOwnSource = errors.New("another node sends from our address")
)

// Advert is the content of one VRRP packet.
type Advert struct {
	Source   netip.Addr
	Version  uint8
	VRID     uint8
	Priority uint8 // 0 says that the sender stops being master
	// Interval is whole seconds in version 2, and centiseconds up to 40.95 s in version 3.
	Interval  time.Duration
	Addresses []netip.Addr
	// AuthType and AuthData are those of version 2 (RFC 2338 §5.3.6); what they have to be is for
	// the instance to say.
	AuthType uint8
	AuthData Password
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
		four := ip.As4()
		b = append(b, four[:]...)
	}
	if a.Version == 2 {
		b = append(b, a.AuthData[:]...)
	}
	var sum uint32
	if a.Version == 3 {
		sum = pseudoHeader(a.Source, len(b)-start)
	}
	binary.BigEndian.PutUint16(b[start+6:], checksum(sum, b[start:]))
	return b
}

// Decode reads an IPv4 packet, header included, as a raw socket delivers it. The advert keeps
// no part of b. The error wraps one of the Err values; the advert is then as far as it was read,
// so that a report can name its sender.
func Decode(b []byte) (Advert, error) {
	var a Advert
	err := a.decode(b)
	return a, err
}

// decode is Decode into an advert whose memory is used again.
func (a *Advert) decode(b []byte) error {
	*a = Advert{Addresses: a.Addresses[:0]}
	if len(b) < 20 || int(b[0]&0x0f)*4 < 20 || len(b) < int(b[0]&0x0f)*4 {
		return fmt.Errorf("read IP header: %w", ErrTruncated)
	}
	a.Source = netip.AddrFrom4([4]byte(b[12:16]))
	ttl, length, header := b[8], int(binary.BigEndian.Uint16(b[2:])), int(b[0]&0x0f)*4
	if length < header+headerLength || length > len(b) {
		return fmt.Errorf("read %d bytes of %d: %w", len(b), length, ErrTruncated)
	}
	p := b[header:length] // what Ethernet pads is not part of the packet
	a.Version, a.VRID, a.Priority = p[0]>>4, p[1], p[2]
	if ttl != hopLimit {
		return fmt.Errorf("TTL %d: %w", ttl, ErrTTL)
	}
	if p[0]&0x0f != typeAdvert {
		return fmt.Errorf("type %d: %w", p[0]&0x0f, ErrType)
	}
	size := headerLength + 4*int(p[3])
	switch a.Version {
	case 2:
		size += authLength
		if len(p) < size {
			return fmt.Errorf("read %d addresses: %w", p[3], ErrTruncated)
		}
		a.Interval = time.Duration(p[5]) * time.Second
		if checksum(0, p[:size]) != 0 {
			return ErrChecksum
		}
		a.AuthType, a.AuthData = p[4], Password(p[size-authLength:size])
	case 3:
		if len(p) < size {
			return fmt.Errorf("read %d addresses: %w", p[3], ErrTruncated)
		}
		a.Interval = time.Duration(binary.BigEndian.Uint16(p[4:])&0x0fff) * 10 * time.Millisecond
		// With the pseudo header of RFC 5798 or without it as RFC 9568 §5.2.8 has it.
		dest := netip.AddrFrom4([4]byte(b[16:20]))
		if checksum(pseudoHeaderTo(a.Source, dest, len(p)), p) != 0 && checksum(0, p) != 0 {
			return ErrChecksum
		}
	default:
		return fmt.Errorf("version %d: %w", a.Version, ErrVersion)
	}
	a.Addresses = slices.Grow(a.Addresses, int(p[3]))
	for i := headerLength; i < headerLength+4*int(p[3]); i += 4 {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(p[i:i+4])))
	}
	return nil
}

func pseudoHeader(source netip.Addr, length int) uint32 {
	return pseudoHeaderTo(source, Group, length)
}

func pseudoHeaderTo(source, dest netip.Addr, length int) uint32 {
	var sum uint32
	for _, ip := range [2]netip.Addr{source, dest} {
		four := ip.As4()
		sum += uint32(binary.BigEndian.Uint16(four[:])) + uint32(binary.BigEndian.Uint16(four[2:]))
	}
	return sum + protocol + uint32(length)
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
