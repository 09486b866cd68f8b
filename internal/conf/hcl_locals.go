package conf

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxChain bounds how many locals refer to one another in a row: they are evaluated recursively.
const maxChain = 1000

// locals evaluates the arguments of all locals blocks, each after those that it refers to.
type locals struct {
	context *hcl.EvalContext
	attrs   map[string]*hcl.Attribute
	values  map[string]cty.Value
	open    []string // the chain of names being evaluated
	diags   hcl.Diagnostics
}

// evalLocals takes the locals blocks out of a body. What is left of the body can be evaluated in
// the context it returns.
func evalLocals(body hcl.Body, hostname string, b *budget) (hcl.Body, *hcl.EvalContext, hcl.Diagnostics) {
	content, rest, diags := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "locals"}}})
	l := &locals{
		context: &hcl.EvalContext{
			Functions: hclFunctions(b),
			Variables: map[string]cty.Value{"hostname": cty.StringVal(hostname)},
		},
		attrs:  map[string]*hcl.Attribute{},
		values: map[string]cty.Value{},
		diags:  diags,
	}
	for _, block := range content.Blocks {
		attrs, more := block.Body.JustAttributes()
		l.diags = append(l.diags, more...)
		for name, a := range attrs {
			if other := l.attrs[name]; other != nil {
				if before(a.NameRange, other.NameRange) {
					a, other = other, a
				}
				l.diags = append(l.diags, problem(hcl.DiagError, a.NameRange, "local.%s stands at %s already; give it another name", name, place(other.NameRange)))
				continue
			}
			l.attrs[name] = a
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.attrs)) {
		l.eval(name)
	}
	l.context.Variables["local"] = cty.ObjectVal(l.values)
	return rest, l.context, l.diags
}

func before(a, b hcl.Range) bool { return a.Start.Byte < b.Start.Byte }

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
		case l.attrs[to] != nil:
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
	l.context.Variables["local"] = cty.ObjectVal(named)
	value, diags := a.Expr.Value(l.context)
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
