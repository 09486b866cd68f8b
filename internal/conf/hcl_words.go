package conf

// hclBlock says what a block of an HCL file may hold: keepalived's words, as arguments where they
// have a value and as blocks where they have a block.
type hclBlock struct {
	labels []string // what the labels are, for the error of one that is missing
	values []string // arguments with one value
	lists  []string // arguments with a list of values
	blocks []hclChild
}

type hclChild struct {
	name  string
	block *hclBlock
}

// hclFile is the schema of a whole file, without locals.
func hclFile() *hclBlock {
	timing := []string{"delay_loop", "retry", "nb_get_retry", "delay_before_retry", "connect_timeout"}
	with := func(more ...string) []string { return append(more, timing...) }
	probe := &hclBlock{values: timing}
	get := &hclBlock{values: timing, blocks: []hclChild{
		{"url", &hclBlock{labels: []string{"path"}, lists: []string{"status_code"}}},
	}}
	realServer := &hclBlock{
		labels: []string{"address", "port"},
		values: with("weight", "inhibit_on_failure"),
		blocks: []hclChild{
			{"PING_CHECK", probe}, {"ICMP_CHECK", probe}, {"TCP_CHECK", probe}, {"HTTP_GET", get}, {"SSL_GET", get},
		},
	}
	return &hclBlock{blocks: []hclChild{
		{"global_defs", &hclBlock{values: []string{
			"router_id", "vrrp_version", "vrrp_garp_master_delay", "vrrp_garp_master_repeat",
		}}},
		{"vrrp_instance", &hclBlock{
			labels: []string{"name"},
			values: []string{
				"state", "interface", "virtual_router_id", "priority", "advert_int", "version",
				"preempt", "nopreempt", "garp_master_delay", "garp_master_repeat",
			},
			lists:  []string{"virtual_ipaddress"},
			blocks: []hclChild{{"track_interface", &hclBlock{labels: []string{"interface"}}}},
		}},
		{"vrrp_sync_group", &hclBlock{labels: []string{"name"}, lists: []string{"group"}}},
		{"virtual_server", &hclBlock{
			labels: []string{"address", "port"},
			values: with("lb_algo", "lvs_sched", "lb_kind", "lvs_method", "protocol", "persistence_timeout", "weight", "inhibit_on_failure"),
			blocks: []hclChild{{"real_server", realServer}},
		}},
	}}
}

// canonical is the name under which the decoder knows a word.
func canonical(word string) string {
	switch word {
	case "lvs_sched":
		return "lb_algo"
	case "lvs_method":
		return "lb_kind"
	case "nb_get_retry":
		return "retry"
	case "ICMP_CHECK":
		return "PING_CHECK"
	}
	return word
}
