package conf

// hclStatic is what stands whoever is master.
func hclStatic() []hclLines {
	return []hclLines{
		hclAddresses("static_ipaddress"),
		hclRoutes("static_routes"), hclRules("static_rules"),
	}
}

func hclRoutes(name string) hclLines {
	return hclLines{
		name: name, free: true,
		options: []string{"to", "src", "gw", "dev", "oif", "table", "scope", "protocol", "proto", "metric", "priority", "preference",
			"tos", "dsfield", "rto_min", "initcwnd", "initrwnd", "features", "quickack", "fastopen_no_cookie", "pref"},
		lists: []string{"via", "nexthop", "mtu", "advmss", "hoplimit", "rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh", "congctl"},
		flags: []string{"unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "onlink",
			"inet", "inet6", "prepend", "append", "no_track"},
	}
}

func hclRules(name string) hclLines {
	return hclLines{
		name: name, free: true,
		options: []string{"from", "to", "iif", "dev", "oif", "fwmark", "tos", "dsfield", "ipproto", "ip_proto", "sport", "dport", "uidrange",
			"tun_id", "table", "lookup", "goto", "suppress_prefixlength", "sup_pl", "suppress_ifgroup", "sup_group", "preference", "priority",
			"pref", "order", "protocol", "proto"},
		flags: []string{"not", "l3mdev", "unicast", "nop", "blackhole", "unreachable", "prohibit", "inet", "inet6", "no_track"},
	}
}
