package conf

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// firstRule is the preference of the first rule that has none, as keepalived gives it; those behind
// it have one less each.
const firstRule = 16384

// ruleTOS4 are the bits of a tos that rules of IPv4 may have: IPTOS_TOS_MASK without those of ECN
// (net/ipv4/fib_rules.c).
const ruleTOS4 = 0x1c

// rules reads a block of rules.
func (d *decoder) rules(n *keepalived.Node, to *[]Rule) {
	for _, c := range n.Children {
		if c.Broken {
			continue
		}
		if r, ok := d.rule(c, n.Name); ok {
			*to = append(*to, r)
		}
	}
}

// ruleLine is a rule with what its words leave open until all are read.
type ruleLine struct {
	*phrase
	Rule
	leftOut bool // keepalived reads past the line, with a warning
}

func (d *decoder) rule(n *keepalived.Node, in string) (Rule, bool) {
	l := &ruleLine{phrase: d.phrase(n, in, "rule")}
	l.Rule = Rule{Family: 4, AnyUID: true, SuppressPrefix: -1, SuppressGroup: -1, Protocol: keepalivedProtocol, Range: n.Range}
	for w, ok := l.next(); ok && !l.leftOut; w, ok = l.next() {
		l.word(w)
	}
	if !l.broken && !l.leftOut {
		l.finish()
	}
	return l.Rule, !l.broken && !l.leftOut
}

// ruleSynonyms are the other spellings of words.
func ruleSynonyms() map[string]string {
	return map[string]string{
		"priority": "preference", "pref": "preference", "order": "preference", "lookup": "table", "dev": "iif", "dsfield": "tos",
		"proto": "protocol", "ip_proto": "ipproto", "sup_pl": "suppress_prefixlength", "sup_group": "suppress_ifgroup",
	}
}

func (l *ruleLine) word(w keepalived.Word) {
	name := w.Text
	if to, ok := ruleSynonyms()[name]; ok {
		name = to
	}
	if action, ok := ruleActions()[name]; ok {
		l.action(action, w)
		return
	}
	l.once(name, w)
	switch name {
	case "from":
		l.From = l.prefix(w)
	case "to":
		l.To = l.prefix(w)
	case "iif":
		l.Iif = l.device(w)
	case "oif":
		l.Oif = l.device(w)
	case "fwmark":
		l.mark(w)
	case "tos":
		l.TOS = l.typeOfService(w)
	case "ipproto":
		l.IPProto = uint8(l.number(w, transports(), 1, 255))
	case "sport":
		l.Sport = l.ports(w)
	case "dport":
		l.Dport = l.ports(w)
	case "uidrange":
		first, last := l.span(w, 1<<32-2)
		l.UIDs, l.AnyUID = UIDRange{uint32(first), uint32(last)}, false
	case "tun_id":
		l.TunID = l.number(w, nil, 1, 1<<64-1)
	case "not":
		l.Not = true
	case "table":
		l.action(RuleTable, w)
		l.Table = uint32(l.number(w, routingTables(), 1, 1<<32-1))
	case "l3mdev":
		l.action(RuleTable, w)
		l.L3mdev = true
	case "goto":
		l.action(RuleGoto, w)
		l.Goto = uint32(l.number(w, nil, 1, 1<<32-1))
	case "suppress_prefixlength":
		l.SuppressPrefix = int(l.number(w, nil, 0, 128))
	case "suppress_ifgroup":
		l.SuppressGroup = int64(l.number(w, map[string]uint64{"default": 0}, 0, 1<<31-1))
	case "preference":
		l.Priority = uint32(l.number(w, nil, 0, 1<<32-1))
	case "protocol":
		l.Protocol = uint8(l.number(w, routingProtocols(), 1, 255))
	case "inet":
	case "inet6":
		l.Family = 6
	case "no_track":
		l.Untracked = true
	default:
		l.unknown(w, l.known())
	}
}

func (l *ruleLine) known() []string {
	all := []string{"from", "to", "iif", "oif", "fwmark", "tos", "ipproto", "sport", "dport", "uidrange", "tun_id", "not", "table", "l3mdev",
		"goto", "suppress_prefixlength", "suppress_ifgroup", "preference", "protocol", "inet", "inet6", "no_track"}
	return slices.Concat(all, slices.Collect(maps.Keys(ruleSynonyms())), slices.Collect(maps.Keys(ruleActions())))
}

// action notes what the rule does, which is one thing; "unicast" is said beside a table.
func (l *ruleLine) action(a uint8, w keepalived.Word) {
	if w.Text == "unicast" {
		return
	}
	if l.Action != 0 {
		l.errorf(w.Range, "A rule does one thing; remove %q or the other one", w.Text)
	}
	l.Action = a
}

// prefix takes a prefix, an address, or all. keepalived reads past a rule with anything else.
func (l *ruleLine) prefix(of keepalived.Word) netip.Prefix {
	w := l.value(of)
	if l.broken || slices.Contains([]string{"all", "any", "default"}, w.Text) {
		return netip.Prefix{}
	}
	prefix, err := parsePrefix(w.Text)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		mistake := fmt.Sprintf("%s takes a prefix such as 192.168.100.0/24, or all, not %q", of.Text, w.Text)
		l.skip(w, mistake, "write one")
	case prefix != prefix.Masked():
		l.broken = !l.d.repairs(w.Range, w.Text+" has bits behind its prefix length", prefix.Masked().String()+" is taken", "write "+prefix.Masked().String())
	}
	return prefix.Masked()
}

// skip leaves the rule out where keepalived does.
func (l *ruleLine) skip(w keepalived.Word, mistake, write string) {
	if l.d.repairs(w.Range, mistake, "the rule is left out, as by keepalived", write) {
		l.leftOut = true
	} else {
		l.broken = true
	}
}

// mark takes MARK or MARK/MASK.
func (l *ruleLine) mark(of keepalived.Word) {
	w := l.value(of)
	if l.broken {
		return
	}
	mark, mask, masked := strings.Cut(w.Text, "/")
	l.Mask = ^uint32(0)
	part := func(text string, lo uint64) uint32 {
		v, ok := l.d.numbered(of.Text, keepalived.Word{Text: text, Range: w.Range}, nil, lo, 1<<32-1)
		l.broken = l.broken || !ok
		return uint32(v)
	}
	l.Mark = part(mark, 0)
	if masked && !l.broken {
		l.Mask = part(mask, 1)
	}
}

// span takes a number or a range of numbers up to most.
func (l *ruleLine) span(of keepalived.Word, most uint64) (first, last uint64) {
	w := l.value(of)
	if l.broken {
		return 0, 0
	}
	from, to, ranged := strings.Cut(w.Text, "-")
	if !ranged {
		to = from
	}
	first, err := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if err != nil || err2 != nil || first > last || last > most {
		l.errorf(w.Range, "%s takes a number or a range such as 10-20 of at most %d, not %q", of.Text, most, w.Text)
	}
	return first, last
}

func (l *ruleLine) ports(of keepalived.Word) PortRange {
	first, last := l.span(of, 65535)
	if !l.broken && first == 0 {
		l.errorf(of.Range, "%s takes ports from 1 to 65535", of.Text)
	}
	return PortRange{uint16(first), uint16(last)}
}

// finish works out what depends on several words, and looks for what does not go together.
func (l *ruleLine) finish() {
	for _, p := range []netip.Prefix{l.From, l.To} {
		if !p.IsValid() {
			continue
		}
		if l.given["inet"] && p.Addr().Is6() || l.given["inet6"] && p.Addr().Is4() {
			l.errorf(l.line, "%s is not of the family that this rule says; remove inet or inet6", p)
		}
		if p.Addr().Is6() {
			l.Family = 6
		}
	}
	for _, p := range []netip.Prefix{l.From, l.To} {
		if p.IsValid() && p.Addr().Is6() != (l.Family == 6) {
			l.errorf(l.line, "from %s and to %s are of two address families", l.From, l.To)
			return
		}
	}
	if l.Family == 4 && l.TOS&^ruleTOS4 != 0 {
		l.skip(keepalived.Word{Range: l.line}, fmt.Sprintf("The kernel takes no tos %#02x in a rule of IPv4", l.TOS), "write one of 0x04, 0x08, 0x0c and so on to 0x1c")
		return
	}
	if l.Action == 0 {
		l.skip(keepalived.Word{Range: l.line}, "This rule does nothing", "write table NAME, or blackhole, unreachable, prohibit, goto NUMBER")
		return
	}
	suppresses := l.SuppressPrefix >= 0 || l.SuppressGroup >= 0
	if suppresses && l.Action != RuleTable {
		l.errorf(l.line, "suppress_prefixlength and suppress_ifgroup are about what a table gives; write table NAME with them")
	}
	if (l.Sport != PortRange{} || l.Dport != PortRange{}) && l.IPProto == 0 {
		l.d.warnf(l.line, "A port without ipproto matches every protocol that has ports")
	}
	l.settlePreference()
	if l.Action == RuleGoto && l.Goto <= l.Priority {
		l.errorf(l.line, "goto %d does not lead behind this rule, whose preference is %d; write a higher number", l.Goto, l.Priority)
	}
}

// settlePreference gives a rule without a preference the one that keepalived does. Without one the
// order of rules would depend on that in which instances become master.
func (l *ruleLine) settlePreference() {
	if l.given["preference"] || l.broken {
		return
	}
	next := &l.d.rulesWithout[l.Family/6]
	if l.broken = !l.d.repairs(l.line, "This rule has no preference", fmt.Sprintf("%d is taken, as by keepalived, and one less for the next rule without one", firstRule-*next),
		"write preference NUMBER, the lower the earlier, from 1 to 32765"); l.broken {
		return
	}
	l.Priority = uint32(firstRule - *next)
	*next = min(*next+1, firstRule-1)
}

// validateRules looks for rules that one owner has twice.
func (d *decoder) validateRules(owner string, rules []Rule) []Rule {
	seen := map[Rule]int{}
	var kept []Rule
	for i, r := range rules {
		key := r
		key.Range, key.Untracked = hcl.Range{}, false
		if first, twice := seen[key]; twice {
			d.repairs(r.Range, "This rule stands twice in "+owner, "one is enough", "remove one")
			d.relate(rules[first].Range, "the first one")
			continue
		}
		seen[key] = i
		kept = append(kept, r)
	}
	return kept
}
