//go:build netns

package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pairOf are the sockets of both sides of a wire.
func (w *wire) pairOf(key Key) (ours, theirs *conn) {
	w.t.Helper()
	var conns [2]*conn
	for side := range 2 {
		index := w.links(side)[key.Interface].Index
		w.enter(w.side[side], func() {
			c, err := listen(key, index)
			if err != nil {
				w.t.Error(err)
				return
			}
			group := (&Config{Key: key}).group()
			if err := c.join(map[netip.Addr]bool{group: true}); err != nil {
				w.t.Error(err)
			}
			conns[side] = c
		})
		if conns[side] == nil {
			w.t.FailNow()
		}
		w.t.Cleanup(conns[side].close)
	}
	return conns[0], conns[1]
}

// arrives waits for one packet.
func (c *conn) arrives(t testing.TB, a *Advert, buf []byte) {
	t.Helper()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, 5000); n != 1 {
		t.Fatal("nothing arrives: ", err)
	}
	if ok, err := c.read(buf, a); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// An advert arrives as it was sent, with its addresses and hop limit, and costs no allocation on
// its way from encoding to decoding.
func TestAdvertsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, c := range []struct{ source, destination string }{
		{"10.0.0.1", "224.0.0.18"}, {"10.0.0.1", "10.0.0.2"}, {"10.0.0.99", "10.0.0.2"}, // which the host has not
		{"", "ff02::12"}, {"2001:db8:0::1", "2001:db8:0::2"}, {"2001:db8:0::99", "2001:db8:0::2"},
	} {
		t.Run(fmt.Sprintf("%s to %s", c.source, c.destination), func(t *testing.T) {
			a := Advert{Destination: netip.MustParseAddr(c.destination), HopLimit: 77, Version: 3, VRID: 51, Priority: 100,
				Interval: time.Second}
			if c.source == "" {
				a.Source = w.links(0)["eth0"].Addresses[2]
				a.Addresses = addrs("2001:db8::200")
			} else {
				a.Source, a.Addresses = netip.MustParseAddr(c.source), addrs("10.0.0.200")
			}
			if a.Source.Is6() {
				a.Addresses = addrs("2001:db8::200")
			}
			key := Key{Interface: "eth0", IPv6: a.Source.Is6()}
			ours, theirs := w.pairOf(key)
			var got Advert
			buf, packet := make([]byte, 2048), make([]byte, 0, 2048)
			once := func() {
				packet = a.AppendTo(packet[:0])
				if err := ours.send(&a, packet); err != nil {
					t.Fatal(err)
				}
				theirs.arrives(t, &got, buf)
			}
			once()
			if diff := cmpAdvert(a, got); diff != "" {
				t.Error(diff)
			}
			if ok, _ := ours.read(buf, &got); ok {
				t.Error("we hear ourselves")
			}
		})
	}
}

// Adverts of virtual routers that are not ours do not reach the socket, however many are.
func TestSocketsHearTheirOwnRouters(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	var most []uint8
	for id := 1; id <= 255; id++ {
		if id != 77 {
			most = append(most, uint8(id))
		}
	}
	for _, key := range []Key{{Interface: "eth0"}, {Interface: "eth0", IPv6: true}} {
		a := Advert{Source: netip.MustParseAddr("10.0.0.1"), Destination: Group4, HopLimit: 255, Version: 3, Interval: time.Second}
		if key.IPv6 {
			a.Source, a.Destination = netip.MustParseAddr("fe80::77"), Group6
		}
		ours, theirs := w.pairOf(key)
		var got Advert
		buf := make([]byte, 2048)
		for _, own := range [][]uint8{{51}, {7, 51}, most, {255}} {
			if err := theirs.hearOnly(own); err != nil {
				t.Fatal(err)
			}
			for _, id := range []uint8{0, 77, own[0], 77, own[len(own)-1]} {
				a.VRID = id
				if err := ours.send(&a, a.AppendTo(nil)); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range []uint8{own[0], own[len(own)-1]} {
				if theirs.arrives(t, &got, buf); got.VRID != id {
					t.Errorf("%v hears %d, not %d, of %v", key, got.VRID, id, own)
				}
			}
		}
		if err := theirs.hearOnly(nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSocketsAllocateNothing(t *testing.T) {
	w := newWire(t)
	for _, key := range []Key{{Interface: "eth0"}, {Interface: "eth0", IPv6: true}} {
		a := Advert{Source: netip.MustParseAddr("10.0.0.1"), Destination: Group4, HopLimit: 255, Version: 3, VRID: 51, Priority: 100,
			Interval: time.Second, Addresses: addrs("10.0.0.200")}
		if key.IPv6 {
			a.Source, a.Destination, a.Addresses = netip.MustParseAddr("fe80::77"), Group6, addrs("2001:db8::200")
		}
		ours, theirs := w.pairOf(key)
		var got Advert
		buf, packet := make([]byte, 2048), make([]byte, 0, 2048)
		poll := []unix.PollFd{{Fd: int32(theirs.fd), Events: unix.POLLIN}}
		once := func() {
			packet = a.AppendTo(packet[:0])
			if err := ours.send(&a, packet); err != nil {
				t.Fatal(err)
			}
			if n, _ := unix.Poll(poll, 5000); n != 1 {
				t.Fatal("nothing arrives")
			}
			if ok, err := theirs.read(buf, &got); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		once()
		if got := testing.AllocsPerRun(200, once); got != 0 {
			t.Errorf("%v: %v allocations for an advert sent and received", key, got)
		}
	}
}
