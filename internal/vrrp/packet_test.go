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

var sameAdvert = cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

// unhex reads bytes as the RFCs draw them: hexadecimal, with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
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
// pencil and paper.
var goldens = []struct {
	name   string
	advert Advert
	packet string
}{
	{"version 2", Advert{Source: addr("192.168.2.7"), Version: 2, VRID: 51, Priority: 100,
		Interval: time.Second, Addresses: addrs("192.168.2.11")},
		"21 33 64 01  00 01 b8 16  c0 a8 02 0b  00 00 00 00  00 00 00 00"},
	{"version 3", Advert{Source: addr("192.168.2.7"), Version: 3, VRID: 51, Priority: 100,
		Interval: time.Second, Addresses: addrs("192.168.2.11")},
		"31 33 64 01  00 64 04 75  c0 a8 02 0b"},
	{"version 2, priority 0, two addresses, 255 s", Advert{Source: addr("10.0.0.1"), Version: 2, VRID: 1,
		Interval: 255 * time.Second, Addresses: addrs("10.0.0.9", "10.0.1.9")},
		"21 01 00 02  00 ff c8 eb  0a 00 00 09  0a 00 01 09  00 00 00 00  00 00 00 00"},
	{"version 3, owner, the longest interval", Advert{Source: addr("192.168.2.7"), Version: 3, VRID: 255, Priority: 255,
		Interval: 40950 * time.Millisecond, Addresses: addrs("192.168.2.11")},
		"31 ff ff 01  0f ff 59 0d  c0 a8 02 0b"},
	// By keepalived 2.2.7.
	{"version 2, password", Advert{Source: addr("10.9.0.1"), Version: 2, VRID: 7, Priority: 200, Interval: time.Second,
		Addresses: addrs("10.9.0.9"), AuthType: 1, AuthData: Password([]byte("toolongp"))},
		"21 07 c8 01  01 01 51 29  0a 09 00 09  74 6f 6f 6c  6f 6e 67 70"},
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
			got, err := Decode(datagram(g.advert.Source, Group, 255, want))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.advert, got, sameAdvert); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// RFC 9568 §5.2.8 sums no pseudo header over IPv4, RFC 5798 and keepalived do.
func TestVersion3ChecksumWithoutPseudoHeader(t *testing.T) {
	p := unhex(t, "31 33 64 01  00 64 a7 b3  c0 a8 02 0b")
	if _, err := Decode(datagram(addr("192.168.2.7"), Group, 255, p)); err != nil {
		t.Error(err)
	}
}

func TestDecodeIgnoresEthernetPadding(t *testing.T) {
	for _, g := range goldens {
		b := datagram(g.advert.Source, Group, 255, unhex(t, g.packet))
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
		b := datagram(g.advert.Source, Group, 255, unhex(t, g.packet))
		for bit := 20 * 8; bit < len(b)*8; bit++ {
			b[bit/8] ^= 1 << (bit % 8)
			if a, err := Decode(b); err == nil {
				t.Errorf("%s: accepted with bit %d changed: %+v", g.name, bit-20*8, a)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestDecodeSkipsIPOptions(t *testing.T) {
	b := datagram(addr("192.168.2.7"), Group, 255, nil)
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
		{"less than an IP header", datagram(source, Group, 255, nil)[:19], ErrTruncated},
		{"header length under 20", with(datagram(source, Group, 255, v2), 0, 0x44), ErrTruncated},
		{"header length beyond the packet", with(datagram(source, Group, 255, v2[:8]), 0, 0x4f), ErrTruncated},
		{"no payload", datagram(source, Group, 255, nil), ErrTruncated},
		{"payload of 7", datagram(source, Group, 255, v3[:7]), ErrTruncated},
		{"total length beyond the packet", with(datagram(source, Group, 255, v3), 3, 200), ErrTruncated},
		{"version 2 without its last address", datagram(source, Group, 255, with(v2, 3, 2)), ErrTruncated},
		{"version 2 without authentication data", datagram(source, Group, 255, v2[:19]), ErrTruncated},
		{"version 3 without its last address", datagram(source, Group, 255, v3[:11]), ErrTruncated},
		{"TTL 254", datagram(source, Group, 254, v2), ErrTTL},
		{"TTL 0", datagram(source, Group, 0, v3), ErrTTL},
		{"type 2", datagram(source, Group, 255, resum(with(v2, 0, 0x22))), ErrType},
		{"type 0", datagram(source, Group, 255, resum(with(v3, 0, 0x30))), ErrType},
		{"version 1", datagram(source, Group, 255, resum(with(v2, 0, 0x11))), ErrVersion},
		{"version 4", datagram(source, Group, 255, resum(with(v3, 0, 0x41))), ErrVersion},
		{"version 2 checksum", datagram(source, Group, 255, with(v2, 7, v2[7]^1)), ErrChecksum},
		{"version 3 checksum", datagram(source, Group, 255, with(v3, 7, v3[7]^1)), ErrChecksum},
		{"version 3 checksum of another source", datagram(addr("192.168.2.8"), Group, 255, v3), ErrChecksum},
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
	a, err := Decode(datagram(addr("192.168.2.7"), Group, 64, unhex(t, goldens[0].packet)))
	if !errors.Is(err, ErrTTL) || a.Source != addr("192.168.2.7") || a.VRID != 51 || a.Priority != 100 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestDecodeKeepsNothingOfTheBuffer(t *testing.T) {
	b := datagram(addr("192.168.2.7"), Group, 255, unhex(t, goldens[0].packet))
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
		v4 := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		})
		a := Advert{
			Source:    v4.Draw(t, "source"),
			Version:   rapid.Uint8Range(2, 3).Draw(t, "version"),
			VRID:      rapid.Byte().Draw(t, "vrid"),
			Priority:  rapid.Byte().Draw(t, "priority"),
			Addresses: rapid.SliceOfN(v4, 0, 255).Draw(t, "addresses"),
		}
		if a.Version == 2 {
			a.AuthType = rapid.Byte().Draw(t, "authentication")
			a.AuthData = Password(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "data"))
			a.Interval = time.Duration(rapid.Byte().Draw(t, "seconds")) * time.Second
		} else {
			a.Interval = time.Duration(rapid.IntRange(0, 4095).Draw(t, "centiseconds")) * 10 * time.Millisecond
		}
		padding := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "padding")
		p := a.AppendTo(nil)
		got, err := Decode(append(datagram(a.Source, Group, 255, p), padding...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, got, sameAdvert); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens {
		f.Add(datagram(g.advert.Source, Group, 255, unhex(f, g.packet)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(datagram(a.Source, Group, hopLimit, a.AppendTo(nil)))
		if err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		if diff := cmp.Diff(a, again, sameAdvert); diff != "" {
			t.Error(diff)
		}
	})
}
