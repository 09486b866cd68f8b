package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// nasty are configurations by file name, none of which a daemon can start with.
func nasty() map[string]string {
	const server = "virtual_server \"192.0.2.1\" \"80\" {\n"
	deep := func(n int, open string) string { return strings.Repeat(open, n) }
	return map[string]string{
		"nul.hcl":            "\x00",
		"nuls.conf":          "virtual_server \x00\x00 {",
		"binary.hcl":         "\x7fELF\x02\x01\x01" + strings.Repeat("\xff\xfe\x00\x01", 500),
		"binary.conf":        "\x7fELF\x02\x01\x01" + strings.Repeat("\xff\xfe\x00\x01", 500),
		"latin1.hcl":         "global_defs {\n  router_id = \"caf\xe9\"\n",
		"utf16.hcl":          "\xff\xfeg\x00l\x00o\x00b\x00a\x00l\x00",
		"escape.conf":        "\x1b[2J\x1b]0;pwned\x07 {\n}\n",
		"brackets.hcl":       "x = " + deep(100_000, "["),
		"braces.hcl":         deep(100_000, "a {\n"),
		"parentheses.hcl":    "x = " + deep(100_000, "("),
		"templates.hcl":      "x = " + deep(50_000, "\"${"),
		"operators.hcl":      "x = " + deep(100_000, "-") + "1",
		"conditions.hcl":     "x = " + deep(50_000, "true ? 1 : "),
		"indexes.hcl":        "x = a" + deep(50_000, "[0"),
		"braces.conf":        deep(100_000, "virtual_server 1.2.3.4 80 {\n"),
		"closing.conf":       deep(100_000, "}\n"),
		"oneline.conf":       deep(1<<20, "word "),
		"onequote.conf":      "global_defs { router_id \"" + deep(1<<20, "x"),
		"heredoc.hcl":        "x = <<EOT\n" + deep(1000, "${"),
		"unclosed.hcl":       server,
		"unclosed.conf":      "virtual_server 192.0.2.1 80 {\n",
		"unquoted.hcl":       "virtual_server 192.0.2.1 80 {}\n",
		"labels.hcl":         "virtual_server \"192.0.2.1\" {}\nvirtual_server {}\nvirtual_server \"a\" \"b\" \"c\" {}\n",
		"recursion.hcl":      "locals {\n  a = local.b\n  b = local.a\n}\n",
		"division.hcl":       server + "  delay_loop = 1 / 0\n}\n",
		"huge.hcl":           server + "  delay_loop = 1e999999999\n}\n",
		"negative.hcl":       server + "  delay_loop = -1\n}\n",
		"digits.conf":        "virtual_server 192.0.2.1 " + deep(100_000, "9") + " {\n}\n",
		"number.hcl":         server + "  delay_loop = " + deep(100_000, "9") + "\n}\n",
		"null.hcl":           server + "  lb_algo = null\n  protocol = {}\n  delay_loop = []\n  weight = true\n}\n",
		"port.conf":          "virtual_server 192.0.2.1 99999 {\n}\n",
		"zone.conf":          "virtual_server fe80::1%eth0 80 {\n}\n",
		"servers.hcl":        server + "  dynamic \"real_server\" {\n    for_each = range(100000000)\n    labels = [\"10.0.0.1\", \"80\"]\n    content {}\n  }\n}\n",
		"doubling.hcl":       "locals {\n" + doubling(50) + "}\n",
		"foreach.hcl":        server + "  dynamic \"real_server\" {\n    for_each = local.nothing\n    content {}\n  }\n}\n",
		"unknown.hcl":        "x = file(\"/etc/passwd\")\n",
		"path.hcl":           server + "  real_server \"10.0.0.1\" \"80\" {\n    HTTP_GET {\n      url \"/\\r\\nHost: x\" {}\n    }\n  }\n}\n",
		"interface.hcl":      "vrrp_instance \"a\" {\n  interface = \"../../etc\"\n  virtual_router_id = 1\n  virtual_ipaddress = [\"1.2.3.4\"]\n}\n",
		"vrid.hcl":           "vrrp_instance \"a\" {\n  interface = \"eth0\"\n  virtual_router_id = 256\n  virtual_ipaddress = []\n}\n",
		"self.conf":          "include self.conf\n",
		"circle-a.conf":      "include circle-b.conf\n",
		"circle-b.conf":      "include circle-a.conf\n",
		"includes.conf":      deep(5_000, "include missing-*.conf\n") + "include fifo\n",
		"pattern.conf":       "include [\n",
		"devices.conf":       "include /dev/zero\n",
		"new\nline.conf":     "bogus\n",
		"control\x1b[2J.hcl": "bogus\n",
		"carriage.conf":      "virtual_server 192.0.2.1 80 {\r\n  bogus\r\n}\r\n",
	}
}

// doubling are locals of which each is a list of the one before, twice.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("  x0 = \"x\"\n")
	for i := range n {
		fmt.Fprintf(&b, "  x%d = [local.x%d, local.x%d]\n", i+1, i, i)
	}
	return b.String()
}

// TestNastyConfigurations: whatever stands in a file, the daemon says what is wrong with it, in
// lines of reasonable number and length, and ends with exit code 1.
func TestNastyConfigurations(t *testing.T) {
	script := t.TempDir() + "/nasty.txtar"
	if err := os.WriteFile(script, []byte("mkfifo fifo\nnasty\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := commands()
	p.Files = []string{script}
	p.Cmds["nasty"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		for name, text := range nasty() {
			ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
		}
		for name := range nasty() {
			refused(ts, name)
		}
		for _, name := range []string{".", "fifo", "/dev/null", "/dev/zero", "/dev/stdin", "/proc/self/mem", "/dev/full", "no\x1bfile", "fifo/x"} {
			refused(ts, name)
		}
		large, err := os.Create(ts.MkAbs("large.conf"))
		ts.Check(err)
		ts.Check(large.Truncate(1 << 40)) // it has holes, and takes no room
		ts.Check(large.Close())
		refused(ts, "large.conf")
	}
	testscript.Run(t, p)
}

func refused(ts *testscript.TestScript, name string) {
	ts.Logf("--- %q", name)
	// Checked first: a daemon that does start must not, on the host of a test.
	for _, command := range [][]string{{"check"}, {"run", "--run-dir", "run", "-c"}} {
		command = slices.Concat([]string{"lvsd"}, command, []string{name, "--hostname", "lb1"})
		if code := exitCode(ts, command); code != exitFailure {
			ts.Fatalf("%q: exit code %d", command, code)
		}
	}
	out := ts.ReadFile("stderr")
	for _, bad := range []string{"goroutine", "panic", "runtime error", "\x1b", "\x00", "\a"} {
		if strings.Contains(out, bad) {
			ts.Fatalf("%q: output has %q", name, bad)
		}
	}
	if !strings.HasSuffix(out, "is not valid\n") {
		ts.Fatalf("%q: output does not end with the verdict", name)
	}
	lines := bytes.Count([]byte(out), []byte("\n"))
	if lines < 2 || len(out) > 200*lines+2000 {
		ts.Fatalf("%q: %d bytes in %d lines", name, len(out), lines)
	}
	if _, err := os.Stat(ts.MkAbs("run")); err == nil {
		ts.Fatalf("%q: the run directory was made", name)
	}
}
