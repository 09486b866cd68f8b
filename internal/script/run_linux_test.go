package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program writes a shell script and returns the command that runs it with arguments.
func program(t *testing.T, text string, args ...string) Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Command{Line: NewLine(path).With(args...)}
}

// eventually waits for something that must become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// finish waits for the end of what a runner started.
func finish(t *testing.T, r *Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// gone tells whether no process of a group is left, except for those that wait to be reaped.
func gone(t *testing.T, group int) bool {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			return false
		}
	}
	return true
}

func TestRunReturnsTheStatus(t *testing.T) {
	for _, want := range []int{0, 1, 2, 127, 255} {
		var r Runner
		got, err := r.Run(t.Context(), program(t, "exit $1", strconv.Itoa(want)), 10*time.Second)
		if got != want || err != nil {
			t.Errorf("%d, %v, want %d", got, err, want)
		}
	}
}

func TestRunGivesWhatTheLineSaysAndNothingElse(t *testing.T) {
	t.Setenv("SECRET", "x")
	out := filepath.Join(t.TempDir(), "out")
	c := program(t, `out=$1; shift; { for a; do echo "[$a]"; done; pwd; /usr/bin/env | grep -v '^\(PWD\|_\|SHLVL\|OLDPWD\)='; cat; `+
		`ls -l /proc/self/fd | grep -c ' [0-9]* -> .*\(socket\|anon\)'; } > $out`, out, "a b", "", "$x")
	var r Runner
	if status, err := r.Run(t.Context(), c, 10*time.Second); err != nil || status != 1 { // grep -c found none
		t.Fatal(status, err)
	}
	want := []string{"[a b]", "[]", "[$x]", "/", "PATH=" + Path, "0"}
	if got := lines(t, out); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRunFindsTheProgram(t *testing.T) {
	var r Runner
	if status, err := r.Run(t.Context(), Command{Line: NewLine("true")}, time.Minute); status != 0 || err != nil {
		t.Error(status, err)
	}
	if status, err := r.Run(t.Context(), Command{Line: NewLine("bin/false")}, time.Minute); status != 1 || err != nil {
		t.Error(status, err)
	}
	for _, c := range []Command{
		{Line: NewLine("no-such-program")},
		{Line: NewLine("/no/such/program")},
		{Line: NewLine("/etc/passwd")},
		{},
		{Line: NewLine("/bin/true"), User: "no-such-user"},
		{Line: NewLine("/bin/true"), Group: "no-such-group"},
	} {
		status, err := r.Run(t.Context(), c, time.Minute)
		if err == nil || errors.Is(err, ErrTimeout) || errors.Is(err, ErrSignal) || status != 0 {
			t.Errorf("%+v: %d, %v", c, status, err)
		}
	}
}

func TestRunSaysThatASignalEndedIt(t *testing.T) {
	var r Runner
	if _, err := r.Run(t.Context(), program(t, "kill -HUP $$"), time.Minute); !errors.Is(err, ErrSignal) || !strings.Contains(err.Error(), "hangup") {
		t.Error(err)
	}
}

// Programs that hang, in every way there is: the whole group ends, and nothing is started before.
func TestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		within time.Duration // of the end of all of it, after the timeout
	}{
		"hangs":                          {"exec sleep 1000", Grace},
		"waits for a child":              {"sleep 1000", Grace},
		"ignores SIGTERM":                {"trap '' TERM; while :; do sleep 0.05; done", Grace + 2*time.Second},
		"has children that ignore it":    {"(trap '' TERM; while :; do sleep 0.05; done) & sleep 1000", Grace},
		"leaves its children":            {"for n in 1 2 3; do sleep 1000 & done; wait", Grace},
		"stopped itself":                 {"kill -STOP $$", Grace + 2*time.Second},
		"holds its descriptors open":     {"exec 3</dev/null; sleep 1000 <&3", Grace},
		"ends by itself after a SIGTERM": {"trap 'exit 0' TERM; while :; do sleep 0.05; done", Grace},
	} {
		t.Run(name, func(t *testing.T) {
			ready := filepath.Join(t.TempDir(), "ready")
			command := program(t, "echo $$ > "+ready+"\n"+c.text)
			t.Parallel() // no script is written while another is started, which would hold it open (ETXTBSY)
			var r Runner
			begin := time.Now()
			_, err := r.Run(t.Context(), command, time.Second)
			if took := time.Since(begin); !errors.Is(err, ErrTimeout) || took < time.Second || took > time.Second+Grace {
				t.Fatalf("%v after %v", err, took)
			}
			if !r.last.over() {
				if _, err := r.Run(t.Context(), command, time.Second); !errors.Is(err, ErrRunning) && !errors.Is(err, ErrTimeout) {
					t.Errorf("started again: %v", err)
				}
			}
			finish(t, &r)
			if took := time.Since(begin) - time.Second; took > c.within+2*time.Second {
				t.Errorf("it ended %v after the timeout", took)
			}
			group, err := strconv.Atoi(lines(t, ready)[0])
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the group is gone", func() bool { return gone(t, group) })
		})
	}
}

// A program has a group of its own: a signal for lvsd's is not for it.
func TestOwnProcessGroup(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	var r Runner
	if status, err := r.Run(t.Context(), program(t, `echo $$ > $1; cut -d' ' -f5 /proc/$$/stat >> $1`, out), time.Minute); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	got := lines(t, out)
	if got[0] != got[1] || got[0] == strconv.Itoa(unix.Getpgrp()) {
		t.Errorf("process and group %v, ours is %d", got, unix.Getpgrp())
	}
}

// What a program leaves running is not waited for, and lives.
func TestBackgroundIsLeftAlone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	var r Runner
	if status, err := r.Run(t.Context(), program(t, `sleep 1000 & echo $! > $1`, out), time.Minute); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	pid, err := strconv.Atoi(lines(t, out)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestCancelled(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(t.Context())
	var r Runner
	ended := make(chan error)
	go func() {
		_, err := r.Run(ctx, program(t, "echo $$ > $1.new; mv $1.new $1; trap '' TERM; while :; do sleep 0.05; done", ready), 0)
		ended <- err
	}()
	eventually(t, "it runs", func() bool { _, err := os.Stat(ready); return err == nil })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	finish(t, &r)
	group, _ := strconv.Atoi(lines(t, ready)[0])
	eventually(t, "the group is gone", func() bool { return gone(t, group) })
	if _, err := r.Run(ctx, Command{Line: NewLine("/bin/true")}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("started after the end: %v", err)
	}
}

func TestUser(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(out, 0o666)
	for dir := filepath.Dir(out); dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		_ = os.Chmod(dir, 0o755)
	}
	id := func(user, group string) (string, error) {
		var r Runner
		_, err := r.Run(t.Context(), Command{Line: NewLine("/bin/sh", "-c", `echo $(id -u) $(id -g) $(id -G) > `+out), User: user, Group: group}, time.Minute)
		return strings.TrimSpace(strings.Join(lines(t, out), "")), err
	}
	self := fmt.Sprintf("%d %d", os.Geteuid(), os.Getegid())
	for _, own := range []string{"", strconv.Itoa(os.Geteuid())} {
		if got, err := id(own, ""); err != nil || !strings.HasPrefix(got, self) {
			t.Errorf("as oneself: %q, %v, want %q", got, err, self)
		}
	}
	for _, c := range []struct{ user, group, want string }{
		{"nobody", "", "65534 65534 65534"},
		{"65534", "", "65534 65534 65534"},
		{"nobody", "daemon", "65534 1 1"},
		{"nobody", "4711", "65534 4711 4711"},
		{"4711", "4711", "4711 4711 4711"},
	} {
		got, err := id(c.user, c.group)
		if os.Geteuid() != 0 {
			if !errors.Is(err, unix.EPERM) {
				t.Errorf("not root, and %s: %v", c.user, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v, want %q", c.user, c.group, got, err, c.want)
		}
	}
}

func TestSecure(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := secure("/bin/sh", maxLinks); err != nil { // by a link, where /bin is one
		t.Error(err)
	}
	for _, path := range []string{program(t, "").Line.Words()[0], "/tmp/x/../y"} {
		if err := secure(path, maxLinks); !errors.Is(err, ErrInsecure) {
			t.Errorf("%s, where /tmp is everybody's: %v", path, err)
		}
	}
	if err := secure("/bin/no-such-program", maxLinks); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := secure("/bin/sh", 0); !errors.Is(err, unix.ELOOP) {
		t.Error(err)
	}
	c := program(t, "")
	c.Secure = true
	var r Runner
	if _, err := r.Run(t.Context(), c, time.Minute); errors.Is(err, ErrInsecure) != (os.Geteuid() == 0) {
		t.Error(err)
	}
	c.User = "nobody"
	if _, err := r.Run(t.Context(), c, time.Minute); errors.Is(err, ErrInsecure) {
		t.Errorf("not as root: %v", err)
	}
}

func TestOutput(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "true", ""},
		{"both outputs, in order, in one line", "echo no route; echo ' to\thost ' >&2; exit 1", "no route to host"},
		{"the end of much", "yes | head -c 1000000; echo the end; exit 1", "…" + strings.Repeat("y ", 96) + "the end"},
		{"not text", `printf 'a\377\000\033[1mb'`, "a? [1mb"},
		{"cut within a letter", `printf 'ä%.0s' $(seq 101)`, "…" + strings.Repeat("ä", 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Runner
			if _, err := r.Run(t.Context(), program(t, c.text), 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if got := r.Output(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	var r Runner
	if _, err := r.Run(t.Context(), program(t, "echo waits for the database; sleep 100"), 500*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	if got := r.Output(); got != "waits for the database" {
		t.Errorf("of one that timed out: %q", got)
	}
	finish(t, &r)
	_, _ = r.Run(t.Context(), Command{Line: NewLine("/no/such/program")}, time.Second)
	if got := r.Output(); got != "" {
		t.Errorf("of one that was not started: %q", got)
	}
}

// Who is left behind keeps nobody waiting, and may write for as long as no other run begins.
func TestOutputOfThoseLeftBehind(t *testing.T) {
	dir := t.TempDir()
	alive := filepath.Join(dir, "alive")
	c := program(t, `echo begins; { while [ -e $1 ]; do echo more; echo >> $1; sleep 0.01; done; } &`, alive)
	if err := os.WriteFile(alive, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(alive)
	var r Runner
	if status, err := r.Run(t.Context(), c, 10*time.Second); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	if got := r.Output(); !strings.HasPrefix(got, "begins") {
		t.Errorf("%q", got)
	}
	size := func() int64 {
		info, err := os.Stat(alive)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	eventually(t, "it goes on to write", func() bool { return size() > 20 })
	if _, err := r.Run(t.Context(), Command{Line: NewLine("true")}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := r.Output(); got != "" {
		t.Errorf("of the next one: %q", got)
	}
}
