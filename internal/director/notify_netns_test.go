//go:build netns

package director

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNotifyRoles: a node's programs are told of every role, in order, with its priority; those of a
// master that a lesser one contests too.
func TestNotifyRoles(t *testing.T) {
	lb1, lb2 := pair(t)
	n := newNotes(t)
	lb2.write(t, strings.Replace(config(vip), "  virtual_router_id",
		n.words("notify", "notify_master", "notify_backup", "notify_stop")+"  virtual_router_id", 1))
	lb2.signal(t, unix.SIGHUP)
	lb2.wait(t, Reloaded)
	lb1.ip(t, "switch", "link", "set", "lb1-1", "down")
	lb2.becomes(t, "MASTER")
	n.are(t, "notify_master", "notify INSTANCE web MASTER 100")
	lb1.ip(t, "switch", "link", "set", "lb1-1", "up")
	lb2.becomes(t, "BACKUP")
	n.are(t, "notify_backup", "notify INSTANCE web BACKUP 100")
	lb2.signal(t, unix.SIGTERM)
	lb2.wait(t, Stopped)
	n.are(t, "notify_stop", "notify INSTANCE web STOP 100")
}

// TestNotifySlowly: a program that takes its time delays neither a takeover nor the other node, and
// of the states that follow meanwhile the last one is told.
func TestNotifySlowly(t *testing.T) {
	lb1, lb2 := pair(t)
	n := newNotes(t)
	slow := n.program + " slow; while ! [ -e " + n.file + ".go ]; do sleep 0.02; done"
	lb2.write(t, strings.Replace(config(vip), "  virtual_router_id",
		"  notify_master = \"/bin/sh -c '"+slow+"'\"\n"+n.words("notify_backup")+"  virtual_router_id", 1))
	lb2.signal(t, unix.SIGHUP)
	lb2.wait(t, Reloaded)
	for range 3 {
		lb1.ip(t, "switch", "link", "set", "lb1-1", "down")
		lb2.becomes(t, "MASTER")
		lb2.holds(t, vip, vgate)
		lb1.ip(t, "switch", "link", "set", "lb1-1", "up")
		lb2.becomes(t, "BACKUP")
		lb1.becomes(t, "MASTER")
		lb1.holds(t, vip, vgate)
	}
	if got := strings.Join(n.lines(), " "); got != "slow" {
		t.Errorf("%q while the first one runs", got)
	}
	run(t, "touch", n.file+".go")
	lb2.wait(t, ProgramRan)
	n.are(t, "slow", "notify_backup")
}
