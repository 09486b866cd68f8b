package conf

import (
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Hostnames returns the names of nodes that a file tells apart, sorted: in HCL what it compares
// hostname with or looks up by it, in keepalived.conf the names of @ lines (included files are
// not looked at). A file that cannot be read or parsed names none: Load says why.
func Hostnames(path string, o Options) []string {
	sources, _ := o.sources(path, newReader())
	var names []string
	if len(sources) > 0 && o.isHCL(sources[0].path) {
		names = hclHostnames(sources)
	} else if len(sources) > 0 {
		for _, match := range condition.FindAllSubmatch(sources[0].src, -1) {
			names = append(names, string(match[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// condition is the start of a line that keepalived.conf has for some nodes only.
var condition = regexp.MustCompile(`(?m)^[ \t]*@\^?([A-Za-z0-9_.-]+)`)

func hclHostnames(sources []source) []string {
	if tooMuch(sources).HasErrors() {
		return nil
	}
	h := hostnames{locals: map[string]hclsyntax.Expression{}}
	var bodies []*hclsyntax.Body
	for _, s := range sources {
		body, diags := parseBody(s)
		if diags.HasErrors() {
			continue
		}
		bodies = append(bodies, body)
		for _, block := range body.Blocks {
			if block.Type == "locals" {
				for name, a := range block.Body.Attributes {
					h.locals[name] = a.Expr
				}
			}
		}
	}
	for _, body := range bodies {
		// The walk has no error of its own.
		_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			h.visit(n)
			return nil
		})
	}
	return h.names
}

type hostnames struct {
	locals map[string]hclsyntax.Expression
	names  []string
}

func (h *hostnames) visit(n hclsyntax.Node) {
	switch e := n.(type) {
	case *hclsyntax.BinaryOpExpr: // hostname == "lb1"
		for _, side := range [][2]hclsyntax.Expression{{e.LHS, e.RHS}, {e.RHS, e.LHS}} {
			if (e.Op == hclsyntax.OpEqual || e.Op == hclsyntax.OpNotEqual) && isHostname(side[0]) {
				h.literal(side[1])
			}
		}
	case *hclsyntax.FunctionCallExpr: // lookup({ lb1 = 150 }, hostname), contains(["lb1"], hostname)
		if len(e.Args) > 1 && isHostname(e.Args[1]) {
			h.keys(e.Args[0])
		}
	case *hclsyntax.IndexExpr: // { lb1 = 150 }[hostname]
		if isHostname(e.Key) {
			h.keys(e.Collection)
		}
	}
}

// keys takes the keys of an object or the elements of a list, written here or as a local.
func (h *hostnames) keys(e hclsyntax.Expression) {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			h.literal(item.KeyExpr)
		}
	case *hclsyntax.TupleConsExpr:
		for _, element := range e.Exprs {
			h.literal(element)
		}
	case *hclsyntax.ScopeTraversalExpr:
		if len(e.Traversal) != 2 || e.Traversal.RootName() != "local" {
			return
		}
		name, _ := e.Traversal[1].(hcl.TraverseAttr)
		if _, again := h.locals[name.Name].(*hclsyntax.ScopeTraversalExpr); !again && h.locals[name.Name] != nil {
			h.keys(h.locals[name.Name])
		}
	}
}

func (h *hostnames) literal(e hclsyntax.Expression) {
	if v, diags := e.Value(nil); !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		h.names = append(h.names, v.AsString())
	}
}

func isHostname(e hclsyntax.Expression) bool {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	return ok && len(t.Traversal) == 1 && t.Traversal.RootName() == "hostname"
}
