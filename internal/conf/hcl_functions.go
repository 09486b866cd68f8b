package conf

import (
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// hclFunctions are the functions of expressions, by the names that Terraform gives them. None of
// these looks at the host or at the clock; those that ask the host are in hcl_host.go. Functions that can make much of little, or
// take long over it, pay from the budget before they do.
func hclFunctions(b *budget) map[string]function.Function {
	functions := map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"can":             tryfunc.CanFunc,
		"ceil":            stdlib.CeilFunc,
		"chomp":           stdlib.ChompFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalesce":        b.maker(stdlib.CoalesceFunc, unifyCost),
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         b.bound(stdlib.CompactFunc, textsCost),
		"concat":          b.bound(stdlib.ConcatFunc, concatCost),
		"contains":        b.bound(stdlib.ContainsFunc, containsCost),
		"csvdecode":       stdlib.CSVDecodeFunc,
		"distinct":        b.bound(stdlib.DistinctFunc, pairs),
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"formatdate":      stdlib.FormatDateFunc,
		"format":          b.bound(stdlib.FormatFunc, formatCost),
		"formatlist":      b.bound(stdlib.FormatListFunc, formatListCost),
		"indent":          b.bound(stdlib.IndentFunc, indentCost),
		"join":            b.bound(stdlib.JoinFunc, joinCost),
		"jsondecode":      b.bound(stdlib.JSONDecodeFunc, jsonCost),
		"jsonencode":      stdlib.JSONEncodeFunc,
		"keys":            stdlib.KeysFunc,
		"length":          stdlib.LengthFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"lower":           stdlib.LowerFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"regex":           b.bound(stdlib.RegexFunc, regexCost(false)),
		"regexall":        b.bound(stdlib.RegexAllFunc, regexCost(true)),
		"replace":         b.bound(stdlib.ReplaceFunc, replaceCost),
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": b.bound(stdlib.SetIntersectionFunc, setCost),
		"setproduct":      b.bound(stdlib.SetProductFunc, productCost),
		"setsubtract":     b.bound(stdlib.SetSubtractFunc, setCost),
		"setunion":        b.bound(stdlib.SetUnionFunc, setCost),
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            b.bound(stdlib.SortFunc, textsCost),
		"split":           stdlib.SplitFunc,
		"strrev":          stdlib.ReverseFunc,
		"substr":          stdlib.SubstrFunc,
		"timeadd":         stdlib.TimeAddFunc,
		"title":           stdlib.TitleFunc,
		"tobool":          stdlib.MakeToFunc(cty.Bool),
		"tolist":          b.maker(stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), free),
		"tomap":           b.maker(stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), free),
		"tonumber":        stdlib.MakeToFunc(cty.Number),
		"toset":           b.maker(stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), setCost),
		"tostring":        stdlib.MakeToFunc(cty.String),
		"trim":            b.bound(stdlib.TrimFunc, trimCost),
		"trimprefix":      stdlib.TrimPrefixFunc,
		"trimspace":       stdlib.TrimSpaceFunc,
		"trimsuffix":      stdlib.TrimSuffixFunc,
		"try":             tryfunc.TryFunc,
		"upper":           stdlib.UpperFunc,
		"values":          stdlib.ValuesFunc,
		"zipmap":          stdlib.ZipmapFunc,
	}
	for name, f := range functions {
		if takesCollection(f) {
			functions[name] = b.bound(f, free)
		}
	}
	return functions
}
