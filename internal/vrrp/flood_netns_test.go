//go:build netns

package vrrp

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lvsd/internal/lab"
)

// blast sends towards one side, from the switch's port: what it sends is on no other wire.
func (w *wire) blast(side int) (b *lab.Blast) {
	w.t.Helper()
	w.enter(w.bridge, func() {
		var err error
		if b, err = lab.NewBlast(w.port(side, 0)); err != nil {
			w.t.Error(err)
		}
	})
	if b == nil {
		w.t.FailNow()
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

// ethernet is a message of a in a frame to the group of adverts, and where the message begins in it.
func ethernet(a *Advert, message []byte) (f frame, start int) {
	if a.Source.Is4() {
		ip := datagram(a.Source, a.Destination, a.HopLimit, message)
		binary.BigEndian.PutUint16(ip[10:], checksum(0, ip[:20]))
		return append(frame{0x01, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 0x08, 0}, ip...), 14 + 20
	}
	f = frame{0x33, 0x33, 0, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 0x86, 0xdd, 0x60, 0, 0, 0}
	f = append(binary.BigEndian.AppendUint16(f, uint16(len(message))), protocol, a.HopLimit)
	from, to := a.Source.As16(), a.Destination.As16()
	return append(append(append(f, from[:]...), to[:]...), message...), 14 + 40
}

// nuisance is a kind of adverts that an instance refuses, or does not notice.
type nuisance struct {
	reason error // nil for what is not for the instance
	make   func(source netip.Addr) frame
}

// nuisances are what c and s, who signs with another key, refuse.
func nuisances(c Config, s *signer, replayed frame) []nuisance {
	// advert is a better one than ours; after is done to it once it is encoded.
	advert := func(change func(*Advert), after func(message []byte)) func(netip.Addr) frame {
		return func(source netip.Addr) frame {
			a := Advert{Source: source, Destination: c.group(), HopLimit: 255, Version: c.Version, VRID: c.VRID, Priority: 255,
				Interval: c.Interval, Addresses: c.Addresses}
			change(&a)
			f, start := ethernet(&a, a.AppendTo(nil))
			after(f[start:])
			return f
		}
	}
	same, whole := func(*Advert) {}, func([]byte) {}
	list := []nuisance{
		{nil, advert(func(a *Advert) { a.VRID++ }, whole)},
		{ErrTTL, advert(func(a *Advert) { a.HopLimit = 64 }, whole)},
		{ErrVersion, advert(func(a *Advert) { a.Version = 5 - c.Version }, whole)},
		{ErrAuth, advert(same, whole)},
		{ErrChecksum, advert(same, func(m []byte) { m[2]-- })},
		{ErrTruncated, advert(same, func(m []byte) { m[3] = 200 })}, // so many addresses
		{ErrType, advert(same, func(m []byte) { m[0]++ })},
	}
	if s != nil {
		list = append(list, nuisance{ErrAuth, advert(func(a *Advert) { a.signer, a.Trailer.Sequence = s, sequenceOf(time.Now()) }, whole)})
	}
	if replayed != nil {
		list = append(list, nuisance{ErrReplay, func(netip.Addr) frame { return replayed }})
	}
	return list
}

// frames are n of each kind, from as many invented senders.
func frames(kinds []nuisance, six bool, n int) [][]byte {
	var list [][]byte
	for k := range n {
		from := netip.AddrFrom4([4]byte{172, 16, byte(k >> 8), byte(k)})
		if six {
			from = netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(k >> 8), 15: byte(k)})
		}
		for _, kind := range kinds {
			list = append(list, kind.make(from))
		}
	}
	return list
}

// A flood of adverts that do not count changes no state, stops no advert, and is counted, each packet by its reason; the log
// has each sender once. It is a flood of 100,000 a second towards the master, and towards the backup that has to hear the
// master through it.
func TestFlood(t *testing.T) {
	signed := func(key Key) Config {
		c := slow(key, 3, 100)
		c.HMAC = hmacOf(1)
		return c
	}
	password := slow(outside, 2, 100)
	copy(password.Password[:], "secret")
	const master, backup = 0, 1
	for _, f := range []struct {
		name   string
		c      Config
		target int
	}{
		{"signed, the master", signed(outside), master}, {"signed, the backup", signed(outside), backup},
		{"IPv6, signed, the backup", signed(outside6), backup}, {"password, the master", password, master},
	} {
		t.Run(f.name, func(t *testing.T) {
			c, target := f.c, f.target
			w := newWire(t)
			p := w.tap(0)
			better := c
			better.Priority = 150
			nodes := [2]*daemon{w.start(0, []Config{better}, nil), nil}
			nodes[0].waitState(Master, c.Key)
			nodes[1] = w.start(1, []Config{c}, nil)
			nodes[1].wait("the master is heard", 10*time.Second, func() bool { return len(nodes[1].notes) > 0 })
			first := p.claims(c.Key, 0, 1, time.Time{})
			p.close() // it would hear the flood
			var replayed frame
			var other *signer
			if c.HMAC.Active != 0 {
				other = newSigner(HMACKey{ID: 1, Key: "another"})
				if target == backup {
					replayed = first.frame
				}
			}
			kinds := nuisances(c, other, replayed)
			b := w.blast(target)

			vouches := func() int {
				nodes[0].mu.Lock()
				defer nodes[0].mu.Unlock()
				return nodes[0].vouches[c.Key]
			}
			adverts, began := vouches(), time.Now()
			sent, err := b.Flood(frames(kinds, c.IPv6, 1024), 100_000, 2*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			t.Logf("%d packets in %v", sent, took)
			for _, n := range nodes {
				n.mu.Lock()
				if got := len(n.transitions); got > 2 {
					t.Errorf("states changed: %v", n.transitions)
				}
				n.mu.Unlock()
			}
			if sent, want := vouches()-adverts, int(took/c.Interval)-1; sent < want {
				t.Errorf("the master sent %d adverts in %v, at least %d are due", sent, took, want)
			}
			nodes[target].refusals(kinds)
			nodes[target].counts(b, c.Key, kinds, sent)
		})
	}
}

// refusals holds the log to each sender and reason once, for every reason.
func (d *daemon) refusals(kinds []nuisance) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	said := map[string]int{}
	for _, n := range d.notes {
		if n.Kind == NoteRefused {
			said[fmt.Sprint(n.Peer, " ", reasonOf(n.Err))]++
		}
	}
	if len(said) == 0 || len(said) > maxRefusals {
		d.t.Errorf("%d refusals are in the log", len(said))
	}
	for what, n := range said {
		if n != 1 {
			d.t.Errorf("%d notes of %s", n, what)
		}
	}
	for _, kind := range kinds {
		if kind.reason != nil && !slices.ContainsFunc(slices.Collect(maps.Keys(said)), func(s string) bool { return strings.HasSuffix(s, kind.reason.Error()) }) {
			d.t.Errorf("nothing in the log of: %v", kind.reason)
		}
	}
}

// counts holds the counters to what was sent: in a flood no more than that, the kernel may have dropped some; and each of a few
// that come one after the other.
func (d *daemon) counts(b *lab.Blast, key Key, kinds []nuisance, sent int) {
	d.t.Helper()
	refused := func() map[string]uint64 { return d.runner.Counters()[key].Refused }
	before := refused()
	eventually(d.t, "the flood is read", 10*time.Second, func() bool {
		was := before
		before = refused()
		return maps.Equal(was, before)
	})
	total := uint64(0)
	for reason, n := range before {
		total += n
		d.t.Logf("%d refused: %s", n, reason)
	}
	if share := uint64(sent / len(kinds)); total < share || total > uint64(sent) {
		d.t.Errorf("%d of %d were counted", total, sent)
	}
	const few = 20
	want := maps.Clone(before)
	for _, kind := range kinds {
		if kind.reason != nil {
			want[kind.reason.Error()] += few
		}
	}
	for _, f := range frames(kinds, key.IPv6, few) {
		if _, err := b.Send(f); err != nil {
			d.t.Fatal(err)
		}
	}
	eventually(d.t, "the few are counted", 10*time.Second, func() bool { return maps.Equal(want, refused()) })
}
