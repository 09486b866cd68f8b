package convert

import (
	"strconv"
	"strings"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// checkItem is a check as it is written so far, with what it came to.
type checkItem struct {
	body   *body
	node   *keepalived.Node
	check  conf.Check
	server *keepalived.Node
}

func (k *tree) service(n *keepalived.Node, v *conf.VirtualServer) []*item {
	k.note(n)
	k.checks = nil
	it := &item{name: n.Name, at: n.Range, service: v}
	for _, a := range n.Args {
		it.labels = append(it.labels, a.Text)
	}
	if len(it.labels) == 1 {
		it.labels = append(it.labels, strconv.Itoa(int(v.Address.Port())))
	}
	servers := v.RealServers
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item {
		if c.Name == "real_server" {
			if len(servers) == 0 || !isServer(c, &servers[0]) {
				return nil
			}
			r := servers[0]
			servers = servers[1:]
			return k.server(c, &r, v)
		}
		if items, done := k.serviceWord(c, v); done {
			return items
		}
		return k.word(c)
	})
	it.block = &inner
	k.serviceDefaults(it, n, v)
	rollUp(it.block)
	return []*item{it}
}

// isServer says whether a statement is the one that a real server was made of.
func isServer(n *keepalived.Node, r *conf.RealServer) bool {
	return n.Range == r.Range
}

func (k *tree) server(n *keepalived.Node, r *conf.RealServer, v *conf.VirtualServer) []*item {
	k.note(n)
	it := &item{name: n.Name, at: n.Range, labels: []string{n.Args[0].Text, serverPort(n, r, v)}}
	checks := r.Checks
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item {
		if c.Name == "lb_kind" {
			k.note(c)
			return []*item{{name: c.Name, expr: quote(method(r.Forwarding, r.Tunnel)), at: c.Range}}
		}
		items := k.word(c)
		if len(checks) > 0 && conf.CheckKind(c.Name) == checks[0].Kind {
			k.checks = append(k.checks, &checkItem{items[0].block, c, checks[0], n})
			checks = checks[1:]
		}
		return items
	})
	it.block = &inner
	return []*item{it}
}

// serverPort is the port of a real server as it is written, or as it came to be: that of its
// service where none is written, and where only NAT could change it.
func serverPort(n *keepalived.Node, r *conf.RealServer, v *conf.VirtualServer) string {
	number := strconv.Itoa(int(r.Address.Port()))
	if len(n.Args) < 2 {
		return number
	}
	if _, err := strconv.Atoi(n.Args[1].Text); err == nil || v.FWMark == 0 && v.Group == "" && r.Forwarding != conf.NAT {
		return number
	}
	return n.Args[1].Text // the name of a port
}

// serviceDefaults writes out what keepalived takes for a word that is not there, where HCL takes
// something else.
func (k *tree) serviceDefaults(it *item, n *keepalived.Node, v *conf.VirtualServer) {
	usual := &k.usual.service
	fill := func(word, is, other string) {
		if !has(n, word) && is != other {
			it.block.put(word, is)
			k.report.add(Different, n.Range, word, "keepalived's default %s is written out; HCL's is %s", is, other)
		}
	}
	if v.Protocol != "" {
		fill("protocol", quote(strings.ToUpper(string(v.Protocol))), quote(strings.ToUpper(string(usual.Protocol))))
	}
	fill("lb_algo", quote(v.Scheduler), quote(usual.Scheduler))
	fill("lb_kind", quote(method(v.Forwarding, v.Tunnel)), quote(method(usual.Forwarding, usual.Tunnel)))
	if v.PersistenceTimeout != 0 && !has(n, "persistence_timeout") {
		it.block.put("persistence_timeout", duration(v.PersistenceTimeout))
		k.report.add(Different, n.Range, "persistence_timeout", "what keepalived takes is written out: the service needs it")
	}
	for _, w := range timingWords() {
		if !has(n, w.name) {
			k.timingDefault(it, n, w)
		}
	}
	for _, w := range ownWords() {
		k.eachDefault(n, w, k.silent(w))
	}
}

// timingWord is a word that a check inherits.
type timingWord struct {
	name string
	of   func(conf.Check) string
	// everyKind says that keepalived's default is the same for every kind of check.
	everyKind bool
}

func timingWords() []timingWord {
	return []timingWord{
		{"delay_loop", func(c conf.Check) string { return duration(c.Interval) }, true},
		{"connect_timeout", func(c conf.Check) string { return duration(c.Timeout) }, true},
		{"retry", func(c conf.Check) string { return strconv.Itoa(c.Retry) }, false},
		{"delay_before_retry", func(c conf.Check) string { return duration(c.DelayBeforeRetry) }, false},
	}
}

// timingDefault writes a default of checks into their virtual server where it is the same for all
// of them, else into each.
func (k *tree) timingDefault(it *item, n *keepalived.Node, w timingWord) {
	silent := k.silent(w)
	uniform, usual := true, true
	for _, c := range silent {
		uniform = uniform && w.of(c.check) == w.of(silent[0].check)
		usual = usual && w.of(c.check) == w.of(k.usual.checks[c.check.Kind])
	}
	if usual {
		return
	}
	if uniform {
		it.block.put(w.name, w.of(silent[0].check))
		k.written(n, w, silent[0])
		return
	}
	k.eachDefault(n, w, silent)
}

// silent are the checks that neither say a word nor have it from their real server.
func (k *tree) silent(w timingWord) []*checkItem {
	var silent []*checkItem
	for _, c := range k.checks {
		has := has(c.node, w.name) || has(c.server, w.name) || w.name == "connect_timeout" && c.check.Misc != nil
		if !has {
			silent = append(silent, c)
		}
	}
	return silent
}

// eachDefault writes a default into each check for which HCL has another.
func (k *tree) eachDefault(n *keepalived.Node, w timingWord, silent []*checkItem) {
	for _, c := range silent {
		if is := w.of(c.check); is != w.of(k.usual.checks[c.check.Kind]) {
			c.body.put(w.name, is)
			k.written(n, w, c)
		}
	}
}

// written reports a default that is written out: at the check whose default it is, or at the virtual
// server where it is that of every check.
func (k *tree) written(n *keepalived.Node, w timingWord, c *checkItem) {
	at := c.node.Range
	if w.everyKind {
		at = n.Range
	}
	k.report.add(Different, at, w.name, "keepalived's default %s is written out; HCL's is %s",
		w.of(c.check), w.of(k.usual.checks[c.check.Kind]))
}

// ownWords are those that a check does not inherit and whose defaults differ. A sni_name says
// enable_sni too.
func ownWords() []timingWord {
	return []timingWord{
		{"http_protocol", func(c conf.Check) string {
			if c.HTTP == nil {
				return ""
			}
			return quote(c.HTTP.Protocol)
		}, false},
		{"enable_sni", func(c conf.Check) string { return strconv.FormatBool(c.HTTP != nil && c.HTTP.SNI) }, false},
		{"helo_name", func(c conf.Check) string {
			if c.SMTP == nil {
				return ""
			}
			return quote(c.SMTP.HeloName)
		}, false},
	}
}

func has(n *keepalived.Node, name string) bool {
	for _, c := range n.Children {
		if c.Name == name {
			return true
		}
	}
	return false
}
