package conf

func hclInstance() *hclBlock {
	return &hclBlock{
		labels: []string{"name"},
		values: []string{
			"state", "interface", "virtual_router_id", "priority", "advert_int", "version",
			"preempt", "nopreempt", "accept", "no_accept", "preempt_delay", "down_timer_adverts", "lower_prio_no_advert", "higher_prio_send_advert",
			"owner_ignore_adverts", "strict_mode", "dont_track_primary", "no_virtual_ipaddress",
			"unicast_src_ip", "mcast_src_ip", "track_src_ip", "mcast_dst_ip", "unicast_ttl", "unicast_fault_no_peer",
			"check_unicast_src", "old_unicast_checksum", "v3_checksum_as_v2", "native_ipv6",
			"garp_master_delay", "garp_master_repeat", "garp_master_refresh", "garp_master_refresh_repeat",
			"garp_lower_prio_delay", "garp_lower_prio_repeat",
		},
		scripts: append(hclNotify(), "notify_master_rx_lower_pri"),
		lines: []hclLines{
			hclAddresses("virtual_ipaddress"),
			hclAddresses("virtual_ipaddress_excluded"),
			{name: "unicast_peer", first: "address", options: []string{"min_ttl", "max_ttl"}},
			hclRoutes("virtual_routes"), hclRules("virtual_rules"),
		},
		blocks: append(hclTracks(), hclChild{"authentication", &hclBlock{values: []string{"auth_type", "auth_pass"}}},
			hclChild{"auth_hmac", &hclBlock{
				values: []string{"active_key", "anti_replay", "time_window", "mode"}, lines: []hclLines{{name: "key", first: "id"}}}}),
	}
}

// hclNotify are the programs that are run when a state changes.
func hclNotify() []string {
	return []string{"notify", "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify_deleted"}
}

func hclAddresses(name string) hclLines {
	return hclLines{name: name, first: "address",
		options: []string{"dev", "label", "scope", "brd", "broadcast", "peer", "preferred_lft"},
		flags:   []string{"home", "-nodad", "nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track"}}
}

func hclSyncGroup() *hclBlock {
	return &hclBlock{
		labels:  []string{"name"},
		values:  []string{"sync_group_tracking_weight"},
		scripts: hclNotify(),
		lines:   []hclLines{{name: "group"}},
		blocks:  hclTracks(),
	}
}

func hclGARPGroup() *hclBlock {
	return &hclBlock{values: []string{"garp_interval", "gna_interval", "interface"}, lines: []hclLines{{name: "interfaces"}}}
}

// hclLinkDelays stands outside of blocks: its lines are "INTERFACE DOWN [UP]".
func hclLinkDelays() hclLines { return hclLines{name: "interface_up_down_delays", first: "interface"} }
