package conf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree writes files into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A directory is one configuration, whose files share their locals. What is hidden, and what is no
// HCL, is not part of it.
func TestDirectoryIsOneConfiguration(t *testing.T) {
	dir := tree(t, map[string]string{
		"20-services.hcl":    "virtual_server \"192.0.2.1\" \"80\" {\n  real_server \"10.0.0.1\" \"80\" { weight = local.weight }\n}\n",
		"10-locals.hcl":      "locals {\n  weight = local.base + 1\n}\nglobal_defs { router_id = file(\"data/name\") }\n",
		"30-more.hcl":        "locals {\n  base = hostname == \"lb2\" ? 6 : 4\n}\n",
		"data/name":          "east",
		".#20-services.hcl":  "nonsense {",
		"notes.txt":          "nonsense {",
		"sub.hcl/inside.hcl": "nonsense {",
	})
	r := Load(dir, Options{Hostname: "lb1"})
	if r.Config == nil {
		t.Fatal(lines(r.Diags))
	}
	if r.Config.RouterID != "east" || r.Config.Services[0].RealServers[0].Weight != 5 {
		t.Errorf("%+v", r.Config)
	}
	if got := Hostnames(dir, Options{}); !slices.Equal(got, []string{"lb2"}) {
		t.Errorf("it names %q", got)
	}
	// The same files by their names, in another order.
	also := []string{filepath.Join(dir, "20-services.hcl"), filepath.Join(dir, "10-locals.hcl")}
	several := Load(filepath.Join(dir, "30-more.hcl"), Options{Hostname: "lb1", Also: also})
	if diff := cmp.Diff(r.Config.Services, several.Config.Services, cmp.Comparer(func(a, b VirtualServer) bool {
		return a.Address == b.Address && a.RealServers[0].Weight == b.RealServers[0].Weight
	})); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralFilesTellTheirProblems(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.hcl":  "locals {\n  x = 1\n}\nvirtual_server \"192.0.2.1\" \"80\" {}\n",
		"b.hcl":  "locals {\n  x = 2\n}\nvirtual_server \"192.0.2.1\" \"80\" {}\n",
		"c.conf": "virtual_server 192.0.2.2 80 {\nprotocol TCP\n}\n",
	})
	t.Chdir(dir)
	for _, c := range []struct {
		also, want []string
	}{
		{[]string{"b.hcl"}, []string{
			"warning a.hcl:4:1: virtual_server TCP 192.0.2.1:80 has no real_server; it refuses every connection",
			"error b.hcl:2:3: local.x stands at a.hcl:2:3 already; give it another name",
			"error b.hcl:4:1: virtual_server TCP 192.0.2.1:80 stands at a.hcl:4:1 already; put the real servers into one",
			"warning b.hcl:4:1: virtual_server TCP 192.0.2.1:80 has no real_server; it refuses every connection",
		}},
		{[]string{"b.hcl", "a.hcl"}, []string{"error a.hcl:1:1: This file is named twice; name it once"}},
		{[]string{"c.conf", "none.hcl"}, []string{
			"error c.conf:1:1: Several files are one configuration in HCL only; let one keepalived.conf include the others",
			"error none.hcl:1:1: The configuration cannot be read: no such file or directory",
		}},
	} {
		r := Load("a.hcl", Options{Also: c.also})
		if diff := cmp.Diff(c.want, lines(r.Diags)); diff != "" || r.Config != nil {
			t.Errorf("with %q\n%s", c.also, diff)
		}
	}
}

// env and file are errors where there is nothing: an empty text would be taken for a value.
func TestFunctionsThatAskTheHost(t *testing.T) {
	t.Setenv("LVSD_TEST_NAME", "west")
	t.Setenv("LVSD_TEST_BYTES", "\xff")
	dir := tree(t, map[string]string{"name": "north", "binary": "\xff", "long": strings.Repeat("x", maxString+1)})
	file := filepath.Join(dir, "lb.hcl")
	load := func(expr string) *Result {
		if err := os.WriteFile(file, []byte("global_defs {\n  router_id = "+expr+"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(file, Options{Hostname: "lb1"})
	}
	for expr, want := range map[string]string{
		`env("LVSD_TEST_NAME")`:                   "west",
		`try(env("LVSD_TEST_NONE"), "south")`:     "south",
		`file("name")`:                            "north",
		`file("` + dir + `/name")`:                "north",
		`can(file("none")) ? "there" : "missing"`: "missing",
		`join("", [for i in range(900): file("name")]) == "" ? "" : "many"`: "many",
	} {
		r := load(expr)
		if r.Config == nil || r.Config.RouterID != want {
			t.Errorf("%s: %q", expr, lines(r.Diags))
		}
	}
	for expr, want := range map[string]string{
		`env("LVSD_TEST_NONE")`:  `the environment has no variable "LVSD_TEST_NONE"; set it, or write try(env("LVSD_TEST_NONE"), "…")`,
		`env("LVSD_TEST_BYTES")`: `the variable "LVSD_TEST_BYTES" of the environment is not UTF-8`,
		`file("none")`:           "read " + dir + "/none: no such file or directory",
		`file(".")`:              "read " + dir + ": it is a directory; name a file",
		`file("binary")`:         dir + "/binary is not UTF-8",
		`file("long")`:           dir + "/long is too large: a string has at most 65536 bytes",
		`file("/dev/zero")`:      "read /dev/zero: it is not a regular file",
	} {
		r := load(expr)
		if len(r.Diags) != 1 || !strings.Contains(OneLine(r.Diags[0]), want) {
			t.Errorf("%s\n%q, want %q", expr, lines(r.Diags), want)
		}
	}
	text := LoadText("lb.hcl", []byte("global_defs {\n  router_id = file(\"name\")\n}\n"), Options{})
	if len(text.Diags) != 1 || !strings.Contains(OneLine(text.Diags[0]), errNoFiles.Error()) {
		t.Errorf("%q", lines(text.Diags))
	}
}

// A file that was cut off is valid, and takes everything away.
func TestConfigurationThatSaysNothing(t *testing.T) {
	for _, c := range []struct {
		format Format
		src    string
	}{{HCL, ""}, {HCL, "# soon\n"}, {HCL, "locals {\n  x = 1\n}\n"}, {Keepalived, "\n! soon\n"}} {
		r := read(t, c.format, c.src)
		if got := lines(r.Diags); r.Config == nil || len(got) != 1 || !strings.Contains(got[0], "says nothing") {
			t.Errorf("%q: %q", c.src, got)
		}
	}
}
