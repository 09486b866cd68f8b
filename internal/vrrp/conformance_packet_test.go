package vrrp

import (
	"slices"
	"testing"
	"time"
)

// says is what a node with one instance of a family sends first as master, encoded.
func says(t *testing.T, six bool, change func(*Config)) (Send, []byte) {
	t.Helper()
	n := newNode(t, 1)
	c := config(Key{Interface: "eth0", VRID: 51, IPv6: six}, 3, 100)
	change(&c)
	n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.1", "10.0.0.7", "2001:db8::1", "fe80::1", "fe80::7")}
	n.start([]Config{c}, nil)
	n.now = n.e.Deadline()
	var out Output
	n.e.Tick(n.now, &out)
	if len(out.Sends) != 1 {
		t.Fatalf("%q", out.lines())
	}
	return out.Sends[0], out.Sends[0].Advert.AppendTo(nil)
}

func unchanged(*Config) {}

// RFC 9568 §5, the fields of a packet.
func TestRFC9568Fields(t *testing.T) {
	s := sentences(t, "§5", ".1.1.3", ".1.2.3", ".2.1", ".2.2", ".2.3", ".2.4", ".2.5", ".2.6", ".2.7", ".2.8", ".2.9")
	s.holds(".1.1.3", "the TTL is 255", func(t *testing.T) {
		if send, _ := says(t, false, unchanged); send.Advert.HopLimit != 255 {
			t.Error(send.Advert.HopLimit)
		}
	})
	s.holds(".1.2.3", "the hop limit is 255", func(t *testing.T) {
		if send, _ := says(t, true, unchanged); send.Advert.HopLimit != 255 {
			t.Error(send.Advert.HopLimit)
		}
	})
	s.holds(".2.1", "the version is 3", func(t *testing.T) {
		if _, b := says(t, false, unchanged); b[0]>>4 != 3 {
			t.Errorf("%x", b)
		}
	})
	s.holds(".2.2", "the type is 1", func(t *testing.T) { // others: §7.1 (type)
		if _, b := says(t, false, unchanged); b[0]&0x0f != 1 {
			t.Errorf("%x", b)
		}
	})
	s.holds(".2.3", "the VRID is 1 to 255", func(t *testing.T) {
		for vrid := 1; vrid <= 255; vrid++ {
			if _, b := says(t, false, func(c *Config) { c.VRID = uint8(vrid) }); int(b[1]) != vrid {
				t.Errorf("%x", b)
			}
		}
	})
	s.holds(".2.4", "the owner has priority 255, who backs it up 1 to 254, and who stops 0", func(t *testing.T) {
		for priority := 1; priority <= 255; priority++ {
			weight := Track{Tracker: Tracker{TrackInterface, "eth1"}, Weight: 253}
			_, b := says(t, false, func(c *Config) { c.Priority, c.Track = uint8(priority), []Track{weight} })
			if owner := b[2] == 255; b[2] == 0 || owner != (priority == 255) {
				t.Errorf("priority %d with a weight of 253: %d", priority, b[2])
			}
		}
		// Priority 0: §6.4.3 (665).
	})
	s.holds(".2.5", "the count is that of the addresses, and an advert with none is ignored", func(t *testing.T) {
		_, b := says(t, false, func(c *Config) { c.Addresses = addrs("10.0.0.200", "10.0.0.201") })
		if b[3] != 2 || len(b) != headerLength+8 {
			t.Errorf("%x", b)
		}
		deviates(t, "An advert without addresses counts")
	})
	s.holds(".2.6", "the reserved bits are sent as 0, and ignored", func(t *testing.T) {
		for _, interval := range intervals {
			send, b := says(t, false, func(c *Config) { c.Interval = interval })
			if b[4]>>4 != 0 {
				t.Errorf("%x", b)
			}
			b[4] |= 0xf0
			b[6], b[7] = 0, 0
			sum := checksum(send.Advert.pseudoHeader(ChecksumPseudo, len(b)), b)
			b[6], b[7] = byte(sum>>8), byte(sum)
			if got, err := send.Advert.decoded(b); err != nil || got.Interval != interval {
				t.Errorf("%v, %v", got.Interval, err)
			}
		}
	})
	s.holds(".2.7", "the interval is in centiseconds, 12 bits of them", func(t *testing.T) {
		for _, interval := range intervals {
			_, b := says(t, false, func(c *Config) { c.Interval = interval })
			if got := time.Duration(int(b[4])<<8+int(b[5])) * 10 * time.Millisecond; got != interval {
				t.Errorf("%v for %v", got, interval)
			}
		}
	})
	s.holds(".2.8", "the checksum covers the message, over IPv6 with a pseudo header", func(t *testing.T) {
		deviates(t, "covers a pseudo header")
		_, b := says(t, false, func(c *Config) { c.Transport.Checksum = ChecksumPlain })
		if checksum(0, b) != 0 {
			t.Errorf("%x", b)
		}
		send, b := says(t, true, unchanged)
		header := sumOf(send.Advert.Source) + sumOf(Group6) + uint32(len(b)) + 112 // RFC 8200 §8.1
		if checksum(header, b) != 0 {
			t.Errorf("%x", b)
		}
	})
	s.holds(".2.9", "the addresses are of the family of the packet, over IPv6 a link-local one first", func(t *testing.T) {
		deviates(t, "The first address of an IPv6 advert need not be a link-local one")
		for _, six := range []bool{false, true} {
			send, b := says(t, six, unchanged)
			if !slices.Equal(b[headerLength:], send.Advert.Addresses[0].AsSlice()) || send.Advert.Addresses[0].Is6() != six {
				t.Errorf("%x", b)
			}
		}
	})
}

// RFC 9568 §7.2, what a sender does, and §8.3.2.
func TestRFC9568Sending(t *testing.T) {
	s := sentences(t, "§7.2", "(fields)", "(MAC)", "(source)", "(group)")
	s.holds("(fields)", "the fields are those of the instance, the checksum is computed", func(t *testing.T) {
		for _, six := range []bool{false, true} {
			send, b := says(t, six, unchanged)
			got, err := send.Advert.decoded(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmpAdvert(send.Advert, got); diff != "" {
				t.Error(diff)
			}
		}
	})
	s.holds("(MAC)", "the source MAC is the virtual one", func(t *testing.T) { deviates(t, "no virtual MAC address") })
	s.holds("(source)", "the source is the interface's primary IPv4 address, or its link-local IPv6 address", func(t *testing.T) {
		for six, source := range map[bool]string{false: "10.0.0.1", true: "fe80::1"} {
			if send, _ := says(t, six, unchanged); send.Advert.Source != addr(source) {
				t.Error(send.Advert.Source)
			}
		}
	})
	s.holds("(group)", "it goes to the group of VRRP", func(t *testing.T) {
		for six, group := range map[bool]string{false: "224.0.0.18", true: "ff02::12"} {
			send, _ := says(t, six, unchanged)
			if !slices.Equal(send.To, addrs(group)) || send.Advert.Destination != addr(group) {
				t.Errorf("%v, %v", send.To, send.Advert.Destination)
			}
		}
	})
	t.Run("§8.3.2 that there are two owners is told, and one of them stays", func(t *testing.T) {
		for host, state := range map[byte]State{1: Backup, 9: Master} {
			n, c := newNode(t, host), config(outside, 3, 255)
			c.StartMaster = true
			n.start([]Config{c}, nil)
			n.next()
			if told := n.hear(advertFrom(c, 2, 255)); len(told) < 2 || n.state(outside) != state {
				t.Errorf("host %d: %v, %q", host, n.state(outside), told)
			}
		}
	})
}
