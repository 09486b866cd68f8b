//go:build netns

package vrrp

import (
	"strings"
	"testing"
	"time"
)

// A mixed pair with a password: each takes over from the other, in both directions.
func TestKeepalivedPassword(t *testing.T) {
	t.Parallel()
	password := Password([]byte("secret\x00\x00"))
	t.Run("keepalived is master first", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		ours, theirs := slow(outside, 2, 100), slow(outside, 2, 150)
		ours.Password, theirs.Password = password, password
		k := w.keepalived(1, []Config{theirs}, nil)
		k.waitMaster(true, theirs)
		d := w.start(0, []Config{ours}, nil)
		d.hears("10.0.0.2")
		k.stop()
		d.waitState(Master, outside)
		w.keepalived(1, []Config{theirs}, nil).waitMaster(true, theirs)
		d.waitState(Backup, outside)
		d.refusedNothing()
	})
	t.Run("lvsd is master first", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		ours, theirs := slow(outside, 2, 150), slow(outside, 2, 100)
		ours.Password, theirs.Password = password, password
		d := w.start(0, []Config{ours}, nil)
		d.waitState(Master, outside)
		k := w.keepalived(1, []Config{theirs}, nil)
		k.logs("Entering BACKUP STATE")
		d.runner.Resign()
		d.ended()
		k.waitMaster(true, theirs)
		d = w.start(0, []Config{ours}, nil)
		d.waitState(Master, outside)
		k.waitMaster(false, theirs)
		d.refusedNothing()
	})
	t.Run("another password", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		ours, theirs := slow(outside, 2, 150), slow(outside, 2, 100)
		ours.Password, theirs.Password = password, Password([]byte("secretx\x00"))
		k := w.keepalived(1, []Config{theirs}, nil)
		k.waitMaster(true, theirs)
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
		k.logs("password")
		if !w.holds(1, theirs.Addresses[0]) {
			t.Error("keepalived listens to another password")
		}
	})
}
