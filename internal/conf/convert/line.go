package convert

import (
	"slices"
	"strings"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// option is one option of a line, as an argument of HCL.
type option struct{ name, expr string }

// lineOptions are the words behind the first of a line. sound is false where HCL has no arguments
// for them, as where one stands twice.
func lineOptions(words []keepalived.Word, shape conf.Shape) (options []option, sound bool) {
	known := func(text string) bool {
		return slices.Contains(shape.Options, text) || slices.Contains(shape.Lists, text) || slices.Contains(shape.Flags, text)
	}
	for len(words) > 0 {
		name := words[0].Text
		words = words[1:]
		twice := slices.ContainsFunc(options, func(o option) bool { return o.name == name })
		switch {
		case twice:
			return nil, false
		case slices.Contains(shape.Flags, name):
			options = append(options, option{name, "true"})
		case slices.Contains(shape.Options, name) && len(words) > 0:
			options = append(options, option{name, scalar(words[0].Text)})
			words = words[1:]
		case slices.Contains(shape.Lists, name):
			var values []string
			for len(words) > 0 && !known(words[0].Text) {
				values = append(values, scalar(words[0].Text))
				words = words[1:]
			}
			expr := "[" + strings.Join(values, ", ") + "]"
			if len(values) == 1 {
				expr = values[0]
			}
			options = append(options, option{name, expr})
		default:
			return nil, false
		}
	}
	return options, true
}

// plainLine writes a line as an element of a list: a string, or an object where it has options.
func plainLine(n *keepalived.Node, shape conf.Shape) string {
	if len(n.Args) == 0 {
		return quote(n.Keyword.Text)
	}
	options, sound := lineOptions(n.Args, shape)
	if !sound {
		words := []string{n.Keyword.Text}
		for _, a := range n.Args {
			words = append(words, a.Text)
		}
		return quote(strings.Join(words, " "))
	}
	parts := []string{shape.First + " = " + quote(n.Keyword.Text)}
	for _, o := range options {
		parts = append(parts, key(o.name)+" = "+o.expr)
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// command writes a command line: as one string, with the quotes of a shell where a word needs them.
func command(words []keepalived.Word) string {
	var parts []string
	for _, w := range words {
		text := w.Text
		if text == "" || strings.ContainsAny(text, " \t\n\r\"'\\") {
			text = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
		}
		parts = append(parts, text)
	}
	return quote(strings.Join(parts, " "))
}

// notification writes a command line, and whom it runs as where that is said.
func notification(n *keepalived.Node) string {
	if len(n.Children) == 0 {
		return command(n.Args)
	}
	user := n.Children[0].Args
	expr := "{ command = " + command(n.Args) + ", user = " + quote(user[0].Text)
	if len(user) > 1 {
		expr += ", group = " + quote(user[1].Text)
	}
	return expr + " }"
}
