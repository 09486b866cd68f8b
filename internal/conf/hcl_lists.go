package conf

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"lvsd/internal/conf/keepalived"
)

// elements evaluates an argument to its elements with their ranges, which are those of the
// expression that makes the list where its elements are not written one by one. A value that is no
// list is its own element where it may be alone. false is that the argument is null or wrong; the
// node is then what to return for it.
func (w *hclWalk) elements(a *hcl.Attribute, alone bool) (n *keepalived.Node, elements []cty.Value, ranges []hcl.Range, ok bool) {
	v, ok := w.eval(a)
	if ok && v.IsNull() {
		return nil, nil, nil, false
	}
	n = statement(a.Name, a.Range)
	n.Keyword.Range = a.NameRange
	if !ok {
		n.Broken = true
		return n, nil, nil, false
	}
	whole := a.Expr.Range()
	if _, single := scalar(v, whole); single && alone {
		return n, []cty.Value{v}, []hcl.Range{whole}, true
	}
	if t := v.Type(); !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		w.errorf(whole, "%s takes a list, not %s; write [ … ]", a.Name, kindName(v))
		n.Broken = true
		return n, nil, nil, false
	}
	elements = v.AsValueSlice()
	written, diags := hcl.ExprList(a.Expr)
	ranges = make([]hcl.Range, len(elements))
	for i := range ranges {
		ranges[i] = whole
		if !diags.HasErrors() && len(written) == len(elements) {
			ranges[i] = written[i].Range()
		}
	}
	return n, elements, ranges, true
}

// one makes a list of a node, and none of nil.
func one(n *keepalived.Node) []*keepalived.Node {
	if n == nil {
		return nil
	}
	return []*keepalived.Node{n}
}

// arguments evaluates an argument with the words behind a keyword.
func (w *hclWalk) arguments(a *hcl.Attribute) []*keepalived.Node {
	n, elements, ranges, _ := w.elements(a, true)
	for i, e := range elements {
		if word, ok := w.element(a, e, ranges[i]); ok {
			n.Args = append(n.Args, split(word)...)
		} else {
			n.Broken = true
		}
	}
	return one(n)
}

// split is a word at its blanks. One that is nothing but blanks stays, for the error about it.
func split(word keepalived.Word) []keepalived.Word {
	var words []keepalived.Word
	for text := range strings.FieldsSeq(word.Text) {
		words = append(words, keepalived.Word{Text: text, Range: word.Range})
	}
	if len(words) == 0 {
		return []keepalived.Word{word}
	}
	return words
}

// script evaluates an argument with a command line.
func (w *hclWalk) script(a *hcl.Attribute) []*keepalived.Node {
	v, diags := a.Expr.Value(w.context)
	if !diags.HasErrors() && v.IsWhollyKnown() && !v.IsNull() && (v.Type().IsObjectType() || v.Type().IsMapType()) {
		return one(w.notification(a, v))
	}
	n, elements, ranges, _ := w.elements(a, true)
	for i, e := range elements {
		word, ok := w.element(a, e, ranges[i])
		if !ok {
			n.Broken = true
			continue
		}
		if _, diags := hcl.ExprList(a.Expr); len(elements) > 1 || !diags.HasErrors() {
			n.Args = append(n.Args, word)
			continue
		}
		words, fault := keepalived.SplitCommand(word.Text)
		if fault != "" {
			w.errorf(word.Range, "%s: %s", a.Name, fault)
			n.Broken = true
		}
		for _, text := range words {
			n.Args = append(n.Args, keepalived.Word{Text: text, Range: word.Range})
		}
	}
	if n != nil && len(n.Args) == 0 && !n.Broken {
		w.errorf(a.Expr.Range(), "%s takes a command line, which is empty here", a.Name)
		n.Broken = true
	}
	return one(n)
}

// notification is a command line with whom it runs as: an object of command, user and group.
func (w *hclWalk) notification(a *hcl.Attribute, v cty.Value) *keepalived.Node {
	at := a.Expr.Range()
	n := statement(a.Name, a.Range)
	n.Keyword.Range = a.NameRange
	words := map[string]keepalived.Word{}
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		word, ok := scalar(value, at)
		switch name := key.AsString(); {
		case name != "command" && name != "user" && name != "group":
			w.errorf(at, "Unknown keyword %q in %s; write command, user and group", name, a.Name)
			n.Broken = true
		case value.IsNull():
		case !ok:
			w.errorf(at, "The %s of %s is one value, not %s", name, a.Name, kindName(value))
			n.Broken = true
		default:
			words[name] = word
		}
	}
	if n.Broken {
		return n
	}
	command, fault := keepalived.SplitCommand(words["command"].Text)
	switch {
	case fault != "":
		w.errorf(at, "%s: %s", a.Name, fault)
		n.Broken = true
	case len(command) == 0:
		w.errorf(at, "%s has no command; write command = \"…\"", a.Name)
		n.Broken = true
	}
	for _, text := range command {
		n.Args = append(n.Args, keepalived.Word{Text: text, Range: at})
	}
	user, named := words["user"]
	group, grouped := words["group"]
	switch {
	case grouped && !named:
		w.errorf(at, "%s has a group and no user; write both", a.Name)
	case grouped:
		n.Children = one(statement("user", at, user, group))
	case named:
		n.Children = one(statement("user", at, user))
	}
	return n
}

// lines evaluates an argument with a list of lines to the block that keepalived has for it.
func (w *hclWalk) lines(a *hcl.Attribute, l *hclLines) []*keepalived.Node {
	n, elements, ranges, ok := w.elements(a, false)
	if n != nil {
		n.Block = ok
	}
	for i, e := range elements {
		if line, ok := w.line(a, l, e, ranges[i]); ok {
			n.Children = append(n.Children, line)
		} else {
			n.Broken = true
		}
	}
	return one(n)
}

// groupLines are the lines of a virtual_server_group from its two lists.
func groupLines(lists []*keepalived.Node) []*keepalived.Node {
	var all []*keepalived.Node
	for _, n := range lists {
		for _, line := range n.Children {
			if n.Name == "fwmark" {
				line.Args = append([]keepalived.Word{line.Keyword}, line.Args...)
				line.Keyword = keepalived.Word{Text: n.Name, Range: line.Keyword.Range}
			}
			all = append(all, line)
		}
	}
	return all
}

// line is one element of a list of lines.
func (w *hclWalk) line(a *hcl.Attribute, l *hclLines, v cty.Value, at hcl.Range) (*keepalived.Node, bool) {
	single := l.first == "" && !l.free
	if t := v.Type(); v.IsNull() || single || !t.IsObjectType() && !t.IsMapType() {
		word, ok := w.element(a, v, at)
		n := &keepalived.Node{Keyword: word, Range: at}
		if words := split(word); ok && !single {
			n.Keyword, n.Args = words[0], words[1:]
		}
		return n, ok
	}
	n := &keepalived.Node{Range: at}
	known := slices.Concat([]string{l.first}, l.options, l.lists, l.flags)
	sound := true
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		name := key.AsString()
		if !slices.Contains(known, name) {
			hint := ""
			if near := keepalived.Nearest(name, known); near != "" {
				hint = "; did you mean \"" + near + "\"?"
			}
			w.errorf(at, "Unknown keyword %q in %s%s", name, a.Name, hint)
			sound = false
			continue
		}
		if value.IsNull() {
			continue
		}
		words, ok := w.option(a, l, name, value, at)
		switch {
		case !ok:
			sound = false
		case name == l.first:
			n.Keyword = words[0]
		case l.free && n.Keyword.Text == "" && len(words) > 0:
			n.Keyword, n.Args = words[0], words[1:]
		default:
			n.Args = append(n.Args, words...)
		}
	}
	switch {
	case !sound || n.Keyword.Text != "":
	case l.free:
		w.errorf(at, "This %s says nothing; remove it", a.Name)
		sound = false
	default:
		w.errorf(at, "This %s has no %s; write %s = \"…\"", a.Name, l.first, l.first)
		sound = false
	}
	return n, sound
}

// option is what one key of an object is in its line.
func (w *hclWalk) option(a *hcl.Attribute, l *hclLines, name string, v cty.Value, at hcl.Range) ([]keepalived.Word, bool) {
	if slices.Contains(l.flags, name) {
		if v.Type() != cty.Bool {
			w.errorf(at, "The %s of a %s is true or false, not %s", name, a.Name, kindName(v))
			return nil, false
		}
		if v.False() {
			return nil, true
		}
		return []keepalived.Word{{Text: name, Range: at}}, true
	}
	var words []keepalived.Word
	if name != l.first {
		words = append(words, keepalived.Word{Text: name, Range: at})
	}
	values := []cty.Value{v}
	if t := v.Type(); slices.Contains(l.lists, name) && (t.IsTupleType() || t.IsListType()) {
		values = v.AsValueSlice()
	}
	for _, v := range values {
		word, ok := scalar(v, at)
		if !ok {
			w.errorf(at, "The %s of a %s is one value, not %s", name, a.Name, kindName(v))
			return nil, false
		}
		words = append(words, word)
	}
	return words, true
}

// labelledLine is a block with a label as the line that keepalived has for it. Its children are
// the options behind the label.
func (w *hclWalk) labelledLine(b *hclBlock, labels []keepalived.Word, block *keepalived.Node) *keepalived.Node {
	n := &keepalived.Node{Keyword: labels[0], Args: labels[1:], Range: block.Range}
	for _, c := range block.Children {
		n.Broken = n.Broken || c.Broken
		if !slices.Contains(b.flags, c.Name) {
			n.Args = append(append(n.Args, c.Keyword), c.Args...)
			continue
		}
		switch {
		case len(c.Args) == 1 && c.Args[0].Text == "true":
			n.Args = append(n.Args, c.Keyword)
		case len(c.Args) == 1 && c.Args[0].Text != "false":
			w.errorf(c.Range, "%s takes true or false, not %q", c.Keyword.Text, c.Args[0].Text)
			n.Broken = true
		}
	}
	return n
}

func (w *hclWalk) element(a *hcl.Attribute, v cty.Value, at hcl.Range) (keepalived.Word, bool) {
	word, ok := scalar(v, at)
	if !ok {
		w.errorf(at, "An element of %s is one value, not %s", a.Name, kindName(v))
	}
	return word, ok
}
