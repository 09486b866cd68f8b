package conf

import (
	"fmt"
	"strings"
)

func writeCheck(c *Check, s syntax, put func(...string)) {
	if c.File != nil {
		put(s.open("FILE_CHECK"), s.word("track_file", c.File.Name), s.args("weight", fmt.Sprint(c.File.Weight)), "}")
		return
	}
	put(s.open(string(c.Kind)))
	put(writeTiming(c, s)...)
	put(writeSocket(c.Socket, s)...)
	put(writeProbe(c, s)...)
	put("}")
}

func writeTiming(c *Check, s syntax) []string {
	t := c.Timing
	timeout := "connect_timeout"
	if c.Kind == MiscCheck {
		timeout = "misc_timeout"
	}
	return []string{
		s.word("delay_loop", seconds(t.Interval)), s.word(timeout, seconds(t.Timeout)), s.word("retry", fmt.Sprint(t.Retry)), s.word("rise", fmt.Sprint(t.Rise)),
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

// writeProbe are the words that not every checker has.
func writeProbe(c *Check, s syntax) []string {
	switch {
	case c.TCP != nil:
		var all []string
		if c.TCP.Send != "" {
			all = append(all, s.command("send", c.TCP.Send))
		}
		if c.TCP.Expect != "" {
			all = append(all, s.command("expect", c.TCP.Expect))
		}
		return all
	case c.HTTP != nil:
		return writeHTTP(c, s)
	case c.SMTP != nil:
		all := []string{s.word("helo_name", c.SMTP.HeloName)}
		for _, h := range c.SMTP.Hosts {
			all = append(append(append(all, s.open("host")), writeSocket(h.Socket, s)...), "}")
		}
		return all
	case c.Misc != nil:
		all := []string{s.script("misc_path", c.Misc.Command.Words), s.flag("misc_dynamic", c.Misc.Dynamic)}
		if c.Misc.Command.User != "" {
			all = append(all, s.args("user", strings.Fields(c.Misc.Command.User+" "+c.Misc.Command.Group)...))
		}
		return all
	case c.DNS != nil:
		return []string{s.word("type", c.DNS.Type), s.word("name", c.DNS.Name)}
	case c.UDP != nil:
		u := c.UDP
		all := []string{s.word("min_reply_length", fmt.Sprint(u.MinLength)), s.word("max_reply_length", fmt.Sprint(u.MaxLength))}
		if u.Payload != "" {
			all = append(all, s.args("payload", fmt.Sprintf("%x", u.Payload)))
		}
		if u.Reply != "" {
			all = append(all, s.args("require_reply", hexPattern(u.Reply, u.Mask)))
		} else if u.RequireReply {
			all = append(all, s.args("require_reply"))
		}
		return all
	case c.GRPC != nil:
		return append(said(s, "service", c.GRPC.Service, "virtualhost", c.GRPC.VirtualHost, "sni_name", c.GRPC.SNIName), s.flag("tls", c.GRPC.TLS))
	}
	return nil
}

func hexPattern(reply, mask string) string {
	digits := []byte(fmt.Sprintf("%x", reply))
	for i := range digits {
		if mask[i/2]>>(4*(1-i%2))&0xf == 0 {
			digits[i] = 'x'
		}
	}
	return string(digits)
}

func writeSSL(c *SSL, s syntax) []string {
	if c == nil {
		return nil
	}
	all := append([]string{s.open("SSL")}, said(s, "password", string(c.Password), "ca", c.CA, "certificate", c.Certificate, "key", c.Key)...)
	return append(all, "}")
}

func writeHTTP(c *Check, s syntax) []string {
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
