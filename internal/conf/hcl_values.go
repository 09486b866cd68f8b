package conf

import (
	"math/big"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"lvsd/internal/conf/keepalived"
)

// value evaluates an argument with one value. A null is as if the argument were not written.
func (w *hclWalk) value(a *hcl.Attribute) []*keepalived.Node {
	v, ok := w.eval(a)
	if ok && v.IsNull() {
		return nil
	}
	n := statement(a.Name, a.Range)
	n.Keyword.Range = a.NameRange
	n.Broken = true
	if !ok {
		return []*keepalived.Node{n}
	}
	word, ok := scalar(v, a.Expr.Range())
	if !ok {
		w.errorf(a.Expr.Range(), "%s takes one value, not %s", a.Name, kindName(v))
		return []*keepalived.Node{n}
	}
	n.Args = []keepalived.Word{word}
	n.Broken = false
	return []*keepalived.Node{n}
}

func (w *hclWalk) errorf(at hcl.Range, format string, args ...any) {
	w.diags = append(w.diags, problem(hcl.DiagError, at, format, args...))
}

// eval evaluates an argument. It is false where the value is not known, for an error that is
// reported here or was reported of a local that it refers to.
func (w *hclWalk) eval(a *hcl.Attribute) (cty.Value, bool) {
	v, diags := a.Expr.Value(w.context)
	w.diags = append(w.diags, diags...)
	return v, !diags.HasErrors() && v.IsWhollyKnown()
}

// scalar writes a string, a number or a truth value as keepalived.conf would have it.
func scalar(v cty.Value, at hcl.Range) (keepalived.Word, bool) {
	if v.IsNull() {
		return keepalived.Word{}, false
	}
	switch v.Type() {
	case cty.String:
		return keepalived.Word{Text: v.AsString(), Range: at}, true
	case cty.Number:
		return keepalived.Word{Text: number(v.AsBigFloat()), Range: at}, true
	case cty.Bool:
		return keepalived.Word{Text: strconv.FormatBool(v.True()), Range: at}, true
	}
	return keepalived.Word{}, false
}

// number writes a number in decimal. One that no word takes is written short, not with all of its
// billion digits.
func number(f *big.Float) string {
	if i, accuracy := f.Int64(); accuracy == big.Exact {
		return strconv.FormatInt(i, 10)
	}
	v, _ := f.Float64()
	if text := strconv.FormatFloat(v, 'f', -1, 64); len(text) < 32 {
		return text
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
