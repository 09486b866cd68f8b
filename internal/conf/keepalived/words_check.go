package keepalived

const (
	noTarget  = "the probe would ask another address than this"
	noBinding = "the probe would leave from another address, and a server may answer differently"
	noContent = "a server that answers with the wrong page would stay in service; let the application answer such a request with a status of 500"
	noCheck   = "a server that fails this check would stay in service; use TCP_CHECK, HTTP_GET, SSL_GET or PING_CHECK"
)

// timingWords are those that a checker inherits from the real server and the virtual server.
func timingWords() []*keyword {
	return append(words("delay_loop SECONDS", "delay_before_retry SECONDS", "connect_timeout SECONDS"), word("retry NUMBER").alias("nb_get_retry"))
}

// checkerWords are those of every checker.
func checkerWords() []*keyword {
	return join(timingWords(), alphaWords(),
		refuse(noTarget, "connect_ip ADDRESS", "connect_port PORT"),
		refuse(noBinding, "bindto ADDRESS", "bind_port PORT", "bind_if INTERFACE", "fwmark NUMBER"),
		ignore("the log of lvsd has every change of a server's state and its cause", "log_all_failures [BOOL]"),
	)
}

func checkers() []*keyword {
	other := func(name string, more ...[]*keyword) *keyword {
		return one(refuse(noCheck, name+" { … }")).bare().holds(append(more, checkerWords())...)
	}
	host := word("host").holds(words("connect_ip ADDRESS", "connect_port PORT", "bindto ADDRESS", "bind_port PORT", "bind_if INTERFACE", "fwmark NUMBER"))
	return list(
		word("PING_CHECK").alias("ICMP_CHECK").bare().holds(checkerWords()),
		word("TCP_CHECK").bare().holds(checkerWords()),
		httpChecker("HTTP_GET"),
		httpChecker("SSL_GET"),
		other("SMTP_CHECK", words("helo_name NAME"), list(host)),
		other("DNS_CHECK", words("type TYPE", "name NAME")),
		other("MISC_CHECK", scripts(words("misc_path COMMAND …")), words("misc_timeout SECONDS", "misc_dynamic [BOOL]", "user USER [GROUP]")),
		other("UDP_CHECK", words("payload HEX", "require_reply [HEX]", "min_reply_length BYTES", "max_reply_length BYTES")),
		other("BFD_CHECK", words("name NAME")),
		other("FILE_CHECK", words("track_file NAME", "dynamic", "weight NUMBER [reverse]")),
	)
}

func httpChecker(name string) *keyword {
	return word(name+" { url { … } }").holds(checkerWords(),
		refuse("the servers would be asked for their default site", "virtualhost NAME"),
		but([]string{"1.1"}, ignore("lvsd asks in HTTP/1.1", "http_protocol 1.0|1.0C|1.1")),
		agree("fast_recovery [BOOL]", "tls_compliant"),
		refuse("the servers would show the certificate of their default site", "enable_sni", "sni_name NAME"),
		list(word("url { path PATH }").holds(
			words("path PATH", "status_code CODE[-CODE] …"),
			refuse(noContent, "digest MD5"),
			scripts(refuse(noContent, "regex EXPRESSION …")),
			refuse("the servers would be asked for their default site", "virtualhost NAME"),
			ignore("only regex needs it", "regex_no_match", "regex_options OPTION …", "regex_stack START MAX", "regex_min_offset NUMBER", "regex_max_offset NUMBER"),
			agree("tls_compliant"),
		)),
	)
}
