package keepalived

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Bounds on what is read. A file outside of them is refused with an error that names the bound.
const (
	maxLine     = 64 << 10 // bytes in a line
	maxProblems = 1000     // after these a file is not read any further

	maxStatements = 1_000_000 // in all files, with those that definitions and loops make
)

// Source reads the files of a configuration. Includes are refused where it is nil.
type Source interface {
	// Read returns the bytes of a file, or an error that names it.
	Read(path string) ([]byte, error)
}

// Options are what a configuration is read with.
type Options struct {
	// Source reads included files; nil is that none may be included.
	Source Source
	// Hostname is the node's; it may have a domain.
	Hostname string
	// Instance is what @NAME lines are compared with, and $_INSTANCE: keepalived's option -i.
	// Where it is empty it is Hostname up to its first dot.
	Instance string
}

// Tree is what a configuration was found to say.
type Tree struct {
	// Nodes is whole except for the statements that an error is about; a caller may look for more
	// errors in it, but must not use it.
	Nodes []*Node
	Diags hcl.Diagnostics
	// Includes tells that a statement includes files, if there are any.
	Includes bool

	expanded map[hcl.Range]*expansion
}

// Parse reads a file and all that it includes.
func Parse(name string, src []byte, o Options) *Tree {
	p := &parser{table: newTable(), from: o.Source, files: 1, expanded: map[hcl.Range]*expansion{}, told: map[*keyword]*remark{},
		texts: map[string]string{}}
	instance, _, _ := strings.Cut(o.Hostname, ".")
	if o.Instance != "" {
		instance = o.Instance
	}
	p.x = &expander{instance: instance, names: map[string]*definition{}, asked: map[string]bool{}, report: p.report}
	t := &Tree{Nodes: p.file(name, string(src), p.table), expanded: p.expanded}
	p.finish()
	t.Diags, t.Includes = p.diags, p.includes
	t.Explain(t.Diags)
	return t
}

// Explain adds to problems with what a definition or a loop has made where that is used.
func (t *Tree) Explain(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Subject == nil || d.Detail != "" {
			continue
		}
		if by := t.expanded[*d.Subject]; by != nil && by.use != *d.Subject {
			d.Detail = fmt.Sprintf("in the expansion of %s at %s:%d:%d", by.name, by.use.Filename, by.use.Start.Line, by.use.Start.Column)
		}
	}
}

type parser struct {
	*stream // the file that is read
	table   *keyword
	x       *expander
	from    Source
	open    []string // the files being read, each included by the one before
	files   int      // files read so far
	// includes tells that a statement included files, or tried to.
	includes bool
	// statementCount is how many statements were read so far.
	statementCount int
	diags          hcl.Diagnostics
	back           []token // tokens to read again, the last one first
	quiet          int     // blocks around this one whose keyword is not implemented
	told           map[*keyword]*remark
	expanded       map[hcl.Range]*expansion

	nodes []Node // room for nodes
	words []Word // room for arguments

	texts map[string]string // of arguments
}

// kept is a text that holds on to nothing but itself: one word of a file that is kept would keep all of the file.
// Those that are equal are one.
func (p *parser) kept(text string) string {
	own, ok := p.texts[text]
	if !ok {
		own = strings.Clone(text)
		p.texts[own] = own
	}
	return own
}

func (p *parser) errorf(at hcl.Range, format string, args ...any) {
	p.report(hcl.DiagError, at, format, args...)
}

func (p *parser) report(severity hcl.DiagnosticSeverity, at hcl.Range, format string, args ...any) {
	if p.full() {
		return
	}
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: severity, Summary: fmt.Sprintf(format, args...), Subject: &at})
	if len(p.diags) == maxProblems {
		p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Subject: &at,
			Summary: fmt.Sprintf("More than %d problems; correct those above first", maxProblems)})
		p.x.spent = true
	}
}

func (p *parser) full() bool { return len(p.diags) > maxProblems }

// file parses one file whose statements stand in the block of in.
func (p *parser) file(name, src string, in *keyword) []*Node {
	outer := p.stream
	p.stream = newStream(name, src, p.x)
	p.open = append(p.open, name)
	defer func() {
		p.stream = outer
		p.open = p.open[:len(p.open)-1]
	}()
	if at, what := unreadable(name, src); what != "" {
		p.errorf(at, "%s", what)
		return nil
	}
	return p.statements(in, nil).children
}

// unreadable finds what no line of a text file holds.
func unreadable(name, src string) (hcl.Range, string) {
	at := func(line, offset, n int) hcl.Range {
		start := hcl.Pos{Line: line, Column: 1, Byte: offset}
		return hcl.Range{Filename: name, Start: start, End: hcl.Pos{Line: line, Column: 1 + n, Byte: offset + n}}
	}
	if nul := strings.IndexByte(src, 0); nul >= 0 {
		start := strings.LastIndexByte(src[:nul], '\n') + 1
		return at(1+strings.Count(src[:nul], "\n"), start, 0), "This line holds a NUL byte; a configuration is a text file"
	}
	line, offset := 1, 0
	for offset < len(src) {
		n := strings.IndexByte(src[offset:], '\n') + 1
		if n == 0 {
			n = len(src) - offset
		}
		if n > maxLine {
			return at(line, offset, 1), fmt.Sprintf("This line has %d bytes; a line has at most %d", n, maxLine)
		}
		offset += n
		line++
	}
	return hcl.Range{}, ""
}

// token is the next token that is not read again.
func (p *parser) token() token {
	if n := len(p.back); n > 0 {
		t := p.back[n-1]
		p.back = p.back[:n-1]
		return t
	}
	t := p.stream.next()
	if t.from != nil {
		p.expand(t.rng, t.from)
	}
	return t
}

// expand remembers that what stands at a place is made by an expansion.
func (p *parser) expand(at hcl.Range, by *expansion) {
	if p.expanded[at] == nil {
		p.expanded[at] = by
	}
}

// unread lets a token be read again.
func (p *parser) unread(t token) { p.back = append(p.back, t) }

// node is a new node of a statement that a token begins.
func (p *parser) node(first token) *Node {
	if len(p.nodes) == 0 {
		p.nodes = make([]Node, 256)
	}
	if p.statementCount++; p.statementCount > maxStatements && !p.x.spent {
		p.x.spent = true
		p.errorf(first.rng, "More than %d statements; nothing behind this is read", maxStatements)
	}
	n := &p.nodes[0]
	p.nodes = p.nodes[1:]
	n.Keyword, n.Range = Word{Text: first.text, Range: first.rng}, first.rng
	return n
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
		switch t := p.token(); t.kind {
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
			before := len(b.children)
			b.children = p.statement(b.children, in, t)
			if len(b.children) == before {
				b.tail = lead // of a statement that is left out: they may be about more than it
			} else if len(lead) > 0 {
				n := b.children[before]
				n.Lead = append(lead, n.Lead...)
			}
		}
	}
	return b
}

// follows says whether a comment stands behind a statement on the same line.
func follows(n *Node, c Comment) bool {
	return n.Trail == nil && n.Range.Filename == c.Range.Filename && n.Range.End.Line == c.Range.Start.Line
}

// statement parses what the word first begins and adds it to the nodes before it: one node, those
// of an included file, or none where it is refused.
func (p *parser) statement(before []*Node, in *keyword, first token) []*Node {
	if check, ok := includes(first); ok {
		return append(before, p.include(in, first, check)...)
	}
	n := p.node(first)
	known := in.find(first.text)
	if in.lines > 0 {
		known = nil
	}
	sound := p.sound(first)
	sound = p.readArguments(n, first, known != nil && known.script) && sound
	if in.lines > 0 {
		n.Broken = !sound
		p.line(in, n)
		return append(before, n)
	}
	if known == nil {
		p.unknown(in, n)
		p.skipOwnBlock()
		return before
	}
	n.Name = known.name
	if known.command && sound {
		p.splitCommand(n)
	}
	if known.notify && sound && len(n.Args) > 0 {
		p.splitNotify(n)
	}
	p.arguments(known, n)
	if known.class != implemented {
		p.quiet++
	}
	switch known.block {
	case noBlock:
		if t := p.token(); t.kind == openToken {
			p.errorf(t.rng, "%q takes no block; write %s", n.Keyword.Text, known.usage)
			p.skipBlock(t)
		} else {
			p.unread(t)
		}
	case mayBlock, mustBlock:
		p.ownBlock(known, n)
	}
	n.Broken = n.Broken || !sound
	if known.class != implemented {
		p.quiet--
		p.remark(known, n)
		return before
	}
	return append(before, n)
}

// readArguments reads the words behind first, up to the end of the line or a brace.
func (p *parser) readArguments(n *Node, first token, script bool) (sound bool) {
	sound = true
	start := len(p.words)
	last := first
	for {
		var t token
		quoted := false
		if script && len(p.back) == 0 {
			t, quoted = p.scriptWord()
		}
		if !quoted {
			t = p.token()
		}
		if t.kind != wordToken {
			p.unread(t)
			break
		}
		sound = p.sound(t) && sound
		if len(p.words) == cap(p.words) {
			p.words = append(make([]Word, 0, max(1024, 2*(len(p.words)-start))), p.words[start:]...)
			start = 0
		}
		p.words = append(p.words, Word{Text: p.kept(t.text), Range: t.rng})
		last = t
	}
	if len(p.words) > start {
		n.Args = p.words[start:len(p.words):len(p.words)]
	}
	n.Range = p.between(first, last)
	return sound
}

// between is the range from one token to another of the same line.
func (p *parser) between(first, last token) hcl.Range {
	r := first.rng
	same := first.rng.Filename == last.rng.Filename && first.rng.End.Line == last.rng.Start.Line && first.rng.Start.Byte <= last.rng.Start.Byte
	by := first.from
	if by == nil {
		by = last.from
	}
	switch {
	case same:
		r.End = last.rng.End
	case first.from != nil:
		r = first.from.use
	case last.from != nil && last.from.use.Filename == r.Filename && last.from.use.Start.Line == r.End.Line:
		r.End = last.from.use.End
	}
	if by != nil {
		p.expand(r, by)
	}
	return r
}

func (p *parser) sound(t token) bool {
	if t.fault != "" {
		p.errorf(t.rng, "%s", t.fault)
	}
	return t.fault == ""
}

func (p *parser) arguments(k *keyword, n *Node) {
	if len(n.Args) < k.min {
		n.Broken = true
		p.errorf(n.Range, "%q needs a value; write %s", n.Keyword.Text, k.usage)
		return
	}
	// What words that are not implemented have behind them is not looked at.
	if k.class == implemented && p.quiet == 0 {
		n.Args = p.options(k, n, n.Args, k.max)
	}
}

// line checks the words of a plain line.
func (p *parser) line(in *keyword, n *Node) {
	n.Args = p.options(in, n, n.Args, max(in.lines-1, 0))
}
