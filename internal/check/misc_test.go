package check

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lvsd/internal/script"
)

// shell is a check by a script of sh.
func shell(t *testing.T, text string, timeout time.Duration, dynamic bool) Spec {
	t.Helper()
	return asks(Misc, spec(TCP, closedPort(t), 0).Addr, timeout,
		MiscRequest{Command: script.Command{Line: script.NewLine("/bin/sh", "-c", text)}, Dynamic: dynamic})
}

func TestMisc(t *testing.T) {
	for _, c := range []struct {
		name, text string
		dynamic    bool
		want       string
		weight     int // -1 for none
	}{
		{"good", "exit 0", false, "", -1},
		{"bad", "exit 1", false, "exit status 1", -1},
		{"bad, and says why", "echo no route >&2; exit 1", false, "exit status 1: no route", -1},
		{"bad too", "exit 7", false, "exit status 7", -1},
		{"good, dynamic", "exit 0", true, "", -1},
		{"bad, dynamic", "exit 1", true, "exit status 1", -1},
		{"weight 0", "exit 2", true, "", 0},
		{"weight 253", "exit 255", true, "", 253},
		{"a signal", "kill -9 $$", true, "ended by a signal: killed", -1},
		{"too slow", "sleep 60", true, "did not end within 300ms", -1},
		{"too slow, with children", "sleep 60 | sleep 60", false, "did not end within 300ms", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shell(t, c.text, 10*time.Second, c.dynamic)
			if strings.HasPrefix(c.want, "did not end") {
				s.Timeout = short
			}
			r := probeResult(t, s)
			if got := fmt.Sprint(r.err); c.want == "" && r.err != nil || !strings.HasSuffix(got, c.want) && c.want != "" {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if (r.found.Weighted && r.found.Weight != c.weight) || r.found.Weighted != (c.weight >= 0) {
				t.Errorf("found %+v, want weight %d", r.found, c.weight)
			}
		})
	}
}

// What cannot be run says nothing of a server.
func TestMiscThatCannotRun(t *testing.T) {
	writable := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(writable, []byte("#!/bin/sh\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(writable, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]script.Command{
		"missing":  {Line: script.NewLine("/nonexistent/script")},
		"nobody":   {Line: script.NewLine("/bin/true"), User: "no-such-user"},
		"insecure": {Line: script.NewLine(writable), Secure: true},
	} {
		var f *fault
		if err := probeOnce(t, asks(Misc, closedPort(t), 5*time.Second, MiscRequest{Command: c})); !errors.As(err, &f) {
			if name == "insecure" && os.Geteuid() != 0 {
				continue
			}
			t.Errorf("%s: got %v, want a fault of ours", name, err)
		}
	}
}

// A script never runs twice at once, however many checks have it, and not even where it does not
// end when it is told to.
func TestMiscDoesNotOverlap(t *testing.T) {
	dir := t.TempDir()
	text := fmt.Sprintf("trap '' TERM; mkdir %[1]s/lock || touch %[1]s/twice; sleep 0.1; rmdir %[1]s/lock", dir)
	set := newAsker()
	var running sync.WaitGroup
	for i := range 8 {
		s := shell(t, text, time.Duration(20+60*i)*time.Millisecond, false)
		running.Go(func() {
			for range 3 {
				set.once(s)
			}
		})
	}
	running.Wait()
	set.Close()
	if _, err := os.Stat(dir + "/twice"); err == nil {
		t.Error("it ran twice at once")
	}
	if n := len(set.probers.runners.runs); n > 1 {
		t.Errorf("%d programs are remembered", n)
	}
}
