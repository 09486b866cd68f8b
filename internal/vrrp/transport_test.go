package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// unicast is config with peers.
func unicast(key Key, version, priority uint8, peers ...Peer) Config {
	c := config(key, version, priority)
	c.Transport = Transport{Unicast: true, TTL: 255, Peers: peers}
	return c
}

// hearOn is hear for adverts of any interface and family.
func (n *node) hearOn(ifname string, a Advert) []string {
	var out Output
	n.e.Receive(n.now, ifname, &a, nil, &out)
	return out.lines()
}

func TestWayOfAdverts(t *testing.T) {
	multicast, peer, ranged := config(outside, 3, 100), unicast(outside, 3, 100, Peer{Addr: addr("10.0.0.2")}),
		unicast(outside, 3, 100, Peer{Addr: addr("10.0.0.2"), Ranged: true, MinTTL: 5, MaxTTL: 9}, Peer{Addr: addr("10.0.0.3")})
	checked := peer
	checked.Transport.CheckSource = true
	never := peer
	never.Transport.NoOldChecksum = true
	other := multicast
	other.Transport.Group = addr("224.0.0.99")
	from := func(change func(*Advert)) Advert {
		a := advertFrom(multicast, 2, 150)
		change(&a)
		return a
	}
	toUs := func(a *Advert) { a.Destination = addr("10.0.0.1") }
	for _, c := range []struct {
		name   string
		cfg    Config
		advert Advert
		why    string // empty where it counts
	}{
		{"multicast", multicast, from(func(*Advert) {}), ""},
		{"RFC 9568 §7.1: a TTL under 255", multicast, from(func(a *Advert) { a.HopLimit = 254 }), "TTL 254 instead of 255: wrong TTL"},
		{"another group", multicast, from(func(a *Advert) { a.Destination = addr("224.0.0.99") }), "sent to 224.0.0.99, ours to the group 224.0.0.18: not sent to us as ours are sent"},
		{"unicast to an instance with multicast", multicast, from(toUs), "sent to 10.0.0.1, ours to the group 224.0.0.18: not sent to us as ours are sent"},
		{"a group of its own", other, from(func(a *Advert) { a.Destination = addr("224.0.0.99") }), ""},
		{"the usual group to one of its own", other, from(func(*Advert) {}), "sent to 224.0.0.18, ours to the group 224.0.0.99: not sent to us as ours are sent"},
		{"unicast", peer, from(toUs), ""},
		{"unicast with any TTL", peer, from(func(a *Advert) { toUs(a); a.HopLimit = 1 }), ""},
		{"unicast by a stranger", peer, from(func(a *Advert) { toUs(a); a.Source = addr("10.0.0.9") }), ""},
		{"multicast to an instance with peers", peer, from(func(*Advert) {}), "sent to the group 224.0.0.18, ours by unicast: not sent to us as ours are sent"},
		{"the old checksum", peer, from(func(a *Advert) { toUs(a); a.Checksum = ChecksumGroup }), ""},
		{"the old checksum, refused", never, from(func(a *Advert) { toUs(a); a.Checksum = ChecksumGroup }), "wrong checksum"},
		{"a checked peer", checked, from(toUs), ""},
		{"a checked stranger", checked, from(func(a *Advert) { toUs(a); a.Source = addr("10.0.0.9") }), "source 10.0.0.9: not one of the unicast peers"},
		{"the lowest TTL", ranged, from(func(a *Advert) { toUs(a); a.HopLimit = 5 }), ""},
		{"the highest TTL", ranged, from(func(a *Advert) { toUs(a); a.HopLimit = 9 }), ""},
		{"too low a TTL", ranged, from(func(a *Advert) { toUs(a); a.HopLimit = 4 }), "TTL 4, not from 5 to 9: wrong TTL"},
		{"too high a TTL", ranged, from(func(a *Advert) { toUs(a); a.HopLimit = 10 }), "TTL 10, not from 5 to 9: wrong TTL"},
		{"a peer without a range", ranged, from(func(a *Advert) { toUs(a); a.HopLimit, a.Source = 4, addr("10.0.0.3") }), ""},
		{"a stranger beside a range", ranged, from(func(a *Advert) { toUs(a); a.Source = addr("10.0.0.9") }), "source 10.0.0.9: not one of the unicast peers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, 1)
			n.start([]Config{c.cfg}, nil)
			lines := []string{fmt.Sprintf("eth0/51 notes master %s, priority 150", c.advert.Source)}
			if c.why != "" {
				lines = []string{fmt.Sprintf("eth0/51 notes refused %s: %s", c.advert.Source, c.why)}
			}
			want(t, n.hear(c.advert), lines...)
		})
	}
}

// Over IPv4 and IPv6 there are virtual routers of their own, also with the same VRID.
func TestFamiliesAreApart(t *testing.T) {
	n := newNode(t, 1)
	n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.1", "2001:db8::1", "fe80::1")}
	four, six := config(outside, 3, 100), config(outside, 3, 100)
	six.IPv6, six.Name, six.Addresses = true, "six", addrs("2001:db8::200")
	n.start([]Config{four, six}, nil)
	n.wait(time.Second)
	a := advertFrom(six, 2, 150)
	a.Source, a.Destination = addr("fe80::2"), Group6
	want(t, n.hearOn("eth0", a), "eth0/51 IPv6 notes master fe80::2, priority 150")
	want(t, n.next(), "eth0/51 sends priority 100 every 1s", "eth0/51 BACKUP -> MASTER: no advert heard")
}

func TestSourceOfAdverts(t *testing.T) {
	four, six := config(outside, 3, 100), config(outside, 3, 100)
	six.IPv6, six.Addresses, six.Excluded = true, addrs("2001:db8::200"), addrs("fe80::200")
	far, near := six, six
	far.Transport = Transport{Unicast: true, TTL: 255, Peers: []Peer{{Addr: addr("2001:db8::2")}}}
	near.Transport = Transport{Unicast: true, TTL: 255, Peers: []Peer{{Addr: addr("fe80::2")}}}
	told, tracked, lonely := four, four, unicast(outside, 3, 100)
	told.Transport.Source = addr("10.0.0.77")
	tracked.Transport = Transport{Source: addr("10.0.0.77"), TrackSource: true}
	all := addrs("10.0.0.200", "10.0.0.1", "2001:db8::200", "2001:db8::1", "fe80::200", "fe80::1")
	for _, c := range []struct {
		name      string
		cfg       Config
		addresses []netip.Addr
		source    string // or what is wrong
	}{
		{"IPv4", four, all, "10.0.0.1"},
		{"IPv6: of the link, as RFC 9568 §5.1.2.1 has it", six, all, "fe80::1"},
		{"IPv6, peers of the link", near, all, "fe80::1"},
		{"IPv6, peers beyond it", far, all, "2001:db8::1"},
		{"as the configuration says", told, all, "10.0.0.77"},
		{"tracked", tracked, append(all, addr("10.0.0.77")), "10.0.0.77"},
		{"tracked, and not there", tracked, all, "interface eth0 has not the address 10.0.0.77"},
		{"IPv4 without one", four, addrs("10.0.0.200", "fe80::1"), "interface eth0 has no IPv4 address beside the virtual ones; give it one of its own"},
		{"IPv6 without one", six, addrs("10.0.0.1", "2001:db8::1", "fe80::200"), "interface eth0 has no IPv6 link-local address beside the virtual ones; give it one of its own"},
		{"IPv6 without one for far peers", far, addrs("fe80::1"), "interface eth0 has no global IPv6 address beside the virtual ones; give it one of its own"},
		{"unicast without peers", lonely, all, "there is no unicast_peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, 1)
			n.links["eth0"] = Link{Index: 1, Up: true, Addresses: c.addresses}
			lines := n.start([]Config{c.cfg}, nil)
			if n.state(c.cfg.Key) == Fault {
				want(t, lines, fmt.Sprintf("%s INIT -> FAULT: %s", c.cfg.Key, c.source))
				return
			}
			if got := n.e.instances[c.cfg.Key].source; got.String() != c.source {
				t.Errorf("source %s, want %s", got, c.source)
			}
		})
	}
}

// A tracked source that goes is a fault, and one that comes back ends it.
func TestTrackedSource(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	c.Transport = Transport{Source: addr("10.0.0.1"), TrackSource: true}
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.5")}
	want(t, n.setLink("eth0", true), "eth0/51 sends priority 0 every 1s", "eth0/51 MASTER -> FAULT: interface eth0 has not the address 10.0.0.1")
	n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("10.0.0.5", "10.0.0.1")}
	want(t, n.setLink("eth0", true), "eth0/51 FAULT -> BACKUP: started")
}

// Every advert goes to each peer, also the last word and priority 0, with what the configuration
// says of TTL and checksum.
func TestAdvertsToPeers(t *testing.T) {
	n, c := newNode(t, 1), unicast(outside, 3, 100, Peer{Addr: addr("10.0.0.2")}, Peer{Addr: addr("10.0.0.3")})
	c.Transport.TTL, c.Transport.Checksum, c.HigherPrioSendAdvert = 7, ChecksumPlain, true
	n.start([]Config{c}, nil)
	n.wait(n.due(outside))
	var out Output
	n.e.Tick(n.now, &out)
	better := advertFrom(c, 2, 200)
	better.Destination = addr("10.0.0.1")
	n.e.Receive(n.now, "eth0", &better, nil, &out)
	n.now = n.e.Deadline()
	n.e.Tick(n.now, &out)
	n.e.Resign(n.now, &out)
	if got := len(out.Sends); got != 4 {
		t.Fatalf("%d adverts: %q", got, out.lines())
	}
	for _, s := range out.Sends {
		if len(s.To) != 2 || s.To[0] != addr("10.0.0.2") || s.To[1] != addr("10.0.0.3") || s.Advert.HopLimit != 7 || s.Advert.Checksum != ChecksumPlain {
			t.Errorf("%+v", s)
		}
	}
}

// A master whose way of sending changes says so at once: the others must hear it.
func TestReloadOfTransport(t *testing.T) {
	n, c := newNode(t, 1), config(outside, 3, 100)
	n.start([]Config{c}, nil)
	n.becomeMaster(outside)
	n.wait(time.Millisecond)
	d := unicast(outside, 3, 100, Peer{Addr: addr("10.0.0.2")})
	lines := n.reload([]Config{d}, nil)
	if strings.Join(lines, "\n") != "eth0/51 sends priority 100 every 1s" || n.e.instances[outside].to[0] != addr("10.0.0.2") {
		t.Errorf("%q", lines)
	}
	want(t, n.reload([]Config{d}, nil))
}
