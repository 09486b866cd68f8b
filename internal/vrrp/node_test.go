package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// epoch is when every test begins: it is no special date.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// The instances of the tests: the address that clients use and the servers' gateway.
var (
	outside = Key{Interface: "eth0", VRID: 51}
	inside  = Key{Interface: "eth1", VRID: 52}
	third   = Key{Interface: "eth2", VRID: 53}
)

// node is the election of one node, with its clock in the test's hand.
type node struct {
	t     testing.TB
	e     *Election
	now   time.Time
	links map[string]Link
}

// newNode is the node with the host number n on three interfaces that are up.
func newNode(t testing.TB, n byte) *node {
	links := map[string]Link{}
	for k := range 3 {
		links[fmt.Sprintf("eth%d", k)] = Link{Index: k + 1, Up: true,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(k), n})}}
	}
	return &node{t: t, e: NewElection(), now: epoch, links: links}
}

// config is an instance as most tests want it.
func config(key Key, version, priority uint8) Config {
	ip := netip.AddrFrom4([4]byte{10, 0, key.VRID - 51, 200})
	if key.IPv6 {
		ip = netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 5: key.VRID - 51, 15: 200})
	}
	four := key
	four.IPv6 = false
	names := map[Key]string{outside: "outside", inside: "inside", third: "third"}
	return Config{Key: key, Name: names[four], Version: version, Priority: priority, Interval: time.Second,
		DownTimerAdverts: 3, Preempt: true, HigherPrioSendAdvert: true, Addresses: []netip.Addr{ip}}
}

// together is the sync group of keys.
func together(keys ...Key) []SyncGroup { return []SyncGroup{{Name: "pair", Members: keys}} }

// start configures the node and shows it its interfaces.
func (n *node) start(configs []Config, groups []SyncGroup) []string {
	var out Output
	n.e.Configure(n.now, configs, groups, &out)
	n.e.SetLinks(n.now, n.links, &out)
	return out.lines()
}

func (n *node) reload(configs []Config, groups []SyncGroup) []string {
	var out Output
	n.e.Configure(n.now, configs, groups, &out)
	return out.lines()
}

// setLink sets one interface up or down.
func (n *node) setLink(name string, up bool) []string {
	links := map[string]Link{}
	for k, l := range n.links {
		links[k] = l
	}
	l := links[name]
	l.Up = up
	links[name] = l
	n.links = links
	var out Output
	n.e.SetLinks(n.now, links, &out)
	return out.lines()
}

func (n *node) wait(d time.Duration) { n.now = n.now.Add(d) }

func (n *node) tick() []string {
	var out Output
	n.e.Tick(n.now, &out)
	return out.lines()
}

// next waits for the next deadline and serves it.
func (n *node) next() []string {
	n.t.Helper()
	if n.e.Deadline().IsZero() {
		n.t.Fatal("no timer runs")
	}
	n.now = n.e.Deadline()
	return n.tick()
}

// advertFrom is an advert of the host peer, equal to what a node with c would send.
func advertFrom(c Config, peer byte, priority uint8) Advert {
	return Advert{Source: netip.AddrFrom4([4]byte{10, 0, c.VRID - 51, peer}), Destination: Group4, HopLimit: 255, Version: c.Version, VRID: c.VRID,
		Priority: priority, Interval: c.Interval, Addresses: c.Addresses}
}

func (n *node) hear(a Advert) []string {
	var out Output
	n.e.Receive(n.now, fmt.Sprintf("eth%d", a.VRID-51), &a, nil, &out)
	return out.lines()
}

func (n *node) resign() []string {
	var out Output
	n.e.Resign(n.now, &out)
	return out.lines()
}

// due is how long it is to the deadline of one instance.
func (n *node) due(key Key) time.Duration {
	n.t.Helper()
	i := n.e.instances[key]
	if i == nil || i.deadline.IsZero() {
		n.t.Fatalf("%v has no timer", key)
	}
	return i.deadline.Sub(n.now)
}

func (n *node) state(key Key) State { return n.e.instances[key].state }

// becomeMaster lets the down timers run out.
func (n *node) becomeMaster(keys ...Key) {
	n.t.Helper()
	for range 4 * len(keys) {
		n.next()
		all := true
		for _, k := range keys {
			all = all && n.state(k) == Master
		}
		if all {
			return
		}
	}
	n.t.Fatalf("%v did not become master", keys)
}

// lines is the output as a person reads it, in the order in which it is to be done.
func (o *Output) lines() []string {
	var lines []string
	for _, s := range o.Sends {
		lines = append(lines, fmt.Sprintf("%v sends priority %d every %v", s.Key, s.Advert.Priority, s.Advert.Interval))
	}
	for _, t := range o.Transitions {
		lines = append(lines, fmt.Sprintf("%v %v -> %v: %s", t.Key, t.From, t.To, t.Reason))
	}
	for _, k := range o.Announces {
		lines = append(lines, fmt.Sprintf("%v announces", k))
	}
	for _, n := range o.Notes {
		lines = append(lines, fmt.Sprintf("%v notes %s", n.Key, n.text()))
	}
	return lines
}

func (n *Note) text() string {
	switch n.Kind {
	case NoteMaster:
		return fmt.Sprintf("master %s, priority %d", n.Peer, n.Priority)
	case NoteDuplicate:
		return fmt.Sprintf("duplicate master %s, priority %d", n.Peer, n.Priority)
	case NoteRefused:
		return fmt.Sprintf("refused %s: %v", n.Peer, n.Err)
	case NoteAddresses:
		return fmt.Sprintf("addresses of %s: %v", n.Peer, n.Advertised)
	case NoteInterval:
		return fmt.Sprintf("advert_int %v of %s, ours is %v", n.Interval, n.Peer, n.Ours)
	case NoteStall:
		return fmt.Sprintf("stall, %v late", n.Late)
	case NoteSocket:
		return fmt.Sprintf("socket: %v", n.Err)
	}
	if n.Kind == NotePriority {
		return fmt.Sprintf("priority %d, was %d (%s)", n.Priority, n.Was, n.Weights)
	}
	return fmt.Sprintf("kind %d", n.Kind)
}

// want compares the lines of an output with those expected, one per line.
func want(t testing.TB, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(lines, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func wantDue(t testing.TB, n *node, key Key, d time.Duration) {
	t.Helper()
	if got := n.due(key); got != d {
		t.Errorf("timer of %v ends after %v, want %v", key, got, d)
	}
}
