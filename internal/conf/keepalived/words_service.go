package keepalived

// serviceWords are virtual_server and what stands beside it.
func serviceWords() []*keyword {
	service := word("virtual_server ADDRESS [PORT] { … }")
	service.usage = "virtual_server ADDRESS [PORT] { … } or virtual_server fwmark NUMBER { … }"
	return join(
		ignore("only virtual_server group needs it", "virtual_server_group NAME { ADDRESS[-LAST] [PORT] … }"),
		list(one(refuse("SSL_GET would show the servers no certificate; let them answer the check without one", "SSL { … }")).holds(
			words("password TEXT", "ca PATH", "certificate PATH", "key PATH"))),
		list(service.holds(
			timingWords(),
			list(
				word("lb_algo SCHEDULER").alias("lvs_sched"),
				word("lb_kind NAT|DR|TUN").alias("lvs_method").with(tunnelOptions()),
			),
			words("protocol TCP|UDP|SCTP", "persistence_timeout [SECONDS]", "weight 0-65535", "inhibit_on_failure [BOOL]"),
			schedulerFlags(), persistenceWords(), quorumWords(), serverWords(),
			agree("ip_family inet|inet6"),
			but(off(), ignore("lvsd checks the servers on both nodes, so that a takeover finds their states known", "ha_suspend [BOOL]")),
			but(off(), ignore("lvsd runs no script when it stops", "omega [BOOL]")),
			ignore("the kernels of today have no masks of NAT", "nat_mask MASK"),
			scripts(ignore(noScripts, "quorum_up COMMAND …", "quorum_down COMMAND …")),
			list(word("real_server ADDRESS [PORT] { … }").holds(
				timingWords(), checkers(),
				words("weight 0-65535", "inhibit_on_failure [BOOL]"),
				serverWords(),
				list(word("lb_kind NAT|DR|TUN").alias("lvs_method").with(tunnelOptions())),
				words("uthreshold CONNECTIONS", "lthreshold CONNECTIONS"),
				scripts(ignore(noScripts, "notify_up COMMAND …", "notify_down COMMAND …")),
			)),
		)),
	)
}

func tunnelOptions() []*keyword {
	return join(
		but([]string{"ipip"}, refuse("lvsd tunnels IP in IP, and the servers would not understand it; write TUN alone, with servers that take it", "type ipip|gue|gre")),
		ignore("only GUE tunnels need it", "port NUMBER"),
		but([]string{"nocsum"}, ignore("only GUE and GRE tunnels need it", "nocsum", "csum", "remcsum")),
	)
}

func schedulerFlags() []*keyword {
	return join(
		refuse("the scheduler would choose other servers", "flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "ops"),
		agree("hashed"),
	)
}

func persistenceWords() []*keyword {
	return join(
		refuse("clients would be kept at their servers by address only", "persistence_engine NAME"),
		but([]string{"255.255.255.255", "32", "128"}, refuse("clients of one network would be spread over the servers", "persistence_granularity MASK|LENGTH")),
	)
}

func quorumWords() []*keyword {
	return join(
		words("quorum NUMBER", "hysteresis NUMBER", "sorry_server ADDRESS [PORT]", "sorry_server_inhibit [BOOL]"),
		list(word("sorry_server_lvs_method NAT|DR|TUN").with(tunnelOptions())),
	)
}

// serverWords are what a virtual server gives to its real servers.
func serverWords() []*keyword {
	return join(
		alphaWords(),
		refuse("the servers would be asked for their default site", "virtualhost NAME"),
		ignore(noSNMP, "snmp_name NAME"),
		but(off(), ignore(noMail, "smtp_alert [BOOL]")),
	)
}

// alphaWords are those on how a check begins.
func alphaWords() []*keyword {
	return join(
		words("alpha [BOOL]"),
		ignore("lvsd spreads the first probes over delay_loop itself", "warmup SECONDS"),
	)
}
