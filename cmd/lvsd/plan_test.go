package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocumentedPlan: the files, the command and its output in docs/plan.md belong together.
func TestDocumentedPlan(t *testing.T) {
	text, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(line string) string {
		t.Helper()
		_, behind, found := strings.Cut(string(text), "\n"+line+"\n\n```")
		_, behind, _ = strings.Cut(behind, "\n")
		block, _, closed := strings.Cut(behind, "```\n")
		if !found || !closed {
			t.Fatalf("docs/plan.md has no block behind %q", line)
		}
		return block
	}
	command, want, _ := strings.Cut(block("Compared from anywhere:"), "\n")
	command, isCommand := strings.CutPrefix(command, "$ ")
	if !isCommand {
		t.Fatalf("the command is %q", command)
	}
	script := filepath.Join(t.TempDir(), "documented.txtar")
	lines := "exits 3 " + command + "\ncmp stdout want\n"
	if err := os.WriteFile(script, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	p := commands()
	p.Files = []string{script}
	p.UpdateScripts = false
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		for name, text := range map[string]string{"lvsd.hcl": block("`lvsd.hcl`:"), "new.hcl": block("`new.hcl`:"), "want": want} {
			if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return setup(e)
	}
	testscript.Run(t, p)
}
