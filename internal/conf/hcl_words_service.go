package conf

func hclVirtualServer() *hclBlock {
	return &hclBlock{
		labels: []string{"address", "port"},
		values: append([]string{"lb_algo", "lvs_sched", "lb_kind", "lvs_method", "protocol", "persistence_timeout", "weight", "inhibit_on_failure",
			"quorum", "hysteresis", "sorry_server_inhibit", "sorry_server_lvs_method"},
			hclTiming()...),
		args:   []string{"sorry_server"},
		blocks: []hclChild{{"real_server", hclRealServer()}},
	}
}

func hclRealServer() *hclBlock {
	return &hclBlock{
		labels: []string{"address", "port"},
		values: append([]string{"weight", "inhibit_on_failure", "lb_kind", "lvs_method", "uthreshold", "lthreshold"}, hclTiming()...),
		blocks: hclCheckers(),
	}
}
