package conf

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// kindName is what a value is, in the words of the documentation.
func kindName(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "an object"
	}
	return t.FriendlyName()
}

// inPlainKinds puts HCL's names for the kinds of values into those words.
func inPlainKinds(diags hcl.Diagnostics) hcl.Diagnostics {
	plain := strings.NewReplacer(
		"but have tuple.", "but this is a list.",
		"but have list of ", "but this is a list of ",
		"but have object.", "but this is an object.",
		"but have map of ", "but this is an object of ",
		"but have number.", "but this is a number.",
		"but have string.", "but this is a string.",
		"but have bool.", "but this is true or false.",
		": string required", ": a string is required",
		": number required", ": a number is required",
		": bool required", ": true or false is required",
		": a bool is required", ": true or false is required",
		"must be of type bool", "must be true or false",
		"value is tuple", "value is a list",
		"value is object", "value is an object",
		"A value of type number", "A number",
		"A value of type string", "A string",
		"A value of type bool", "True or false",
		"Cannot use a number value in for_each. An iterable collection is required.", "for_each takes a list or an object, not a number.",
		"Cannot use a string value in for_each. An iterable collection is required.", "for_each takes a list or an object, not a string.",
		"Cannot use a bool value in for_each. An iterable collection is required.", "for_each takes a list or an object, not true or false.",
		"a primitive-typed value (string)", "a string",
		"a primitive-typed value (number)", "a number",
		"a primitive-typed value (bool)", "true or false",
		"does not identify an element in this collection value", "is not in this list or object",
	)
	for _, d := range diags {
		d.Detail = plain.Replace(d.Detail)
	}
	return diags
}
