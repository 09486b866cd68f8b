package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// Each file of keepalived's own samples is accepted, or refused for what docs/from-keepalived.md
// says. The samples come with Debian's package, which make deps installs.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob("/usr/share/doc/keepalived/samples/keepalived.conf.*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples, %v; run make deps", len(files), err)
	}
	var b strings.Builder
	b.WriteString("\n| sample | verdict | for |\n|---|---|---|\n")
	accepted := 0
	for _, path := range files {
		// One of them is for keepalived -i high and -i low, as it says itself.
		r := Load(path, Options{Hostname: "lb1", Instance: "high"})
		words, mistakes := refusals(r.Diags)
		verdict := "accepted"
		if r.Config == nil {
			verdict = "refused"
		} else {
			accepted++
		}
		if len(mistakes) > 0 {
			words = append(words, "mistakes of its own: "+strings.Join(mistakes, "; "))
		}
		name := strings.TrimPrefix(filepath.Base(path), "keepalived.conf.")
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, verdict, strings.Join(words, ", "))
	}
	fmt.Fprintf(&b, "\n%d of %d are accepted as they are. conditional_conf is read with `-i high`, for which it is made.\n\n", accepted, len(files))

	document := filepath.Join("..", "..", "docs", "from-keepalived.md")
	src, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	const open, end = "<!-- samples -->\n", "<!-- end of samples -->\n"
	before, rest, ok := strings.Cut(string(src), open)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table of samples", document)
	}
	if *update {
		if err := os.WriteFile(document, []byte(before+open+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), got); diff != "" {
		t.Error(diff)
	}
}

// The example of the document is a file for both nodes, of which lvsd thinks well.
func TestExampleOfTheDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "from-keepalived.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n```keepalived\n")
	example, _, _ := strings.Cut(rest, "\n```")
	for hostname, priority := range map[string]uint8{"lb1.example.org": 150, "lb2": 100} {
		cfg, diags := load([]source{{"keepalived.conf", []byte(example)}}, Options{Hostname: hostname}, nil)
		if len(diags) > 0 {
			t.Fatal(lines(diags))
		}
		if got := len(cfg.Services[0].RealServers); got != 3 || cfg.Instances[0].Priority != priority || cfg.Services[0].Address.Port() != 80 {
			t.Errorf("%s: %d servers, %+v", hostname, got, cfg.Instances[0])
		}
	}
}

// refusals are the words for which a file is refused, each once, and what else is wrong with it.
func refusals(diags hcl.Diagnostics) (words, mistakes []string) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		list, text := &mistakes, d.Summary
		if refused, ok := d.Extra.(keepalived.Refused); ok {
			list, text = &words, "`"+refused.Word+"`"
		}
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	return words, mistakes
}
