package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §7.1, what a receiver verifies.
func TestRFC9568Receiving(t *testing.T) {
	start := func() (*node, Config) {
		n, c := newNode(t, 1), config(outside, 3, 100)
		n.start([]Config{c}, nil)
		return n, c
	}
	refuses := func(t *testing.T, change func(*Advert), why string) {
		t.Helper()
		n, c := start()
		n.wait(time.Second)
		a := advertFrom(c, 2, 255)
		change(&a)
		want(t, n.hear(a), "eth0/51 notes refused "+a.Source.String()+": "+why)
		wantDue(t, n, outside, downTime-time.Second)
	}
	// refusesPacket has the election hear what Decode says of bytes that are not right.
	refusesPacket := func(t *testing.T, change func([]byte) []byte, why error) {
		t.Helper()
		n, c := start()
		n.wait(time.Second)
		a := advertFrom(c, 2, 255)
		got, err := a.decoded(change(a.AppendTo(nil)))
		if !errors.Is(err, why) {
			t.Errorf("%v, want %v", err, why)
		}
		var out Output
		n.e.Receive(n.now, "eth0", &got, err, &out)
		if len(out.Notes) != 1 || out.Notes[0].Kind != NoteRefused || !errors.Is(out.Notes[0].Err, why) {
			t.Errorf("%q", out.lines())
		}
		wantDue(t, n, outside, downTime-time.Second)
	}
	s := sentences(t, "§7.1", "(TTL)", "(version)", "(type)", "(complete)", "(checksum)", "(VRID)", "(owner)", "(interval 0)", "(interval)", "(addresses)")
	s.holds("(TTL)", "a packet with another TTL than 255 is discarded", func(t *testing.T) {
		for ttl := range 255 {
			refuses(t, func(a *Advert) { a.HopLimit = uint8(ttl) }, fmt.Sprintf("TTL %d instead of 255: wrong TTL", ttl))
		}
		deviates(t, "by unicast")
	})
	s.holds("(version)", "so is one of another version", func(t *testing.T) {
		refuses(t, func(a *Advert) { a.Version = 2 }, "version 2, ours is 3: version differs from ours")
		refusesPacket(t, func(b []byte) []byte { b[0] = 0x41; return b }, ErrVersion)
	})
	s.holds("(type)", "one of another type than 1", func(t *testing.T) {
		for kind := range byte(16) {
			if kind != 1 {
				refusesPacket(t, func(b []byte) []byte { b[0] = 0x30 | kind; return b }, ErrType)
			}
		}
	})
	s.holds("(complete)", "one that is not whole", func(t *testing.T) {
		for length := headerLength; length < headerLength+4; length++ {
			refusesPacket(t, func(b []byte) []byte { return b[:length] }, ErrTruncated)
		}
		n, c := start() // whose virtual router cannot be told is nobody's
		a := advertFrom(c, 2, 255)
		got, err := a.decoded(a.AppendTo(nil)[:headerLength-1])
		var out Output
		n.e.Receive(n.now, "eth0", &got, err, &out)
		want(t, out.lines())
	})
	s.holds("(checksum)", "one with a wrong checksum", func(t *testing.T) {
		refusesPacket(t, func(b []byte) []byte { b[7]++; return b }, ErrChecksum)
	})
	s.holds("(VRID)", "and one whose VRID is not that of an instance of the interface", func(t *testing.T) {
		n, c := start()
		n.wait(time.Second)
		a := advertFrom(c, 2, 255)
		var out Output
		n.e.Receive(n.now, "eth1", &a, nil, &out)
		a.VRID = 99
		n.e.Receive(n.now, "eth0", &a, nil, &out)
		n.e.Receive(n.now, "eth1", &a, nil, &out)
		want(t, out.lines())
		wantDue(t, n, outside, downTime-time.Second)
	})
	s.holds("(owner)", "that an owner hears another node's advert is told", func(t *testing.T) {
		n, _ := owner(t)
		n.next()
		want(t, n.hear(advertFrom(config(outside, 3, 255), 2, 1)), "eth0/51 sends priority 255 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 1")
	})
	s.holds("(interval 0)", "an interval of 0 is discarded", func(t *testing.T) {
		refuses(t, func(a *Advert) { a.Interval = 0 }, "advert_int 0: advert interval differs from ours")
	})
	s.holds("(interval)", "one that differs from ours is told, once for a master", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 150)
		a.Interval = 2 * time.Second
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150", "eth0/51 notes advert_int 2s of 10.0.0.2, ours is 1s")
		want(t, n.hear(a))
		a.Source = addr("10.0.0.3")
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.3, priority 150", "eth0/51 notes advert_int 2s of 10.0.0.3, ours is 1s")
		a.Interval = c.Interval
		want(t, n.hear(a))
		a.Interval = 3 * time.Second
		want(t, n.hear(a), "eth0/51 notes advert_int 3s of 10.0.0.3, ours is 1s")
		c.Priority = 90 // a weight says nothing of the interval
		want(t, n.reload([]Config{c}, nil), "eth0/51 notes priority 90, was 100 ()")
	})
	s.holds("(addresses)", "so are addresses that do, whatever their order", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 150)
		a.Addresses = addrs("10.0.0.201")
		n.wait(time.Second)
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150", "eth0/51 notes addresses of 10.0.0.2: [10.0.0.201]")
		wantDue(t, n, outside, downTime)
		want(t, n.hear(a))
		a.Addresses = c.Addresses
		want(t, n.hear(a))
		a.Addresses = nil
		want(t, n.hear(a), "eth0/51 notes addresses of 10.0.0.2: []")
		deviates(t, "without addresses")

		n = newNode(t, 1)
		c.Addresses = addrs("10.0.0.200", "10.0.0.201")
		n.start([]Config{c}, nil)
		a.Addresses = addrs("10.0.0.201", "10.0.0.200")
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150")
	})
	t.Run("our own advert is discarded", func(t *testing.T) {
		refuses(t, func(a *Advert) { a.Source = addr("10.0.0.1") }, "source 10.0.0.1: another node sends from our address")
	})
	t.Run("a discarded advert is noted once a minute for each sender and reason", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 255)
		a.Interval = 0
		count := func(a Advert) int { return len(n.hear(a)) }
		other := a
		other.Version = 2
		stranger := a
		stranger.Source = addr("10.0.0.3")
		if count(a) != 1 || count(a) != 0 || count(other) != 1 || count(stranger) != 1 || count(stranger) != 0 {
			t.Error("wrong number of notes")
		}
		n.wait(time.Minute - 1)
		if count(a) != 0 {
			t.Error("noted within the minute")
		}
		n.wait(1)
		if count(a) != 1 {
			t.Error("not noted after the minute")
		}
	})
	t.Run("a flood of invented senders is remembered, and noted, to a bound", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 255)
		a.Interval = 0
		flood := func() (notes int) {
			for k := range 10000 {
				a.Source = netip.AddrFrom4([4]byte{172, 16, byte(k >> 8), byte(k)})
				notes += len(n.hear(a))
			}
			return notes
		}
		if got := flood(); got != maxRefusals || len(n.e.refused) != maxRefusals {
			t.Errorf("%d notes, %d remembered", got, len(n.e.refused))
		}
		n.wait(time.Minute)
		if got := flood(); got != maxRefusals || len(n.e.refused) != maxRefusals {
			t.Errorf("a minute later: %d notes, %d remembered", got, len(n.e.refused))
		}
	})
}
