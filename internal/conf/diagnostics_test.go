package conf

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file of testdata/bad is refused with the text of the golden file beside it.
func TestDiagnostics(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.[ch]*[fl]")
	if err != nil || len(files) < 9 {
		t.Fatalf("files %q: %v", files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r := Load(path, Options{Hostname: "lb1"})
			if r.Config != nil {
				t.Error("a configuration with errors was taken")
			}
			var got bytes.Buffer
			if err := r.WriteDiagnostics(&got, false); err != nil {
				t.Fatal(err)
			}
			golden := path + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	at := hcl.Range{Filename: "lb.conf", Start: hcl.Pos{Line: 3, Column: 7}, End: hcl.Pos{Line: 3, Column: 9}}
	for want, d := range map[string]*hcl.Diagnostic{
		"lb.conf:3:7: Bad word":          {Summary: "Bad word", Subject: &at},
		"lb.conf:3:7: Bad word: remove.": {Summary: "Bad word", Detail: "remove.\nFor example", Subject: &at},
		"Bad word":                       {Summary: "Bad word"},
	} {
		if got := OneLine(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCarets(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		name, src          string
		line, column, upto int
		want               string
	}{
		{"word", "a bad word", 1, 3, 6, "     1 | a bad word\n       |   ^^^\n"},
		{"tabs stay tabs", "\t\ta\tbad", 1, 5, 8, "     1 | \t\ta\tbad\n       | \t\t \t^^^\n"},
		{"letters of several bytes", "größe bad", 1, 7, 10, "     1 | größe bad\n       |       ^^^\n"},
		{"wide letters", "漢字 bad", 1, 4, 7, "     1 | 漢字 bad\n       |      ^^^\n"},
		{"combining letters", "e\u0301 bad", 1, 4, 7, "     1 | e\u0301 bad\n       |   ^^^\n"},
		{"no width", "bad", 1, 2, 2, "     1 | bad\n       |  ^\n"},
		{"behind the end", "bad", 1, 4, 4, "     1 | bad\n       |    ^\n"},
		{"control sequences", "a \x1b[31mbad", 1, 3, 4, "     1 | a \ufffd[31mbad\n       |   ^\n"},
		{"second line", "a\nbad\r\nc", 2, 1, 4, "     2 | bad\n       | ^^^\n"},
		{"long line", long + "bad" + long, 1, 301, 304,
			"     1 | …" + strings.Repeat("x", 60) + "bad" + strings.Repeat("x", 57) + "…\n       |  " + strings.Repeat(" ", 60) + "^^^\n"},
		{"long range", long, 1, 1, 301, "     1 | " + strings.Repeat("x", 120) + "…\n       | " + strings.Repeat("^", 120) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := 0
			for range c.line - 1 {
				start += strings.IndexByte(c.src[start:], '\n') + 1
			}
			at := hcl.Range{
				Filename: "f",
				Start:    hcl.Pos{Line: c.line, Column: c.column, Byte: start},
				End:      hcl.Pos{Line: c.line, Column: c.upto, Byte: start},
			}
			r := &Result{
				Files: map[string]*hcl.File{"f": {Bytes: []byte(c.src)}},
				Diags: hcl.Diagnostics{problem(hcl.DiagError, at, "Bad")},
			}
			var got bytes.Buffer
			if err := r.WriteDiagnostics(&got, false); err != nil {
				t.Fatal(err)
			}
			want := place(at) + ": error: Bad\n" + c.want
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColour(t *testing.T) {
	r := read(t, Keepalived, "virtual_server 10.0.0.1 80 {\n}\nx\n")
	var got bytes.Buffer
	if err := r.WriteDiagnostics(&got, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[1mlb.conf:1:1:\x1b[0m \x1b[1;33mwarning:\x1b[0m", "\x1b[1;31merror:\x1b[0m Unknown", "\x1b[1;31m^\x1b[0m"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in %q", want, got.String())
		}
	}
}

// A file of many mistakes is answered within its size, and what is wrong with it stays an error.
func TestProblemsAreCounted(t *testing.T) {
	for _, c := range []struct {
		format           Format
		src              string
		errors, warnings int
	}{
		{Keepalived, strings.Repeat("vrrp_instance a {\n}\n", 5000), maxProblems + 1, 0},
		{Keepalived, strings.Repeat("virtual_server 192.0.2.1 80 {\n}\n", 5000), maxProblems + 1, maxProblems + 1},
		{HCL, strings.Repeat("vrrp_instance \"a\" {}\n", 5000), maxProblems + 1, 0},
		{HCL, strings.Repeat("global_def {}\n", 5000), maxProblems + 1, 0},
	} {
		r := read(t, c.format, c.src)
		errors, warnings := 0, 0
		for _, d := range r.Diags {
			if d.Severity == hcl.DiagError {
				errors++
			} else {
				warnings++
			}
		}
		if r.Config != nil || errors != c.errors || warnings != c.warnings {
			t.Errorf("%.20q: %d errors, %d warnings", c.src, errors, warnings)
		}
	}
}
