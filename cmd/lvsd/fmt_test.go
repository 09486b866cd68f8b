package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestNastyFilesAreNotTouched: fmt and convert live through whatever stands in a file, say what is
// wrong with it, and fmt leaves what is not HCL as it is.
func TestNastyFilesAreNotTouched(t *testing.T) {
	script := filepath.Join(t.TempDir(), "touched.txtar")
	if err := os.WriteFile(script, []byte("mkfifo fifo\nmkfifo fifo.hcl\nnasty\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := commands()
	p.Files = []string{script}
	p.Cmds["nasty"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		files := nasty()
		files["kernel.hcl"] = "a {" + strings.Repeat("\n b = 1", 10_000) + "\n}\n"
		for name, text := range files {
			ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
			for _, command := range []string{"fmt", "convert"} {
				code := exitCode(ts, []string{"lvsd", command, name})
				out := ts.ReadFile("stderr")
				if code > 1 || code == 1 && out == "" || strings.Contains(out, "goroutine ") || strings.ContainsAny(out, "\x1b\x00\a") {
					ts.Fatalf("%s %q: exit code %d, %q", command, name, code, out)
				}
				if left := ts.ReadFile(name); command == "fmt" && code == 1 && left != text {
					ts.Fatalf("%q was refused and written", name)
				}
			}
		}
		for _, name := range []string{"fifo.hcl", "/dev/zero", "/dev/stdin", "no\x1bfile.hcl", "fifo/x.hcl"} {
			if code := exitCode(ts, []string{"lvsd", "fmt", name}); code != exitFailure {
				ts.Fatalf("fmt %q: exit code %d", name, code)
			}
			if out := ts.ReadFile("stderr"); strings.Contains(out, "\x1b") {
				ts.Fatalf("fmt %q: %q", name, out)
			}
		}
	}
	testscript.Run(t, p)
}
