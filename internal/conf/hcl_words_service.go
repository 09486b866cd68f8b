package conf

// hclServerGroup has keepalived's lines in two lists: the addresses, and the marks.
func hclServerGroup() *hclBlock {
	return &hclBlock{labels: []string{"name"}, lines: []hclLines{
		{name: "address", first: "address"},
		{name: "fwmark", first: "fwmark"},
	}}
}

func hclVirtualServer() *hclBlock {
	return &hclBlock{
		labels: []string{"address", "port"},
		values: append([]string{"lb_algo", "lvs_sched", "flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "ops",
			"protocol", "ip_family", "persistence_timeout", "persistence_granularity", "persistence_engine", "weight", "inhibit_on_failure",
			"slow_start", "panic_threshold", "drain_timeout", "virtualhost", "quorum", "hysteresis", "omega", "sorry_server_inhibit"},
			hclTiming()...),
		args:    []string{"lb_kind", "lvs_method", "sorry_server", "sorry_server_lvs_method"},
		scripts: []string{"quorum_up", "quorum_down"},
		lines:   []hclLines{{name: "mark", first: "address"}},
		blocks:  []hclChild{{"real_server", hclRealServer()}},
	}
}

func hclRealServer() *hclBlock {
	return &hclBlock{
		labels:  []string{"address", "port"},
		values:  append([]string{"weight", "inhibit_on_failure", "uthreshold", "lthreshold", "slow_start", "virtualhost"}, hclTiming()...),
		args:    []string{"lb_kind", "lvs_method"},
		scripts: []string{"notify_up", "notify_down"},
		blocks:  hclCheckers(),
	}
}
