package conf

import (
	"fmt"
	"math/big"
	regex "regexp/syntax"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// maxPattern bounds a regular expression, in bytes.
const maxPattern = 256

// cost is what a call is going to take beyond reading its arguments and writing its result.
type cost struct {
	steps   int
	bytes   int    // of the longest string in the result, which is counted once it is there
	refused string // why the call is not made at any price
}

// bound has a function pay before it works, the arguments being counted already.
func (b *budget) bound(f function.Function, price func([]cty.Value) cost) function.Function {
	return b.wrap(f, price, false)
}

// maker is bound for a function that looks for a common type of its argument's elements or of its
// arguments.
func (b *budget) maker(f function.Function, price func([]cty.Value) cost) function.Function {
	return b.wrap(f, price, true)
}

func (b *budget) wrap(f function.Function, price func([]cty.Value) cost, made bool) function.Function {
	params, rest := f.Params(), f.VarParam()
	for i := range params {
		params[i].Type = loose(params[i].Type)
	}
	if rest != nil {
		rest.Type = loose(rest.Type)
	}
	prepared := func(args []cty.Value) []cty.Value {
		to := make([]cty.Value, len(args))
		for i, v := range args {
			to[i] = v
			if want := parameter(f, i).Type; made || loose(want) != want {
				to[i] = b.uniform(v)
			}
		}
		return to
	}
	converted := func(args []cty.Value) ([]cty.Value, error) {
		to := make([]cty.Value, len(args))
		for i, v := range args {
			var err error
			if to[i], err = convert.Convert(v, parameter(f, i).Type); err != nil {
				return nil, function.NewArgError(i, err)
			}
		}
		return to, nil
	}
	return function.New(&function.Spec{
		Params:   params,
		VarParam: rest,
		Type: func(args []cty.Value) (cty.Type, error) {
			args = prepared(args)
			c := price(args)
			if c.refused != "" {
				b.refuse("%s", c.refused)
			}
			if c.bytes > maxString {
				b.refuse("A string has at most %d bytes", maxString)
			}
			if !b.spend(c.steps) {
				return cty.NilType, b.err()
			}
			args, err := converted(args)
			if err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			args = prepared(args)
			if b.over() {
				return cty.NilVal, b.err()
			}
			args, err := converted(args)
			if err != nil {
				return cty.NilVal, err
			}
			return f.Call(args)
		},
	})
}

func parameter(f function.Function, i int) function.Parameter {
	if params := f.Params(); i < len(params) {
		return params[i]
	}
	return *f.VarParam()
}

// loose is the type of a parameter that takes what is still to be converted to t.
func loose(t cty.Type) cty.Type {
	if t.IsCollectionType() {
		return cty.DynamicPseudoType
	}
	return t
}

// takesCollection says whether cty would look for a common type of a tuple's elements before it
// calls a function.
func takesCollection(f function.Function) bool {
	params := f.Params()
	if rest := f.VarParam(); rest != nil {
		params = append(params, *rest)
	}
	return slices.ContainsFunc(params, func(p function.Parameter) bool { return p.Type.IsCollectionType() })
}

// known says whether a value can be looked at. Others stem from an error and are not worked on.
func known(v cty.Value) bool { return v.IsKnown() && !v.IsNull() }

func str(v cty.Value) string {
	if known(v) && v.Type() == cty.String {
		return v.AsString()
	}
	return ""
}

func elements(v cty.Value) []cty.Value {
	if !known(v) || !v.CanIterateElements() {
		return nil
	}
	return v.AsValueSlice()
}

// printed bounds the length of a value as text, as format and jsonencode print it.
func printed(v cty.Value) int {
	if !known(v) {
		return len("null")
	}
	if !v.CanIterateElements() {
		return max(6*len(str(v)), 3*maxExponent)
	}
	n := 2
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		n += 6*len(str(key)) + 6 + printed(element)
	}
	return n
}

// free is the price of what takes no more than its arguments and its result.
func free([]cty.Value) cost { return cost{} }

// unifyCost is what finding the common type of the arguments takes.
func unifyCost(args []cty.Value) cost {
	n := 0
	for _, v := range args {
		n += typeSize(v.Type())
	}
	return cost{steps: n * n / 8}
}

// concatCost is that of unifyCost for lists alone. Tuples become a tuple.
func concatCost(args []cty.Value) cost {
	for _, v := range args {
		if !v.Type().IsListType() {
			return cost{}
		}
	}
	return unifyCost(args)
}

// pairs is what comparing each element with each one before it takes.
func pairs(args []cty.Value) cost {
	n := len(elements(args[0]))
	return cost{steps: n * n / 2}
}

// containsCost is that of reading the value anew for each element.
func containsCost(args []cty.Value) cost {
	if !known(args[1]) || !args[1].CanIterateElements() {
		return cost{}
	}
	return cost{steps: len(elements(args[0])) * printed(args[1]) / 8}
}

// setCost is what making sets of lists and one set of all takes: elements with equal hashes are
// compared one by one.
func setCost(args []cty.Value) cost {
	steps := unifyCost(args).steps
	for _, v := range args {
		// The set so far is copied for each argument.
		steps += len(args) * len(elements(v))
		if v.Type().IsSetType() {
			continue
		}
		buckets := map[int]int{}
		for _, element := range elements(v) {
			if !element.IsWhollyKnown() {
				continue
			}
			hash := element.Hash()
			steps += 4 + buckets[hash]
			buckets[hash]++
		}
	}
	return cost{steps: steps}
}

// textsCost is for lists of strings, which may have been numbers.
func textsCost(lists []cty.Value) cost {
	n := 0
	for _, list := range lists {
		n += len(elements(list))
	}
	return cost{steps: n * stepsPrinted / 2}
}

func joinCost(args []cty.Value) cost {
	n := 0
	for _, list := range args[1:] {
		for _, element := range elements(list) {
			n += len(str(element)) + len(str(args[0]))
		}
	}
	return cost{bytes: n - len(str(args[0])), steps: textsCost(args[1:]).steps}
}

func replaceCost(args []cty.Value) cost {
	text, from, to := str(args[0]), str(args[1]), str(args[2])
	return cost{bytes: len(text) + strings.Count(text, from)*(len(to)-len(from))}
}

// indentCost reckons with so many blanks at each line.
func indentCost(args []cty.Value) cost {
	if !known(args[0]) || args[0].Type() != cty.Number {
		return cost{}
	}
	blanks := maxString + 1
	if n, accuracy := args[0].AsBigFloat().Int64(); accuracy == big.Exact && n >= 0 && n <= maxString {
		blanks = int(n)
	}
	lines := strings.Count(str(args[1]), "\n")
	return cost{bytes: len(str(args[1])) + min(lines*blanks, maxString+1)}
}

// jsonCost refuses what go-cty would recurse on until the stack overflows, which ends the process.
func jsonCost(args []cty.Value) cost {
	text := str(args[0])
	depth, within, escaped := 0, false, false
	for _, c := range []byte(text) {
		switch {
		case escaped:
			escaped = false
		case within:
			escaped, within = c == '\\', c != '"'
		case c == '"':
			within = true
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return cost{refused: fmt.Sprintf("More than %d lists or objects within one another", maxDepth)}
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return cost{steps: stepsObject * len(text)}
}

// productCost is for a set of as many tuples as there are ways to take one element of each list.
func productCost(args []cty.Value) cost {
	n := 1
	for _, v := range args {
		if n *= len(elements(v)); n > maxSteps {
			break
		}
	}
	return cost{steps: min(n, maxSteps) * len(args) * stepsHashed}
}

// trimCost is for a search of each character of the first text in the second.
func trimCost(args []cty.Value) cost {
	return cost{steps: len(str(args[0])) * len(str(args[1])) / 16}
}

// formatCost reckons with every verb printing the longest argument and every number being a width.
func formatCost(args []cty.Value) cost {
	longest := 0
	for _, v := range args[1:] {
		longest = max(longest, printed(v))
	}
	return cost{bytes: formatted(str(args[0]), longest), steps: stepsPrinted * len(args)}
}

func formatListCost(args []cty.Value) cost {
	longest, n := 0, 0
	for _, v := range args[1:] {
		if t := v.Type(); known(v) && (t.IsListType() || t.IsTupleType() || t.IsSetType()) {
			list := elements(v)
			n = max(n, len(list))
			for _, element := range list {
				longest = max(longest, printed(element))
			}
			continue
		}
		longest = max(longest, printed(v))
	}
	each := formatted(str(args[0]), longest)
	return cost{bytes: each, steps: (min(each, maxString)/8 + stepsPrinted*len(args)) * n}
}

func formatted(format string, longest int) int {
	n, width, verb := len(format), 0, false
	for _, c := range []byte(format) {
		switch {
		case !verb:
			if verb = c == '%'; verb {
				n += longest
			}
		case c >= '0' && c <= '9':
			width = min(width*10+int(c-'0'), maxString+1)
		default:
			n += 4 * width // a character has up to four bytes
			width, verb = 0, c == '.' || c == '[' || c == ']' || c == ' ' || c == '+' || c == '-' || c == '#'
		}
	}
	return n
}

// regexCost is that of a machine which tries all its states at each character. Finding all matches
// may read the rest of the text again for each.
func regexCost(all bool) func([]cty.Value) cost {
	return func(args []cty.Value) cost {
		pattern, length := str(args[0]), len(str(args[1]))+1
		if len(pattern) > maxPattern {
			return cost{refused: fmt.Sprintf("A regular expression has at most %d bytes", maxPattern)}
		}
		parsed, err := regex.Parse(pattern, regex.Perl)
		if err != nil {
			return cost{}
		}
		program, err := regex.Compile(parsed.Simplify())
		if err != nil {
			return cost{}
		}
		states := len(program.Inst)
		if all {
			return cost{steps: 4*states + length*length*states/16}
		}
		return cost{steps: 4*states + length*states/4}
	}
}
