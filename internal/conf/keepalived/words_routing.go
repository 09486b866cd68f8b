package keepalived

// staticWords are what stands whoever is master.
func staticWords() []*keyword {
	addresses := word("static_ipaddress { ADDRESS[/LENGTH] [dev NAME] [label LABEL] [scope SCOPE] … }").plain(1, addressOptions(), trackGroup())
	return list(
		addresses,
		word("static_routes { [TYPE] PREFIX [via [inet6] ADDRESS] [dev NAME] [OPTION] … }").plain(1, routeOptions(), trackGroup()).anywhere(),
		word("static_rules { [from PREFIX] [to PREFIX] [OPTION] table TABLE … }").plain(1, ruleOptions(), trackGroup()).anywhere(),
	)
}

// routingWords are the routes and rules that move with an instance.
func routingWords() []*keyword {
	return list(
		word("virtual_routes { [TYPE] PREFIX [via [inet6] ADDRESS] [dev NAME] [OPTION] … }").plain(1, routeOptions()).anywhere(),
		word("virtual_rules { [from PREFIX] [to PREFIX] [OPTION] table TABLE … }").plain(1, ruleOptions()).anywhere(),
	)
}

func trackGroup() []*keyword {
	return ignore("lvsd puts back what is removed, and says in its log what it cannot put back; the instances of the group go on", "track_group GROUP")
}

// routeOptions are the words of ip-route(8) as keepalived.conf(5) has them.
func routeOptions() []*keyword {
	own := "write the route in the host's own network configuration"
	return join(
		words("to PREFIX", "src ADDRESS"),
		list(word("via [inet|inet6] ADDRESS").alias("gw"), word("dev NAME").alias("oif")),
		words("or ADDRESS", "nexthop WORD …", "weight NUMBER", "onlink", "table TABLE", "scope SCOPE"),
		list(word("protocol PROTOCOL").alias("proto"), word("metric NUMBER").alias("priority", "preference"), word("tos NUMBER").alias("dsfield")),
		words("unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "inet", "inet6",
			"prepend", "append", "no_track"),
		words("mtu [lock] NUMBER", "advmss [lock] NUMBER", "hoplimit [lock] NUMBER", "rtt [lock] MILLISECONDS", "rttvar [lock] MILLISECONDS",
			"rto_min MILLISECONDS", "reordering [lock] NUMBER", "window [lock] NUMBER", "cwnd [lock] NUMBER", "ssthresh [lock] NUMBER",
			"initcwnd NUMBER", "initrwnd NUMBER", "features ecn", "quickack 0|1", "fastopen_no_cookie 0|1", "congctl [lock] NAME", "pref low|medium|high"),
		refuse("lvsd cannot set up tunnels in routes; "+own, "encap TYPE …"),
		refuse("lvsd keeps a route for as long as it is wanted; remove it", "expires SECONDS"),
		refuse("the kernel would not count the packets of the realm; "+own, "realms REALM"),
		refuse("which table a VRF has only the host knows; write table NUMBER", "vrf NAME"),
		refuse("it is about MPLS; "+own, "as [to] ADDRESS", "ttl-propagate WORD"),
		refuse("no kernel has it any more; remove it", "pervasive"),
	)
}

// ruleOptions are the words of ip-rule(8) as keepalived.conf(5) has them.
func ruleOptions() []*keyword {
	return join(
		words("from PREFIX", "to PREFIX"),
		list(word("iif NAME").alias("dev"), word("oif NAME"), word("fwmark MARK[/MASK]"), word("tos NUMBER").alias("dsfield"),
			word("ipproto PROTOCOL").alias("ip_proto")),
		words("sport PORT[-PORT]", "dport PORT[-PORT]", "uidrange UID-UID", "tun_id NUMBER", "not"),
		list(word("table TABLE").alias("lookup"), word("suppress_prefixlength NUMBER").alias("sup_pl"), word("suppress_ifgroup GROUP").alias("sup_group")),
		words("l3mdev", "goto NUMBER", "unicast", "nop", "blackhole", "unreachable", "prohibit"),
		list(word("preference NUMBER").alias("priority", "pref", "order"), word("protocol PROTOCOL").alias("proto")),
		words("inet", "inet6", "no_track"),
		refuse("the kernel would not count the packets of the realm; write the rule in the host's own network configuration", "realms REALM"),
		refuse("no kernel has it any more; write a rule of nftables", "nat ADDRESS", "map-to ADDRESS"),
	)
}
