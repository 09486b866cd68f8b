package convert

import (
	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// authentication converts the block as it counts: not at all where keepalived takes no notice of
// it, and with what an advert holds of the password.
func (k *tree) authentication(n *keepalived.Node, i *conf.Instance) []*item {
	if i.AuthPass == "" {
		return nil
	}
	k.note(n)
	it := &item{name: n.Name, at: n.Range}
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item {
		if c.Name == "auth_pass" {
			k.note(c)
			return []*item{{name: c.Name, expr: quote(string(i.AuthPass)), at: c.Range}}
		}
		return k.word(c)
	})
	it.block = &inner
	return []*item{it}
}

// lastOf is the last child of that name, the one that counts; nil where there is none.
func lastOf(n *keepalived.Node, name string) *keepalived.Node {
	var last *keepalived.Node
	for _, c := range n.Children {
		if c.Name == name {
			last = c
		}
	}
	return last
}
