package conf

// hclBlock says what a block of an HCL file may hold: keepalived's words, as arguments where they
// have a value and as blocks where they have a block.
type hclBlock struct {
	labels []string // what the labels are, for the error of one that is missing
	// values are arguments with one value.
	values []string
	// args are arguments with the words that keepalived has behind the keyword: a list of them, or
	// one string with blanks between.
	args []string
	// scripts are arguments with a command line: a string with a shell's quotes, or a list of words.
	scripts []string
	// lines are arguments with a list of the lines that keepalived's block holds.
	lines  []hclLines
	blocks []hclChild
	// line says that the block is one line of the block that keepalived calls so: its label, and
	// behind that its values as options.
	line bool
	// flags are the values of a line that stand there alone.
	flags []string
}

// hclLines is an argument with a list of lines. A line is a string, or an object of its first word
// and the options behind it.
type hclLines struct {
	name    string
	first   string   // the key of the first word; empty for lines of one word, blanks and all
	options []string // keys with a value
	lists   []string // keys with a value or a list of values
	flags   []string // keys that are true or false, and stand in the line alone
	// free says that a line begins with any of its words: there is no first one.
	free bool
}

type hclChild struct {
	name  string
	block *hclBlock
}

// hclFile is the schema of a whole file, without locals.
func hclFile() *hclBlock {
	return &hclBlock{lines: append(hclStatic(), hclLinkDelays()), blocks: []hclChild{
		{"global_defs", hclGlobals()},
		{"garp_group", hclGARPGroup()},
		{"vrrp_script", hclScript()},
		{"track_file", hclTrackFile()},
		{"vrrp_track_process", hclTrackProcess()},
		{"vrrp_track_ping", hclTrackPing()},
		{"vrrp_track_service", hclTrackService()},
		{"vrrp_instance", hclInstance()},
		{"vrrp_sync_group", hclSyncGroup()},
		{"virtual_server_group", hclServerGroup()},
		{"virtual_server", hclVirtualServer()},
		{"SSL", &hclBlock{values: []string{"password", "ca", "certificate", "key"}}},
	}}
}

func hclGlobals() *hclBlock {
	return &hclBlock{values: []string{
		"router_id", "vrrp_version", "vrrp_garp_master_delay", "vrrp_garp_master_repeat",
		"vrrp_garp_master_refresh", "vrrp_garp_master_refresh_repeat", "vrrp_garp_lower_prio_delay", "vrrp_garp_lower_prio_repeat",
		"vrrp_garp_interval", "vrrp_gna_interval", "vrrp_min_garp", "vrrp_down_timer_adverts", "vrrp_lower_prio_no_advert",
		"vrrp_higher_prio_send_advert", "vrrp_owner_ignore_adverts", "vrrp_strict", "vrrp_startup_delay", "vrrp_delay_after_boot",
		"vrrp_mcast_group4", "vrrp_mcast_group6", "vrrp_check_unicast_src", "v3_checksum_as_v2",
		"checker_log_all_failures", "enable_script_security", "lvs_flush", "manage_sysctls", "rs_init_notifies",
		"startup_script_timeout", "shutdown_script_timeout",
	}, scripts: []string{"startup_script", "shutdown_script"}, args: []string{"script_user", "uplink_guard", "lvs_timeouts", "lvs_sync_daemon"},
		lines: []hclLines{{name: "masquerade", first: "source", options: []string{"out"}}}}
}

// canonical is the name under which the decoder knows a word.
func canonical(word string) string {
	switch word {
	case "lvs_sched":
		return "lb_algo"
	case "lvs_method":
		return "lb_kind"
	case "mcast_src_ip":
		return "unicast_src_ip"
	case "nb_get_retry":
		return "retry"
	case "ICMP_CHECK":
		return "PING_CHECK"
	}
	return word
}
