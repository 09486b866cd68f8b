package convert

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// standing is what the lines of blocks came to that were not met yet: static addresses, routes, rules.
type standing struct {
	addresses []conf.VirtualAddress
	routes    []conf.Route
	rules     []conf.Rule
}

// placed converts a block of addresses, routes or rules; false is that it is none.
func (k *tree) placed(n *keepalived.Node, s *standing) ([]*item, bool) {
	var text func(*keepalived.Node) string
	switch n.Name {
	case "static_ipaddress":
		shape := k.shapes[conf.Place{Block: k.in, Word: n.Name}]
		text = func(l *keepalived.Node) string { return s.address(l, shape) }
	case "static_routes", "virtual_routes":
		text = s.route
	case "static_rules", "virtual_rules":
		text = s.rule
	default:
		return nil, false
	}
	k.note(n)
	list := &item{name: n.Name, at: n.Range}
	k.lines(list, n, text)
	return []*item{list}, true
}

// address writes a static address with its interface, for which HCL has no default.
func (s *standing) address(l *keepalived.Node, shape conf.Shape) string {
	if len(s.addresses) == 0 || s.addresses[0].Range != l.Range {
		return ""
	}
	a := s.addresses[0]
	s.addresses = s.addresses[1:]
	whole := *l
	if !slices.ContainsFunc(l.Args, func(w keepalived.Word) bool { return w.Text == "dev" }) {
		whole.Args = append([]keepalived.Word{{Text: "dev"}, {Text: a.Dev}}, l.Args...)
	}
	return plainLine(&whole, shape)
}

func (s *standing) route(l *keepalived.Node) string {
	if len(s.routes) == 0 || s.routes[0].Range != l.Range {
		return ""
	}
	r := s.routes[0]
	s.routes = s.routes[1:]
	words := phrase(l)
	for at, w := range words {
		switch {
		case w == "gw":
			words[at] = "via"
		case (w == "tos" || w == "dsfield") && r.To.Addr().Is6():
			words[at], words[at+1] = "", "" // keepalived writes it, and the kernel knows none
		}
	}
	return sentence(words)
}

func (s *standing) rule(l *keepalived.Node) string {
	if len(s.rules) == 0 || s.rules[0].Range != l.Range {
		return ""
	}
	r := s.rules[0]
	s.rules = s.rules[1:]
	words := phrase(l)
	if !slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"preference", "priority", "pref", "order"}, w) }) {
		words = append(words, "preference", fmt.Sprint(r.Priority))
	}
	return sentence(words)
}

// phrase is a line as words, in which prefixes end where they say.
func phrase(l *keepalived.Node) []string {
	words := []string{l.Keyword.Text}
	for _, a := range l.Args {
		words = append(words, a.Text)
	}
	for at, w := range words {
		if p, err := netip.ParsePrefix(w); err == nil && p != p.Masked() {
			words[at] = p.Masked().String()
		}
	}
	return words
}

func sentence(words []string) string {
	return quote(strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "))
}
