package conf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// phrase is a line of words in the manner of ip(8) while it is read. Whatever is wrong with it is
// reported once, and then it is broken.
type phrase struct {
	d      *decoder
	in     string // the block that the line is in
	what   string // a route, a rule
	line   hcl.Range
	rest   []keepalived.Word
	given  map[string]bool
	broken bool
}

func (d *decoder) phrase(n *keepalived.Node, in, what string) *phrase {
	return &phrase{d: d, in: in, what: what, line: n.Range, rest: append([]keepalived.Word{n.Keyword}, n.Args...), given: map[string]bool{}}
}

// next takes the next word, if there is one and nothing was wrong so far.
func (p *phrase) next() (w keepalived.Word, ok bool) {
	if p.broken || len(p.rest) == 0 {
		return w, false
	}
	w, p.rest = p.rest[0], p.rest[1:]
	return w, true
}

// peek reports whether the next word is one of these.
func (p *phrase) peek(texts ...string) bool {
	return !p.broken && len(p.rest) > 0 && slices.Contains(texts, p.rest[0].Text)
}

func (p *phrase) errorf(at hcl.Range, format string, args ...any) {
	if !p.broken {
		p.d.errorf(at, format, args...)
	}
	p.broken = true
}

// once reports a word that is given twice under any of its names.
func (p *phrase) once(name string, w keepalived.Word) {
	if p.given[name] {
		p.errorf(w.Range, "%q is given twice in this %s; remove one", w.Text, p.what)
	}
	p.given[name] = true
}

// value takes the value behind a word.
func (p *phrase) value(of keepalived.Word) keepalived.Word {
	w, ok := p.next()
	if !ok {
		p.errorf(of.Range, "%q needs a value behind it", of.Text)
	}
	return w
}

// number takes a number, or one of the names for numbers.
func (p *phrase) number(of keepalived.Word, names map[string]uint64, lo, hi uint64) uint64 {
	w := p.value(of)
	if p.broken {
		return 0
	}
	v, ok := p.d.numbered(of.Text, w, names, lo, hi)
	p.broken = p.broken || !ok
	return v
}

// device takes the name of an interface.
func (p *phrase) device(of keepalived.Word) (name string) {
	if w := p.value(of); !p.broken {
		p.broken = !p.d.interfaceName(of.Text, w, &name)
	}
	return name
}

// unknown reports a word that nobody knows.
func (p *phrase) unknown(w keepalived.Word, known []string) {
	hint := ""
	if near := keepalived.Nearest(w.Text, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	p.errorf(w.Range, "Unknown keyword %q in %s%s", w.Text, p.in, hint)
}

// hasBlank says that a word is a phrase of its own, which only an element of an HCL list can be.
func hasBlank(w keepalived.Word) bool { return strings.ContainsAny(w.Text, " \t") }
