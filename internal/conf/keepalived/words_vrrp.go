package keepalived

const (
	noTracking = "lvsd would stay master when what is tracked fails; remove it here and let the service that fails stop lvsd or its interface"
)

// instanceWords are vrrp_sync_group and vrrp_instance.
func instanceWords() []*keyword {
	return list(
		word("vrrp_sync_group NAME { … }").holds(
			list(
				word("group { INSTANCE … }").plain(1),
				tracks("track_interface", "INTERFACE"), tracks("track_script", "SCRIPT"), tracks("track_file", "FILE"),
				tracks("track_process", "PROCESS"), tracks("track_ping", "PING"), tracks("track_service", "SERVICE"),
				word("sync_group_tracking_weight [BOOL]").alias("global_tracking"),
			),
			trackingWords(),
			stateScripts(),
		),
		word("vrrp_instance NAME { … }").holds(
			words("state MASTER|BACKUP", "interface NAME", "virtual_router_id 1-255", "priority 1-255", "advert_int SECONDS", "version 2|3",
				"preempt [BOOL]", "nopreempt [BOOL]", "accept [BOOL]", "no_accept [BOOL]"),
			list(
				word("authentication { … }").holds(words("auth_type PASS|AH", "auth_pass PASSWORD")),
				word("virtual_ipaddress { ADDRESS[/LENGTH] [dev NAME] [label LABEL] [scope SCOPE] … }").plain(1, addressOptions()),
				word("virtual_ipaddress_excluded { ADDRESS[/LENGTH] [dev NAME] … }").plain(1, addressOptions()),
				tracks("track_interface", "INTERFACE"), tracks("track_script", "SCRIPT"), tracks("track_file", "FILE"),
				tracks("track_process", "PROCESS"), tracks("track_ping", "PING"), tracks("track_service", "SERVICE"),
			),
			electionTiming(), placeWords(), transportWords(), trackingWords(), macWords(), instanceGARP(), stateScripts(),
			notifies(words("notify_master_rx_lower_pri COMMAND …")),
			ignore("write lvs_sync_daemon in global_defs in its place, as keepalived has it",
				"lvs_sync_daemon_interface INTERFACE …"),
			ignore("lvsd logs every change of a state", "debug LEVEL"),
		),
	)
}

// addressOptions are the words behind an address.
func addressOptions() []*keyword {
	all := join(
		words("dev NAME", "label LABEL", "scope SCOPE", "brd ADDRESS|+|-", "peer ADDRESS[/LENGTH]", "preferred_lft SECONDS|forever",
			"home", "-nodad", "nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track"),
		refuse(noVMAC, "use_vmac"),
	)
	for _, k := range all {
		if k.name == "brd" {
			k.alias("broadcast")
		}
	}
	return all
}

// electionTiming are words about who is master, and when.
func electionTiming() []*keyword {
	return join(
		words("preempt_delay SECONDS", "down_timer_adverts 1-100", "lower_prio_no_advert [BOOL]", "higher_prio_send_advert [BOOL]",
			"owner_ignore_adverts [BOOL]", "strict_mode [BOOL]", "dont_track_primary [BOOL]", "no_virtual_ipaddress [BOOL]"),
		list(one(agree("timer_expired_backup [PRIORITY]")).alias("thread_timer_expired")),
		agree("skip_check_adv_addr [BOOL]"),
		ignore("lvsd takes the state of links from netlink", "linkbeat_use_polling"),
	)
}

// placeWords are what moves with an instance, beside its addresses.
func placeWords() []*keyword {
	return join(
		routingWords(),
		agree("promote_secondaries"),
	)
}

func transportWords() []*keyword {
	return join(
		list(
			word("unicast_peer { ADDRESS [min_ttl 0-255] [max_ttl 0-255] … }").plain(1, words("min_ttl 0-255", "max_ttl 0-255")),
			word("unicast_src_ip ADDRESS").alias("mcast_src_ip"),
		),
		words("track_src_ip [BOOL]", "mcast_dst_ip ADDRESS", "unicast_ttl 1-255", "unicast_fault_no_peer [BOOL]", "check_unicast_src [BOOL]",
			"old_unicast_checksum [never]", "v3_checksum_as_v2 [BOOL]", "native_ipv6 [BOOL]"),
		list(word("auth_hmac { … }").holds(words("key ID hex:…|file:PATH|TEXT", "active_key ID", "anti_replay time|monotonic", "time_window SECONDS",
			"mode enforce|permissive|receive-only"))),
		refuse("lvsd would send adverts outside of it; start it in the domain: ip vrf exec NAME lvsd run", "vrf INTERFACE"),
		ignore(noBuffers, "kernel_rx_buf_size BYTES"),
	)
}

// tracks is a block of what is tracked.
func tracks(keyword, name string) *keyword {
	return word(keyword+" { "+name+" [weight NUMBER [reverse|noreverse]] … }").plain(1, words("weight NUMBER [reverse|noreverse]"))
}

func trackingWords() []*keyword {
	return refuse(noTracking, "track_bfd { BFD … }")
}

func macWords() []*keyword {
	return join(
		refuse("lvsd would answer for its addresses with the interface's own MAC address; remove it on both nodes, gratuitous ARP tells the neighbours",
			"use_vmac [NAME] [INTERFACE] [MAC] …", "use_ipvlan [NAME] [ADDRESS] [MODE]", "use_vmac_addr"),
		ignore(noVMAC, "vmac_xmit_base"),
	)
}

func instanceGARP() []*keyword {
	return join(
		words("garp_master_delay SECONDS", "garp_master_repeat NUMBER", "garp_master_refresh SECONDS", "garp_master_refresh_repeat NUMBER",
			"garp_lower_prio_delay SECONDS", "garp_lower_prio_repeat NUMBER"),
		list(one(ignore(noGARP, "garp_extra_if [all] SECONDS")).alias("vmac_garp_intvl")),
	)
}

// stateScripts are what is told of the states of instances and groups.
func stateScripts() []*keyword {
	return join(
		notifies(words("notify COMMAND …", "notify_master COMMAND …", "notify_backup COMMAND …",
			"notify_fault COMMAND …", "notify_stop COMMAND …", "notify_deleted [COMMAND …]")),
		but(off(), ignore(noScripts, "notify_priority_changes [BOOL]")),
		but(off(), ignore(noMail, "smtp_alert [BOOL]")),
	)
}
