package conf

import (
	"math/big"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// counted is an expression whose evaluation is paid for from a budget, as if it stood in
// parentheses, which the walk for its variables passes through.
type counted struct {
	*hclsyntax.ParenthesesExpr
	budget *budget
	// element is the price of an element of the value, or a byte of a string, beside reading it.
	element int
	// passes is how often the value is read or written more than once.
	passes int
	// made says that the value is a tuple or object of values that were counted one by one.
	made bool
	// uniform has the value made a list or map if it can be one, before a common type is sought
	// for it and for another value.
	uniform bool
	// text has a number written out, as a template or tostring does, but faster.
	text bool
}

// Value evaluates the expression. Over budget there is no value and no diagnostic: the budget has
// the one that counts.
func (e *counted) Value(context *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	b := e.budget
	if !b.spend(stepsExpression) {
		b.locate(e.SrcRange)
		return cty.DynamicVal, nil
	}
	v, diags := e.Expression.Value(context)
	ok := b.spend(len(diags) * stepsError)
	if left := b.left; e.made && e.passes == 0 {
		ok = ok && b.collection(v)
	} else {
		ok = ok && b.value(v, 0)
		if ok && v.Type() != cty.Number {
			ok = b.spend(e.passes * (left - b.left))
		}
	}
	if ok && e.uniform {
		v = b.uniform(v)
		ok = !b.over()
	}
	if ok && e.text && known(v) && v.Type() == cty.Number {
		if i, accuracy := v.AsBigFloat().Int64(); accuracy == big.Exact {
			v = cty.StringVal(strconv.FormatInt(i, 10))
		} else {
			ok = b.spend(4 * stepsPrinted)
		}
	}
	switch {
	case !ok || e.element == 0 || !known(v):
	case v.Type() == cty.String:
		ok = b.spend(len(v.AsString()) * e.element)
	case v.CanIterateElements():
		ok = b.spend(v.LengthInt() * e.element)
	}
	if !ok {
		b.locate(e.SrcRange)
		return cty.DynamicVal, nil
	}
	return v, diags
}

// UnwrapExpression lets HCL see what kind of expression this is.
func (e *counted) UnwrapExpression() hcl.Expression { return e.Expression }

// countBody puts all expressions of a body on a budget.
func countBody(body *hclsyntax.Body, b *budget) {
	for _, a := range body.Attributes {
		a.Expr = count(a.Expr, b)
	}
	for _, block := range body.Blocks {
		countBody(block.Body, b)
		if each := block.Body.Attributes["for_each"]; each != nil && block.Type == "dynamic" {
			if list, ok := each.Expr.(*counted); ok {
				list.element = stepsBlock
			}
		}
	}
}

// count puts an expression and those within it on a budget.
func count(e hclsyntax.Expression, b *budget) hclsyntax.Expression {
	switch e := e.(type) {
	case nil:
		return nil
	case *hclsyntax.AnonSymbolExpr, *hclsyntax.ExprSyntaxError:
		return e
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() != cty.Number {
			return e
		}
	default:
		countWithin(e, b)
	}
	c := &counted{ParenthesesExpr: &hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.Range()}, budget: b}
	switch e.(type) {
	case *hclsyntax.FunctionCallExpr:
		c.passes = resultPasses
	case *hclsyntax.ForExpr, *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr:
		c.made = true
	}
	return c
}

func countAll(list []hclsyntax.Expression, b *budget) {
	for i := range list {
		list[i] = count(list[i], b)
	}
}

func countWithin(e hclsyntax.Expression, b *budget) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		e.Expression = count(e.Expression, b)
	case *hclsyntax.RelativeTraversalExpr:
		e.Source = countOperand(e.Source, b)
	case *hclsyntax.FunctionCallExpr:
		countAll(e.Args, b)
		for _, a := range e.Args {
			if c, ok := a.(*counted); ok {
				c.passes = argumentPasses
				c.text = e.Name == "tostring"
			}
		}
	case *hclsyntax.ConditionalExpr:
		e.Condition = count(e.Condition, b)
		e.TrueResult = count(e.TrueResult, b)
		e.FalseResult = count(e.FalseResult, b)
		for _, result := range []hclsyntax.Expression{e.TrueResult, e.FalseResult} {
			if c, ok := result.(*counted); ok {
				c.uniform, c.passes = true, resultPasses
			}
		}
	case *hclsyntax.IndexExpr:
		e.Collection = countOperand(e.Collection, b)
		e.Key = count(e.Key, b)
	case *hclsyntax.TupleConsExpr:
		countAll(e.Exprs, b)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			e.Items[i].KeyExpr = count(e.Items[i].KeyExpr, b)
			e.Items[i].ValueExpr = count(e.Items[i].ValueExpr, b)
		}
	case *hclsyntax.ObjectConsKeyExpr:
		// A bare name is a name, not a variable.
		if hcl.ExprAsKeyword(e) == "" {
			if _, bare := e.Wrapped.(*hclsyntax.ScopeTraversalExpr); !bare {
				e.Wrapped = count(e.Wrapped, b)
			}
		}
	case *hclsyntax.ForExpr:
		e.CollExpr = count(e.CollExpr, b)
		e.KeyExpr = count(e.KeyExpr, b)
		if key, ok := e.KeyExpr.(*counted); ok {
			key.element = 1 // it is in the error of a key that occurs twice
		}
		e.ValExpr = count(e.ValExpr, b)
		e.CondExpr = count(e.CondExpr, b)
	case *hclsyntax.SplatExpr:
		e.Source = count(e.Source, b)
		e.Each = count(e.Each, b)
	case *hclsyntax.TemplateExpr:
		countAll(e.Parts, b)
		for _, part := range e.Parts {
			if c, ok := part.(*counted); ok {
				c.text = true
			}
		}
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = count(e.Tuple, b)
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped = count(e.Wrapped, b)
	case *hclsyntax.BinaryOpExpr:
		e.LHS = count(e.LHS, b)
		e.RHS = count(e.RHS, b)
		for _, operand := range []hclsyntax.Expression{e.LHS, e.RHS} {
			if c, ok := operand.(*counted); ok {
				c.passes = argumentPasses
			}
		}
	case *hclsyntax.UnaryOpExpr:
		e.Val = count(e.Val, b)
	}
}

// countOperand is count for what an index or attribute is taken from, which is not read as a whole.
func countOperand(e hclsyntax.Expression, b *budget) hclsyntax.Expression {
	if _, named := e.(*hclsyntax.ScopeTraversalExpr); named {
		return e
	}
	return count(e, b)
}
