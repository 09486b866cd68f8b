package netif

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// hearing is conflicts on one address of the instance web, on a clock of its own.
type hearing struct {
	*testing.T
	*conflicts
	start time.Time
}

var claimedAddress = place{"eth0", netip.MustParseAddr("192.0.2.1")}

func newHearing(t *testing.T, master bool) hearing {
	h := hearing{t, newConflicts(), time.Unix(1000, 0)}
	h.role(0, master)
	return h
}

func (h hearing) role(at time.Duration, master bool) {
	in := map[string]Instance{"web": {Addresses: []Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Dev: "eth0"}}}}
	h.follow(h.start.Add(at), in, map[string]bool{"web": master})
}

// asks lists the moments of questions up to a time.
func (h hearing) asks(until time.Duration) (all []time.Duration) {
	for next := h.deadline(); !next.IsZero() && !next.After(h.start.Add(until)); next = h.deadline() {
		if got := h.due(next); len(got) != 1 || got[0] != claimedAddress {
			h.Fatalf("asks for %v", got)
		}
		all = append(all, next.Sub(h.start))
	}
	return all
}

func (h hearing) says(at time.Duration, mac string, want ...string) (defend string) {
	h.Helper()
	got, defend := h.hear(heard{claimedAddress, mac, h.start.Add(at)})
	var macs []string
	for _, r := range got {
		if r.Instance != "web" || r.Address != claimedAddress.ip || r.Dev != "eth0" {
			h.Errorf("%+v", r)
		}
		macs = append(macs, r.MACs...)
	}
	if diff := cmp.Diff(want, macs, cmpopts.EquateEmpty()); diff != "" {
		h.Errorf("after %v: %s", at, diff)
	}
	return defend
}

// A master asks three times, tells of each other host once a minute, and defends its addresses once
// in ten seconds. What was the master before has a second to let go.
func TestConflictsOfAMaster(t *testing.T) {
	h := newHearing(t, true)
	if got := h.asks(time.Hour); !cmp.Equal(got, masterAsks()) {
		t.Errorf("asked at %v", got)
	}
	h.says(999*time.Millisecond, "a")
	for _, c := range []struct {
		at     time.Duration
		mac    string
		told   []string
		defend string
	}{
		{time.Second, "a", []string{"a"}, "web"},
		{2 * time.Second, "a", nil, ""},
		{3 * time.Second, "b", []string{"b"}, ""},
		{11 * time.Second, "a", nil, "web"},
		{60 * time.Second, "a", nil, "web"},
		{61 * time.Second, "a", []string{"a"}, ""},
	} {
		if defend := h.says(c.at, c.mac, c.told...); defend != c.defend {
			t.Errorf("after %v it defends %q", c.at, defend)
		}
	}
	h.role(70*time.Second, true) // told again what it knows
	h.says(70*time.Second, "c", "c")
	h.role(80*time.Second, false)
	h.says(80*time.Second, "d")
	if _, defend := h.hear(heard{place{"eth1", claimedAddress.ip}, "a", h.start.Add(time.Hour)}); defend != "" {
		t.Error("an address on another interface is another")
	}
}

// A backup asks each minute, and tells if two hosts answer the same question, twice in a row.
func TestConflictsOfABackup(t *testing.T) {
	h := newHearing(t, false)
	h.says(time.Second, "a")
	h.says(time.Second, "b") // nobody asked
	if got, want := h.asks(2*time.Minute), []time.Duration{time.Minute, 2 * time.Minute}; !cmp.Equal(got, want) {
		t.Errorf("asked at %v", got)
	}
	h.says(2*time.Minute, "a")
	h.says(2*time.Minute+answersIn+1, "b") // too late
	h.says(2*time.Minute+answersIn, "b")
	if got, want := h.asks(2*time.Minute+10*time.Second), []time.Duration{2*time.Minute + 2*time.Second}; !cmp.Equal(got, want) {
		t.Errorf("asked at %v", got)
	}
	h.says(2*time.Minute+2*time.Second, "b")
	h.says(2*time.Minute+2*time.Second, "b")
	h.says(2*time.Minute+2*time.Second, "a", "a", "b")
	if got, want := h.asks(4*time.Minute), []time.Duration{3*time.Minute + 2*time.Second}; !cmp.Equal(got, want) {
		t.Errorf("asked at %v", got)
	}
	h.says(3*time.Minute+2*time.Second, "a")
}

// A host that makes up link-layer addresses is not believed to be so many.
func TestConflictsAreBounded(t *testing.T) {
	h := newHearing(t, true)
	told := 0
	for i := range 100 * maxTold {
		reports, _ := h.hear(heard{claimedAddress, time.Duration(i).String(), h.start.Add(time.Minute)})
		told += len(reports)
	}
	if told != maxTold || len(h.told) != maxTold {
		t.Errorf("%d told, %d remembered", told, len(h.told))
	}
}
