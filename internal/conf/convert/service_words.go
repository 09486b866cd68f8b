package convert

import (
	"fmt"
	"strconv"
	"strings"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// serviceWord converts a word of a virtual server of which the model may have made something else
// than it says; false is that it means what it says. What the model ignores is left out.
func (k *tree) serviceWord(c *keepalived.Node, v *conf.VirtualServer) ([]*item, bool) {
	value := func(expr string) ([]*item, bool) {
		k.note(c)
		return []*item{{name: c.Name, expr: expr, at: c.Range}}, true
	}
	flag := func(set bool) ([]*item, bool) {
		if !set {
			return nil, true
		}
		return value("true")
	}
	switch c.Name {
	case "protocol":
		return nil, v.Protocol == ""
	case "persistence_timeout":
		return value(duration(v.PersistenceTimeout))
	case "lb_kind":
		return value(quote(method(v.Forwarding, v.Tunnel)))
	case "ip_family":
		if v.Family == 0 {
			return nil, true
		}
		return value(quote(map[uint8]string{4: "inet", 6: "inet6"}[v.Family]))
	case "sh-port", "sh-fallback", "mh-port", "mh-fallback":
		set := v.HashPort
		if strings.HasSuffix(c.Name, "fallback") {
			set = v.Fallback
		}
		return flag(set && strings.HasPrefix(c.Name, v.Scheduler+"-"))
	case "ops":
		return flag(v.OnePacket)
	case "persistence_engine":
		return nil, v.PersistenceEngine == ""
	case "quorum":
		return value(strconv.Itoa(v.Quorum))
	case "hysteresis":
		return value(strconv.Itoa(v.Hysteresis))
	}
	if !strings.HasPrefix(c.Name, "sorry_server") {
		return nil, false
	}
	switch sorry := v.Sorry; {
	case !sorry.Address.IsValid():
		return nil, true
	case c.Name == "sorry_server":
		return value(quote(fmt.Sprintf("%s %d", sorry.Address.Addr(), sorry.Address.Port())))
	case c.Name == "sorry_server_lvs_method":
		return value(quote(method(sorry.Forwarding, sorry.Tunnel)))
	}
	return nil, false
}

// method is the way to a server as lb_kind has it.
func method(f conf.Forwarding, t conf.Tunnel) string {
	words := []string{string(f)}
	if f == conf.TUN && t.Type != conf.IPIP {
		words = append(words, "type", string(t.Type))
	}
	if t.Port != 0 {
		words = append(words, "port", strconv.Itoa(int(t.Port)))
	}
	if t.Checksum != "" {
		words = append(words, string(t.Checksum))
	}
	return strings.Join(words, " ")
}
