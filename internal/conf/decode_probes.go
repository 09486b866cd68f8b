package conf

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lvsd/internal/conf/keepalived"
)

// maxReply bounds the answer of UDP_CHECK, in bytes: what a packet can hold.
const maxReply = 65535

// tcp reads what TCP_CHECK says and hears on the connection.
func (d *decoder) tcp(n *keepalived.Node, _ inheritance, c *Check) {
	var t TCPTalk
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "send":
			if w, ok := first(w); ok {
				t.Send = w.Text
			}
		case "expect":
			w, ok := first(w)
			if !ok {
				return
			}
			t.Expect = w.Text
			if _, err := (Regex{Pattern: w.Text}).RE2(); err != nil {
				d.errorf(w.Range, "lvsd cannot match %q: %v; its expressions are RE2's (Go's regexp/syntax), without what only backtracking can match: write it without", w.Text, err)
			}
		}
	})
	if t != (TCPTalk{}) {
		c.TCP = &t
	}
}

func (d *decoder) smtp(n *keepalived.Node, _ inheritance, c *Check) {
	c.SMTP = &SMTPTalk{HeloName: d.front.defaults.HeloName}
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "helo_name":
			w, ok := first(w)
			if !ok {
				return
			}
			if w.Text == "" || strings.ContainsFunc(w.Text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }) {
				d.errorf(w.Range, "helo_name takes a name such as mail.example.com, not %q", w.Text)
				return
			}
			c.SMTP.HeloName = w.Text
		case "host":
			s := c.Socket // what the checker says is so for each
			d.singles(w, never, func(w *keepalived.Node) { d.socket(w, &s) })
			c.SMTP.Hosts = append(c.SMTP.Hosts, Host{s, w.Range})
		}
	})
}

func (d *decoder) dns(n *keepalived.Node, _ inheritance, c *Check) {
	c.DNS = &DNSQuestion{Type: "SOA", Name: "."}
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "type":
			if w, ok := first(w); ok {
				d.recordType(w, &c.DNS.Type)
			}
		case "name":
			if w, ok := first(w); ok {
				d.domainName(w, &c.DNS.Name)
			}
		}
	})
}

// recordType reads a type of DNS records: a name or TYPE and a number (RFC 3597 §5).
func (d *decoder) recordType(w keepalived.Word, to *string) {
	text := strings.ToUpper(w.Text)
	known := recordTypes()
	for _, name := range known {
		if text == name {
			*to = text
			return
		}
	}
	if number, ok := strings.CutPrefix(text, "TYPE"); ok {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil && n != 0 {
			*to = text
			return
		}
	}
	hint := ""
	if near := keepalived.Nearest(text, known); near != "" {
		hint = "; did you mean " + near + "?"
	}
	d.errorf(w.Range, "type takes a type of records such as SOA, A or TYPE65, not %q%s", w.Text, hint)
}

// recordTypes are the names of IANA's registry of DNS parameters that lvsd has.
func recordTypes() []string {
	return []string{"A", "NS", "CNAME", "SOA", "PTR", "HINFO", "MX", "TXT", "AAAA", "LOC", "SRV", "NAPTR", "DNAME", "DS", "SSHFP", "RRSIG", "NSEC",
		"DNSKEY", "NSEC3", "NSEC3PARAM", "TLSA", "CDS", "CDNSKEY", "OPENPGPKEY", "SVCB", "HTTPS", "SPF", "ANY", "URI", "CAA"}
}

// domainName reads a name of at most 255 bytes with labels of at most 63 (RFC 1035 §3.1).
func (d *decoder) domainName(w keepalived.Word, to *string) {
	name := strings.TrimSuffix(w.Text, ".")
	sound := w.Text != "" && len(name) <= 253
	for label := range strings.SplitSeq(name, ".") {
		sound = sound && len(label) <= 63 && (label != "" || name == "")
	}
	if !sound || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		d.errorf(w.Range, "name takes a domain name such as example.com or \".\", not %q", w.Text)
		return
	}
	*to = w.Text
}

func (d *decoder) udp(n *keepalived.Node, _ inheritance, c *Check) {
	u := &UDPPacket{MaxLength: 255}
	c.UDP = u
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "payload":
			if bytes, _, ok := d.hexString(w, false); ok && len(w.Args) > 0 {
				u.Payload = bytes
			}
		case "require_reply":
			if len(w.Args) == 1 && (w.Args[0].Text == "true" || w.Args[0].Text == "false") {
				u.RequireReply = w.Args[0].Text == "true"
				return
			}
			u.RequireReply = true
			u.Reply, u.Mask, _ = d.hexString(w, true)
		case "min_reply_length":
			d.whole(w, 0, maxReply, &u.MinLength)
		case "max_reply_length":
			d.whole(w, 0, maxReply, &u.MaxLength)
		}
	})
	for _, word := range []string{"min_reply_length", "max_reply_length"} {
		if w := child(n, word); w != nil && !u.RequireReply {
			d.warnf(w.Range, "%s does nothing without require_reply: no answer is waited for; write that, or remove it", word)
		}
	}
	if w := child(n, "min_reply_length"); w != nil && u.MinLength > u.MaxLength {
		d.errorf(w.Range, "min_reply_length %d is above max_reply_length %d; write a greater max_reply_length", u.MinLength, u.MaxLength)
	}
}

// hexString reads bytes as keepalived writes them: words of hexadecimal digits, of which two are a
// byte, and an odd one at the end of a word is one too. With a mask, x is a digit that may be any:
// its bits in the mask are 0.
func (d *decoder) hexString(n *keepalived.Node, masked bool) (bytes, mask string, ok bool) {
	for _, w := range n.Args {
		for text := w.Text; text != ""; {
			size := min(len(text), 2)
			var value, bits byte
			for _, c := range []byte(text[:size]) {
				digit := strings.IndexByte("0123456789abcdef", c|0x20)
				any := masked && c|0x20 == 'x'
				if !any && (digit < 0 || c < '0') {
					form := "hexadecimal digits such as 16a1"
					if masked {
						form += ", with x for any digit"
					}
					d.errorf(w.Range, "%s takes %s, not %q", n.Keyword.Text, form, w.Text)
					return "", "", false
				}
				value, bits = value<<4, bits<<4|0xf
				if any {
					bits &^= 0xf
				} else {
					value |= byte(digit)
				}
			}
			if size == 1 {
				bits |= 0xf0
			}
			bytes, mask = bytes+string([]byte{value}), mask+string([]byte{bits})
			text = text[size:]
		}
	}
	if len(bytes) > maxReply {
		d.errorf(n.Range, "%s is longer than a packet, %d bytes; write less", n.Keyword.Text, maxReply)
		return "", "", false
	}
	return bytes, mask, true
}

func (d *decoder) grpc(n *keepalived.Node, own inheritance, c *Check) {
	c.GRPC = &GRPCHealth{VirtualHost: own.virtualHost}
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "service":
			d.text(w, &c.GRPC.Service)
		case "tls":
			d.flag(w, &c.GRPC.TLS)
		case "sni_name":
			d.hostName(w, &c.GRPC.SNIName)
		}
	})
	if c.GRPC.TLS {
		c.GRPC.SSL = d.cfg.SSL
	} else if w := child(n, "sni_name"); w != nil {
		d.warnf(w.Range, "sni_name does nothing without tls, in which the name is sent; write tls, or remove it")
	}
}

func (d *decoder) misc(n *keepalived.Node, _ inheritance, c *Check) {
	c.Misc = &Misc{Secure: d.cfg.ScriptSecurity}
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "misc_path":
			d.command(w, &c.Misc.Command)
		case "misc_dynamic":
			d.flag(w, &c.Misc.Dynamic)
		case "user":
			d.user(w, &c.Misc.Command)
		}
	})
	if !has(n, "misc_path") {
		d.errorf(n.Range, "MISC_CHECK has no misc_path; write the command line that it runs")
	}
	d.settleUser(&c.Misc.Command)
}

// fileTiming is how FILE_CHECK is made: the file is looked at each second, and means what it says.
func fileTiming() Timing {
	return Timing{Interval: time.Second, Timeout: time.Second, Warmup: 0, Rise: 1}
}

func (d *decoder) fileCheck(n *keepalived.Node, _ inheritance, c *Check) {
	var use Tracked
	each(n, func(w *keepalived.Node) {
		if w.Name == "track_file" {
			if w, ok := first(w); ok && d.named("track_file", w, &use) {
				at := slices.IndexFunc(d.cfg.Files, func(f File) bool { return f.Name == use.Name })
				c.File = &FileTalk{Name: use.Name, Path: d.cfg.Files[at].Path}
			}
		}
	})
	if !has(n, "track_file") {
		d.errorf(n.Range, "FILE_CHECK has no track_file; write the name of one")
	}
	if w := child(n, "weight"); w != nil {
		use.Weight, use.Reverse = 0, false
		d.weight(w, maxFileValue, &use)
	}
	if c.File == nil {
		return // which was reported
	}
	if c.File.Weight = use.Weight; use.Reverse {
		c.File.Weight = -use.Weight
	}
}
