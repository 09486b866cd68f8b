package vrrp

import (
	"testing"
	"time"
)

// RFC 3768, where version 2 differs from version 3; the numbers of steps are as in section.
func TestRFC3768(t *testing.T) {
	s := sentences(t, "RFC 3768", "§6.1", "§6.4.1", "§6.4.2 (335)", "§6.4.2 (430)", "§6.4.2 (445)", "§6.4.2 (460)", "§6.4.2 (470)", "§6.4.3 (650)",
		"§6.4.3 (665)", "§6.4.3 (735)", "§6.4.3 (760)", "§6.4.3 (775)", "§7.1 (version)", "§7.1 (interval)", "§7.1 (owner)", "§7.1 (addresses)", "§7.1 (authentication)", "§7.2")
	start := func(t *testing.T, priority uint8, interval time.Duration) (*node, Config) {
		n, c := newNode(t, 1), config(outside, 2, priority)
		c.Interval = interval
		n.start([]Config{c}, nil)
		return n, c
	}
	s.holds("§6.1", "the skew is (256 - priority) / 256 seconds whatever the interval", func(t *testing.T) {
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
	s.holds("§6.4.2 (460)", "the interval is not learned", func(t *testing.T) {
		n, c := start(t, 100, 2*time.Second)
		n.hear(advertFrom(c, 2, 150))
		wantDue(t, n, outside, 6609375*time.Microsecond)
	})
	s.holds("§6.4.3 (775)", "a master that hears a lesser one discards the advert, and does not answer", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		n.becomeMaster(outside)
		n.next()
		deviates(t, "version 2 too")
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 sends priority 100 every 1s", "eth0/51 announces",
			"eth0/51 notes duplicate master 10.0.0.2, priority 99")

		n, c = newNode(t, 1), config(outside, 2, 100) // to the letter, where the configuration says so
		c.LowerPrioNoAdvert = true
		n.start([]Config{c}, nil)
		n.becomeMaster(outside)
		n.next()
		n.wait(400 * time.Millisecond)
		want(t, n.hear(advertFrom(c, 2, 99)), "eth0/51 announces", "eth0/51 notes duplicate master 10.0.0.2, priority 99")
		wantDue(t, n, outside, 600*time.Millisecond)
	})
	s.holds("§6.4.3 (760)", "a greater priority leads to backup, with the down timer of our own interval", func(t *testing.T) {
		n, c := start(t, 100, 7*time.Second)
		n.becomeMaster(outside)
		n.hear(advertFrom(c, 2, 101))
		if n.state(outside) != Backup {
			t.Error(n.state(outside))
		}
		wantDue(t, n, outside, 21*time.Second+skewOf(100, time.Second))
	})
	s.holds("§6.4.3 (665)", "a shutdown sends an advert with priority 0", func(t *testing.T) {
		n, _ := start(t, 100, time.Second)
		n.becomeMaster(outside)
		want(t, n.resign(), "eth0/51 sends priority 0 every 1s")
	})
	s.holds("§7.1 (interval)", "another interval than ours discards the advert", func(t *testing.T) {
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
	s.holds("§7.1 (authentication)", "other authentication than ours discards the advert", func(t *testing.T) {
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
	s.holds("§7.2", "every advert of ours has the password", func(t *testing.T) {
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
	s.holds("§7.1 (version)", "another version than ours discards the advert", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		a := advertFrom(c, 2, 200)
		a.Version = 3
		want(t, n.hear(a), "eth0/51 notes refused 10.0.0.2: version 3, ours is 2: version differs from ours")
	})
	s.holds("§6.4.1", "the owner alone starts as master", func(t *testing.T) {
		n, c := newNode(t, 1), config(outside, 2, 255)
		c.StartMaster = true
		want(t, n.start([]Config{c}, nil), "eth0/51 sends priority 255 every 1s", "eth0/51 INIT -> MASTER: started as master")
		n, _ = start(t, 254, time.Second)
		wantDue(t, n, outside, 3*time.Second+skewOf(254, time.Second))
	})
	s.holds("§6.4.2 (335)", "a backup discards frames to the virtual MAC", func(t *testing.T) { deviates(t, "no virtual MAC address") })
	s.holds("§6.4.2 (430)", "priority 0 leaves a skew time, of a second whatever the interval", func(t *testing.T) {
		n, c := start(t, 100, 10*time.Second)
		n.hear(advertFrom(c, 2, 0))
		wantDue(t, n, outside, skewOf(100, time.Second))
		want(t, n.next(), "eth0/51 sends priority 100 every 10s", "eth0/51 BACKUP -> MASTER: 10.0.0.2 stopped")
	})
	s.holds("§6.4.2 (445)", "an equal priority counts whatever the address", func(t *testing.T) {
		for _, host := range []byte{1, 9} {
			n, c := newNode(t, host), config(outside, 2, 100)
			n.start([]Config{c}, nil)
			n.wait(time.Second)
			n.hear(advertFrom(c, 2, 100))
			wantDue(t, n, outside, downTime)
		}
	})
	s.holds("§6.4.2 (470)", "a lesser one does not", func(t *testing.T) {
		n, c := start(t, 100, time.Second)
		n.wait(time.Second)
		want(t, n.hear(advertFrom(c, 2, 99)))
		wantDue(t, n, outside, downTime-time.Second)
	})
	s.holds("§6.4.3 (650)", "who is not the owner accepts no packets to the addresses", func(t *testing.T) {
		deviates(t, "Packets to the addresses are accepted whoever owns them")
	})
	s.holds("§6.4.3 (735)", "a tie goes to the greater address", func(t *testing.T) {
		for host, state := range map[byte]State{1: Backup, 9: Master} {
			n, c := newNode(t, host), config(outside, 2, 100)
			n.start([]Config{c}, nil)
			n.becomeMaster(outside)
			n.hear(advertFrom(c, 2, 100))
			if n.state(outside) != state {
				t.Errorf("host %d: %v", host, n.state(outside))
			}
		}
	})
	s.holds("§7.1 (owner)", "an owner drops adverts", func(t *testing.T) {
		deviates(t, "RFC 3768 §7.1 has it drop them")
		n, c := newNode(t, 1), config(outside, 2, 255) // to the letter, where the configuration says so
		c.StartMaster, c.OwnerIgnoreAdverts = true, true
		n.start([]Config{c}, nil)
		n.next()
		want(t, n.hear(advertFrom(c, 2, 255)))
		wantDue(t, n, outside, time.Second)
	})
	s.holds("§7.1 (addresses)", "who compares the addresses drops an advert with others", func(t *testing.T) {
		deviates(t, "other addresses than ours counts in version 2 too")
		n, c := start(t, 100, time.Second)
		a := advertFrom(c, 2, 150)
		a.Addresses = addrs("10.0.0.201")
		n.wait(time.Second)
		want(t, n.hear(a), "eth0/51 notes master 10.0.0.2, priority 150", "eth0/51 notes addresses of 10.0.0.2: [10.0.0.201]")
		wantDue(t, n, outside, downTime)
	})
}

// signed is advertFrom with the password of c.
func signed(c Config, peer, priority uint8) Advert {
	a := advertFrom(c, peer, priority)
	a.AuthType, a.AuthData = 1, c.Password
	return a
}

func ptr(a Advert) *Advert { return &a }
