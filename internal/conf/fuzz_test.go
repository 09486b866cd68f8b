package conf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// fuzz asserts what holds for any text: no panic, a configuration exactly where there is no error,
// and every problem at a place that the text has.
func fuzz(t *testing.T, format Format, src []byte) {
	name := "f"
	cfg, diags := load([]source{{name, src}}, Options{Hostname: "lb1", Format: format}, nil)
	r := finish(cfg, map[string]*hcl.File{name: {Bytes: src}}, diags, nil)
	if (r.Config == nil) != r.Diags.HasErrors() {
		t.Fatalf("a configuration: %t, errors: %t", r.Config != nil, r.Diags.HasErrors())
	}
	for _, d := range r.Diags {
		at := d.Subject
		switch {
		case at == nil:
			t.Fatalf("%q has no place", d.Summary)
		case at.Filename != name, at.Start.Line < 1, at.Start.Column < 1,
			at.Start.Byte < 0, at.End.Byte < at.Start.Byte, at.End.Byte > len(src):
			t.Fatalf("%q stands at %#v of %d bytes", OneLine(d), *at, len(src))
		case at.Start.Line > 1+bytes.Count(src, []byte("\n")):
			t.Fatalf("%q stands behind the last line", OneLine(d))
		}
	}
	var out bytes.Buffer
	if err := r.WriteDiagnostics(&out, false); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(out.Bytes(), '\x1b') {
		t.Fatal("a control sequence is written through")
	}
}

func seedFuzz(f *testing.F, patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no files for %s: %v", pattern, err)
		}
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
}

func FuzzKeepalived(f *testing.F) {
	seedFuzz(f, "testdata/*.conf", "testdata/bad/*.conf")
	f.Fuzz(func(t *testing.T, src []byte) { fuzz(t, Keepalived, src) })
}

func FuzzHCL(f *testing.F) {
	seedFuzz(f, "testdata/*.hcl", "testdata/bad/*.hcl")
	f.Fuzz(func(t *testing.T, src []byte) { fuzz(t, HCL, src) })
}
