package conf

import (
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"lvsd/internal/conf/keepalived"
)

// maxStatements bounds what dynamic blocks make of a file.
const maxStatements = 300_000

// parseHCL evaluates the HCL files of a configuration to the tree of keepalived's words that they
// spell. Their locals are common to all. Files that they name are read by way of from.
func parseHCL(sources []source, hostname string, from *reader) ([]*keepalived.Node, hcl.Diagnostics) {
	w := &hclWalk{limit: maxStatements, budget: newBudget(maxSteps), from: from}
	nodes, diags := w.files(hclFile(), sources, hostname)
	return nodes, inPlainKinds(diags)
}

func (w *hclWalk) files(schema *hclBlock, sources []source, hostname string) ([]*keepalived.Node, hcl.Diagnostics) {
	if diags := tooMuch(sources); diags.HasErrors() {
		return nil, diags
	}
	var bodies []*hclsyntax.Body
	var diags hcl.Diagnostics
	for _, s := range sources {
		body, more := parseBody(s)
		diags = append(diags, more...)
		bodies = append(bodies, body)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	l := newLocals(hostname, w.budget)
	rests := make([]hcl.Body, len(bodies))
	for i, body := range bodies {
		countBody(body, w.budget)
		rests[i] = l.take(body, w.functions(sources[i].path))
	}
	diags = append(diags, l.evalAll()...)
	var nodes []*keepalived.Node
	for i, rest := range rests {
		w.context = l.contexts[i]
		nodes = append(nodes, w.body(schema, dynblock.Expand(rest, w.context))...)
	}
	if w.budget.over() {
		return nil, hcl.Diagnostics{w.budget.problem()}
	}
	return nodes, append(diags, w.diags...)
}

// parseBody parses one file, as far as it keeps to the bounds.
func parseBody(s source) (*hclsyntax.Body, hcl.Diagnostics) {
	tokens, _ := hclsyntax.LexConfig(s.src, s.path, hcl.InitialPos)
	if diags := outOfBounds(tokens); diags.HasErrors() {
		return nil, diags
	}
	if diags := badEncoding(tokens); diags.HasErrors() {
		return nil, diags
	}
	bare := bareLabels(s.src, tokens)
	file, diags := hclsyntax.ParseConfig(s.src, s.path, hcl.InitialPos)
	if len(bare) > 0 {
		return nil, append(bare, elsewhere(diags, bare)...)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return file.Body.(*hclsyntax.Body), diags
}

// badEncoding reports the first piece that is no UTF-8, of which the parser of HCL makes several
// errors, or none. A comment may be in any encoding.
func badEncoding(tokens hclsyntax.Tokens) hcl.Diagnostics {
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenComment && !utf8.Valid(t.Bytes) {
			return hcl.Diagnostics{problem(hcl.DiagError, t.Range, "This is not valid UTF-8; save the file as UTF-8")}
		}
	}
	return nil
}

// elsewhere drops what HCL says of the lines that better tells about.
func elsewhere(diags, better hcl.Diagnostics) hcl.Diagnostics {
	lines := map[int]bool{}
	for _, d := range better {
		lines[d.Subject.Start.Line] = true
	}
	var kept hcl.Diagnostics
	for _, d := range diags {
		if d.Subject == nil || !lines[d.Subject.Start.Line] {
			kept = append(kept, d)
		}
	}
	return kept
}

// hclWalk turns bodies into nodes.
type hclWalk struct {
	context    *hcl.EvalContext
	budget     *budget
	from       *reader // nil is that no file may be read
	statements int
	limit      int // of statements
	diags      hcl.Diagnostics
}

// arguments are the names of all arguments of a block.
func (b *hclBlock) arguments() []string {
	names := slices.Concat(b.values, b.args, b.scripts, b.flags)
	for _, l := range b.lines {
		names = append(names, l.name)
	}
	return names
}

func (b *hclBlock) schema() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, name := range b.arguments() {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, child := range b.blocks {
		s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: child.name, LabelNames: child.block.labels})
	}
	return s
}

func (w *hclWalk) body(b *hclBlock, body hcl.Body) []*keepalived.Node {
	content, diags := body.Content(b.schema())
	w.diags = append(w.diags, diags...)
	var nodes []*keepalived.Node
	each := func(names []string, read func(*hcl.Attribute) []*keepalived.Node) {
		for _, name := range names {
			if a := content.Attributes[name]; a != nil {
				nodes = append(nodes, read(a)...)
			}
		}
	}
	each(b.values, w.value)
	each(b.args, w.arguments)
	each(b.scripts, w.script)
	each(b.flags, w.value)
	for i := range b.lines {
		if a := content.Attributes[b.lines[i].name]; a != nil {
			nodes = append(nodes, w.lines(a, &b.lines[i])...)
		}
	}
	for _, block := range content.Blocks {
		if w.budget.over() {
			return nil
		}
		if w.statements++; w.statements > w.limit {
			if w.statements == w.limit+1 {
				w.errorf(block.DefRange, "More than %d blocks; a dynamic block makes too many of them", w.limit)
			}
			return nodes
		}
		for _, child := range b.blocks {
			if child.name == block.Type {
				nodes = append(nodes, w.block(child.block, block))
			}
		}
	}
	return nodes
}

func (w *hclWalk) block(b *hclBlock, block *hcl.Block) *keepalived.Node {
	n := &keepalived.Node{
		Name:    canonical(block.Type),
		Keyword: keepalived.Word{Text: block.Type, Range: block.TypeRange},
		Block:   true,
		Range:   block.DefRange,
	}
	labels := make([]keepalived.Word, len(block.Labels))
	for i, text := range block.Labels {
		labels[i] = keepalived.Word{Text: text, Range: block.LabelRanges[i]}
	}
	n.Children = w.body(b, block.Body)
	switch {
	case block.Type == "url":
		n.Children = append(n.Children, statement("path", labels[0].Range, labels...))
	case block.Type == "virtual_server_group":
		n.Args, n.Children = labels, groupLines(n.Children)
	case b.line:
		n.Children = []*keepalived.Node{w.labelledLine(b, labels, n)}
	default:
		n.Args = labels
	}
	return n
}

// statement is a word with its values.
func statement(name string, at hcl.Range, args ...keepalived.Word) *keepalived.Node {
	return &keepalived.Node{
		Name:    canonical(name),
		Keyword: keepalived.Word{Text: name, Range: at},
		Args:    args,
		Range:   at,
	}
}
