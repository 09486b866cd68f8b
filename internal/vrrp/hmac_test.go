package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func keyOf(id uint8) HMACKey {
	return HMACKey{ID: id, Key: Secret(strings.Repeat(string(rune('a'+id)), 32))}
}

// authenticated is config with key 1, and key 2 beside it.
func authenticated(version, priority uint8) Config {
	c := config(outside, version, priority)
	c.HMAC = HMAC{Keys: []HMACKey{keyOf(1), keyOf(2)}, Active: 1, Window: 5 * time.Second}
	return c
}

// sealed is advertFrom, signed at a time by a key and read again.
func sealed(t testing.TB, c Config, peer, priority uint8, at time.Time, key HMACKey) Advert {
	t.Helper()
	a := advertFrom(c, peer, priority)
	a.signer, a.Trailer.Sequence = newSigner(key), sequenceOf(at)
	got, err := a.decoded(a.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The trailer is as docs/vrrp-hmac.md draws it; the tag is calculated here by the book.
func TestTrailerFormat(t *testing.T) {
	for _, source := range []string{"192.168.2.7", "fe80::7"} {
		for _, version := range []uint8{2, 3} {
			a := Advert{Source: addr(source), Destination: Group4, HopLimit: 255, Version: version, VRID: 51, Priority: 100, Interval: time.Second}
			family := byte(4)
			if a.Source.Is6() {
				a.Destination, family = Group6, 6
			}
			plain := a.AppendTo(nil)
			a.signer, a.Trailer.Sequence = newSigner(keyOf(7)), 0x68000000_4000_0003
			p := a.AppendTo(nil)
			trailer := p[len(plain):]
			if len(trailer) != 28 || string(trailer[:3]) != "Lv\x01" || trailer[3] != 7 || binary.BigEndian.Uint64(trailer[4:]) != 0x68000000_4000_0003 {
				t.Fatalf("%x", trailer)
			}
			sixteen := a.Source.As16()
			covered := slices.Concat([]byte{family}, sixteen[:], p[:6], []byte{0, 0}, p[8:len(plain)+12])
			mac := hmac.New(sha256.New, []byte(keyOf(7).Key))
			mac.Write(covered)
			if got := mac.Sum(nil)[:16]; !slices.Equal(got, trailer[12:]) {
				t.Errorf("tag %x, want %x", trailer[12:], got)
			}
		}
	}
}

func TestSequenceOfATime(t *testing.T) {
	at := time.Unix(0x68000000, int64(time.Second/4))
	if got := sequenceOf(at); got != 0x68000000_4000_0000 {
		t.Errorf("%x", got)
	}
	for _, d := range []time.Duration{0, time.Second, -time.Second, 90 * time.Second, -1500 * time.Millisecond} {
		if got := offset(sequenceOf(at.Add(d)), at); (got - d).Abs() > time.Millisecond {
			t.Errorf("%v is %v off", d, got)
		}
	}
	wrap := time.Unix(1<<32-1, 0)
	if got := offset(sequenceOf(wrap.Add(2*time.Second)), wrap); got != 2*time.Second {
		t.Errorf("beyond 2106: %v", got)
	}
}

func TestHMACModes(t *testing.T) {
	enforce := authenticated(3, 100)
	permissive, monotonic := enforce, enforce
	permissive.HMAC.Permissive, monotonic.HMAC.Monotonic = true, true
	plain := advertFrom(enforce, 2, 150)
	damaged := sealed(t, enforce, 2, 150, epoch, keyOf(1))
	damaged.Trailer.Tag[15] ^= 1
	forged := sealed(t, enforce, 2, 150, epoch, keyOf(1))
	forged.Source = addr("10.0.0.3") // of one node, passed off as another's
	wrong := sealed(t, enforce, 2, 150, epoch, HMACKey{ID: 1, Key: keyOf(9).Key})
	for _, c := range []struct {
		name   string
		cfg    Config
		advert Advert
		why    string
	}{
		{"signed", enforce, sealed(t, enforce, 2, 150, epoch, keyOf(1)), ""},
		{"signed by another of our keys", enforce, sealed(t, enforce, 2, 150, epoch, keyOf(2)), ""},
		{"not signed", enforce, plain, "no HMAC: authentication differs from ours"},
		{"not signed, permissive", permissive, plain, ""},
		{"damaged", enforce, damaged, "wrong HMAC: authentication differs from ours"},
		{"damaged, permissive", permissive, damaged, "wrong HMAC: authentication differs from ours"},
		{"of another sender", enforce, forged, "wrong HMAC: authentication differs from ours"},
		{"by another key with the same ID", enforce, wrong, "wrong HMAC: authentication differs from ours"},
		{"by an unknown key", enforce, sealed(t, enforce, 2, 150, epoch, keyOf(3)), "HMAC key 3, which we do not have: authentication differs from ours"},
		{"just in the window", enforce, sealed(t, enforce, 2, 150, epoch.Add(-5*time.Second), keyOf(1)), ""},
		{"too old", enforce, sealed(t, enforce, 2, 150, epoch.Add(-6*time.Second), keyOf(1)), "its clock is -6s off ours: an advert of before, or of another time"},
		{"too new", enforce, sealed(t, enforce, 2, 150, epoch.Add(6*time.Second), keyOf(1)), "its clock is 6s off ours: an advert of before, or of another time"},
		{"old, monotonic", monotonic, sealed(t, enforce, 2, 150, epoch.Add(-time.Hour), keyOf(1)), ""},
		{"signed, to one without keys", config(outside, 3, 100), sealed(t, enforce, 2, 150, epoch, keyOf(1)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, 1)
			n.start([]Config{c.cfg}, nil)
			line := fmt.Sprintf("eth0/51 notes master %s, priority 150", c.advert.Source)
			if c.why != "" {
				line = fmt.Sprintf("eth0/51 notes refused %s: %s", c.advert.Source, c.why)
			}
			want(t, n.hear(c.advert), line)
		})
	}
}

// An advert counts once: who records one gains nothing by it, whatever it says.
func TestReplay(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		n, c := newNode(t, 1), authenticated(3, 100)
		c.HMAC.Monotonic = monotonic
		n.start([]Config{c}, nil)
		stop := sealed(t, c, 2, 0, epoch, keyOf(1))
		first, second := sealed(t, c, 2, 150, epoch.Add(time.Second), keyOf(1)), sealed(t, c, 2, 150, epoch.Add(2*time.Second), keyOf(1))
		n.wait(time.Second)
		n.hear(first)
		n.wait(time.Second)
		n.hear(second)
		refused := "eth0/51 notes refused 10.0.0.2: its number is not above the last one: an advert of before, or of another time"
		want(t, n.hear(second), refused)
		want(t, n.hear(stop))
		want(t, n.hear(first))
		wantDue(t, n, outside, 3609375*time.Microsecond)
	}
}

// A master signs each advert with a number above the last one, whatever the clock does.
func TestSignedAdverts(t *testing.T) {
	n, c := newNode(t, 1), authenticated(2, 100)
	n.start([]Config{c}, nil)
	last := uint64(0)
	check := func(out *Output) {
		t.Helper()
		for _, s := range out.Sends {
			got, err := s.Advert.decoded(s.Advert.AppendTo(nil))
			if err != nil || got.Trailer.Key != 1 || got.Trailer.Sequence <= last {
				t.Fatalf("%+v after %x, %v", got.Trailer, last, err)
			}
			last = got.Trailer.Sequence
		}
	}
	var out Output
	n.now = n.e.Deadline()
	for range 5 {
		out.Reset()
		n.e.Tick(n.now, &out)
		check(&out)
		n.wait(time.Second)
	}
	// The clock is set back, of which a monotonic time of day knows nothing.
	n.e.instances[outside].keyed.last += uint64(time.Hour/time.Second) << 32
	last = n.e.instances[outside].keyed.last
	for range 3 {
		out.Reset()
		n.e.Tick(n.now, &out)
		check(&out)
		n.wait(time.Second)
	}
	c.HMAC.Silent = true
	out.Reset()
	n.e.Configure(n.now, []Config{c}, nil, &out)
	if len(out.Sends) != 1 || out.Sends[0].Advert.signer != nil {
		t.Errorf("a silent instance signs: %+v", out.Sends)
	}
}

// A flood of what nobody has signed changes nothing.
func TestFloodOfForgeries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, c := newNode(nil, 1), authenticated(3, 100)
		n.start([]Config{c}, nil)
		if rapid.Bool().Draw(t, "master") {
			n.now = n.e.Deadline()
			n.tick()
		}
		state := func() string {
			i := *n.e.instances[outside]
			i.tally = tally{} // they are counted
			return fmt.Sprintf("%+v", i)
		}
		before := state()
		for range rapid.IntRange(1, 20).Draw(t, "adverts") {
			a := advertFrom(c, rapid.Byte().Draw(t, "peer"), rapid.Byte().Draw(t, "priority"))
			a.HopLimit = rapid.SampledFrom([]uint8{255, 64}).Draw(t, "hops")
			a.Interval = time.Duration(rapid.IntRange(0, 4095).Draw(t, "interval")) * 10 * time.Millisecond
			a.Trailer = Trailer{Key: rapid.Uint8Range(0, 3).Draw(t, "key"), Sequence: rapid.Uint64().Draw(t, "sequence")}
			a.signed = a.AppendTo(nil)
			var out Output
			n.e.Receive(n.now, "eth0", &a, nil, &out)
			if len(out.Sends)+len(out.Transitions)+len(out.Announces) > 0 {
				t.Fatalf("%q", out.lines())
			}
		}
		if after := state(); after != before {
			t.Fatal(cmp.Diff(before, after))
		}
	})
}

func TestTrailersAllocateNothing(t *testing.T) {
	n, c := newNode(t, 1), authenticated(3, 100)
	n.start([]Config{c}, nil)
	n.now = n.e.Deadline()
	n.tick()
	packet := make([]byte, 0, 256)
	var out Output
	if got := testing.AllocsPerRun(100, func() { packet = advert(n, &out, packet) }); got != 0 {
		t.Errorf("%v allocations for an advert signed", got)
	}
	m := newNode(t, 2)
	m.start([]Config{authenticated(3, 50)}, nil)
	from := advertFrom(c, 1, 150)
	from.signer = newSigner(keyOf(1))
	var packets [][]byte
	for k := range 102 {
		from.Trailer.Sequence = sequenceOf(m.now.Add(time.Duration(k) * time.Millisecond))
		packets = append(packets, datagram(from.Source, Group4, 255, from.AppendTo(nil)))
	}
	var a Advert
	receive := func() {
		out.Reset()
		err := a.decode(packets[0])
		packets = packets[1:]
		if m.e.Receive(m.now, "eth0", &a, err, &out); len(out.Notes) > 0 && out.Notes[0].Kind == NoteRefused {
			t.Fatal(out.lines())
		}
	}
	receive()
	if got := testing.AllocsPerRun(100, receive); got != 0 {
		t.Errorf("%v allocations for a signed advert received", got)
	}
}
