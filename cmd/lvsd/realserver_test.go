package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lvsd/internal/control"
)

// A command that changes the host does nothing while another one does, and has not read its file by then.
func TestRealServerOneAtATime(t *testing.T) {
	dir := t.TempDir()
	run, err := control.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.hcl")
	for _, command := range []string{"up", "down"} {
		c := realServerCommand()
		var out strings.Builder
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs([]string{command, "-c", missing, "--run-dir", dir})
		want := "another lvsd is at work with " + dir + ", so nothing was done; run this again when it has ended"
		if err := c.Execute(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, not %s", command, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "realserver.json")); !os.IsNotExist(err) {
			t.Errorf("%s remembers something: %v", command, err)
		}
	}
	run.Release()
	c := realServerCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"down", "-c", missing, "--run-dir", dir})
	if err := c.Execute(); err == nil || strings.Contains(err.Error(), "at work") {
		t.Errorf("after it has ended: %v", err)
	}
}
