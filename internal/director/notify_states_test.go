package director

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/vrrp"
)

// notes is a program that writes its arguments to a file.
type notes struct{ program, file string }

func newNotes(t *testing.T) notes {
	t.Helper()
	dir := t.TempDir()
	n := notes{filepath.Join(dir, "note"), filepath.Join(dir, "notes")}
	must(t, os.WriteFile(n.program, []byte("#!/bin/sh\necho \"$*\" >> "+n.file+"\n"), 0o755))
	return n
}

func (n notes) lines() []string {
	text, _ := os.ReadFile(n.file)
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// are waits until the notes are the given ones; those of one moment may come in any order.
func (n notes) are(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	waitFor(t, fmt.Sprintf("the notes %q", want), func() bool { return len(n.lines()) >= len(want) })
	got := n.lines()
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	must(t, os.WriteFile(n.file, nil, 0o644))
}

// words are keepalived's words with the program, each of which notes itself.
func (n notes) words(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "  %s = %q\n", name, n.program+" "+name)
	}
	return b.String()
}

// What is run from start to stop: for an instance in FAULT, its group, and one that a reload removes.
func TestNotify(t *testing.T) {
	n := newNotes(t)
	lifetime := "global_defs {\n" + n.words("startup_script", "shutdown_script") + "}\n"
	text := func(extra string) string {
		return lifetime + strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id", n.words("notify", "notify_fault", "notify_stop")+extra+"  virtual_router_id", 1)
	}
	group := "vrrp_sync_group \"g\" {\n  group = [\"web\"]\n" + n.words("notify", "notify_fault", "notify_stop") + "}\n"
	d := startNode(t, text("")+group)
	n.are(t, "startup_script", "notify_fault", "notify INSTANCE web FAULT 100", "notify_fault", "notify GROUP g FAULT 0")
	if e := d.wait(t, ProgramRan); e.fields["subject"] != "startup_script" {
		t.Errorf("%v", e)
	}
	// Removed, it is in FAULT; where the file says so it is DELETED.
	d.write(t, lifetime)
	d.Reload()
	n.are(t, "notify_fault", "notify INSTANCE web FAULT 100")
	d.write(t, text(n.words("notify_deleted")))
	d.Reload()
	n.are(t, "notify_fault", "notify INSTANCE web FAULT 100")
	d.write(t, lifetime)
	d.Reload()
	n.are(t, "notify_deleted", "notify INSTANCE web DELETED 100")
	d.write(t, text(""))
	d.Reload()
	n.are(t, "notify_fault", "notify INSTANCE web FAULT 100")
	d.Stop()
	d.wait(t, Stopped)
	n.are(t, "notify_stop", "notify INSTANCE web STOP 100", "shutdown_script")
}

// A program that fails is told, and disturbs nothing.
func TestNotifyFails(t *testing.T) {
	d := startNode(t, strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id",
		"  notify_fault = \"/no/such/program\"\n  notify = \"/bin/false\"\n  virtual_router_id", 1))
	failed := map[any]any{}
	for range 2 {
		e := d.wait(t, ProgramFailed)
		failed[e.fields["subject"]] = e.fields["error"]
	}
	if text, _ := failed["vrrp_instance web notify_fault"].(string); !strings.Contains(text, "no such file") {
		t.Errorf("%v", failed)
	}
	if failed["vrrp_instance web notify"] != "exited with status 1" {
		t.Errorf("%v", failed)
	}
}

func TestGroupState(t *testing.T) {
	const i, f, b, m = vrrp.Init, vrrp.Fault, vrrp.Backup, vrrp.Master
	for _, c := range []struct {
		members []vrrp.State
		want    string
	}{
		{[]vrrp.State{m}, "MASTER true"}, {[]vrrp.State{b}, "BACKUP true"}, {[]vrrp.State{f}, "FAULT true"}, {[]vrrp.State{i}, "INIT false"},
		{[]vrrp.State{m, m}, "MASTER true"}, {[]vrrp.State{b, b}, "BACKUP true"}, {[]vrrp.State{m, b}, "MASTER false"},
		{[]vrrp.State{b, f}, "FAULT true"}, {[]vrrp.State{m, f}, "FAULT true"}, {[]vrrp.State{i, f}, "FAULT true"},
		{[]vrrp.State{i, i}, "INIT false"}, {[]vrrp.State{i, b}, "INIT false"}, {nil, "INIT false"},
	} {
		state, settled := groupState(c.members)
		if got := fmt.Sprint(state, " ", settled); got != c.want {
			t.Errorf("%v: %s, want %s", c.members, got, c.want)
		}
	}
}
