package keepalived

import (
	"fmt"
	"strings"
)

func (p *parser) unknown(in *keyword, n *Node) {
	written := n.Keyword.Text
	if home := p.table.home(written); home != "" {
		p.errorf(n.Keyword.Range, "%q does not stand %s; it belongs in %s", written, in.place(), home)
		return
	}
	if p.table.find(written) != nil {
		p.errorf(n.Keyword.Range, "%q does not stand %s; it belongs outside of all blocks", written, in.place())
		return
	}
	hint := ""
	if near := Nearest(written, append(in.spellings(), "include")); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	p.errorf(n.Keyword.Range, "Unknown keyword %q%s", shown(written), hint)
}

// shown is a word as a message has it: cut where it is long.
func shown(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// place names the block of k for a reader.
func (k *keyword) place() string {
	if k.name == "" {
		return "outside of a block"
	}
	return "in " + k.name
}

func (p *parser) extra(words []Word, usage string) {
	at := words[0].Range
	if last := words[len(words)-1].Range; last.Filename == at.Filename && last.Start.Line == at.Start.Line && last.Start.Byte >= at.Start.Byte && p.expanded[at] == p.expanded[last] {
		at.End = last.End
		if by := p.expanded[words[0].Range]; by != nil {
			p.expand(at, by)
		}
	}
	texts := make([]string, 0, 4)
	for i, w := range words {
		if i == 3 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, shown(w.Text))
	}
	hint := ""
	if usage != "" {
		hint = "; write " + usage
	}
	if strings.Contains(usage, "PASSWORD") || strings.Contains(usage, "|TEXT") || strings.HasPrefix(usage, "password ") {
		p.errorf(at, "Unexpected words behind a secret%s, in quotes if there are blanks in it", hint)
		return
	}
	p.errorf(at, "Unexpected %q at the end of the line%s", strings.Join(texts, " "), hint)
}
