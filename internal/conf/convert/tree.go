package convert

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// tree writes the statements of a keepalived.conf in HCL. The model that was made of the same
// statements goes along: it knows what every word came to.
type tree struct {
	sources
	usual   usual
	report  *report
	main    string          // the file that includes the others
	globals map[string]bool // the words of all global_defs
	// instances and services are those of the model that were not met yet.
	instances []conf.Instance
	services  []conf.VirtualServer
	static    standing
	// checks are those of the service at hand.
	checks  []*checkItem
	ignored map[position]bool // lines with statements that are not in the tree
	shapes  map[conf.Place]conf.Shape
	usages  map[[2]string]string
	in      string // the name of the block whose statements are converted
	// spare are comments of statements that are left out, for the next one.
	spare  []string
	tailed map[string]bool // included files whose last comments are written
}

func (k *tree) file(nodes []*keepalived.Node) body {
	k.globals, k.tailed = map[string]bool{}, map[string]bool{}
	for _, n := range nodes {
		if n.Name == "global_defs" {
			for _, c := range n.Children {
				k.globals[c.Name] = true
			}
		}
	}
	return k.body(nodes, k.tailOf(k.main), nil, k.statement)
}

// statement converts what stands outside of all blocks.
func (k *tree) statement(n *keepalived.Node) []*item {
	switch {
	case n.Name == "vrrp_instance" && len(k.instances) > 0:
		i := k.instances[0]
		k.instances = k.instances[1:]
		return k.instance(n, &i)
	case n.Name == "virtual_server" && len(k.services) > 0:
		v := k.services[0]
		k.services = k.services[1:]
		return k.service(n, &v)
	case n.Name == "virtual_server_group":
		return k.serverGroup(n)
	}
	if items, ok := k.placed(n, &k.static); ok {
		return items
	}
	return k.word(n)
}

// body converts the statements of a file or block. Of what keepalived lets stand twice and takes
// the last one of, the last one is written.
func (k *tree) body(nodes []*keepalived.Node, tail []keepalived.Comment, open *item,
	convert func(*keepalived.Node) []*item) body {
	outer := k.in
	defer func() { k.in = outer }()
	if k.in = ""; open != nil {
		k.in = open.name
	}
	var out body
	last := map[string]int{}
	for at, n := range nodes {
		last[n.Name] = at
	}
	var previous *item // what the statement before became
	for at, n := range nodes {
		lead := n.Lead
		if at == 0 || previous != nil {
			lead = k.borrow(lead, previous, open)
		}
		previous = nil
		before := append(k.spare, k.texts(lead)...)
		k.spare = nil
		var items []*item
		if single := !n.Block && !isChecker(n.Name); !single || last[n.Name] == at {
			items = convert(n)
		}
		if len(items) > 0 {
			k.around(items, before, lead, n)
			for _, it := range items {
				previous = out.add(it)
			}
		} else {
			k.spare = append(append(before, k.spare...), k.within(n)...)
		}
		from := n.Range.Filename
		included := from != k.main && (open == nil || open.at.Filename != from)
		if included && !k.tailed[from] && (at+1 == len(nodes) || nodes[at+1].Range.Filename != from) {
			k.tailed[from] = true
			k.spare = append(k.spare, k.texts(k.tailOf(from))...)
		}
	}
	if len(nodes) == 0 || previous != nil {
		tail = k.borrow(tail, previous, open)
	}
	out.tail = append(k.spare, k.texts(tail)...)
	if len(tail) > 0 && len(out.items) > 0 && k.gap(tail[0].Range) {
		out.tail = append([]string{""}, out.tail...)
	}
	k.spare = nil
	return out
}

// around gives the items that a statement became the comments about it: those before it, of which
// comments are its own, and the one behind it.
func (k *tree) around(items []*item, before []string, comments []keepalived.Comment, n *keepalived.Node) {
	first, last := items[0], items[len(items)-1]
	at := n.Range
	if len(comments) > 0 {
		at = comments[0].Range
		if k.gap(n.Range) {
			before = append(before, "")
		}
	}
	first.gap = k.gap(at)
	first.lead = append(before, first.lead...)
	switch {
	case n.Trail == nil:
	case first.block != nil && n.Block && first.open == "" && first.name == n.Name:
		first.open = comment(n.Trail.Text)
	case first.list != nil && n.Block && first.open == "":
		first.open = comment(n.Trail.Text)
	case last.trail == "":
		last.trail = comment(n.Trail.Text)
	default:
		first.lead = append(first.lead, comment(n.Trail.Text))
	}
}

// borrow takes the first of the comments away where it stands behind the brace that opens the
// block, or behind the one that closes the statement before.
func (k *tree) borrow(comments []keepalived.Comment, before, open *item) []keepalived.Comment {
	if len(comments) == 0 {
		return nil
	}
	first := comments[0]
	switch {
	case before != nil:
		if before.trail == "" && before.at.Filename == first.Range.Filename && k.behindBrace(first) {
			before.trail = comment(first.Text)
			return comments[1:]
		}
	case open != nil:
		if open.open == "" && open.at.Filename == first.Range.Filename && open.at.End.Line == first.Range.Start.Line {
			open.open = comment(first.Text)
			return comments[1:]
		}
	}
	return comments
}

// within are the comments about a statement that is left out, from behind its keyword on.
func (k *tree) within(n *keepalived.Node) []string {
	var all []string
	if n.Trail != nil {
		all = append(all, comment(n.Trail.Text))
	}
	for _, c := range n.Children {
		all = append(all, k.texts(c.Lead)...)
		all = append(all, k.within(c)...)
	}
	return append(all, k.texts(n.Tail)...)
}

// add appends an item and returns it. A list that keepalived may have in several blocks is one in
// HCL; nil is that the item went into another.
func (b *body) add(it *item) *item {
	var same *item
	if it.list != nil {
		same = b.argument(it.name)
	}
	if same == nil {
		b.items = append(b.items, it)
		return it
	}
	comments := append(same.listTail, it.lead...)
	if it.open != "" {
		comments = append(comments, it.open)
	}
	same.listTail = it.listTail
	if len(it.list) > 0 {
		it.list[0].lead = append(comments, it.list[0].lead...)
	} else {
		same.listTail = append(comments, it.listTail...)
	}
	same.list = append(same.list, it.list...)
	return nil
}

// tailOf returns the comments behind the last statement of a file, which are about none.
func (k *tree) tailOf(path string) []keepalived.Comment {
	var tail []keepalived.Comment
	lines := k.sources[path]
	for at := len(lines) - 1; at >= 0; at-- {
		text := bytes.TrimSpace(lines[at])
		closed := len(text) > 0 && text[0] == '}'
		if closed {
			text = bytes.TrimLeft(text, "} \t")
		}
		isComment := len(text) > 0 && (text[0] == '#' || text[0] == '!')
		if isComment {
			pos := hcl.Pos{Line: at + 1, Column: 1}
			c := keepalived.Comment{Text: string(text), Range: hcl.Range{Filename: path, Start: pos, End: pos}}
			tail = append([]keepalived.Comment{c}, tail...)
		}
		if closed || len(text) > 0 && !isComment {
			break
		}
	}
	return tail
}

// word converts a statement that means what it says, whatever stands around it.
func (k *tree) word(n *keepalived.Node) []*item {
	if strings.HasPrefix(n.Name, "vrrp_mcast_group") && !isGroup(n) {
		return nil
	}
	k.note(n)
	it := &item{name: n.Name, at: n.Range}
	shape := k.shapes[conf.Place{Block: k.in, Word: n.Name}]
	switch shape.Form {
	case conf.Line:
		return k.labelled(n, shape)
	case conf.Lines:
		k.lines(it, n, func(c *keepalived.Node) string { return plainLine(c, shape) })
	case conf.Block:
		if n.Name == "url" {
			k.url(it, n)
			break
		}
		for _, a := range n.Args {
			it.labels = append(it.labels, a.Text)
		}
		inner := k.body(n.Children, n.Tail, it, k.word)
		it.block = &inner
	case conf.Arguments:
		for _, a := range n.Args {
			it.list = append(it.list, element{expr: scalar(a.Text)})
		}
		switch len(it.list) {
		case 0:
			it.expr = "true"
		case 1:
			it.expr, it.list = it.list[0].expr, nil
		}
	case conf.Command:
		if it.expr = notification(n); len(n.Args) == 0 {
			it.expr = "true"
		}
	default:
		it.expr = k.value(n)
	}
	return []*item{it}
}

// lines converts a block of plain lines to a list. A line for which there is no text is left out.
func (k *tree) lines(it *item, n *keepalived.Node, text func(*keepalived.Node) string) {
	it.list = []element{}
	var spare []string
	for at, c := range n.Children {
		lead := c.Lead
		if at == 0 {
			lead = k.borrow(lead, nil, it)
		}
		comments := append(spare, k.texts(lead)...)
		spare = nil
		expr := text(c)
		if expr == "" {
			spare = append(comments, k.within(c)...)
			continue
		}
		e := element{lead: comments, expr: expr}
		if c.Trail != nil {
			e.trail = comment(c.Trail.Text)
		}
		it.list = append(it.list, e)
	}
	it.listTail = append(spare, k.texts(n.Tail)...)
}

// labelled converts a block of plain lines to a block for each line, with the line's first word as
// its label.
func (k *tree) labelled(n *keepalived.Node, shape conf.Shape) []*item {
	var items []*item
	for _, c := range n.Children {
		it := &item{name: n.Name, labels: []string{c.Keyword.Text}, block: &body{}, lead: k.texts(c.Lead), at: c.Range}
		options, _ := lineOptions(c.Args, shape)
		for _, o := range options {
			it.block.put(o.name, o.expr)
		}
		if c.Trail != nil {
			it.trail = comment(c.Trail.Text)
		}
		items = append(items, it)
	}
	k.spare = append(k.spare, k.texts(n.Tail)...)
	return items
}

func (k *tree) url(it *item, n *keepalived.Node) {
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item {
		if c.Name == "path" {
			k.note(c)
			it.labels = []string{c.Args[0].Text}
			return nil
		}
		return k.word(c)
	})
	it.block = &inner
}

// value writes the value of a word: a truth value, a time, a number or a text.
func (k *tree) value(n *keepalived.Node) string {
	text := ""
	if len(n.Args) > 0 {
		text = n.Args[0].Text
	}
	usage := k.usages[[2]string{k.in, n.Name}]
	isFlag := strings.HasSuffix(usage, " [BOOL]")
	switch {
	case len(n.Args) == 0, isFlag && strings.Contains(" on true yes ", " "+text+" "):
		return "true"
	case isFlag && strings.Contains(" off false no ", " "+text+" "):
		return "false"
	case strings.HasSuffix(strings.Trim(usage, "[]"), "SECONDS"):
		if d, ok := seconds(text); ok {
			return duration(d)
		}
	}
	return scalar(text)
}

func isChecker(name string) bool { return conf.CheckKind(name).Known() }
