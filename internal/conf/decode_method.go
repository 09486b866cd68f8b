package conf

import (
	"strconv"
	"strings"

	"lvsd/internal/conf/keepalived"
)

// method reads lb_kind and its kin: NAT, DR, or TUN with the options of a tunnel.
func (d *decoder) method(n *keepalived.Node, to *Forwarding, tunnel *Tunnel) {
	if len(n.Args) == 0 && !n.Broken {
		d.errorf(n.Range, "%s is empty; write NAT, DR or TUN", n.Keyword.Text)
		return
	}
	kind := *to
	if !d.choice(n, []string{string(NAT), string(DR), string(TUN)}, (*string)(&kind)) {
		return
	}
	options := n.Args[1:]
	if kind != TUN {
		if len(options) > 0 {
			d.errorf(options[0].Range, "%s %s has no option %q: only TUN has any", n.Keyword.Text, kind, options[0].Text)
			return
		}
		*to, *tunnel = kind, Tunnel{}
		return
	}
	if t, ok := d.tunnel(n, options); ok {
		*to, *tunnel = kind, t
	}
}

// tunnel reads the options behind TUN, in any order.
func (d *decoder) tunnel(n *keepalived.Node, options []keepalived.Word) (t Tunnel, ok bool) {
	t = Tunnel{Type: IPIP}
	known := []string{"type", "port", "nocsum", "csum", "remcsum"}
	sum := ""
	for len(options) > 0 {
		w := options[0]
		options = options[1:]
		switch w.Text {
		case "nocsum", "csum", "remcsum":
			if sum != "" && sum != w.Text {
				d.errorf(w.Range, "A tunnel has %s or %s, not both", sum, w.Text)
				return t, false
			}
			sum = w.Text
			continue
		case "type", "port":
			if len(options) == 0 {
				d.errorf(w.Range, "%q needs a value; write type ipip|gue|gre or port NUMBER", w.Text)
				return t, false
			}
		default:
			hint := ""
			if near := keepalived.Nearest(w.Text, known); near != "" {
				hint = "; did you mean \"" + near + "\"?"
			}
			d.errorf(w.Range, "TUN has no option %q%s", w.Text, hint)
			return t, false
		}
		value := options[0]
		options = options[1:]
		if w.Text == "type" {
			option := &keepalived.Node{Keyword: w, Args: []keepalived.Word{value}}
			if !d.choice(option, []string{string(IPIP), string(GUE), string(GRE)}, (*string)(&t.Type)) {
				return t, false
			}
			continue
		}
		number, err := strconv.ParseUint(value.Text, 10, 16)
		if err != nil || number == 0 {
			d.errorf(value.Range, "The port of a GUE tunnel is a whole number from 1 to 65535, not %q", value.Text)
			return t, false
		}
		t.Port = uint16(number)
	}
	t.Checksum = Checksum(strings.TrimPrefix(sum, "nocsum"))
	return d.soundTunnel(n, t)
}

// soundTunnel holds the options of a tunnel to its type, as ipvsadm(8) does.
func (d *decoder) soundTunnel(n *keepalived.Node, t Tunnel) (Tunnel, bool) {
	useless := func(what string) bool {
		return d.repairs(n.Range, "A tunnel of type "+string(t.Type)+" has no "+what, "it is left out", "remove it")
	}
	if t.Type == GUE && t.Port == 0 {
		d.errorf(n.Range, "A GUE tunnel needs the UDP port at which the servers take it; write TUN type gue port 6080")
		return t, false
	}
	if t.Type != GUE && t.Port != 0 {
		if !useless("port") {
			return t, false
		}
		t.Port = 0
	}
	if t.Type == IPIP && t.Checksum != "" || t.Type == GRE && t.Checksum == RemoteChecksum {
		if !useless(string(t.Checksum)) {
			return t, false
		}
		t.Checksum = ""
	}
	return t, true
}
