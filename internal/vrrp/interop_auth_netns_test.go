//go:build netns

package vrrp

import (
	"strings"
	"testing"
	"time"
)

// Another password than ours counts for nothing, on either side.
func TestKeepalivedOtherPassword(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	ours, theirs := slow(outside, 2, 150), slow(outside, 2, 100)
	copy(ours.Password[:], "secret")
	copy(theirs.Password[:], "secretx")
	k := w.keepalived(1, []Config{theirs}, nil)
	k.serves(true)
	d := w.start(0, []Config{ours}, nil)
	d.waitState(Master, outside)
	d.wait("a refused advert", 5*time.Second, func() bool {
		for _, n := range d.notes {
			if n.Kind == NoteRefused && strings.Contains(n.Err.Error(), "wrong password") {
				return true
			}
		}
		return false
	})
	k.logs("invalid passwd")
	if !w.holds(1, theirs.Addresses[0]) {
		t.Error("keepalived listens to another password")
	}
}
