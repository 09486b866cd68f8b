package convert

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"lvsd/internal/conf"
)

// body is what stands in a file or a block, in order.
type body struct {
	items []*item
	tail  []string // comments behind the last item; "" is a blank line
}

// item is one argument or one block, with the comments about it.
type item struct {
	gap   bool     // a blank line stands before the item and its comments
	lead  []string // comments on the lines before; "" is a blank line
	trail string   // comment behind it: on the line of an argument, or of a block's last brace

	at   hcl.Range // of the statement that it was, where it was one
	name string
	expr string    // of an argument with one value
	list []element // of an argument with a list, where expr is ""
	// listTail are the comments behind the last element.
	listTail []string

	block  *body // nil for an argument
	labels []string
	open   string // comment behind the brace or bracket that opens it
	// service is what a virtual_server came to.
	service *conf.VirtualServer
}

// element is one element of a list.
type element struct {
	lead  []string
	expr  string
	trail string
}

// bytes prints a document, formatted.
func (b *body) bytes() []byte {
	var p printer
	p.body(b, 0)
	return append([]byte{}, hclwrite.Format([]byte(p.String()))...) // not nil where there is nothing
}

type printer struct{ strings.Builder }

func (p *printer) line(text, comment string) {
	if comment != "" {
		text += " " + comment
	}
	p.WriteString(strings.TrimLeft(text, " ") + "\n")
}

func (p *printer) body(b *body, depth int) {
	for k, it := range b.items {
		if k > 0 && apart(b.items[k-1], it, depth) {
			p.line("", "")
		}
		p.comments(it.lead)
		if it.block == nil {
			p.argument(it)
		} else {
			p.block(it, depth)
		}
	}
	if len(b.tail) > 0 && b.tail[0] != "" && depth == 0 && len(b.items) > 0 {
		p.line("", "")
	}
	p.comments(b.tail)
}

// apart says whether a blank line stands between two items.
func apart(before, it *item, depth int) bool {
	return depth == 0 || it.gap || before.tall() || it.tall()
}

func (p *printer) comments(lines []string) {
	for _, text := range lines {
		p.line(text, "")
	}
}

func (p *printer) argument(it *item) {
	if it.expr != "" {
		p.line(it.name+" = "+it.expr, it.trail)
		return
	}
	if !it.tallList() {
		var all []string
		for _, e := range it.list {
			all = append(all, e.expr)
		}
		p.line(it.name+" = ["+strings.Join(all, ", ")+"]", it.trail)
		return
	}
	p.line(it.name+" = [", it.open)
	for _, e := range it.list {
		p.comments(e.lead)
		p.line(e.expr+",", e.trail)
	}
	p.comments(it.listTail)
	p.line("]", it.trail)
}

// tallList says whether a list takes a line for each element.
func (it *item) tallList() bool {
	width := 0
	for _, e := range it.list {
		if len(e.lead) > 0 || e.trail != "" || strings.HasPrefix(e.expr, "{") && len(it.list) > 1 {
			return true
		}
		width += len(e.expr) + 2
	}
	return width > 80 || it.open != "" || len(it.listTail) > 0
}

// tall says whether a block takes more than one line.
func (it *item) tall() bool {
	if it.block == nil {
		return false
	}
	if it.open != "" || len(it.block.tail) > 0 || len(it.block.items) > 1 {
		return true
	}
	if len(it.block.items) == 0 {
		return false
	}
	only := it.block.items[0]
	return it.name != "url" || only.block != nil || len(only.lead) > 0 || only.trail != "" || only.tallList()
}

func (p *printer) block(it *item, depth int) {
	head := it.name
	for _, l := range it.labels {
		head += " " + quote(l)
	}
	switch {
	case it.tall():
		p.line(head+" {", it.open)
		p.body(it.block, depth+1)
		p.line("}", it.trail)
	case len(it.block.items) == 0:
		p.line(head+" {}", it.trail)
	default:
		var inner printer
		inner.argument(it.block.items[0])
		p.line(head+" { "+strings.TrimSuffix(inner.String(), "\n")+" }", it.trail)
	}
}

// argument returns the argument of a name, or nil.
func (b *body) argument(name string) *item {
	for _, it := range b.items {
		if it.name == name && it.block == nil {
			return it
		}
	}
	return nil
}

// put adds an argument before the first block or list, where a reader looks for it.
func (b *body) put(name, expr string) {
	at := 0
	for at < len(b.items) && b.items[at].block == nil && b.items[at].list == nil {
		at++
	}
	b.items = slices.Insert(b.items, at, &item{name: name, expr: expr})
}
