package keepalived

const onlyTracked = "only what tracks it needs it"

// trackWords are the blocks outside of instances that instances track or that stand beside them.
func trackWords() []*keyword {
	return join(
		list(
			word("vrrp_script NAME { … }").holds(
				commands(words("script COMMAND …")),
				words("interval SECONDS", "timeout SECONDS", "weight NUMBER [reverse]", "rise NUMBER", "fall NUMBER", "user USER [GROUP]", "init_fail [BOOL]")),
			word("vrrp_track_process NAME { … }").holds(
				scripts(words("process COMMAND …")),
				words("param_match [initial|partial]", "weight NUMBER [reverse]", "quorum NUMBER", "quorum_max NUMBER",
					"fork_delay SECONDS", "terminate_delay SECONDS", "delay SECONDS", "full_command [BOOL]")),
			word("track_file NAME { … }").alias("vrrp_track_file").holds(
				words("file PATH", "weight NUMBER [reverse]", "init_file [VALUE] [overwrite]")),
			word("vrrp_track_ping NAME { … }").holds(
				words("address ADDRESS", "interval SECONDS", "timeout SECONDS", "rise NUMBER", "fall NUMBER", "weight NUMBER [reverse]")),
			word("vrrp_track_service NAME { … }").holds(
				words("virtual_server ADDRESS|fwmark|group [PORT|NUMBER|NAME]", "protocol TCP|UDP|SCTP", "weight NUMBER [reverse]")),
			one(ignore(onlyTracked, "bfd_instance NAME { … }")).holds(
				list(word("neighbor_ip ADDRESS").alias("neighbour_ip")),
				words("source_ip ADDRESS", "min_rx MILLISECONDS", "min_tx MILLISECONDS", "idle_tx MILLISECONDS", "multiplier NUMBER", "passive",
					"ttl NUMBER", "hoplimit NUMBER", "max_hops NUMBER", "multihop", "weight NUMBER [reverse]", "vrrp", "checker")),
			word("garp_group { … }").holds(
				words("garp_interval SECONDS", "gna_interval SECONDS", "interface INTERFACE"), list(word("interfaces { INTERFACE … }").plain(1))),
			one(ignore("only static addresses, routes and rules need it", "track_group NAME { … }")).holds(list(word("group").plain(unbounded))),
		),
		staticWords(),
	)
}

// one is the only keyword of a list.
func one(keywords []*keyword) *keyword { return keywords[0] }
