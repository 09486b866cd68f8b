package keepalived

// serviceWords are virtual_server and what stands beside it.
func serviceWords() []*keyword {
	service := word("virtual_server ADDRESS [PORT] { … }")
	service.usage = "virtual_server ADDRESS [PORT] { … }, virtual_server fwmark NUMBER { … } or virtual_server group NAME { … }"
	return join(
		list(word("virtual_server_group NAME { ADDRESS[-LAST|/LENGTH] [PORT] … }").plain(3)),
		list(word("SSL { … }").holds(words("password TEXT", "ca PATH", "certificate PATH", "key PATH"))),
		list(service.holds(
			inheritedWords(),
			list(
				word("lb_algo SCHEDULER").alias("lvs_sched"),
				word("lb_kind NAT|DR|TUN").alias("lvs_method").with(tunnelOptions()),
			),
			words("protocol TCP|UDP|SCTP", "persistence_timeout [SECONDS]", "weight 0-65535", "inhibit_on_failure [BOOL]", "slow_start SECONDS", "panic_threshold 0-100", "drain_timeout SECONDS"),
			schedulerFlags(), persistenceWords(), quorumWords(), serverWords(),
			words("ip_family inet|inet6"),
			but(off(), ignore("lvsd checks the servers on both nodes, so that a takeover finds their states known", "ha_suspend [BOOL]")),
			words("omega [BOOL]"),
			list(word("mark { ADDRESS PROTOCOL [PORTS] … }").plain(3)),
			ignore("the kernels of today have no masks of NAT", "nat_mask MASK"),
			notifies(words("quorum_up COMMAND …", "quorum_down COMMAND …")),
			list(word("real_server ADDRESS [PORT] { … }").holds(
				inheritedWords(), checkers(),
				words("weight 0-65535", "inhibit_on_failure [BOOL]", "slow_start SECONDS"),
				serverWords(),
				list(word("lb_kind NAT|DR|TUN").alias("lvs_method").with(tunnelOptions())),
				words("uthreshold CONNECTIONS", "lthreshold CONNECTIONS"),
				notifies(words("notify_up COMMAND …", "notify_down COMMAND …")),
			)),
		)),
	)
}

func tunnelOptions() []*keyword {
	return join(
		words("type ipip|gue|gre", "port NUMBER", "nocsum", "csum", "remcsum"),
	)
}

func schedulerFlags() []*keyword {
	return join(
		words("flag-1 [BOOL]", "flag-2 [BOOL]", "flag-3 [BOOL]", "sh-port [BOOL]", "sh-fallback [BOOL]", "mh-port [BOOL]", "mh-fallback [BOOL]", "ops [BOOL]"),
		agree("hashed"),
	)
}

func persistenceWords() []*keyword {
	return join(
		words("persistence_engine NAME", "persistence_granularity MASK|LENGTH"),
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
		words("virtualhost NAME"),
		ignore(noSNMP, "snmp_name NAME"),
		but(off(), ignore(noMail, "smtp_alert [BOOL]")),
	)
}
