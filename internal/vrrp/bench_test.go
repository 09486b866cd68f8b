package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// mastersOf is an election that is master of n instances on one interface.
func mastersOf(b *testing.B, n int) *node {
	m := newNode(b, 1)
	var configs []Config
	for k := range n {
		c := config(outside, 3, 100)
		c.VRID, c.Name = uint8(k+1), fmt.Sprint("i", k)
		c.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 9, 0, byte(k)})}
		configs = append(configs, c)
	}
	m.start(configs, nil)
	m.next()
	return m
}

// advert is one turn of the election: timers served, adverts encoded.
func advert(m *node, out *Output, packet []byte) []byte {
	m.now = m.now.Add(time.Second)
	out.Reset()
	m.e.Tick(m.now, out)
	for k := range out.Sends {
		packet = out.Sends[k].Advert.AppendTo(packet[:0])
	}
	return packet
}

func BenchmarkAdvert(b *testing.B) {
	m := mastersOf(b, 1)
	var out Output
	packet := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		packet = advert(m, &out, packet)
	}
}

func BenchmarkTick200(b *testing.B) {
	m := mastersOf(b, 200)
	var out Output
	packet := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		packet = advert(m, &out, packet)
	}
}

func BenchmarkDecode(b *testing.B) {
	p := datagram(goldens[1].advert.Source, Group4, 255, goldens[1].advert.AppendTo(nil))
	var a Advert
	b.ReportAllocs()
	for b.Loop() {
		if err := a.decode(p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceive is a backup's whole work for an advert.
func BenchmarkReceive(b *testing.B) {
	n := newNode(b, 1)
	c := config(outside, 3, 100)
	n.start([]Config{c}, nil)
	from := advertFrom(c, 2, 150)
	p := datagram(from.Source, Group4, 255, from.AppendTo(nil))
	var a Advert
	var out Output
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		err := a.decode(p)
		n.e.Receive(n.now, "eth0", &a, err, &out)
	}
}

// Adverts cost no allocation, sent or received.
func TestAdvertsAllocateNothing(t *testing.T) {
	n := newNode(t, 1)
	c := config(outside, 3, 100)
	n.start([]Config{c}, nil)
	from := advertFrom(c, 2, 150)
	p := datagram(from.Source, Group4, 255, from.AppendTo(nil))
	var a Advert
	var out Output
	receive := func() {
		out.Reset()
		err := a.decode(p)
		n.e.Receive(n.now, "eth0", &a, err, &out)
	}
	if got := testing.AllocsPerRun(100, receive); got != 0 {
		t.Errorf("%v allocations for an advert received", got)
	}
	n.next()
	packet := make([]byte, 0, 64)
	if got := testing.AllocsPerRun(100, func() { packet = advert(n, &out, packet) }); got != 0 || n.state(outside) != Master {
		t.Errorf("%v allocations for an advert sent", got)
	}
}

// BenchmarkFlood is a refused advert from yet another invented sender.
func BenchmarkFlood(b *testing.B) {
	n := newNode(b, 1)
	c := config(outside, 3, 100)
	n.start([]Config{c}, nil)
	a := advertFrom(c, 2, 150)
	a.Version = 2
	var out Output
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		k++
		a.Source = netip.AddrFrom4([4]byte{172, 16, byte(k >> 8), byte(k)})
		out.Reset()
		n.e.Receive(n.now, "eth0", &a, nil, &out)
	}
}
