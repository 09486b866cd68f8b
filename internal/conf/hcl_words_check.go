package conf

import "slices"

// hclTiming are the words that a check inherits.
func hclTiming() []string {
	return []string{"delay_loop", "retry", "nb_get_retry", "delay_before_retry", "connect_timeout", "alpha", "warmup", "rise", "fall"}
}

// hclChecker are the words of every checker.
func hclChecker() []string {
	return append(hclTiming(), "log_all_failures", "connect_ip", "bindto", "bind_if", "fwmark")
}

// hclPorts are those of every checker that has ports.
func hclPorts() []string { return append(hclChecker(), "connect_port", "bind_port") }

// hclSocket are the words of a host of SMTP_CHECK.
func hclSocket() []string {
	return []string{"connect_ip", "connect_port", "bindto", "bind_port", "bind_if", "fwmark"}
}

func hclCheckers() []hclChild {
	with := func(words ...string) *hclBlock { return &hclBlock{values: append(hclPorts(), words...)} }
	ping, udp := &hclBlock{values: hclChecker()}, with("min_reply_length", "max_reply_length")
	udp.args = []string{"payload", "require_reply"}
	mail := with("helo_name", "through_service")
	mail.blocks = []hclChild{{"host", &hclBlock{values: hclSocket()}}}
	url := hclChild{"url", &hclBlock{
		labels: []string{"path"},
		values: []string{"virtualhost", "digest", "regex", "regex_no_match", "regex_min_offset", "regex_max_offset", "tls_compliant"},
		args:   []string{"status_code", "regex_options"},
	}}
	words := append(hclPorts(), "through_service", "virtualhost", "http_protocol", "tls_compliant")
	get := &hclBlock{values: words, blocks: []hclChild{url}}
	secure := &hclBlock{values: append(words, "enable_sni", "sni_name"), blocks: []hclChild{url}}
	misc := &hclBlock{scripts: []string{"misc_path"}, args: []string{"user"}, values: append(slices.DeleteFunc(hclTiming(),
		func(w string) bool { return w == "connect_timeout" }), "log_all_failures", "misc_timeout", "misc_dynamic")}
	return []hclChild{
		{"PING_CHECK", ping}, {"ICMP_CHECK", ping}, {"TCP_CHECK", with("through_service", "send", "expect")}, {"HTTP_GET", get}, {"SSL_GET", secure},
		{"SMTP_CHECK", mail}, {"DNS_CHECK", with("type", "name")}, {"UDP_CHECK", udp},
		{"GRPC_CHECK", with("through_service", "service", "virtualhost", "tls", "sni_name")},
		{"MISC_CHECK", misc}, {"FILE_CHECK", &hclBlock{values: []string{"track_file"}, args: []string{"weight"}}},
	}
}
