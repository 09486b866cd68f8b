package conf

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxChain bounds how many locals refer to one another in a row: they are evaluated recursively.
const maxChain = 1000

// locals evaluates the arguments of all locals blocks of all files, each after those that it refers
// to.
type locals struct {
	common   *hcl.EvalContext // of all files
	contexts []*hcl.EvalContext
	attrs    map[string]local
	values   map[string]cty.Value
	open     []string // the chain of names being evaluated
	diags    hcl.Diagnostics
}

// local is an argument of a locals block, and the context of its file.
type local struct {
	*hcl.Attribute
	context *hcl.EvalContext
}

func newLocals(hostname string, b *budget) *locals {
	return &locals{
		common: &hcl.EvalContext{
			Functions: hclFunctions(b),
			Variables: map[string]cty.Value{"hostname": cty.StringVal(hostname)},
		},
		attrs:  map[string]local{},
		values: map[string]cty.Value{},
	}
}

// take takes the locals blocks out of a file's body, and returns what is left. The file's context
// has functions of its own.
func (l *locals) take(body hcl.Body, own map[string]function.Function) hcl.Body {
	context := l.common.NewChild()
	context.Functions = own
	l.contexts = append(l.contexts, context)
	content, rest, diags := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "locals"}}})
	l.diags = append(l.diags, diags...)
	for _, block := range content.Blocks {
		attrs, more := block.Body.JustAttributes()
		l.diags = append(l.diags, more...)
		for name, attribute := range attrs {
			a := local{attribute, context}
			if other, twice := l.attrs[name]; twice {
				if before(a.NameRange, other.NameRange) {
					a, other = other, a
				}
				l.diags = append(l.diags, problem(hcl.DiagError, a.NameRange, "local.%s stands at %s already; give it another name", name, place(other.NameRange)))
				continue
			}
			l.attrs[name] = a
		}
	}
	return rest
}

// evalAll evaluates what was taken. The contexts have it then.
func (l *locals) evalAll() hcl.Diagnostics {
	for _, name := range slices.Sorted(maps.Keys(l.attrs)) {
		l.eval(name)
	}
	l.common.Variables["local"] = cty.ObjectVal(l.values)
	return l.diags
}

// before says whether a stands before b in one file. Of two files the one read first is first.
func before(a, b hcl.Range) bool { return a.Filename == b.Filename && a.Start.Byte < b.Start.Byte }

// eval puts the value of one name into values, DynamicVal where it has none.
func (l *locals) eval(name string) {
	if _, done := l.values[name]; done {
		return
	}
	a := l.attrs[name]
	if at := slices.Index(l.open, name); at >= 0 {
		chain := append(slices.Clone(l.open[at:]), name)
		l.diags = append(l.diags, problem(hcl.DiagError, a.NameRange, "local.%s refers to itself: %s", name, strings.Join(chain, " → ")))
		l.values[name] = cty.DynamicVal
		return
	}
	if len(l.open) == maxChain {
		l.diags = append(l.diags, problem(hcl.DiagError, a.NameRange, "More than %d locals that refer to one another", maxChain))
		l.values[name] = cty.DynamicVal
		return
	}
	l.open = append(l.open, name)
	named := map[string]cty.Value{} // the locals that it refers to
	for _, t := range a.Expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		to, ok := "", false
		if len(t) > 1 {
			to, ok = attributeName(t[1])
		}
		switch {
		case !ok:
			l.diags = append(l.diags, problem(hcl.DiagError, t.SourceRange(), "Within locals another one is named as local.NAME"))
			l.values[name] = cty.DynamicVal
		case l.attrs[to].Attribute != nil:
			l.eval(to)
			if v, done := l.values[to]; done {
				named[to] = v
			}
		}
	}
	l.open = l.open[:len(l.open)-1]
	if _, refused := l.values[name]; refused {
		return
	}
	l.common.Variables["local"] = cty.ObjectVal(named)
	value, diags := a.Expr.Value(a.context)
	l.diags = append(l.diags, diags...)
	if diags.HasErrors() {
		value = cty.DynamicVal
	}
	l.values[name] = value
}

// attributeName is the name in .name or ["name"].
func attributeName(step hcl.Traverser) (string, bool) {
	switch s := step.(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String {
			return s.Key.AsString(), true
		}
	}
	return "", false
}
