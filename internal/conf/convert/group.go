package convert

import (
	"lvsd/internal/conf/keepalived"
)

// serverGroup converts a virtual_server_group, whose lines are two lists in HCL.
func (k *tree) serverGroup(n *keepalived.Node) []*item {
	k.note(n)
	it := &item{name: n.Name, at: n.Range, block: &body{}}
	for _, a := range n.Args {
		it.labels = append(it.labels, a.Text)
	}
	addresses, marks := *n, *n
	addresses.Children, marks.Children = nil, nil
	for _, c := range n.Children {
		if c.Keyword.Text == "fwmark" {
			marks.Children = append(marks.Children, c)
		} else {
			addresses.Children = append(addresses.Children, c)
		}
	}
	if len(addresses.Children) > 0 {
		marks.Tail = nil
		if len(marks.Children) > 0 {
			addresses.Tail, marks.Tail = nil, n.Tail
		}
	}
	put := func(name string, list *keepalived.Node, text func(*keepalived.Node) string) {
		if len(list.Children) == 0 {
			return
		}
		inner := &item{name: name, at: n.Range}
		k.lines(inner, list, text)
		it.block.items = append(it.block.items, inner)
	}
	put("address", &addresses, func(c *keepalived.Node) string { return quote(joined(c.Keyword.Text, c.Args)) })
	put("fwmark", &marks, func(c *keepalived.Node) string {
		if len(c.Args) == 1 {
			return scalar(c.Args[0].Text)
		}
		return quote(joined("", c.Args))
	})
	if len(it.block.items) == 0 {
		it.block.tail = k.texts(n.Tail)
	}
	return []*item{it}
}

// joined are words with blanks between.
func joined(first string, words []keepalived.Word) string {
	for _, w := range words {
		if first != "" {
			first += " "
		}
		first += w.Text
	}
	return first
}
