package vrrp

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// section holds one section of an RFC to its sentences: each is the subject of one subtest.
//
// The steps of RFC 9568 §6.4 have no numbers; those here are of RFC 5798 §6.4, which has the same
// steps. What RFC 9568 added stands under the number before it, with a letter.
type section struct {
	t    *testing.T
	name string
	left []string
}

// sentences begins a section: each of the numbers must be held before the test ends.
func sentences(t *testing.T, name string, numbers ...string) *section {
	s := &section{t, name, numbers}
	t.Cleanup(func() {
		if len(s.left) > 0 {
			t.Errorf("no subtest for %s %v", s.name, s.left)
		}
	})
	return s
}

// holds runs the subtest of one sentence, in our own words.
func (s *section) holds(number, words string, test func(t *testing.T)) {
	s.t.Helper()
	at := slices.Index(s.left, number)
	if at < 0 {
		s.t.Errorf("%s has no sentence %s, or two subtests", s.name, number)
		return
	}
	s.left = slices.Delete(s.left, at, at+1)
	s.t.Run(s.name+" "+number+" "+words, test)
}

// deviates holds the package's documentation to what it does otherwise than the RFC.
func deviates(t *testing.T, words string) {
	t.Helper()
	if !strings.Contains(deviations(t), words) {
		t.Errorf("doc.go names no deviation with the words %q", words)
	}
}

// deviations is the list of doc.go in one line.
func deviations(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, named, _ := strings.Cut(string(doc), "Named deviations")
	return regexp.MustCompile(`\s*\n//\s*`).ReplaceAllString(named, " ")
}

// skewOf is Skew_Time computed in whole nanoseconds, independently of the code.
func skewOf(priority uint8, interval time.Duration) time.Duration {
	return time.Duration((256 - int64(priority)) * int64(interval) / 256)
}

// intervals with which version 3 is tried.
var intervals = []time.Duration{10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, time.Second,
	1230 * time.Millisecond, 40950 * time.Millisecond}

// RFC 9568 §6.1: the two computed times, for every priority.
func TestRFC9568Timers(t *testing.T) {
	for _, interval := range intervals {
		for p := 1; p <= 255; p++ {
			n := newNode(t, 1)
			c := config(outside, 3, uint8(p))
			c.Interval = interval
			n.start([]Config{c}, nil)
			wantDue(t, n, outside, 3*interval+skewOf(uint8(p), interval))
		}
	}
	// Worked by hand: 156/256 of an interval.
	n := newNode(t, 1)
	c := config(outside, 3, 100)
	n.start([]Config{c}, nil)
	wantDue(t, n, outside, 3609375*time.Microsecond)
	n = newNode(t, 1)
	c.Interval = 100 * time.Millisecond
	n.start([]Config{c}, nil)
	wantDue(t, n, outside, 360937500*time.Nanosecond)
}

// owner is a node that has just started as the owner of its addresses, and what it did.
func owner(t *testing.T) (*node, Output) {
	n := newNode(t, 1)
	c := config(outside, 3, 255)
	c.StartMaster = true
	n.reload([]Config{c}, nil)
	var out Output
	n.e.SetLinks(n.now, n.links, &out)
	return n, out
}

// RFC 9568 §6.4.1, Initialize.
func TestRFC9568Initialize(t *testing.T) {
	s := sentences(t, "§6.4.1", "(100)", "(105)", "(110)", "(115)", "(130)", "(140)", "(145)", "(150)", "(155)", "(160)", "(165)")
	s.holds("(100)", "nothing happens before the startup event", func(t *testing.T) {
		n := newNode(t, 1)
		want(t, n.reload([]Config{config(outside, 3, 100)}, nil))
		if !n.e.Deadline().IsZero() || n.state(outside) != Init {
			t.Errorf("timer at %v in %v", n.e.Deadline(), n.state(outside))
		}
		want(t, n.hear(advertFrom(config(outside, 3, 100), 2, 0)))
		n.wait(time.Hour)
		want(t, n.tick())
	})
	s.holds("(105)", "it is priority 255 that makes an owner", func(t *testing.T) {
		for p := 1; p <= 255; p++ {
			n := newNode(t, 1)
			n.start([]Config{config(outside, 3, uint8(p))}, nil)
			if n.state(outside) != Backup {
				t.Errorf("priority %d without state MASTER starts as %v", p, n.state(outside))
			}
		}
		deviates(t, "state BACKUP")
	})
	s.holds("(110)", "the owner sends an advert, before all else", func(t *testing.T) {
		_, out := owner(t)
		want(t, out.lines(), "eth0/51 sends priority 255 every 1s", "eth0/51 INIT -> MASTER: started as master")
	})
	s.holds("(115)", "the owner announces each IPv4 address by gratuitous ARP with the virtual MAC", func(t *testing.T) {
		_, out := owner(t)
		// The transition is what puts the addresses on and announces them.
		if len(out.Transitions) != 1 || out.Transitions[0].To != Master || out.Transitions[0].Until.IsZero() {
			t.Errorf("%+v", out.Transitions)
		}
		deviates(t, "no virtual MAC address")
	})
	s.holds("(130)", "and each IPv6 address by an unsolicited neighbour advertisement, as a router", func(t *testing.T) {
		n := newNode(t, 1)
		key := Key{Interface: "eth0", VRID: 51, IPv6: true}
		c := config(key, 3, 255)
		c.StartMaster = true
		n.links["eth0"] = Link{Index: 1, Up: true, Addresses: addrs("fe80::1")}
		want(t, n.start([]Config{c}, nil), "eth0/51 IPv6 sends priority 255 every 1s", "eth0/51 IPv6 INIT -> MASTER: started as master")
	})
	s.holds("(140)", "the owner's advert timer is the advert interval", func(t *testing.T) {
		n, _ := owner(t)
		wantDue(t, n, outside, time.Second)
	})
	s.holds("(145)", "the owner is active", func(t *testing.T) {
		if n, _ := owner(t); n.state(outside) != Master {
			t.Error(n.state(outside))
		}
	})
	other := func(t *testing.T) (*node, []string) {
		n := newNode(t, 1)
		c := config(outside, 3, 200)
		c.Interval = 2 * time.Second
		return n, n.start([]Config{c}, nil)
	}
	s.holds("(150)", "any other says nothing", func(t *testing.T) {
		_, got := other(t)
		want(t, got, "eth0/51 INIT -> BACKUP: started")
	})
	s.holds("(155)", "its active's interval is its own", func(t *testing.T) {
		n, _ := other(t)
		if got := n.e.instances[outside].masterInterval; got != 2*time.Second {
			t.Errorf("active's interval %v", got)
		}
	})
	s.holds("(160)", "its down timer is the down interval", func(t *testing.T) {
		n, _ := other(t)
		wantDue(t, n, outside, 6*time.Second+skewOf(200, 2*time.Second))
	})
	s.holds("(165)", "it is backup", func(t *testing.T) {
		if n, _ := other(t); n.state(outside) != Backup {
			t.Error(n.state(outside))
		}
	})
}

// The list of deviations is the one that operators read, too.
func TestDeviationsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/vrrp.md")
	if err != nil {
		t.Fatal(err)
	}
	_, there, found := strings.Cut(string(text), "## Where lvsd differs from the RFCs")
	there, _, _ = strings.Cut(there, "\n## ")
	if !found {
		t.Fatal("docs/vrrp.md has no list of deviations from the RFCs")
	}
	named := strings.Count(deviations(t), " - ")
	if rows := strings.Count(there, "\n- "); rows != named {
		t.Errorf("docs/vrrp.md names %d deviations from the RFCs, doc.go %d", rows, named)
	}
	for _, mark := range regexp.MustCompile(`§[0-9.]+[0-9]`).FindAllString(deviations(t), -1) {
		if !strings.Contains(there, mark) {
			t.Errorf("docs/vrrp.md does not name %s, which doc.go does", mark)
		}
	}
}
