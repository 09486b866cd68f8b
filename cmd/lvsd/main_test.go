package main

import (
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write what is compared in the scripts")

// TestMain makes this binary lvsd itself when it is called so.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lvsd": main})
}

// TestCommandLine runs the scripts in testdata/script. The daemons in them have neither services
// nor interfaces of this host, so that they change nothing of it.
func TestCommandLine(t *testing.T) {
	p := commands()
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// commands are the commands of all scripts.
func commands() testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			// Else every process of a race build sleeps for a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"until":  until,
			"signal": signalDaemon,
			"mkfifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o600))
			},
			"mksocket": func(ts *testscript.TestScript, _ bool, args []string) {
				l, err := net.Listen("unix", ts.MkAbs(args[0]))
				ts.Check(err)
				ts.Defer(func() { _ = l.Close() })
			},
		},
	}
}

// exits runs a command that must end with an exit code: exits CODE COMMAND...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, command []string) int {
	err := ts.Exec(command[0], command[1:]...)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode()
	}
	ts.Check(err)
	return 0
}

// until repeats a command until it succeeds and its standard output has a text:
// until TEXT COMMAND...
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT COMMAND...")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if exitCode(ts, args[1:]) == 0 && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("%q did not come", args[0])
}

// signalDaemon sends a signal to the daemon of a run directory: signal HUP|TERM|INT|KILL DIR
func signalDaemon(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]unix.Signal{"HUP": unix.SIGHUP, "TERM": unix.SIGTERM, "INT": unix.SIGINT, "KILL": unix.SIGKILL}
	if neg || len(args) != 2 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP|TERM|INT|KILL DIR")
	}
	text, err := os.ReadFile(ts.MkAbs(args[1] + "/lvsd.pid"))
	ts.Check(err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	ts.Check(err)
	ts.Check(unix.Kill(pid, signals[args[0]]))
}
