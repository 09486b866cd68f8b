package keepalived

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Ignored is the Extra of the warning about a keyword that is known and left out, which stands at
// the first of its places.
type Ignored struct {
	Word   string // as it is written there
	Why    string // what lvsd does without it
	Places []hcl.Range
}

// Refused is the Extra of the error about a keyword that is known and not implemented, without
// which packets would go another way.
type Refused struct {
	Word string // as it is written
	Why  string // what would happen without it, and what to do
}

// remark is the warning about an ignored keyword while places are added to it.
type remark struct {
	diag *hcl.Diagnostic
	Ignored
}

// remark reports a keyword that is not implemented: each place where one is refused, and once
// that it is ignored.
func (p *parser) remark(k *keyword, n *Node) {
	if p.quiet > 0 || n.Broken || k.class == agreed {
		return
	}
	value := ""
	if len(n.Args) > 0 {
		value = n.Args[0].Text
	}
	if len(n.Args) <= 1 && slices.Contains(k.same, value) {
		return
	}
	if k.class == refused {
		before := len(p.diags)
		p.errorf(n.Range, "lvsd does not have %q yet: %s", n.Keyword.Text, k.why)
		if len(p.diags) > before {
			p.diags[before].Extra = Refused{n.Keyword.Text, k.why}
		}
		return
	}
	if r := p.told[k]; r != nil {
		r.Places = append(r.Places, n.Range)
		return
	}
	before := len(p.diags)
	p.report(hcl.DiagWarning, n.Range, "%q does nothing here: %s", n.Keyword.Text, k.why)
	if len(p.diags) > before {
		p.told[k] = &remark{p.diags[before], Ignored{n.Keyword.Text, k.why, []hcl.Range{n.Range}}}
	}
}

// finish adds to each warning how many places it is about.
func (p *parser) finish() {
	for _, r := range p.told {
		switch n := len(r.Places) - 1; {
		case n == 1:
			r.diag.Summary += " (and in one more place)"
		case n > 1:
			r.diag.Summary += fmt.Sprintf(" (and in %d more places)", n)
		}
		r.diag.Extra = r.Ignored
	}
}

// options takes out of words, behind the first most, those options of k that are not implemented,
// with their values, and reports them. What no option explains is too much.
func (p *parser) options(k *keyword, n *Node, words []Word, most int) []Word {
	if len(words) <= most {
		return words
	}
	kept := slices.Clone(words[:most])
	for rest := words[most:]; len(rest) > 0; {
		o := k.option(rest[0].Text)
		if o == nil && k.free {
			kept, rest = append(kept, rest[0]), rest[1:]
			continue
		}
		if o == nil && len(k.options) > 0 && k.implementedOptions() {
			return append(kept, rest...) // the caller knows how to complain of it
		}
		if o == nil {
			if p.quiet == 0 {
				p.extra(rest, k.usage)
			}
			return kept
		}
		size := 1
		for size < len(rest) && size <= o.max && (size <= o.min || k.option(rest[size].Text) == nil) {
			size++
		}
		switch {
		case o.class == implemented:
			kept = append(kept, rest[:size]...)
		case size <= o.min:
			n.Broken = true
			p.errorf(rest[0].Range, "%q needs a value; write %s", rest[0].Text, o.usage)
		default:
			option := &Node{Keyword: rest[0], Args: rest[1:size], Range: rest[0].Range}
			if last := rest[size-1].Range; last.Filename == option.Range.Filename && last.End.Byte >= option.Range.End.Byte && last.Start.Line == option.Range.Start.Line {
				option.Range.End = last.End
			}
			p.remark(o, option)
			if o.class == refused && !slices.Contains(o.same, first(option.Args)) {
				n.Broken = true
			}
		}
		rest = rest[size:]
	}
	return kept
}

func first(words []Word) string {
	if len(words) == 0 {
		return ""
	}
	return words[0].Text
}

// implementedOptions says whether k has options whose errors are the caller's to report.
func (k *keyword) implementedOptions() bool {
	return slices.ContainsFunc(k.options, func(o *keyword) bool { return o.class == implemented })
}
