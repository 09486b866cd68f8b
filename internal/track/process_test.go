package track

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lvsd/internal/script"
)

func TestProcessMatches(t *testing.T) {
	nginx := func(words ...string) Process { return Process{Command: script.NewLine(words...)} }
	full := func(m Match, words ...string) Process {
		return Process{Command: script.NewLine(words...), Full: true, Match: m}
	}
	for _, c := range []struct {
		of   Process
		comm string
		args []string
		want bool
	}{
		{nginx("nginx"), "nginx", nil, true},
		{nginx("nginx"), "nginx-debug", nil, false},
		{nginx("ngin"), "nginx", nil, false},
		{nginx("a-name-with-more-than-15"), "a-name-with-mor", nil, true},
		{nginx("a-name-with-mor"), "a-name-with-mor", nil, true},
		{full(AnyParameters, "/usr/sbin/nginx"), "x", []string{"/usr/sbin/nginx"}, true},
		{full(AnyParameters, "/usr/sbin/nginx"), "x", []string{"/usr/sbin/nginx", "-g"}, true},
		{full(AnyParameters, "nginx"), "nginx", []string{"/usr/sbin/nginx"}, false},
		{full(AnyParameters, "nginx"), "nginx", nil, false},
		{full(Exact, "a"), "", []string{"a"}, true},
		{full(Exact, "a"), "", []string{"a", ""}, false},
		{full(Exact, "a", "b", "c d"), "", []string{"a", "b", "c d"}, true},
		{full(Exact, "a", "b", "c"), "", []string{"a", "b", "c d"}, false},
		{full(Exact, "a", "b"), "", []string{"a", "b", "c"}, false},
		{full(Partial, "a"), "", []string{"a", "b"}, true},
		{full(Partial, "a", "b"), "", []string{"a", "b", "c"}, true},
		{full(Partial, "a", "b"), "", []string{"a", "bc"}, false},
		{full(Partial, "a", "b"), "", []string{"a"}, false},
		{full(Initial, "a", "b", "c"), "", []string{"a", "b", "cd"}, true},
		{full(Initial, "a", "b", "c"), "", []string{"a", "bd", "c"}, false},
		{full(Initial, "a", "b", "c"), "", []string{"a", "b", "c", "d"}, false},
		{full(Initial, "a"), "", []string{"a"}, true},
		{full(Initial, "a"), "", []string{"a", "b"}, false},
	} {
		if got := c.of.matches(c.comm, c.args); got != c.want {
			t.Errorf("%+v matches %q %q: %t", c.of, c.comm, c.args, got)
		}
	}
}

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]string{
		"7 (nginx) S 1 7":   "nginx true",
		"7 (a) R b) R 1 7":  "a) R b true",
		"7 (nginx) Z 1 7":   "nginx false",
		"7 (nginx) X 1 7":   "nginx false",
		"7 ((sd-pam)) S 1 ": "(sd-pam) true",
		"7 () S":            " true",
		"":                  " false",
		"7 (nginx)":         " false",
		"7 )nginx( S 1":     " false",
	} {
		comm, runs := parseStat([]byte(stat))
		if got := fmt.Sprint(comm, " ", runs); got != want {
			t.Errorf("%q: %q, want %q", stat, got, want)
		}
	}
}

// What is looked for has to be there, or gone, for as long as its delay; the first look decides.
func TestPresence(t *testing.T) {
	p := Process{Quorum: 2, QuorumMax: 3, ForkDelay: 3 * time.Second, TerminateDelay: 2 * time.Second}
	at := time.Unix(100, 0)
	var is presence
	for _, c := range []struct {
		second, count int
		want          string
	}{
		{0, 1, "down has 1 of 2 processes"},
		{1, 2, "down has 1 of 2 processes, again at 4"},
		{3, 3, "down has 1 of 2 processes, again at 4"},
		{4, 2, "up "},
		{5, 4, "up , again at 7"},
		{6, 2, "up "}, // it came back in time
		{7, 0, "up , again at 9"},
		{8, 1, "up , again at 9"},
		{9, 1, "down has 1 of 2 processes"},
		{10, 4, "down has 4 processes, more than 3"},
		{11, 3, "down has 4 processes, more than 3, again at 14"},
		{12, 1, "down has 1 of 2 processes"},
		{13, 3, "down has 1 of 2 processes, again at 16"},
		{20, 3, "up "},
	} {
		var again time.Time
		is, again = p.after(at.Add(time.Duration(c.second)*time.Second), is, c.count)
		got := fmt.Sprint(is.State, " ", is.Why)
		if !again.IsZero() {
			got += fmt.Sprintf(", again at %d", again.Unix()-100)
		}
		if got != c.want {
			t.Errorf("%d s, %d processes: %q, want %q", c.second, c.count, got, c.want)
		}
	}
	none := Process{QuorumMax: 0}
	if is, _ := none.after(at, presence{}, 0); is.State != Up {
		t.Errorf("none is wanted, and none is there: %+v", is)
	}
	if is, _ := none.after(at, presence{}, 1); is.State != Down || is.Why != "has 1 processes, more than 0" {
		t.Errorf("none is wanted: %+v", is)
	}
}

// sleeper starts a process of a name of its own, with arguments.
func sleeper(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink("/bin/sleep", path); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c
}

func TestProcessIsFollowed(t *testing.T) {
	name := "lvsd-t-" + strconv.Itoa(os.Getpid()%100000)
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	byName := Process{Command: script.NewLine(name), Quorum: 2, QuorumMax: 10}
	s.Apply(specs(byName))
	h.waitFor(t, "unknown 0 -> down 0 has 0 of 2 processes")
	sleeper(t, name, "1000")
	second := sleeper(t, name, "2000")
	eventually(t, "two", func() bool { return s.Readings()[byName].State == Up })
	// By its whole command line, it is one.
	full := Process{Command: script.NewLine(second.Path, "2000"), Full: true, Match: Exact, Quorum: 1, QuorumMax: 1}
	s.Apply(specs(byName, full))
	eventually(t, "one", func() bool { return s.Readings()[full].State == Up })
	// Its end is seen without a scan, before it is reaped.
	before := time.Now()
	if err := second.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its end", func() bool { return s.Readings()[full].State == Down && s.Readings()[byName].State == Down })
	if took := time.Since(before); took > processScan*9/10 {
		t.Errorf("it took %v", took)
	}
	if why := s.Readings()[byName].Why; why != "has 1 of 2 processes" {
		t.Error(why)
	}
}

// What is no proc(5) is our own fault.
func TestNoProc(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	Process{Command: script.NewLine("x"), QuorumMax: 1}.follow(ctx, filepath.Join(t.TempDir(), "proc"), Reading{State: Up},
		func(r Reading) {
			got = append(got, fmt.Sprint(r.State, " ", r.Fault != nil))
			cancel()
		})
	if strings.Join(got, ",") != "up true" {
		t.Errorf("%q", got)
	}
}
