package keepalived

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Bounds on what is read. A file outside of them is refused with an error that names the bound.
const (
	maxLine     = 64 << 10 // bytes in a line
	maxProblems = 1000     // after these a file is not read any further
)

// Source reads the files of a configuration. Includes are refused where it is nil.
type Source interface {
	// Read returns the bytes of a file, or an error that names it.
	Read(path string) ([]byte, error)
}

// Parse reads a file and all that it includes. The tree is whole except for the statements that
// an error is about; a caller may look for more errors in it, but must not use it.
func Parse(name string, src []byte, from Source) ([]*Node, hcl.Diagnostics) {
	p := &parser{table: newTable(), from: from, files: 1}
	return p.file(name, src, p.table), p.diags
}

type parser struct {
	lexer
	table *keyword
	from  Source
	open  []string // the files being read, each included by the one before
	files int      // files read so far
	diags hcl.Diagnostics
}

func (p *parser) errorf(at hcl.Range, format string, args ...any) {
	if p.full() {
		return
	}
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: fmt.Sprintf(format, args...), Subject: &at})
	if len(p.diags) == maxProblems {
		p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Subject: &at,
			Summary: fmt.Sprintf("More than %d problems; correct those above first", maxProblems)})
	}
}

func (p *parser) full() bool { return len(p.diags) > maxProblems }

// file parses one file whose statements stand in the block of in.
func (p *parser) file(name string, src []byte, in *keyword) []*Node {
	outer := p.lexer
	p.lexer = newLexer(name, src)
	p.open = append(p.open, name)
	defer func() {
		p.lexer = outer
		p.open = p.open[:len(p.open)-1]
	}()
	if at, what := p.unreadable(); what != "" {
		p.errorf(at, "%s", what)
		return nil
	}
	body := p.statements(in, nil)
	return body.children
}

// unreadable finds what no line of a text file holds.
func (p *parser) unreadable() (hcl.Range, string) {
	line, offset := 1, 0
	for rest := p.src; len(rest) > 0; line++ {
		text := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			text = rest[:end+1]
		}
		at := func(n int) hcl.Range {
			start := hcl.Pos{Line: line, Column: 1, Byte: offset}
			end := hcl.Pos{Line: line, Column: 1 + n, Byte: offset + n}
			return hcl.Range{Filename: p.lexer.file, Start: start, End: end}
		}
		if len(text) > maxLine {
			return at(1), fmt.Sprintf("This line has %d bytes; a line has at most %d", len(text), maxLine)
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return at(0), "This line holds a NUL byte; a configuration is a text file"
		}
		offset += len(text)
		rest = rest[len(text):]
	}
	return hcl.Range{}, ""
}

// body is what stands between two braces.
type body struct {
	children []*Node
	tail     []Comment
}

// statements parses up to the brace that closes the block which opened at open, or to the end of
// the file where open is nil.
func (p *parser) statements(in *keyword, open *Node) body {
	var b body
	for !p.full() {
		switch t := p.next(); t.kind {
		case newlineToken:
		case commentToken:
			c := Comment{Text: t.text, Range: t.rng}
			if n := len(b.children); n > 0 && len(b.tail) == 0 && follows(b.children[n-1], c) {
				b.children[n-1].Trail = &c
				continue
			}
			b.tail = append(b.tail, c)
		case openToken:
			p.errorf(t.rng, `Unexpected "{"; no keyword that takes a block stands before it`)
			p.skipBlock(t)
		case closeToken:
			if open != nil {
				return b
			}
			p.errorf(t.rng, `Unexpected "}"; no block is open here`)
		case endToken:
			if open != nil {
				p.errorf(open.Range, `The block of %q is not closed; write "}" at its end`, open.Keyword.Text)
			}
			return b
		case wordToken:
			lead := b.tail
			b.tail = nil
			nodes := p.statement(in, t)
			if len(nodes) > 0 {
				nodes[0].Lead = append(lead, nodes[0].Lead...)
			}
			b.children = append(b.children, nodes...)
		}
	}
	return b
}

// follows says whether a comment stands behind a statement on the same line.
func follows(n *Node, c Comment) bool {
	return n.Trail == nil && n.Range.Filename == c.Range.Filename && n.Range.End.Line == c.Range.Start.Line
}

// statement parses what the word first begins: one node, those of an included file, or none
// where it is refused.
func (p *parser) statement(in *keyword, first token) []*Node {
	if first.text == "include" && first.rng.End.Byte-first.rng.Start.Byte == len("include") {
		return p.include(in, first)
	}
	n := &Node{Keyword: Word{Text: first.text, Range: first.rng}, Range: first.rng}
	sound := p.sound(first)
	for {
		mark := p.lexer
		t := p.next()
		if t.kind != wordToken {
			p.lexer = mark
			break
		}
		sound = p.sound(t) && sound
		n.Args = append(n.Args, Word{Text: t.text, Range: t.rng})
		n.Range.End = t.rng.End
	}
	if in.lines > 0 {
		n.Broken = !sound
		p.line(in, n)
		return []*Node{n}
	}
	known := in.find(first.text)
	if known == nil {
		p.unknown(in, n)
		p.skipOwnBlock()
		return nil
	}
	n.Name = known.name
	p.arguments(known, n)
	switch known.block {
	case noBlock:
		mark := p.lexer
		if t := p.next(); t.kind == openToken {
			p.errorf(t.rng, "%q takes no block; write %s", n.Keyword.Text, known.usage)
			p.skipBlock(t)
		} else {
			p.lexer = mark
		}
	case mayBlock, mustBlock:
		p.ownBlock(known, n)
	}
	n.Broken = n.Broken || !sound
	return []*Node{n}
}

func (p *parser) sound(t token) bool {
	if t.fault != "" {
		p.errorf(t.rng, "%s", t.fault)
	}
	return t.fault == ""
}

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
	p.errorf(n.Keyword.Range, "Unknown keyword %q%s", written, hint)
}

// place names the block of k for a reader.
func (k *keyword) place() string {
	if k.name == "" {
		return "outside of a block"
	}
	return "in " + k.name
}

func (p *parser) arguments(k *keyword, n *Node) {
	switch {
	case len(n.Args) < k.min:
		n.Broken = true
		p.errorf(n.Range, "%q needs a value; write %s", n.Keyword.Text, k.usage)
	case len(n.Args) > k.max:
		p.extra(n.Args[k.max:], k.usage)
	}
}

// line checks the number of words of a plain line.
func (p *parser) line(in *keyword, n *Node) {
	if extra := len(n.Args) + 1 - in.lines; extra > 0 {
		n.Broken = true
		p.extra(n.Args[len(n.Args)-extra:], in.usage)
	}
}

func (p *parser) extra(words []Word, usage string) {
	at := words[0].Range
	at.End = words[len(words)-1].Range.End
	texts := make([]string, 0, 4)
	for i, w := range words {
		if i == 3 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, w.Text)
	}
	hint := ""
	if usage != "" {
		hint = "; write " + usage
	}
	p.errorf(at, "Unexpected %q at the end of the line%s", strings.Join(texts, " "), hint)
}

// ownBlock parses the block of n, which may begin on a later line.
func (p *parser) ownBlock(k *keyword, n *Node) {
	_, between, ok := p.opening()
	if !ok {
		if k.block == mustBlock {
			n.Broken = true
			p.errorf(n.Range, `%q needs a block; write %s`, n.Keyword.Text, k.usage)
		}
		return
	}
	for _, c := range between {
		if follows(n, c) {
			n.Trail = &c
		} else {
			n.Lead = append(n.Lead, c)
		}
	}
	n.Block = true
	b := p.statements(k, n)
	n.Children, n.Tail = b.children, b.tail
}

// opening moves behind the next "{" if nothing but line ends and comments stand before it.
func (p *parser) opening() (brace token, between []Comment, ok bool) {
	mark := p.lexer
	for {
		switch t := p.next(); t.kind {
		case newlineToken:
		case commentToken:
			between = append(between, Comment{Text: t.text, Range: t.rng})
		case openToken:
			return t, between, true
		default:
			p.lexer = mark
			return token{}, nil, false
		}
	}
}

// skipOwnBlock moves behind the block that follows, if one does.
func (p *parser) skipOwnBlock() {
	if t, _, ok := p.opening(); ok {
		p.skipBlock(t)
	}
}

// skipBlock moves behind the brace that closes the block which t opened.
func (p *parser) skipBlock(t token) {
	for depth := 1; depth > 0; {
		switch p.next().kind {
		case openToken:
			depth++
		case closeToken:
			depth--
		case endToken:
			p.errorf(t.rng, `This block is not closed; write "}" at its end`)
			return
		}
	}
}
