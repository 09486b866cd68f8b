package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocumentedConversion: the files, the command and its output in docs/convert.md belong
// together.
func TestDocumentedConversion(t *testing.T) {
	text, err := os.ReadFile("../../docs/convert.md")
	if err != nil {
		t.Fatal(err)
	}
	// block returns the code block behind a line of the document.
	block := func(line string) string {
		t.Helper()
		_, behind, found := strings.Cut(string(text), "\n"+line+"\n")
		_, behind, opened := strings.Cut(behind, "\n```")
		_, behind, _ = strings.Cut(behind, "\n")
		block, _, closed := strings.Cut(behind, "```\n")
		if !found || !opened || !closed {
			t.Fatalf("docs/convert.md has no block behind %q", line)
		}
		return block
	}
	command, report, _ := strings.Cut(block("The command and its report:"), "\n")
	command, isCommand := strings.CutPrefix(command, "$ ")
	command, redirected := strings.CutSuffix(command, " > lvsd.hcl")
	if !isCommand || !redirected {
		t.Fatalf("the command is %q", command)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "documented.txtar")
	lines := "exits 0 " + command + "\ncmp stdout want.hcl\ncmp stderr want.report\n"
	if err := os.WriteFile(script, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	p := commands()
	p.Files = []string{script}
	p.UpdateScripts = false
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		files := map[string]string{"want.hcl": block("What it writes:"), "want.report": report}
		for _, name := range []string{"keepalived.conf", "haresources", "ha.cf", "authkeys", "lvs.conf"} {
			files[name] = block("`" + name + "`:")
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return setup(e)
	}
	testscript.Run(t, p)
}
