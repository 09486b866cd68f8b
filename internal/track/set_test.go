package track

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lvsd/internal/script"
)

// heard keeps the changes that a set reports.
type heard struct {
	mu      sync.Mutex
	changes []Change
}

func (h *heard) add(c Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, c)
}

func (h *heard) lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, c := range h.changes {
		lines = append(lines, fmt.Sprintf("%v %d -> %v %d %s", c.From.State, c.From.Value, c.To.State, c.To.Value, c.To.Why))
	}
	return lines
}

// eventually waits for something that must become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func (h *heard) waitFor(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, strings.Join(want, ", "), func() bool { return strings.Join(h.lines(), "\n") == strings.Join(want, "\n") })
}

func specs(list ...Spec) map[Spec]struct{} {
	m := map[Spec]struct{}{}
	for _, s := range list {
		m[s] = struct{}{}
	}
	return m
}

// testScript succeeds while the file "ok" is in dir, and notes each of its runs, unless one is going
// on: then it notes that.
func testScript(t *testing.T, dir string) Script {
	t.Helper()
	path := filepath.Join(dir, "script")
	text := `#!/bin/sh
cd $1
mkdir running 2>/dev/null || echo overlap >> runs
echo run >> runs
[ -e hang ] && sleep 1000
rmdir running
test -e ok
`
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return Script{Command: script.Command{Line: script.NewLine(path, dir)}, Interval: 20 * time.Millisecond,
		Timeout: 10 * time.Second, Rise: 1, Fall: 1}
}

func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func runs(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "runs"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func TestScriptIsFollowed(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "ok")
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	spec := testScript(t, dir)
	s.Apply(specs(spec))
	h.waitFor(t, "unknown 0 -> up 0 ")
	before := s.Readings()[spec]
	if err := os.Remove(filepath.Join(dir, "ok")); err != nil {
		t.Fatal(err)
	}
	h.waitFor(t, "unknown 0 -> up 0 ", "up 0 -> down 0 exited with status 1")
	if after := s.Readings()[spec]; after.State != Down || !after.Since.After(before.Since) {
		t.Errorf("%+v after %+v", after, before)
	}
	// Other times keep the reading, and the runs do not overlap.
	later := spec
	later.Rise, later.Interval = 3, 10*time.Millisecond
	s.Apply(specs(later))
	if got := s.Readings(); len(got) != 1 || got[later].State != Down {
		t.Errorf("%+v", got)
	}
	touch(t, dir, "ok")
	h.waitFor(t, "unknown 0 -> up 0 ", "up 0 -> down 0 exited with status 1", "down 0 -> up 0 ")
	s.Apply(nil)
	if got := s.Readings(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	for _, line := range runs(t, dir) {
		if line != "run" {
			t.Fatal("two runs at once")
		}
	}
}

// A script that hangs has failed when its time is over, and is not started again beside itself.
func TestHangingScript(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "ok")
	touch(t, dir, "hang")
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	spec := testScript(t, dir)
	spec.Timeout = 100 * time.Millisecond
	s.Apply(specs(spec))
	h.waitFor(t, "unknown 0 -> down 0 timed out after 100ms")
}

// The one that follows a script that is being ended waits for its end.
func TestFollowerWaits(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "hang")
	s := NewSet(func(Change) {})
	defer s.Close()
	spec := testScript(t, dir)
	s.Apply(specs(spec))
	eventually(t, "it runs", func() bool { return len(runs(t, dir)) > 0 })
	if err := os.Remove(filepath.Join(dir, "hang")); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := os.RemoveAll(filepath.Join(dir, "running")); err != nil { // what the ended one left
			t.Fatal(err)
		}
		count := len(runs(t, dir))
		spec.Fall = n + 2
		s.Apply(specs(spec))
		eventually(t, "its follower runs", func() bool { return len(runs(t, dir)) > count })
	}
}

func TestScriptThatCannotBeStarted(t *testing.T) {
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	spec := Script{Command: script.Command{Line: script.NewLine("/no/such/program")}, Interval: time.Millisecond,
		Timeout: time.Second, Rise: 1, Fall: 1}
	s.Apply(specs(spec))
	h.waitFor(t, "unknown 0 -> unknown 0 ")
	if r := s.Readings()[spec]; r.State != Unknown || r.Fault == nil {
		t.Errorf("%+v", r)
	}
}

func TestClosedSet(t *testing.T) {
	s := NewSet(func(Change) {})
	s.Apply(specs(testScript(t, t.TempDir())))
	s.Close()
	s.Close()
	s.Apply(specs(testScript(t, t.TempDir())))
	if got := s.Readings(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
