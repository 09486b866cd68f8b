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

// ethernet is a datagram in a frame to the group of adverts, with the checksum of its IP header.
func ethernet(ip []byte) frame {
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], checksum(0, ip[:20]))
	return append(frame{0x01, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 0x08, 0}, ip...)
}

// nuisance is a kind of adverts that an instance refuses, or does not notice.
type nuisance struct {
	reason error // nil for what is not for the instance
	make   func(source netip.Addr) frame
}

// nuisances are what c and s, who signs with another key, refuse.
func nuisances(c Config, s *signer, replayed frame) []nuisance {
	advert := func(source netip.Addr, ttl byte, change func(*Advert)) frame {
		a := Advert{Source: source, Destination: Group4, Version: c.Version, VRID: c.VRID, Priority: 255, Interval: c.Interval, Addresses: c.Addresses}
		change(&a)
		return ethernet(datagram(a.Source, Group4, ttl, a.AppendTo(nil)))
	}
	list := []nuisance{
		{nil, func(from netip.Addr) frame { return advert(from, 255, func(a *Advert) { a.VRID++ }) }},
		{ErrTTL, func(from netip.Addr) frame { return advert(from, 64, func(*Advert) {}) }},
		{ErrVersion, func(from netip.Addr) frame { return advert(from, 255, func(a *Advert) { a.Version = 5 - c.Version }) }},
		{ErrAuth, func(from netip.Addr) frame { return advert(from, 255, func(*Advert) {}) }},
		{ErrChecksum, func(from netip.Addr) frame {
			f := advert(from, 255, func(*Advert) {})
			f[14+20+2] ^= 0xff // the priority
			return f
		}},
		{ErrTruncated, func(from netip.Addr) frame {
			f := advert(from, 255, func(*Advert) {})
			f[14+20+3] = 200 // so many addresses
			return f
		}},
		{ErrType, func(from netip.Addr) frame {
			f := advert(from, 255, func(*Advert) {})
			f[14+20] = c.Version<<4 | 2
			return f
		}},
	}
	if s != nil {
		list = append(list, nuisance{ErrAuth, func(from netip.Addr) frame {
			return advert(from, 255, func(a *Advert) { a.signer, a.Trailer.Sequence = s, sequenceOf(time.Now()) })
		}})
	}
	if replayed != nil {
		list = append(list, nuisance{ErrReplay, func(netip.Addr) frame { return replayed }})
	}
	return list
}

// frames are n of each kind, from as many invented senders.
func frames(kinds []nuisance, n int) [][]byte {
	var list [][]byte
	for k := range n {
		for _, kind := range kinds {
			list = append(list, kind.make(netip.AddrFrom4([4]byte{172, 16, byte(k >> 8), byte(k)})))
		}
	}
	return list
}

// A flood of adverts that do not count changes no state, stops no advert, and is counted, each packet by its reason; the log
// has each sender once. It is a flood of 100,000 a second towards the master, and towards the backup that has to hear the
// master through it.
func TestFlood(t *testing.T) {
	signed := slow(outside, 3, 100)
	signed.HMAC = HMAC{Keys: []HMACKey{{ID: 1, Key: "0123456789abcdef"}}, Active: 1, Window: 10 * time.Second}
	password := slow(outside, 2, 100)
	copy(password.Password[:], "secret")
	for name, c := range map[string]Config{"signed": signed, "password": password} {
		for target, who := range []string{"master", "backup"} {
			t.Run(name+", the "+who, func(t *testing.T) {
				w := newWire(t)
				p := w.tap(0)
				better := c
				better.Priority = 150
				nodes := [2]*daemon{w.start(0, []Config{better}, nil), nil}
				nodes[0].waitState(Master, outside)
				nodes[1] = w.start(1, []Config{c}, nil)
				nodes[1].wait("the master is heard", 10*time.Second, func() bool { return len(nodes[1].notes) > 0 })
				first := p.claims(outside, 0, 1, time.Time{})
				p.close() // it would hear the flood
				var replayed frame
				var other *signer
				if c.HMAC.Active != 0 {
					other = newSigner(HMACKey{ID: 1, Key: "another"})
					if target == 1 {
						replayed = first.frame
					}
				}
				kinds := nuisances(c, other, replayed)
				b := w.blast(target)

				vouches := func() int {
					nodes[0].mu.Lock()
					defer nodes[0].mu.Unlock()
					return nodes[0].vouches[outside]
				}
				adverts, began := vouches(), time.Now()
				sent, err := b.Flood(frames(kinds, 1024), 100_000, 2*time.Second)
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
				nodes[target].counts(b, kinds, sent)
			})
		}
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
func (d *daemon) counts(b *lab.Blast, kinds []nuisance, sent int) {
	d.t.Helper()
	refused := func() map[string]uint64 { return d.runner.Counters()[outside].Refused }
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
	for _, f := range frames(kinds, few) {
		if _, err := b.Send(f); err != nil {
			d.t.Fatal(err)
		}
	}
	eventually(d.t, "the few are counted", 10*time.Second, func() bool { return maps.Equal(want, refused()) })
}
