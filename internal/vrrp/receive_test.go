package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §7.1, what a receiver verifies (what Decode can verify is in packet_test.go).
func TestRFC9568Receiving(t *testing.T) {
	start := func() (*node, Config) {
		n, c := newNode(t, 1), config(outside, 3, 100)
		n.start([]Config{c}, nil)
		return n, c
	}
	t.Run("an unknown VRID is discarded", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 255)
		a.VRID = 99
		var out Output
		n.e.Receive(n.now, "eth0", &a, nil, &out)
		n.e.Receive(n.now, "eth1", &a, nil, &out)
		want(t, out.lines())
	})
	t.Run("the VRID of another interface is discarded", func(t *testing.T) {
		n, c := start()
		n.wait(time.Second)
		a := advertFrom(c, 2, 255)
		var out Output
		n.e.Receive(n.now, "eth1", &a, nil, &out)
		want(t, out.lines())
		wantDue(t, n, outside, 2609375*time.Microsecond)
	})
	t.Run("another version is discarded", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 255)
		a.Version = 2
		want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: version 2, ours is 3: version differs from ours")
	})
	t.Run("our own advert is discarded", func(t *testing.T) {
		n, c := start()
		want(t, n.hear(advertFrom(c, 1, 255)), "eth0/51 notes refused 10.0.0.1: source 10.0.0.1: another node sends from our address")
	})
	t.Run("an interval of 0 is discarded", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 255)
		a.Interval = 0
		want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: advert_int 0: advert interval differs from ours")
	})
	t.Run("other addresses than ours are logged, once, and do not discard", func(t *testing.T) {
		n, c := start()
		a := advertFrom(c, 2, 150)
		a.Addresses = addrs("10.0.0.201")
		n.wait(time.Second)
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150", "eth0/51 notes addresses of 10.0.0.2: [10.0.0.201]")
		wantDue(t, n, outside, 3609375*time.Microsecond)
		want(t, n.hear(a))
		a.Addresses = c.Addresses
		want(t, n.hear(a))
		a.Addresses = nil
		want(t, n.hear(a), "eth0/51 notes addresses of 10.0.0.2: []")
		deviates(t, "without addresses")
	})
	t.Run("their order does not matter", func(t *testing.T) {
		n, c := newNode(t, 1), config(outside, 3, 100)
		c.Addresses = addrs("10.0.0.200", "10.0.0.201")
		n.start([]Config{c}, nil)
		a := advertFrom(c, 2, 150)
		a.Addresses = addrs("10.0.0.201", "10.0.0.200")
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150")
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

// RFC 3768, where version 2 differs.
func TestRFC3768(t *testing.T) {
	start := func(t *testing.T, priority uint8, interval time.Duration) (*node, Config) {
		n, c := newNode(t, 1), config(outside, 2, priority)
		c.Interval = interval
		n.start([]Config{c}, nil)
		return n, c
	}
	t.Run("6.1: the skew is (256 - priority) / 256 seconds whatever the interval", func(t *testing.T) {
		for _, interval := range []time.Duration{time.Second, 2 * time.Second, 10 * time.Second, 255 * time.Second} {
			for p := 1; p <= 255; p++ {
				n, c := start(t, uint8(p), interval)
				wantDue(t, n, outside, 3*interval+skewOf(uint8(p), time.Second))
				n.hear(advertFrom(c, 2, 0))
				wantDue(t, n, outside, skewOf(uint8(p), time.Second))
			}
		}
		n, _ := start(t, 100, time.Second)
		wantDue(t, n, outside, 3609375*time.Microsecond)
	})
	t.Run("6.4.2: the interval is not learned", func(t *testing.T) {
		n, c := start(t, 100, 2*time.Second)
		n.hear(advertFrom(c, 2, 150))
		wantDue(t, n, outside, 6609375*time.Microsecond)
	})
	t.Run("6.4.3: a master that hears a lesser one discards the advert", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		n.becomeMaster(outside)
		n.next()
		deviates(t, "version 2 too")
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 99")
	})
	t.Run("6.4.3: it does not answer, with lower_prio_no_advert, and its timer runs on", func(t *testing.T) {
		n, c := newNode(t, 1), config(outside, 2, 100)
		c.LowerPrioNoAdvert = true
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.next()
		n.wait(400 * time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 announces", "eth0/51 notes duplicate master 10.0.0.2, priority 99")
		wantDue(t, n, outside, 600*time.Millisecond)
	})
	t.Run("6.4.3: a greater priority leads to backup, with the down timer of our own interval", func(t *testing.T) {
		n, c := start(t, 100, 7*time.Second)
		n.becomeMaster(outside)
		n.hear(advertFrom(c, 2, 101))
		if n.state(outside) != Backup {
			t.Error(n.state(outside))
		}
		wantDue(t, n, outside, 21*time.Second+skewOf(100, time.Second))
	})
	t.Run("6.4.3: a shutdown sends an advert with priority 0", func(t *testing.T) {
		n, _ := start(t, 100, time.Second)
		n.becomeMaster(outside)
		want(t, n.resign(), "eth0/51 sends priority 0 every 1s")
	})
	t.Run("7.1: another interval than ours discards the advert", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		n.wait(time.Second)
		a := advertFrom(c, 2, 200)
		a.Interval = 2 * time.Second
		want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: advert_int 2s, ours is 1s: advert interval differs from ours")
		wantDue(t, n, outside, 2609375*time.Microsecond)
		a.Priority = 0
		n.hear(a)
		wantDue(t, n, outside, 2609375*time.Microsecond)
	})
	t.Run("7.1 of RFC 2338: other authentication than ours discards the advert", func(t *testing.T) {
		secret, other := Password([]byte("secret\x00\x00")), Password([]byte("secretx\x00"))
		for _, c := range []struct {
			ours, theirs Password
			kind         uint8
			why          string
		}{
			{secret, secret, 1, ""},
			{Password{}, Password{}, 0, ""},
			{Password{}, secret, 0, ""}, // what is behind type 0 says nothing
			{secret, other, 1, "wrong password"},
			{secret, secret, 0, "authentication type 0, ours is 1"},
			{secret, secret, 2, "authentication type 2, ours is 1"},
			{Password{}, Password{}, 1, "authentication type 1, ours is 0"},
		} {
			n, cfg := newNode(t, 1), config(outside, 2, 100)
			cfg.Password = c.ours
			n.start([]Config{cfg}, nil)
			n.wait(time.Second)
			a := advertFrom(cfg, 2, 150)
			a.AuthType, a.AuthData = c.kind, c.theirs
			if c.why == "" {
				want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150")
				continue
			}
			want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: "+c.why+": authentication differs from ours")
			a.Priority = 0
			n.hear(a)
			wantDue(t, n, outside, 2609375*time.Microsecond)
		}
	})
	t.Run("every advert of ours has the password", func(t *testing.T) {
		n, c := newNode(t, 1), config(outside, 2, 100)
		c.Password = Password([]byte("secret\x00\x00"))
		n.start([]Config{c}, nil)
		n.wait(n.due(outside))
		var out Output
		n.e.Tick(n.now, &out)                                         // the first
		n.e.Receive(n.now, "eth0", ptr(signed(c, 2, 0)), nil, &out)   // answered
		n.e.Receive(n.now, "eth0", ptr(signed(c, 2, 200)), nil, &out) // the last word
		if len(out.Sends) != 3 || n.state(outside) != Backup {
			t.Fatalf("%q", out.lines())
		}
		for _, s := range out.Sends {
			if s.Advert.AuthType != 1 || s.Advert.AuthData != c.Password {
				t.Errorf("%+v", s)
			}
		}
	})
	t.Run("7.1: another version than ours discards the advert", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		a := advertFrom(c, 2, 200)
		a.Version = 3
		want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: version 3, ours is 2: version differs from ours")
	})
}

// signed is advertFrom with the password of c.
func signed(c Config, peer, priority uint8) Advert {
	a := advertFrom(c, peer, priority)
	a.AuthType, a.AuthData = 1, c.Password
	return a
}

func ptr(a Advert) *Advert { return &a }
