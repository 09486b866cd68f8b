package director

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lvsd/internal/netif"
)

// routeAttributes are what makes one route to a destination another one.
func routeAttributes(r netif.Route) []attribute {
	number := func(n uint32) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatUint(uint64(n), 10)
	}
	src, behind, noTrack := "", "", ""
	if r.Src.IsValid() {
		src = r.Src.String()
	}
	if r.Append {
		behind = "true"
	}
	if r.NoTrack {
		noTrack = "true"
	}
	ways := string(r.Nexthops)
	if strings.Count(ways, "nexthop") == 1 {
		ways = strings.TrimPrefix(ways, "nexthop ")
	}
	list := []attribute{
		{name: "type", value: map[uint8]string{0: "none", 1: "", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
			8: "prohibit", 9: "throw"}[r.Type]},
		{name: "way", value: ways},
		{name: "src", value: src},
		{name: "protocol", value: originName(r.Protocol)},
		{name: "scope", value: scopeName(r.Scope)},
		{name: "congctl", value: r.Congctl},
		{name: "pref", value: map[uint8]string{1: "high", 3: "low"}[r.Pref]},
		{name: "append", value: behind},
		{name: "no_track", value: noTrack},
	}
	names := metricNames()
	var locked []string
	for kind, name := range names {
		if r.Metrics[unix.RTAX_LOCK]&(1<<kind) != 0 {
			locked = append(locked, name)
		}
		if kind != unix.RTAX_LOCK {
			list = append(list, attribute{name: name, value: number(r.Metrics[kind])})
		}
	}
	return append(list, attribute{name: "lock", value: strings.Join(locked, ", ")})
}

// metricNames are the names of the numbers of netif.Metrics.
func metricNames() [len(netif.Metrics{})]string {
	return [...]string{"unspecified", "lock", "mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit", "initcwnd",
		"features", "rto_min", "initrwnd", "quickack", "congctl", "fastopen_no_cookie"}
}

// originName is a protocol where it is not the usual one.
func originName(p uint8) string {
	if p == netif.Protocol {
		return ""
	}
	return strconv.Itoa(int(p))
}

func scopeName(scope uint8) string {
	names := map[uint8]string{0: "", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
	if name, known := names[scope]; known {
		return name
	}
	return strconv.Itoa(int(scope))
}

// ruleAttributes are what the text of a rule leaves out.
func ruleAttributes(r netif.Rule) []attribute {
	noTrack := ""
	if r.NoTrack {
		noTrack = "true"
	}
	return []attribute{{name: "protocol", value: originName(r.Protocol)}, {name: "no_track", value: noTrack}}
}
