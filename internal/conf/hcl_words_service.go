package conf

func hclVirtualServer() *hclBlock {
	return &hclBlock{
		labels: []string{"address", "port"},
		values: append([]string{"lb_algo", "lvs_sched", "lb_kind", "lvs_method", "protocol", "persistence_timeout", "weight", "inhibit_on_failure"},
			hclTiming()...),
		blocks: []hclChild{{"real_server", hclRealServer()}},
	}
}

func hclRealServer() *hclBlock {
	return &hclBlock{
		labels: []string{"address", "port"},
		values: append([]string{"weight", "inhibit_on_failure"}, hclTiming()...),
		blocks: hclCheckers(),
	}
}
