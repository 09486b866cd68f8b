package conf

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxSteps bounds the evaluation of one file. A step is one element of one value at one expression
// that meets it, which takes some 100 ns and some 50 bytes; what takes more counts as more steps.
const maxSteps = 32_000_000

// maxString bounds a string, in bytes.
const maxString = 64 << 10

// maxExponent bounds a number: between 2^-256 and 2^256, or zero. HCL's numbers have exponents of
// 32 bits, and written out such a number is a text of a billion digits.
const maxExponent = 256

// maxDepth bounds lists and objects within one another, on which cty recurses.
const maxDepth = 100

// Steps that count for more than one element.
const (
	stepsExpression = 4   // evaluating any expression
	stepsObject     = 4   // a map of its own, for the type as well
	stepsError      = 100 // a diagnostic with its context
	stepsBlock      = 50  // a block that a dynamic block makes
	stepsSorted     = 20  // an element of a set, which is sorted at each reading
	stepsHashed     = 20  // the same for lists or objects in a set, times stepsSorted
	stepsFraction   = 8   // a number with binary digits by the hundred
	stepsPrinted    = 50  // a number written out by a function
	stepsType       = 4   // a type that stands for a value
)

// A function reads its arguments several times over before it looks at them, and its result is made
// of smaller parts than it has elements.
const (
	argumentPasses = 3
	resultPasses   = 1
)

// budget is what the evaluation of one file may still take. Once it is overdrawn no expression is
// evaluated any more, and the file is refused for that one reason.
type budget struct {
	whole  int // steps
	left   int
	excess string // what was too much
	at     hcl.Range
}

func newBudget(steps int) *budget { return &budget{whole: steps, left: steps} }

func (b *budget) over() bool { return b.excess != "" }

// locate says where the excess was found, if it was just now.
func (b *budget) locate(at hcl.Range) {
	if b.at.Filename == "" && b.at.Start.Line == 0 {
		b.at = at
	}
}

func (b *budget) err() error {
	if b.over() {
		return errors.New(b.excess)
	}
	return nil
}

func (b *budget) problem() *hcl.Diagnostic { return problem(hcl.DiagError, b.at, "%s", b.excess) }

// spend says whether n more steps can be taken.
func (b *budget) spend(n int) bool {
	if b.over() {
		return false
	}
	if n > b.left {
		return b.refuse("The expressions of this file take more than %d steps; make lists shorter or nest fewer of them", b.whole)
	}
	b.left -= n
	return true
}

func (b *budget) refuse(format string, args ...any) bool {
	if !b.over() {
		b.excess = fmt.Sprintf(format, args...)
	}
	return false
}

// value counts a value with all that is in it. A value that occurs twice counts twice, even if it
// is in memory once: what works on values does not see that.
func (b *budget) value(v cty.Value, depth int) bool {
	if depth > maxDepth {
		return b.refuse("More than %d lists or objects within one another", maxDepth)
	}
	t := v.Type()
	switch {
	case !v.IsKnown() || v.IsNull():
		return b.typeOf(t, depth)
	case t == cty.String:
		return b.text(v.AsString())
	case t == cty.Number:
		return b.number(v.AsBigFloat())
	case !v.CanIterateElements():
		return b.spend(1)
	case v.LengthInt() == 0:
		return b.typeOf(t, depth)
	case !b.collection(v):
		return false
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, element := it.Element(); !b.value(element, depth+1) {
			return false
		}
	}
	return true
}

// collection counts a value without what is in it.
func (b *budget) collection(v cty.Value) bool {
	t, steps := v.Type(), 1
	if known(v) && v.CanIterateElements() {
		n := v.LengthInt()
		switch {
		case t.IsSetType() && t.ElementType().IsPrimitiveType():
			steps += stepsSorted * n
		case t.IsSetType():
			steps += stepsSorted * stepsHashed * n
		case t.IsTupleType() || t.IsListType():
			steps += n
		default:
			steps += stepsObject + n
		}
	}
	return b.spend(steps)
}

// typeOf counts the type of a value that has no elements to stand for it.
func (b *budget) typeOf(t cty.Type, depth int) bool {
	if depth > maxDepth {
		return b.refuse("More than %d lists or objects within one another", maxDepth)
	}
	if !b.spend(stepsType) {
		return false
	}
	switch {
	case t.IsCollectionType():
		return b.typeOf(t.ElementType(), depth+1)
	case t.IsTupleType():
		for _, element := range t.TupleElementTypes() {
			if !b.typeOf(element, depth+1) {
				return false
			}
		}
	case t.IsObjectType():
		for _, attribute := range t.AttributeTypes() {
			if !b.spend(stepsObject) || !b.typeOf(attribute, depth+1) {
				return false
			}
		}
	}
	return true
}

// text counts a string. One that reads as a number is held to the bounds of numbers: operators and
// functions take it for one.
func (b *budget) text(s string) bool {
	if len(s) > maxString {
		return b.refuse("A string has at most %d bytes", maxString)
	}
	if !b.spend(1 + len(s)/8) {
		return false
	}
	if strings.TrimLeft(s, "+-.0123456789") == s || strings.Trim(s, "+-.0123456789eEpP_") != "" {
		return true
	}
	if len(s) > 2*maxNumber {
		return b.refuse("A number has at most %d digits", maxNumber)
	}
	f, _, err := big.ParseFloat(s, 10, 512, big.ToNearestEven)
	return err != nil || b.number(f)
}

func (b *budget) number(f *big.Float) bool {
	if e := f.MantExp(nil); e > maxExponent || e < -maxExponent {
		return b.refuse("A number is too large or too small; the largest is about 1e77")
	}
	if f.IsInt() {
		return b.spend(2)
	}
	return b.spend(stepsFraction)
}
