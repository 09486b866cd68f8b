package conf

import "fmt"

func writeCheck(c *Check, s syntax, put func(...string)) {
	put(s.open(string(c.Kind)))
	put(writeTiming(c.Timing, s)...)
	put(writeSocket(c.Socket, s)...)
	put(writeHTTP(*c, s)...)
	put("}")
}

func writeTiming(t Timing, s syntax) []string {
	return []string{
		s.word("delay_loop", seconds(t.Interval)), s.word("connect_timeout", seconds(t.Timeout)), s.word("retry", fmt.Sprint(t.Retry)),
		s.word("delay_before_retry", seconds(t.DelayBeforeRetry)), s.word("warmup", seconds(t.Warmup)),
		s.flag("alpha", t.Alpha), s.flag("log_all_failures", t.LogAllFailures),
	}
}

// said are words with a value each, but for those whose value is that of a word that is not said.
func said(s syntax, words ...string) []string {
	var all []string
	for k := 0; k < len(words); k += 2 {
		if v := words[k+1]; v != "" && v != "0" && v != "invalid IP" {
			all = append(all, s.word(words[k], v))
		}
	}
	return all
}

func writeSocket(c Socket, s syntax) []string {
	return said(s, "connect_ip", c.ConnectIP.String(), "connect_port", fmt.Sprint(c.ConnectPort), "bindto", c.BindTo.String(),
		"bind_port", fmt.Sprint(c.BindPort), "bind_if", c.BindIf, "fwmark", fmt.Sprint(c.FWMark))
}

func writeHTTP(c Check, s syntax) []string {
	if len(c.HTTP.URLs) == 0 {
		return nil
	}
	all := []string{s.word("http_protocol", c.HTTP.Protocol)}
	if c.Kind == SSLGet {
		all = append(append(all, s.flag("enable_sni", c.HTTP.SNI)), said(s, "sni_name", c.HTTP.SNIName)...)
	}
	for _, u := range c.HTTP.URLs {
		r := u.Regex
		words := said(s, "virtualhost", u.VirtualHost, "digest", u.Digest,
			"regex_min_offset", fmt.Sprint(r.MinOffset), "regex_max_offset", fmt.Sprint(r.MaxOffset))
		words = append(words, s.args("status_code", codes(u)...), s.flag("tls_compliant", u.TLSCompliant))
		if r.Pattern != "" {
			words = append(words, s.command("regex", r.Pattern), s.flag("regex_no_match", r.NoMatch))
		}
		if r.Options != nil {
			words = append(words, s.args("regex_options", r.Options...))
		}
		all = append(all, s.url(u, words))
	}
	return all
}
