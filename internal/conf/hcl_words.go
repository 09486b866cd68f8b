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
	return &hclBlock{blocks: []hclChild{
		{"global_defs", hclGlobals()},
		{"vrrp_instance", hclInstance()},
		{"vrrp_sync_group", hclSyncGroup()},
		{"virtual_server", hclVirtualServer()},
	}}
}

func hclGlobals() *hclBlock {
	return &hclBlock{values: []string{
		"router_id", "vrrp_version", "vrrp_garp_master_delay", "vrrp_garp_master_repeat",
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
