package conf

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

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
		w.errorf(a.Expr.Range(), "%s takes one value, not %s", a.Name, v.Type().FriendlyName())
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

// list evaluates an argument with a list of values to the node that keepalived has for it.
func (w *hclWalk) list(a *hcl.Attribute) []*keepalived.Node {
	v, ok := w.eval(a)
	if ok && v.IsNull() {
		return nil
	}
	n := statement(a.Name, a.Range)
	n.Keyword.Range = a.NameRange
	var elements []cty.Value
	var ranges []hcl.Range
	if ok {
		elements, ranges, ok = w.elements(a, v)
	}
	n.Broken = !ok
	for i, e := range elements {
		at := ranges[i]
		switch a.Name {
		case "status_code":
			if word, ok := w.element(a, e, at); ok {
				for _, text := range strings.Fields(word.Text) {
					n.Args = append(n.Args, keepalived.Word{Text: text, Range: at})
				}
				if strings.TrimSpace(word.Text) == "" {
					n.Args = append(n.Args, word)
				}
			}
		case "virtual_ipaddress":
			if line, ok := w.address(a, e, at); ok {
				n.Children = append(n.Children, line)
			}
		default:
			if word, ok := w.element(a, e, at); ok {
				n.Children = append(n.Children, &keepalived.Node{Keyword: word, Range: at})
			}
		}
	}
	return []*keepalived.Node{n}
}

// elements are the values of a list with their ranges, which are those of the expression that
// makes the list where its elements are not written one by one. A status_code may be alone.
func (w *hclWalk) elements(a *hcl.Attribute, v cty.Value) ([]cty.Value, []hcl.Range, bool) {
	whole := a.Expr.Range()
	if _, single := scalar(v, whole); single && a.Name == "status_code" {
		return []cty.Value{v}, []hcl.Range{whole}, true
	}
	if t := v.Type(); !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		w.errorf(whole, "%s takes a list, not %s; write [ … ]", a.Name, t.FriendlyName())
		return nil, nil, false
	}
	elements := v.AsValueSlice()
	written, diags := hcl.ExprList(a.Expr)
	ranges := make([]hcl.Range, len(elements))
	for i := range ranges {
		ranges[i] = whole
		if !diags.HasErrors() && len(written) == len(elements) {
			ranges[i] = written[i].Range()
		}
	}
	return elements, ranges, true
}

func (w *hclWalk) element(a *hcl.Attribute, v cty.Value, at hcl.Range) (keepalived.Word, bool) {
	word, ok := scalar(v, at)
	if !ok {
		w.errorf(at, "An element of %s is one value, not %s", a.Name, kindName(v))
	}
	return word, ok
}

func kindName(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return v.Type().FriendlyName()
}

// address is one element of virtual_ipaddress: a string, or an object with the address and what
// keepalived.conf has behind it on the line.
func (w *hclWalk) address(a *hcl.Attribute, v cty.Value, at hcl.Range) (*keepalived.Node, bool) {
	if t := v.Type(); v.IsNull() || !t.IsObjectType() && !t.IsMapType() {
		word, ok := w.element(a, v, at)
		return &keepalived.Node{Keyword: word, Range: at}, ok
	}
	n := &keepalived.Node{Range: at}
	known := []string{"address", "dev", "label", "scope"}
	sound := true
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		name := key.AsString()
		word, isScalar := scalar(value, at)
		switch {
		case !slices.Contains(known, name):
			hint := ""
			if near := keepalived.Nearest(name, known); near != "" {
				hint = "; did you mean \"" + near + "\"?"
			}
			w.errorf(at, "Unknown keyword %q in virtual_ipaddress%s", name, hint)
			sound = false
		case value.IsNull():
		case !isScalar:
			w.errorf(at, "The %s of a virtual_ipaddress is one value, not %s", name, kindName(value))
			sound = false
		case name == "address":
			n.Keyword = word
		default:
			n.Args = append(n.Args, keepalived.Word{Text: name, Range: at}, word)
		}
	}
	if sound && n.Keyword.Text == "" {
		w.errorf(at, `This virtual_ipaddress has no address; write address = "192.168.2.11/24"`)
		sound = false
	}
	return n, sound
}
