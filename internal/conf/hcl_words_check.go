package conf

// hclTiming are the words that a check inherits.
func hclTiming() []string {
	return []string{"delay_loop", "retry", "nb_get_retry", "delay_before_retry", "connect_timeout", "alpha", "warmup"}
}

// hclChecker are the words of every checker.
func hclChecker() []string {
	return append(hclTiming(), "log_all_failures", "connect_ip", "bindto", "bind_if", "fwmark")
}

// hclPorts are those of every checker that has ports.
func hclPorts() []string { return append(hclChecker(), "connect_port", "bind_port") }

func hclCheckers() []hclChild {
	ping, tcp := &hclBlock{values: hclChecker()}, &hclBlock{values: hclPorts()}
	url := hclChild{"url", &hclBlock{
		labels: []string{"path"},
		values: []string{"virtualhost", "digest", "regex", "regex_no_match", "regex_min_offset", "regex_max_offset", "tls_compliant"},
		args:   []string{"status_code", "regex_options"},
	}}
	words := append(hclPorts(), "virtualhost", "http_protocol", "tls_compliant")
	get := &hclBlock{values: words, blocks: []hclChild{url}}
	secure := &hclBlock{values: append(words, "enable_sni", "sni_name"), blocks: []hclChild{url}}
	return []hclChild{
		{"PING_CHECK", ping}, {"ICMP_CHECK", ping}, {"TCP_CHECK", tcp}, {"HTTP_GET", get}, {"SSL_GET", secure},
	}
}
