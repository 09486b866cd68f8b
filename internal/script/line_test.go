package script

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLineKeepsItsWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\x00") }), 1, 4).Draw(t, "words")
		words[0] = "/" + words[0]
		n := rapid.IntRange(1, len(words)).Draw(t, "n")
		if got := NewLine(words[:n]...).With(words[n:]...).Words(); !slices.Equal(got, words) {
			t.Fatalf("%q, want %q", got, words)
		}
	})
	if words := Line("").Words(); words != nil || Line("").With("x") != "" {
		t.Errorf("no line has %q", words)
	}
	if got := NewLine("a\x00b", "c").Words(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("%q", got)
	}
}

// What a line prints, a shell reads back as its words.
func TestLineAsAShellReadsIt(t *testing.T) {
	for _, words := range [][]string{
		{"/bin/true"}, {"/bin/x y", "", "it's", `a"b`, "$HOME", "*", "a\tb", "größe", "-f", "x=1"},
	} {
		out, err := exec.Command("/bin/sh", "-c", `printf '%s\n' `+NewLine(words...).String()).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, words) {
			t.Errorf("%q, want %q", got, words)
		}
	}
}
