package vrrp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, addr(s))
	}
	return out
}

var sameAdvert = cmp.Options{cmpopts.IgnoreUnexported(Advert{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

// unhex reads bytes as the RFCs draw them: hexadecimal, with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cmpAdvert(want, got Advert) string { return cmp.Diff(want, got, sameAdvert) }

// decoded is what a raw socket makes of the payload of a packet with a's addresses.
func (a *Advert) decoded(payload []byte) (Advert, error) {
	var got Advert
	if a.Source.Is6() {
		err := got.decode6(a.Source, a.Destination, a.HopLimit, payload)
		return got, err
	}
	return Decode(datagram(a.Source, a.Destination, a.HopLimit, payload))
}

// datagram is payload behind an IPv4 header as a raw socket delivers it.
func datagram(source, dest netip.Addr, ttl byte, payload []byte) []byte {
	b := []byte{0x45, 0xc0, 0, 0, 0, 0, 0, 0, ttl, protocol, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	s, d := source.As4(), dest.As4()
	b = append(append(b, s[:]...), d[:]...)
	return append(b, payload...)
}

// goldens are built by hand from the drawings of RFC 3768 §5.1 and RFC 9568 §5.1, checksums with
// pencil and paper, or by keepalived 2.2.7.
var goldens = []struct {
	name   string
	advert Advert
	packet string
}{
	{"version 2", Advert{Source: addr("192.168.2.7"), Destination: Group4, HopLimit: 255, Version: 2, VRID: 51, Priority: 100,
		Interval: time.Second, Addresses: addrs("192.168.2.11")},
		"21 33 64 01  00 01 b8 16  c0 a8 02 0b  00 00 00 00  00 00 00 00"},
	{"version 3", Advert{Source: addr("192.168.2.7"), Destination: Group4, HopLimit: 255, Version: 3, VRID: 51, Priority: 100,
		Interval: time.Second, Addresses: addrs("192.168.2.11")},
		"31 33 64 01  00 64 04 75  c0 a8 02 0b"},
	{"version 2, priority 0, two addresses, 255 s", Advert{Source: addr("10.0.0.1"), Destination: Group4, HopLimit: 255, Version: 2, VRID: 1,
		Interval: 255 * time.Second, Addresses: addrs("10.0.0.9", "10.0.1.9")},
		"21 01 00 02  00 ff c8 eb  0a 00 00 09  0a 00 01 09  00 00 00 00  00 00 00 00"},
	{"version 3, owner, the longest interval", Advert{Source: addr("192.168.2.7"), Destination: Group4, HopLimit: 255, Version: 3, VRID: 255, Priority: 255,
		Interval: 40950 * time.Millisecond, Addresses: addrs("192.168.2.11")},
		"31 ff ff 01  0f ff 59 0d  c0 a8 02 0b"},
	{"version 3 without a pseudo header", Advert{Source: addr("192.168.2.7"), Destination: Group4, HopLimit: 255, Version: 3, VRID: 51, Priority: 100,
		Interval: time.Second, Addresses: addrs("192.168.2.11"), Checksum: ChecksumPlain},
		"31 33 64 01  00 64 a7 b3  c0 a8 02 0b"},
	{"keepalived's, version 2, password", Advert{Source: addr("10.9.0.1"), Destination: Group4, HopLimit: 255, Version: 2, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("10.9.0.9"), AuthType: 1, AuthData: Password([]byte("toolongp"))},
		"21 07 c8 01  01 01 51 29  0a 09 00 09  74 6f 6f 6c  6f 6e 67 70"},
	{"keepalived's, version 2, unicast", Advert{Source: addr("10.9.0.1"), Destination: addr("10.9.0.2"), HopLimit: 7, Version: 2, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("10.9.0.9")},
		"21 07 c8 01  00 01 0c e4  0a 09 00 09  00 00 00 00  00 00 00 00"},
	{"keepalived's, version 3, another group", Advert{Source: addr("10.9.0.1"), Destination: addr("224.0.0.99"), HopLimit: 255, Version: 3, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("10.9.0.9")},
		"31 07 c8 01  00 64 11 97  0a 09 00 09"},
	{"keepalived's, version 3, unicast", Advert{Source: addr("10.9.0.1"), Destination: addr("10.9.0.2"), HopLimit: 255, Version: 3, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("10.9.0.9")},
		"31 07 c8 01  00 64 e7 ef  0a 09 00 09"},
	{"keepalived's, version 3, unicast, old checksum", Advert{Source: addr("10.9.0.1"), Destination: addr("10.9.0.2"), HopLimit: 255, Version: 3, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("10.9.0.9"), Checksum: ChecksumGroup},
		"31 07 c8 01  00 64 11 e8  0a 09 00 09"},
	{"keepalived's, IPv6", Advert{Source: addr("fe80::540d:2dff:fea6:dab5"), Destination: Group6, HopLimit: 255, Version: 3, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("fd00::9")},
		"31 07 c8 01  00 64 b0 01  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09"},
	{"keepalived's, IPv6, unicast", Advert{Source: addr("fe80::3cd7:40ff:fee4:d621"), Destination: addr("fd00::2"), HopLimit: 64, Version: 3, VRID: 7, Priority: 200,
		Interval: time.Second, Addresses: addrs("fd00::9")},
		"31 07 c8 01  00 64 ba 9f  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09"},
}

func TestGoldens(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			want := unhex(t, g.packet)
			if got := g.advert.AppendTo(nil); !slices.Equal(got, want) {
				t.Errorf("encoded\n%x, want\n%x", got, want)
			}
			if got := g.advert.AppendTo([]byte("kept")); string(got[:4]) != "kept" || !slices.Equal(got[4:], want) {
				t.Errorf("appended %x", got)
			}
			got, err := g.advert.decoded(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.advert, got, sameAdvert); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeIgnoresEthernetPadding(t *testing.T) {
	for _, g := range goldens {
		if g.advert.Source.Is6() {
			continue // the kernel tells the length of the payload
		}
		b := datagram(g.advert.Source, g.advert.Destination, g.advert.HopLimit, unhex(t, g.packet))
		b = append(b, 0xde, 0xad, 0xbe, 0xef, 1, 2)
		got, err := Decode(b)
		if err != nil {
			t.Fatal(g.name, err)
		}
		if diff := cmp.Diff(g.advert, got, sameAdvert); diff != "" {
			t.Error(g.name, diff)
		}
	}
}

func TestDecodeNoticesEveryChangedBit(t *testing.T) {
	for _, g := range goldens {
		p := unhex(t, g.packet)
		for bit := range len(p) * 8 {
			p[bit/8] ^= 1 << (bit % 8)
			if a, err := g.advert.decoded(p); err == nil {
				t.Errorf("%s: accepted with bit %d changed: %+v", g.name, bit, a)
			}
			p[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// An IPv6 packet from or to another address than its checksum says is damaged.
func TestIPv6ChecksumCoversAddresses(t *testing.T) {
	for _, g := range goldens {
		if g.advert.Source.Is4() {
			continue
		}
		other := g.advert
		other.Source = addr("fe80::1")
		if _, err := other.decoded(unhex(t, g.packet)); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: from another source: %v", g.name, err)
		}
		other = g.advert
		other.Destination = addr("fd00::3")
		if _, err := other.decoded(unhex(t, g.packet)); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: to another destination: %v", g.name, err)
		}
	}
}

func TestDecodeSkipsIPOptions(t *testing.T) {
	b := datagram(addr("192.168.2.7"), Group4, 255, nil)
	b[0] = 0x46
	b = append(b, 0x94, 4, 0, 0) // router alert
	b = append(b, unhex(t, goldens[1].packet)...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if _, err := Decode(b); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	source := addr("192.168.2.7")
	v2, v3 := unhex(t, goldens[0].packet), unhex(t, goldens[1].packet)
	// resum makes the checksum right again after a change, so that it is the change which counts.
	resum := func(p []byte) []byte {
		p[6], p[7] = 0, 0
		binary.BigEndian.PutUint16(p[6:], checksum(0, p))
		return p
	}
	with := func(p []byte, at int, value byte) []byte {
		p = slices.Clone(p)
		p[at] = value
		return p
	}
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"nothing", nil, ErrTruncated},
		{"less than an IP header", datagram(source, Group4, 255, nil)[:19], ErrTruncated},
		{"header length under 20", with(datagram(source, Group4, 255, v2), 0, 0x44), ErrTruncated},
		{"header length beyond the packet", with(datagram(source, Group4, 255, v2[:8]), 0, 0x4f), ErrTruncated},
		{"no payload", datagram(source, Group4, 255, nil), ErrTruncated},
		{"payload of 7", datagram(source, Group4, 255, v3[:7]), ErrTruncated},
		{"total length beyond the packet", with(datagram(source, Group4, 255, v3), 3, 200), ErrTruncated},
		{"version 2 without its last address", datagram(source, Group4, 255, with(v2, 3, 2)), ErrTruncated},
		{"version 2 without authentication data", datagram(source, Group4, 255, v2[:19]), ErrTruncated},
		{"version 3 without its last address", datagram(source, Group4, 255, v3[:11]), ErrTruncated},
		{"type 2", datagram(source, Group4, 255, resum(with(v2, 0, 0x22))), ErrType},
		{"type 0", datagram(source, Group4, 255, resum(with(v3, 0, 0x30))), ErrType},
		{"version 1", datagram(source, Group4, 255, resum(with(v2, 0, 0x11))), ErrVersion},
		{"version 4", datagram(source, Group4, 255, resum(with(v3, 0, 0x41))), ErrVersion},
		{"version 2 checksum", datagram(source, Group4, 255, with(v2, 7, v2[7]^1)), ErrChecksum},
		{"version 3 checksum", datagram(source, Group4, 255, with(v3, 7, v3[7]^1)), ErrChecksum},
		{"version 3 checksum of another source", datagram(addr("192.168.2.8"), Group4, 255, v3), ErrChecksum},
	}
	all := []error{ErrTruncated, ErrTTL, ErrVersion, ErrType, ErrChecksum, ErrAuth, ErrInterval, ErrOwnSource}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode(test.packet)
			for _, e := range all {
				if errors.Is(err, e) != (e == test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
			}
		})
	}
}

// A report of a refused advert names its sender.
func TestDecodeNamesTheSenderOfWhatItRefuses(t *testing.T) {
	p := unhex(t, goldens[0].packet)
	p[7]++
	a, err := Decode(datagram(addr("192.168.2.7"), Group4, 64, p))
	if !errors.Is(err, ErrChecksum) || a.HopLimit != 64 || a.Source != addr("192.168.2.7") || a.VRID != 51 || a.Priority != 100 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestDecodeKeepsNothingOfTheBuffer(t *testing.T) {
	b := datagram(addr("192.168.2.7"), Group4, 255, unhex(t, goldens[0].packet))
	a, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if diff := cmp.Diff(goldens[0].advert, a, sameAdvert); diff != "" {
		t.Error(diff)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		six := rapid.Bool().Draw(t, "IPv6")
		ip := rapid.Custom(func(t *rapid.T) netip.Addr {
			b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
			if six {
				return netip.AddrFrom16([16]byte(b))
			}
			return netip.AddrFrom4([4]byte(b))
		})
		a := Advert{
			Source:      ip.Draw(t, "source"),
			Destination: ip.Draw(t, "destination"),
			HopLimit:    rapid.Byte().Draw(t, "hops"),
			Version:     rapid.Uint8Range(2, 3).Draw(t, "version"),
			VRID:        rapid.Byte().Draw(t, "vrid"),
			Priority:    rapid.Byte().Draw(t, "priority"),
			Addresses:   rapid.SliceOfN(ip, 0, 255).Draw(t, "addresses"),
		}
		if a.Version == 2 {
			a.AuthType = rapid.Byte().Draw(t, "authentication")
			a.AuthData = Password(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "data"))
			a.Interval = time.Duration(rapid.Byte().Draw(t, "seconds")) * time.Second
		} else {
			a.Interval = time.Duration(rapid.IntRange(0, 4095).Draw(t, "centiseconds")) * 10 * time.Millisecond
			a.Checksum = Checksum(rapid.Uint8Range(0, 2).Draw(t, "checksum"))
		}
		got, err := a.decoded(a.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		if six || a.Version == 2 || got.Checksum < a.Checksum {
			got.Checksum = a.Checksum // it says nothing there, or two come to the same
		}
		if diff := cmp.Diff(a, got, sameAdvert); diff != "" {
			t.Fatal(diff)
		}
	})
}

// again encodes and decodes what was decoded.
func again(t *testing.T, a Advert) {
	t.Helper()
	a.Trailer = Trailer{} // nobody can make it again without the key
	again, err := a.decoded(a.AppendTo(nil))
	if err != nil {
		t.Fatalf("%+v: %v", a, err)
	}
	if diff := cmp.Diff(a, again, sameAdvert); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens {
		if g.advert.Source.Is4() {
			f.Add(datagram(g.advert.Source, g.advert.Destination, g.advert.HopLimit, unhex(f, g.packet)))
			g.advert.signer = newSigner(keyOf(1))
			f.Add(datagram(g.advert.Source, g.advert.Destination, g.advert.HopLimit, g.advert.AppendTo(nil)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := Decode(b); err == nil {
			again(t, a)
		}
	})
}

// FuzzDecode6 is FuzzDecode for IPv6, of which a raw socket delivers the payload alone.
func FuzzDecode6(f *testing.F) {
	for _, g := range goldens {
		if g.advert.Source.Is6() {
			f.Add(g.advert.Source.AsSlice(), g.advert.Destination.AsSlice(), unhex(f, g.packet))
		}
	}
	f.Fuzz(func(t *testing.T, from, to, payload []byte) {
		if len(from) != 16 || len(to) != 16 {
			return
		}
		var a Advert
		if err := a.decode6(netip.AddrFrom16([16]byte(from)), netip.AddrFrom16([16]byte(to)), 255, payload); err == nil {
			again(t, a)
		}
	})
}
