package keepalived

const (
	noCheck = "a server that fails this check would stay in service; use another checker"
	noPort  = "an echo request has no port"
)

// inheritedWords are those that a checker inherits from the real server and the virtual server.
func inheritedWords() []*keyword {
	return append(words("delay_loop SECONDS", "delay_before_retry SECONDS", "connect_timeout SECONDS", "alpha [BOOL]", "warmup SECONDS", "rise NUMBER", "fall NUMBER"),
		word("retry NUMBER").alias("nb_get_retry"))
}

// checkerWords are those of every checker with ports.
func checkerWords() []*keyword {
	return join(addressWords(), words("connect_port PORT", "bind_port PORT"))
}

// addressWords are those of every checker.
func addressWords() []*keyword {
	return join(inheritedWords(), words("connect_ip ADDRESS", "bindto ADDRESS", "bind_if INTERFACE", "fwmark NUMBER", "log_all_failures [BOOL]"))
}

// throughWords are those of the checkers that talk over TCP.
func throughWords() []*keyword { return words("through_service [BOOL]") }

func checkers() []*keyword {
	other := func(name string, more ...[]*keyword) *keyword {
		return one(refuse(noCheck, name+" { … }")).bare().holds(append(more, checkerWords())...)
	}
	host := word("host").holds(words("connect_ip ADDRESS", "connect_port PORT", "bindto ADDRESS", "bind_port PORT", "bind_if INTERFACE", "fwmark NUMBER"))
	return list(
		word("PING_CHECK").alias("ICMP_CHECK").bare().holds(addressWords(), ignore(noPort, "connect_port PORT", "bind_port PORT")),
		word("TCP_CHECK").bare().holds(checkerWords(), throughWords(), scripts(words("send TEXT", "expect EXPRESSION"))),
		httpChecker("HTTP_GET"),
		httpChecker("SSL_GET"),
		word("SMTP_CHECK").bare().holds(checkerWords(), throughWords(), words("helo_name NAME"), list(host)),
		word("DNS_CHECK").bare().holds(checkerWords(), words("type TYPE", "name NAME")),
		word("UDP_CHECK").bare().holds(checkerWords(),
			words("payload HEX …", "require_reply [HEX …]", "min_reply_length BYTES", "max_reply_length BYTES")),
		word("GRPC_CHECK").bare().holds(checkerWords(), throughWords(), words("service NAME", "virtualhost NAME", "tls [BOOL]", "sni_name NAME")),
		word("MISC_CHECK { misc_path COMMAND … }").holds(
			words("delay_loop SECONDS", "delay_before_retry SECONDS", "alpha [BOOL]", "warmup SECONDS", "rise NUMBER", "fall NUMBER",
				"log_all_failures [BOOL]", "misc_timeout SECONDS", "misc_dynamic [BOOL]", "user USER [GROUP]"),
			list(word("retry NUMBER").alias("nb_get_retry")), commands(words("misc_path COMMAND …")),
			ignore("the time of a script is misc_timeout", "connect_timeout SECONDS")),
		other("BFD_CHECK", words("name NAME")),
		word("FILE_CHECK { track_file NAME }").holds(words("track_file NAME", "weight NUMBER [reverse]"), agree("dynamic")),
	)
}

func httpChecker(name string) *keyword {
	sni := words("enable_sni [BOOL]", "sni_name NAME")
	if name == "HTTP_GET" {
		sni = ignore("HTTP_GET has no TLS in which a name could be sent", "enable_sni [BOOL]", "sni_name NAME")
	}
	return word(name+" { url { … } }").holds(checkerWords(), throughWords(), sni,
		words("virtualhost NAME", "http_protocol 1.0|1.0C|1.1|2", "tls_compliant [BOOL]"),
		agree("fast_recovery [BOOL]"),
		list(word("url { path PATH }").holds(
			words("path PATH", "status_code CODE[-CODE] …", "digest MD5", "virtualhost NAME", "tls_compliant [BOOL]"),
			scripts(words("regex EXPRESSION")),
			words("regex_no_match [BOOL]", "regex_options OPTION …", "regex_min_offset NUMBER", "regex_max_offset NUMBER"),
			agree("regex_stack START MAX"),
		)),
	)
}
