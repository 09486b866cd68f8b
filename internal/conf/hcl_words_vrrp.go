package conf

func hclInstance() *hclBlock {
	return &hclBlock{
		labels: []string{"name"},
		values: []string{
			"state", "interface", "virtual_router_id", "priority", "advert_int", "version",
			"preempt", "nopreempt", "garp_master_delay", "garp_master_repeat",
		},
		lines: []hclLines{
			{name: "virtual_ipaddress", first: "address", options: []string{"dev", "label", "scope"}},
		},
		blocks: []hclChild{
			{"track_interface", &hclBlock{labels: []string{"interface"}, line: true}},
			{"authentication", &hclBlock{values: []string{"auth_type", "auth_pass"}}},
		},
	}
}

func hclSyncGroup() *hclBlock {
	return &hclBlock{labels: []string{"name"}, lines: []hclLines{{name: "group"}}}
}
