package convert

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// cluster is what heartbeat's files say of a pair of nodes.
type cluster struct {
	nodes     []word // of ha.cf, in its order
	keepalive time.Duration
	deadtime  time.Duration
	device    word // carries the heartbeat
	stay      bool // resources stay where they are when the preferred node comes back
	resources []resource
	told      bool // an ha.cf was read
	timing    hcl.Range
}

// resource is one line of haresources: addresses that move together, and the node they prefer.
type resource struct {
	node      word
	addresses []takeover
	lead      []string
	at        hcl.Range
}

// takeover is one IPaddr resource.
type takeover struct {
	prefix netip.Prefix
	dev    string
	label  string
}

// haresources reads lines of NODE RESOURCE…, heartbeat's haresources(5).
func (j *job) haresources(lines []line) {
	for _, l := range lines {
		r := resource{node: l.words[0], lead: l.lead, at: l.at()}
		j.report.add(Different, r.node.at, r.node.text, "the preferred node: it has the highest priority")
		for _, w := range l.words[1:] {
			j.resource(&r, w)
		}
		if len(r.addresses) == 0 {
			j.report.add(Ignored, r.at, r.node.text, "the line moves no address, so there is nothing to elect a master for")
			continue
		}
		j.cluster.resources = append(j.cluster.resources, r)
	}
}

// resource reads one resource: a script's name with arguments behind "::", or a bare address.
func (j *job) resource(r *resource, w word) {
	script, rest, _ := strings.Cut(w.text, "::")
	_, err := netip.ParseAddr(strings.SplitN(script, "/", 2)[0])
	switch {
	case err == nil:
		rest = script
	case script == "IPaddr", script == "IPaddr2":
	case script == "keepalived", script == "ldirectord", script == "ipvsadm", script == "lvs":
		j.report.add(Different, w.at, w.text, "lvsd does its work itself, on both nodes")
		return
	default:
		j.report.add(Ignored, w.at, w.text, "lvsd starts no programs with a role; start it on both nodes")
		return
	}
	t, err := parseTakeover(rest)
	if err != nil {
		j.errorf(w.at, "%q: %v; write IPaddr::ADDRESS/LENGTH/INTERFACE", w.text, err)
		return
	}
	r.addresses = append(r.addresses, t)
	j.report.add(Same, w.at, script, "")
}

// parseTakeover reads ADDRESS[/LENGTH[/INTERFACE[:LABEL]][/BROADCAST]].
func parseTakeover(text string) (takeover, error) {
	parts := strings.Split(strings.SplitN(text, "::", 2)[0], "/")
	addr, err := netip.ParseAddr(parts[0])
	if err != nil || !addr.Is4() {
		return takeover{}, fmt.Errorf("%q is no IPv4 address", parts[0])
	}
	t := takeover{prefix: netip.PrefixFrom(addr, 32)}
	if len(parts) > 1 && parts[1] != "" {
		bits, err := strconv.Atoi(parts[1])
		if err != nil || bits < 1 || bits > 32 {
			return takeover{}, fmt.Errorf("%q is no prefix length", parts[1])
		}
		t.prefix = netip.PrefixFrom(addr, bits)
	}
	for _, p := range parts[min(2, len(parts)):] {
		if _, err := netip.ParseAddr(p); err == nil || p == "" {
			continue // the broadcast address follows from the prefix
		}
		dev, number, labelled := strings.Cut(p, ":")
		t.dev = dev
		if labelled {
			t.label = dev + ":" + number
		}
	}
	return t, nil
}

// haCf reads heartbeat's ha.cf: a word and its values on each line.
func (j *job) haCf(lines []line) {
	c := &j.cluster
	c.told = true
	for _, l := range lines {
		name, values := l.words[0], l.words[1:]
		if len(values) == 0 {
			j.errorf(name.at, "%q needs a value", name.text)
			continue
		}
		switch name.text {
		case "node":
			c.nodes = append(c.nodes, values...)
			j.report.add(Different, name.at, name.text, "names the keys of the priorities")
		case "keepalive":
			j.heartbeatTime(values[0], &c.keepalive)
			c.timing = l.at()
			j.report.add(Different, name.at, name.text, "it is the advert_int, if that suits deadtime")
		case "deadtime":
			j.heartbeatTime(values[0], &c.deadtime)
			c.timing = l.at()
		case "udp", "bcast", "mcast", "ucast":
			if c.device.text == "" {
				c.device = values[0]
			}
			if name.text == "ucast" {
				j.report.add(Different, name.at, name.text, "adverts go to VRRP's multicast group on %s", values[0].text)
			} else {
				j.report.add(Different, name.at, name.text, "adverts go out on %s, to VRRP's multicast group", c.device.text)
			}
		case "auto_failback", "nice_failback":
			c.stay = (values[0].text == "on") == (name.text == "nice_failback")
			j.report.add(Same, name.at, name.text, "")
		default:
			j.report.add(Ignored, name.at, name.text, "%s", otherHeartbeat(name.text))
		}
	}
}

// otherHeartbeat says why a word of ha.cf is not carried over.
func otherHeartbeat(name string) string {
	switch name {
	case "logfile", "logfacility", "debugfile", "debug", "use_logd":
		return "lvsd logs to standard error; see --log-format"
	case "hopfudge":
		return "adverts are not forwarded: their TTL is 255 and is checked"
	case "udpport":
		return "VRRP has no port; let IP protocol 112 through between the nodes"
	case "warntime":
		return "lvsd reports late adverts itself"
	case "initdead":
		return "a node that starts listens for one down time before it takes over"
	case "serial", "baud":
		return "VRRP is heard on interfaces only; the other node counts as dead when no advert comes"
	case "ping", "ping_group", "respawn", "apiauth":
		return "ipfail has no counterpart: an instance gives up when one of its interfaces goes down"
	case "watchdog":
		return "let systemd restart lvsd"
	case "stonith", "stonith_host":
		return "lvsd does not reset the other node"
	}
	return "it has no counterpart in VRRP"
}

// heartbeatTime reads seconds, or milliseconds with "ms" behind them.
func (j *job) heartbeatTime(w word, to *time.Duration) {
	text := w.text
	if !strings.HasSuffix(text, "ms") {
		text = strings.TrimSuffix(text, "s") + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 10*time.Millisecond || d > time.Hour {
		j.errorf(w.at, "%q is no time from 10ms to an hour; write seconds such as 2, or 500ms", w.text)
		return
	}
	*to = d
}

// authkeys reads heartbeat's authkeys, of which nothing is kept: the keys are not repeated.
func (j *job) authkeys(lines []line) {
	for _, l := range lines {
		if l.words[0].text == "auth" {
			j.report.add(Ignored, l.words[0].at, "auth", "VRRP in lvsd is not authenticated yet: keep strangers off the segment of the adverts")
			continue
		}
		j.report.add(Ignored, l.words[0].at, "key "+l.words[0].text, "it is not carried over")
	}
}
