package conf

import (
	"fmt"
	"regexp"
	re2 "regexp/syntax"
	"slices"
)

// Regex is what a body has to match. Its zero value is matched by anything.
type Regex struct {
	Pattern string   // a Perl-compatible expression; "" is none
	Options []string // of pcre2api(3), in lower case and without PCRE2_
	NoMatch bool     // the body must not match
	// MinOffset and MaxOffset are the offsets, in bytes, at which a match may start. A MaxOffset
	// of 0 is no bound.
	MinOffset, MaxOffset int
}

// regexOptions are those that keepalived.conf(5) has, with what they are to Go's regexp, which is
// RE2's: a flag; nothing, where they change no answer or only that of expressions that RE2 refuses;
// or "-", where RE2 cannot do what they say.
func regexOptions() map[string]string {
	return map[string]string{
		"caseless": "i", "dotall": "s", "multiline": "m", "ungreedy": "U", "utf": "", "ucp": "-", "dollar_endonly": "",
		"allow_empty_class": "-", "alt_bsux": "-", "extended": "-", "firstline": "-",
		"auto_callout": "", "dupnames": "", "match_unset_backref": "", "never_ucp": "", "never_utf": "",
		"no_auto_capture": "", "no_auto_possess": "", "no_dotstar_anchor": "", "no_start_optimize": "",
		"never_backslash_c": "", "alt_circumflex": "", "alt_verbnames": "", "use_offset_limit": "",
	}
}

// UTF8 tells whether the expression is about characters in UTF-8. Otherwise each byte is a
// character of its own, U+0000 to U+00FF, as it is to PCRE without its option utf.
func (r Regex) UTF8() bool { return slices.Contains(r.Options, "utf") }

// RE2 returns the expression as Go's package regexp takes it, so that it matches what PCRE would
// with the options.
func (r Regex) RE2() (string, error) {
	flags := re2.Perl
	for _, o := range r.Options {
		switch regexOptions()[o] {
		case "i":
			flags |= re2.FoldCase
		case "s":
			flags |= re2.DotNL
		case "m":
			flags &^= re2.OneLine
		case "U":
			flags |= re2.NonGreedy
		case "-":
			return "", fmt.Errorf("it has no option %s", o)
		}
	}
	pattern := r.Pattern
	if !r.UTF8() {
		runes := make([]rune, len(pattern))
		for i := range len(pattern) {
			runes[i] = rune(pattern[i])
		}
		pattern = string(runes)
	}
	tree, err := re2.Parse(pattern, flags)
	if err != nil {
		return "", err
	}
	r.translate(tree)
	text := tree.String()
	if _, err := regexp.Compile(text); err != nil {
		return "", err
	}
	return text, nil
}

// translate makes a parsed expression mean what PCRE makes of it.
func (r Regex) translate(e *re2.Regexp) {
	for _, sub := range e.Sub {
		r.translate(sub)
	}
	switch {
	case e.Op == re2.OpEndText && e.Flags&re2.WasDollar != 0 && !slices.Contains(r.Options, "dollar_endonly"):
		// A $ stands before a line feed at the end of the text too.
		feed := &re2.Regexp{Op: re2.OpLiteral, Rune: []rune{'\n'}}
		end := &re2.Regexp{Op: re2.OpEndText}
		*e = re2.Regexp{Op: re2.OpConcat, Sub: []*re2.Regexp{{Op: re2.OpQuest, Sub: []*re2.Regexp{feed}}, end}}
	case e.Op == re2.OpBeginText && r.MinOffset > 0:
		// The text begins before the offset, not at it.
		*e = re2.Regexp{Op: re2.OpNoMatch}
	}
}
