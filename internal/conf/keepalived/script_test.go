package keepalived

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitCommand(t *testing.T) {
	for line, want := range map[string][]string{
		"":                              nil,
		" \t":                           nil,
		"/bin/check":                    {"/bin/check"},
		"/bin/check  -a 1 ":             {"/bin/check", "-a", "1"},
		`/bin/check 'a b' "c 'd'" e\ f`: {"/bin/check", "a b", "c 'd'", "e f"},
		`a"b c"'d'`:                     {"ab cd"},
		"sh -c {x} #1 !2 }":             {"sh", "-c", "{x}", "#1", "!2", "}"},
		"é 'ü ß' \\x41\\101":            {"é", "ü ß", "AA"},
		`a ''`:                          {"a", ""},
	} {
		got, fault := SplitCommand(line)
		if diff := cmp.Diff(want, got); diff != "" || fault != "" {
			t.Errorf("%q: %s %s", line, fault, diff)
		}
	}
	for _, line := range []string{`"`, `a 'b`, `a b"c`} {
		if got, fault := SplitCommand(line); got != nil || !strings.HasPrefix(fault, "This quote is not closed") {
			t.Errorf("%q: %q %q", line, got, fault)
		}
	}
}
