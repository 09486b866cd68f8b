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
			{"track_interface", hclTracked("interface")},
			{"authentication", &hclBlock{values: []string{"auth_type", "auth_pass"}}},
		},
	}
}

func hclSyncGroup() *hclBlock {
	return &hclBlock{
		labels: []string{"name"},
		values: []string{"sync_group_tracking_weight"},
		lines:  []hclLines{{name: "group"}},
		blocks: []hclChild{{"track_interface", hclTracked("interface")}},
	}
}

// hclTracked is a line of track_interface, or of a block like it.
func hclTracked(label string) *hclBlock {
	return &hclBlock{labels: []string{label}, line: true, values: []string{"weight"}, flags: []string{"reverse"}}
}
