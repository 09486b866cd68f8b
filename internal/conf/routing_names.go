package conf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lvsd/internal/conf/keepalived"
)

// A file gives the same answer on any machine: names that a host may define (/etc/iproute2) are
// numbers here, but for those that iproute2 brings along and the kernel's headers fix.

func routingTables() map[string]uint64 {
	return map[string]uint64{"default": 253, "main": 254, "local": 255}
}

// routingProtocols are those of linux/rtnetlink.h, RTPROT_*.
func routingProtocols() map[string]uint64 {
	return map[string]uint64{
		"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12, "dnrouted": 13,
		"xorp": 14, "ntk": 15, "dhcp": 16, "mrouted": 17, "keepalived": 18, "babel": 42, "openr": 99, "bgp": 186, "isis": 187,
		"ospf": 188, "rip": 189, "eigrp": 192,
	}
}

func routingScopes() map[string]uint64 {
	return map[string]uint64{"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
}

func routePreferences() map[string]uint64 {
	return map[string]uint64{"medium": 0, "high": 1, "low": 3}
}

// transports are protocols over IP by their names in /etc/protocols.
func transports() map[string]uint64 {
	return map[string]uint64{
		"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58,
		"icmpv6": 58, "ospf": 89, "vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
	}
}

func routeTypes() map[string]uint8 {
	return map[string]uint8{
		"unicast": Unicast, "local": Local, "broadcast": Broadcast, "anycast": Anycast, "multicast": Multicast, "blackhole": Blackhole,
		"unreachable": Unreachable, "prohibit": Prohibit, "throw": Throw,
	}
}

func ruleActions() map[string]uint8 {
	return map[string]uint8{
		"unicast": RuleTable, "nop": RuleNop, "blackhole": RuleBlackhole, "unreachable": RuleUnreachable, "prohibit": RuleProhibit,
	}
}

// routeMetric is a word of ip-route(8) for one of a route's metrics.
type routeMetric struct {
	number int // in linux/rtnetlink.h
	lo, hi uint64
	// unit is how many of the kernel's are in a millisecond, for a time; 0 is no time.
	unit uint64
	lock bool // the kernel must not adapt it, as iproute2 has it
}

func routeMetrics() map[string]routeMetric {
	const most = 1<<32 - 1
	return map[string]routeMetric{
		"mtu": {number: 2, lo: 68, hi: 65520}, "window": {number: 3, lo: 1, hi: most}, "rtt": {number: 4, lo: 1, hi: most / 8, unit: 8},
		"rttvar": {number: 5, lo: 1, hi: most / 4, unit: 4}, "ssthresh": {number: 6, lo: 1, hi: most}, "cwnd": {number: 7, lo: 1, hi: most},
		"advmss": {number: 8, lo: 1, hi: 65495}, "reordering": {number: 9, lo: 1, hi: most}, "hoplimit": {number: 10, lo: 1, hi: 255},
		"initcwnd": {number: 11, lo: 1, hi: most}, "rto_min": {number: 13, lo: 1, hi: most, unit: 1, lock: true},
		"initrwnd": {number: 14, lo: 1, hi: most}, "quickack": {number: 15, lo: 0, hi: 1}, "fastopen_no_cookie": {number: 17, lo: 0, hi: 1},
	}
}

// metricFeatures is the number of RTAX_FEATURES, metricCongctl of RTAX_CC_ALGO, metricLock of RTAX_LOCK.
const (
	metricLock     = 1
	metricFeatures = 12
	metricCongctl  = 16
)

// numbered reads a name of a table or a number from lo to hi, decimal or hexadecimal.
func (d *decoder) numbered(what string, w keepalived.Word, names map[string]uint64, lo, hi uint64) (uint64, bool) {
	if v, ok := names[w.Text]; ok && v >= lo {
		return v, true
	}
	v, err := strconv.ParseUint(w.Text, 0, 64)
	if decimal, bad := strconv.ParseUint(w.Text, 10, 64); bad == nil {
		v, err = decimal, nil // no octal: iproute2's 010 is 8, and nobody means it
	}
	if err == nil && v >= lo && v <= hi && !strings.Contains(w.Text, "_") {
		return v, true
	}
	known := slices.Sorted(maps.Keys(names))
	list := ""
	if len(known) > 0 {
		list = strings.Join(known, ", ") + " or "
	}
	hint := ""
	if near := keepalived.Nearest(w.Text, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	d.errorf(w.Range, "%s is %sa number from %d to %d, not %q%s", what, list, lo, hi, w.Text, hint)
	return 0, false
}
