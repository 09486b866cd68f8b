package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Decode reads an IPv4 packet, header included, as a raw socket delivers it. The advert keeps
// no part of b. The error wraps one of the Err values; the advert is then as far as it was read,
// so that a report can name its sender.
func Decode(b []byte) (Advert, error) {
	var a Advert
	err := a.decode(b)
	return a, err
}

// reset makes a an empty advert that uses its memory again.
func (a *Advert) reset() { *a = Advert{Addresses: a.Addresses[:0], signed: a.signed[:0]} }

// decode is Decode into an advert whose memory is used again.
func (a *Advert) decode(b []byte) error {
	a.reset()
	if len(b) < 20 || int(b[0]&0x0f)*4 < 20 || len(b) < int(b[0]&0x0f)*4 {
		return fmt.Errorf("read IP header: %w", ErrTruncated)
	}
	a.Source, a.Destination = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	a.HopLimit = b[8]
	length, header := int(binary.BigEndian.Uint16(b[2:])), int(b[0]&0x0f)*4
	if length < header+headerLength || length > len(b) {
		return fmt.Errorf("read %d bytes of %d: %w", len(b), length, ErrTruncated)
	}
	return a.decodeMessage(b[header:length]) // what Ethernet pads is not part of the packet
}

// decode6 reads the payload of an IPv6 packet, whose header a raw socket tells of beside it.
func (a *Advert) decode6(source, destination netip.Addr, hops uint8, p []byte) error {
	a.reset()
	a.Source, a.Destination, a.HopLimit = source, destination, hops
	if len(p) < headerLength {
		return fmt.Errorf("read %d bytes: %w", len(p), ErrTruncated)
	}
	return a.decodeMessage(p)
}

// decodeMessage reads what is behind the IP header, a header of VRRP at least.
func (a *Advert) decodeMessage(p []byte) error {
	a.Version, a.VRID, a.Priority = p[0]>>4, p[1], p[2]
	if p[0]&0x0f != typeAdvert {
		return fmt.Errorf("type %d: %w", p[0]&0x0f, ErrType)
	}
	width := a.Source.BitLen() / 8
	size := headerLength + width*int(p[3])
	switch a.Version {
	case 2:
		size += authLength
		if len(p) < size {
			return fmt.Errorf("read %d addresses: %w", p[3], ErrTruncated)
		}
		a.Interval = time.Duration(p[5]) * time.Second
		covered := p[:size]
		if hasTrailer(p, size) {
			covered = p
		}
		if checksum(0, covered) != 0 {
			return ErrChecksum
		}
		a.AuthType, a.AuthData = p[4], Password(p[size-authLength:size])
	case 3:
		if len(p) < size {
			return fmt.Errorf("read %d addresses: %w", p[3], ErrTruncated)
		}
		a.Interval = time.Duration(binary.BigEndian.Uint16(p[4:])&0x0fff) * 10 * time.Millisecond
		if !a.summed(p) {
			return ErrChecksum
		}
	default:
		return fmt.Errorf("version %d: %w", a.Version, ErrVersion)
	}
	if hasTrailer(p, size) {
		a.readTrailer(p, size)
	}
	a.Addresses = slices.Grow(a.Addresses, int(p[3]))
	for i := headerLength; i < headerLength+width*int(p[3]); i += width {
		if width == 4 {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(p[i:i+4])))
		} else {
			a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(p[i:i+16])))
		}
	}
	return nil
}

// summed finds out by which of the checksums a version 3 packet is sound.
func (a *Advert) summed(p []byte) bool {
	kinds := [...]Checksum{ChecksumPseudo, ChecksumPlain, ChecksumGroup}
	for _, kind := range kinds {
		if checksum(a.pseudoHeader(kind, len(p)), p) == 0 {
			a.Checksum = kind
			return true
		}
		if a.Source.Is6() {
			break
		}
	}
	return false
}
