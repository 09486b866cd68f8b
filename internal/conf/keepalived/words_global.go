package keepalived

// What takes the place of whole families of words.
const (
	noMail    = "lvsd sends no mail; let its log, which has every event by name, raise the alert"
	noScripts = "lvsd runs no script when a priority changes; follow the events in its log instead"
	noProcess = "lvsd sets the scheduling of its processes itself; limit it in its systemd unit instead"
	noSNMP    = "lvsd has no SNMP; read lvsd status --json instead"
	noDBus    = "lvsd is not on D-Bus; read lvsd status --json instead"
	noFIFO    = "lvsd writes no FIFO; follow the events in its log instead"
	noFilter  = "of rules lvsd writes those of mark and masquerade alone; write others in the host's own firewall"
	noBuffers = "lvsd sizes its buffers itself"
	noDump    = "lvsd writes no dump files; read lvsd status --json instead"
	noReload  = "lvsd reloads on SIGHUP, at once, and keeps the running configuration when the new one is wrong"
	noGARP    = "lvsd announces all addresses of an instance, on whatever interface, each garp_master_refresh; write that in its place"
	noVMAC    = "only virtual MAC addresses need it, and lvsd has none"
)

// globalWords are the words outside of blocks that are about the whole daemon, and global_defs.
func globalWords() []*keyword {
	return join(
		refuse("lvsd would take part on the wrong network; start it in the namespace: ip netns exec NAME lvsd run, or NetworkNamespacePath= in its unit",
			"net_namespace NAME", "net_namespace_ipvs [NAME]"),
		ignore("lvsd uses no ipsets", "namespace_with_ipsets"),
		ignore("several lvsd on one host are told apart by --run-dir", "instance NAME", "use_pid_dir"),
		ignore("lvsd bounds the time of its own stop", "child_wait_time SECONDS"),
		ignore("lvsd takes the state of links from netlink", "linkbeat_use_polling", "linkbeat_interfaces { INTERFACE [MII|ETHTOOL|IOCTL] … }"),
		list(word("interface_up_down_delays { INTERFACE SECONDS [SECONDS] … }").plain(3)),
		list(word("global_defs").holds(
			identityWords(), processWords(), mailWords(), electionWords(), garpWords(), filterWords(), balancerWords(), outsideWords(), reloadWords())),
	)
}

func identityWords() []*keyword {
	return join(
		list(word("router_id NAME").alias("lvs_id")),
		words("vrrp_version 2|3", "default_interface INTERFACE", "checker_log_all_failures [BOOL]", "uplink_guard ADDRESS [INTERFACE]"),
		list(word("masquerade { NETWORK [out INTERFACE] … }").plain(1, words("out INTERFACE"))),
	)
}

func processWords() []*keyword {
	var all []*keyword
	for _, part := range []string{"vrrp", "checker", "bfd"} {
		all = append(all, ignore(noProcess, part+"_process_name NAME", part+"_priority -20..19", part+"_no_swap", part+"_rt_priority 1-99",
			part+"_cpu_affinity CPU …")...)
		rlimit := ignore(noProcess, part+"_rlimit_rttime MICROSECONDS")
		rlimit[0].alias(part + "_rlimit_rtime")
		all = append(all, rlimit...)
	}
	return join(all,
		ignore(noProcess, "process_names", "process_name NAME", "lvs_process_name NAME", "max_auto_priority [0-99]", "min_auto_priority_delay MICROSECONDS", "umask MODE …"),
		notifies(words("startup_script COMMAND …", "shutdown_script COMMAND …")),
		words("startup_script_timeout SECONDS", "shutdown_script_timeout SECONDS"),
		ignore("a program of lvsd has the group of its user, and no others", "set_supplementary_groups"),
		ignore("lvsd starts a program by the path that is written", "use_symlink_paths"),
		words("script_user USER [GROUP]", "enable_script_security [BOOL]"),
	)
}

func mailWords() []*keyword {
	mail := ignore(noMail, "smtp_server HOST [PORT]", "smtp_helo_name NAME", "smtp_connect_timeout SECONDS",
		"notification_email { ADDRESS … }", "notification_email_from ADDRESS", "smtp_alert [BOOL]", "smtp_alert_vrrp [BOOL]",
		"smtp_alert_checker [BOOL]", "no_email_faults", "no_checker_emails")
	mail[2].alias("smtp_connection_timeout")
	return mail
}

// electionWords are defaults for all instances.
func electionWords() []*keyword {
	return join(
		words("vrrp_strict [BOOL]", "vrrp_lower_prio_no_advert [BOOL]", "vrrp_higher_prio_send_advert [BOOL]",
			"vrrp_owner_ignore_adverts [BOOL]", "vrrp_down_timer_adverts 1-100", "vrrp_startup_delay SECONDS", "vrrp_delay_after_boot SECONDS"),
		words("vrrp_mcast_group4 ADDRESS", "vrrp_mcast_group6 ADDRESS", "v3_checksum_as_v2 [BOOL]", "vrrp_check_unicast_src [BOOL]"),
		agree("vrrp_skip_check_adv_addr [BOOL]", "dynamic_interfaces [allow_if_changes]"),
		but(off(), ignore(noScripts, "vrrp_notify_priority_changes [BOOL]")),
		ignore("lvsd lets the kernel join the group", "disable_local_igmp"),
		ignore(noVMAC, "vmac_prefix PREFIX", "vmac_addr_prefix PREFIX"),
		ignore("the log of lvsd names what it drops as it is", "log_unknown_vrids"),
	)
}

func garpWords() []*keyword {
	extra := one(ignore(noGARP, "vrrp_garp_extra_if [all] SECONDS"))
	return join(
		words("vrrp_garp_master_delay SECONDS", "vrrp_garp_master_repeat NUMBER", "vrrp_garp_master_refresh SECONDS", "vrrp_garp_master_refresh_repeat NUMBER",
			"vrrp_garp_lower_prio_delay SECONDS", "vrrp_garp_lower_prio_repeat NUMBER", "vrrp_garp_interval SECONDS", "vrrp_gna_interval SECONDS", "vrrp_min_garp [BOOL]"),
		list(extra.alias("vrrp_vmac_garp_intvl", "vmac_garp_intvl")),
	)
}

func filterWords() []*keyword {
	return ignore(noFilter, "vrrp_iptables [CHAIN [CHAIN]]", "vrrp_ipsets [SET …]", "nftables [TABLE]", "nftables_priority NUMBER", "nftables_counters",
		"nftables_ifindex", "nftables_ipvs [TABLE]", "nftables_ipvs_priority NUMBER", "nftables_ipvs_start_fwmark NUMBER")
}

// balancerWords are about IPVS.
func balancerWords() []*keyword {
	return join(
		words("lvs_sync_daemon INTERFACE …", "lvs_timeouts NAME SECONDS …", "lvs_flush [BOOL]", "manage_sysctls [BOOL]"),
		list(one(agree("lvs_flush_on_stop [VS]")).alias("lvs_flush_onstop")),
		words("rs_init_notifies [BOOL]"),
	)
}

// outsideWords are about other programs that look at keepalived.
func outsideWords() []*keyword {
	return join(
		ignore(noSNMP, "snmp_socket ADDRESS", "enable_snmp_vrrp", "enable_snmp_keepalived", "enable_snmp_checker", "enable_snmp_rfc", "enable_snmp_rfcv2",
			"enable_snmp_rfcv3", "enable_traps", "snmp_vs_stats_update_interval SECONDS", "snmp_rs_stats_update_interval SECONDS"),
		ignore(noDBus, "enable_dbus", "dbus_service_name NAME", "dbus_no_interface_name"),
		scripts(ignore(noFIFO, "notify_fifo NAME …", "vrrp_notify_fifo NAME …", "lvs_notify_fifo NAME …",
			"notify_fifo_script COMMAND …", "vrrp_notify_fifo_script COMMAND …", "lvs_notify_fifo_script COMMAND …")),
		ignore(noFIFO, "fifo_write_vrrp_states_on_reload"),
		ignore(noDump, "data_use_instance [BOOL]", "state_dump_file PATH", "stats_dump_file PATH", "json_dump_file PATH", "json_version 1|2"),
		ignore("lvsd writes names of tables and scopes as numbers", "iproute_usr_dir PATH", "iproute_etc_dir PATH"),
	)
}

func reloadWords() []*keyword {
	var buffers []*keyword
	for _, name := range []string{"vrrp_netlink_cmd", "vrrp_netlink_monitor", "lvs_netlink_cmd", "lvs_netlink_monitor", "process_monitor"} {
		buffers = append(buffers, ignore(noBuffers, name+"_rcv_bufs BYTES", name+"_rcv_bufs_force [BOOL]")...)
	}
	return join(buffers,
		ignore(noBuffers, "vrrp_rx_bufs_policy MTU|ADVERT|BYTES", "vrrp_rx_bufs_multiplier NUMBER"),
		agree("reload_check_config [PATH]"),
		ignore(noReload, "reload_time_file PATH", "reload_repeat", "reload_file [PATH]", "config_save_dir PATH", "tmp_config_directory PATH"),
		ignore("an include whose file is not there is an error here as it is; includem, includew and includeb check patterns", "include_check [CHECK …]"),
		ignore("lvsd needs no random numbers that can be repeated", "random_seed NUMBER"),
	)
}
