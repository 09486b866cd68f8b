package convert

import (
	"encoding/hex"
	"strings"

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

// hmac converts auth_hmac. Its keys come together in one list, where its last one stands.
func (k *tree) hmac(n *keepalived.Node) []*item {
	k.note(n)
	it := &item{name: n.Name, at: n.Range}
	keys := &item{name: "key", list: []element{}}
	for _, c := range n.Children {
		if c.Name == "key" && len(c.Args) == 2 {
			k.note(c)
			keys.list = append(keys.list, element{expr: quote(c.Args[0].Text + " " + plainKey(c.Args[1].Text))})
		}
	}
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item { // of a word that stands again, the last
		if c.Name != "key" {
			return k.word(c)
		}
		keys.at = c.Range
		return []*item{keys}
	})
	it.block = &inner
	return []*item{it}
}

// plainKey is a key as one word, whatever its bytes are.
func plainKey(text string) string {
	const plain = "-+./0123456789:=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	if strings.Trim(text, plain) == "" || strings.HasPrefix(text, "file:") && !strings.ContainsAny(text, " \t\"'\\") {
		return text
	}
	return "hex:" + hex.EncodeToString([]byte(text))
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
