package conf

func hclInstance() *hclBlock {
	return &hclBlock{
		labels: []string{"name"},
		values: []string{
			"state", "interface", "virtual_router_id", "priority", "advert_int", "version",
			"preempt", "nopreempt", "garp_master_delay", "garp_master_repeat",
		},
		lists:  []string{"virtual_ipaddress"},
		blocks: []hclChild{{"track_interface", &hclBlock{labels: []string{"interface"}}}},
	}
}

func hclSyncGroup() *hclBlock {
	return &hclBlock{labels: []string{"name"}, lists: []string{"group"}}
}
