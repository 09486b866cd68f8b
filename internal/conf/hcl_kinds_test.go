package conf

import (
	"strings"
	"testing"
)

// What HCL says of the kinds of values names none by the type that its library has for it.
func TestKindsInPlainWords(t *testing.T) {
	for expression, want := range map[string]string{
		`[1] + 1`:                    "1:18: Invalid operand: Unsuitable value for left operand: a number is required, but this is a list.",
		`!5`:                         "1:19: Invalid operand: Unsuitable value for unary operand: true or false is required, but this is a number.",
		`1 && false`:                 "1:18: Invalid operand: Unsuitable value for left operand: true or false is required, but this is a number.",
		`"${{ a = 1 }}x"`:            "1:21: Invalid template interpolation value: Cannot include the given value in a string template: a string is required, but this is an object.",
		`upper([1])`:                 `1:24: Invalid function argument: Invalid value for "str" parameter: a string is required, but this is a list.`,
		`[] ? 1 : 2`:                 "1:18: Incorrect condition type: The condition expression must be true or false.",
		`true ? [1] : {}`:            "1:25: Inconsistent conditional result types: The true and false result expressions must have consistent types. The 'true' value is a list, but the 'false' value is an object.",
		`[for x in 5 : x]`:           "1:28: Iteration over non-iterable value: A number cannot be used as the collection in a 'for' expression.",
		`[for x in [1] : x if 5]`:    "1:39: Invalid 'for' condition: The 'if' clause value is invalid: true or false is required, but this is a number.",
		`"x".y`:                      "1:21: Unsupported attribute: Can't access attributes on a string.",
		`[1][7]`:                     "1:21: Invalid index: The given key is not in this list or object.",
		`{ for x in [[1]] : x => x}`: "1:37: Invalid object key: The key expression produced an invalid result: a string is required, but this is a list.",
	} {
		got := lines(read(t, HCL, "locals { value = "+expression+" }\n").Diags)
		if strings.Join(got, "\n") != "error lb.hcl:"+want {
			t.Errorf("%s\n%s\nwant\n%s", expression, strings.Join(got, "\n"), want)
		}
	}
	dynamic := "dynamic \"virtual_server\" {\n  for_each = 5\n  labels   = [\"10.0.0.1\", \"80\"]\n  content {}\n}\n"
	want := "error lb.hcl:2:14: Invalid dynamic for_each value: for_each takes a list or an object, not a number."
	if got := lines(read(t, HCL, dynamic).Diags); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %s", got, want)
	}
}
