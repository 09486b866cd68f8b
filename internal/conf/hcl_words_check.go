package conf

// hclTiming are the words that a check inherits.
func hclTiming() []string {
	return []string{"delay_loop", "retry", "nb_get_retry", "delay_before_retry", "connect_timeout", "alpha"}
}

func hclCheckers() []hclChild {
	probe := &hclBlock{values: hclTiming()}
	get := &hclBlock{values: hclTiming(), blocks: []hclChild{
		{"url", &hclBlock{labels: []string{"path"}, args: []string{"status_code"}}},
	}}
	return []hclChild{
		{"PING_CHECK", probe}, {"ICMP_CHECK", probe}, {"TCP_CHECK", probe}, {"HTTP_GET", get}, {"SSL_GET", get},
	}
}
