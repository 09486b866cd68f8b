package conf

import (
	"regexp"
	"testing"
)

// What PCRE matches with its options, the expression in RE2's syntax matches too. An answer here is
// what pcre2test(1) gives.
func TestRegexMeansWhatPCREMakesOfIt(t *testing.T) {
	for _, c := range []struct {
		pattern string
		options []string
		min     int
		text    string
		want    bool
	}{
		{`foo`, nil, 0, "a foo b", true},
		{`FOO`, nil, 0, "a foo b", false},
		{`FOO`, []string{"caseless"}, 0, "a foo b", true},
		{`foo$`, nil, 0, "foo\n", true},
		{`foo$`, nil, 0, "foo\n\n", false},
		{`foo$`, nil, 0, "foo\nbar", false},
		{`foo$`, []string{"dollar_endonly"}, 0, "foo\n", false},
		{`foo$`, []string{"multiline"}, 0, "foo\nbar", true},
		{`(foo|bar$)+$`, nil, 0, "foobar\n", true},
		{`foo\z`, nil, 0, "foo\n", false},
		{`^bar`, nil, 0, "foo\nbar", false},
		{`^bar`, []string{"multiline"}, 0, "foo\nbar", true},
		{`^foo`, nil, 1, "foo", false},
		{`a.b`, nil, 0, "a\nb", false},
		{`a.b`, []string{"dotall"}, 0, "a\nb", true},
		{`^a+(?:b|$)`, []string{"ungreedy", "no_auto_capture", "no_start_optimize"}, 0, "aab", true},
		{`^..$`, nil, 0, "ö", true},
		{`^.$`, []string{"utf"}, 0, "ö", true},
		{`^..$`, []string{"utf"}, 0, "ö", false},
		{`\xc3`, nil, 0, "ö", true},
		{`größe`, nil, 0, "größe", true},
		{`\d{3}`, nil, 0, "12", false},
	} {
		r := Regex{Pattern: c.pattern, Options: c.options, MinOffset: c.min}
		text, err := r.RE2()
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		subject := c.text
		if !r.UTF8() {
			runes := []rune{}
			for i := range len(c.text) {
				runes = append(runes, rune(c.text[i]))
			}
			subject = string(runes)
		}
		if got := regexp.MustCompile(text).MatchString(subject); got != c.want {
			t.Errorf("%s with %v (%s) matches %q: %t", c.pattern, c.options, text, c.text, got)
		}
	}
	for _, bad := range []Regex{{Pattern: `(?<=a)b`}, {Pattern: `(a)\1`}, {Pattern: `a++`}, {Pattern: `a{2000}`}, {Pattern: `a`, Options: []string{"extended"}}} {
		if text, err := bad.RE2(); err == nil {
			t.Errorf("%+v is %s", bad, text)
		}
	}
}
