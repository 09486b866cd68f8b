package conf

import (
	"cmp"
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

func drawCheck(t *rapid.T, family netip.Addr, cfg *Config) Check {
	milliseconds := func(lo int, name string) time.Duration {
		return time.Duration(rapid.IntRange(lo, 86400_000).Draw(t, name)) * time.Millisecond
	}
	if len(cfg.Files) > 0 && rapid.IntRange(0, 9).Draw(t, "file") == 0 {
		f := rapid.SampledFrom(cfg.Files).Draw(t, "which")
		return Check{Kind: FileCheck, Timing: fileTiming(), File: &FileTalk{Name: f.Name, Path: f.Path, Weight: rapid.IntRange(-9, 9).Draw(t, "weight")}}
	}
	c := Check{
		Kind: rapid.SampledFrom([]CheckKind{PingCheck, TCPCheck, HTTPGet, SSLGet, SMTPCheck, DNSCheck, UDPCheck, GRPCCheck, MiscCheck}).Draw(t, "check"),
		Timing: Timing{
			Interval:         milliseconds(1, "interval"),
			Timeout:          milliseconds(1, "timeout"),
			Warmup:           milliseconds(0, "warmup"),
			DelayBeforeRetry: milliseconds(0, "retry delay"),
			Retry:            rapid.IntRange(0, maxRetry).Draw(t, "retry"),
			Rise:             rapid.IntRange(1, maxRetry).Draw(t, "rise"),
			Alpha:            rapid.Bool().Draw(t, "alpha"),
			LogAllFailures:   rapid.Bool().Draw(t, "log"),
		},
		Socket: drawSocket(t, family),
	}
	switch c.Kind {
	case PingCheck:
		c.ConnectPort, c.BindPort = 0, 0
	case TCPCheck:
		c.TCP = rapid.SampledFrom([]*TCPTalk{nil, {Send: "a\r\n\"\\${b}"}, {Expect: `^\d+ "x"$`}, {Send: " ", Expect: "b"}}).Draw(t, "talk")
	case HTTPGet, SSLGet:
		c.HTTP = drawHTTP(t, c.Kind, cfg.SSL)
	case SMTPCheck:
		c.SMTP = &SMTPTalk{HeloName: rapid.SampledFrom([]string{"a.example", "[192.0.2.1]"}).Draw(t, "helo")}
		for range rapid.IntRange(0, 2).Draw(t, "hosts") {
			c.SMTP.Hosts = append(c.SMTP.Hosts, Host{Socket: over(c.Socket, drawSocket(t, family))})
		}
	case DNSCheck:
		c.DNS = &DNSQuestion{Type: rapid.SampledFrom([]string{"SOA", "AAAA", "TYPE65535"}).Draw(t, "type"),
			Name: rapid.SampledFrom([]string{".", "example.com", "_a.b."}).Draw(t, "name")}
	case MiscCheck:
		c.Socket = Socket{}
		c.Misc = &Misc{Secure: cfg.ScriptSecurity, Dynamic: rapid.Bool().Draw(t, "dynamic"), Command: drawProgram(t)}
	case UDPCheck:
		c.UDP = drawUDP(t)
	case GRPCCheck:
		c.GRPC = &GRPCHealth{Service: rapid.SampledFrom([]string{"", "a.B/c"}).Draw(t, "service"),
			VirtualHost: rapid.SampledFrom([]string{"", "a.example"}).Draw(t, "virtualhost"),
			TLS:         rapid.Bool().Draw(t, "tls"), SNIName: rapid.SampledFrom([]string{"", "b.example"}).Draw(t, "sni_name")}
		if c.GRPC.TLS {
			c.GRPC.SSL = cfg.SSL
		}
	}
	return c
}

func drawUDP(t *rapid.T) *UDPPacket {
	u := &UDPPacket{Payload: rapid.SampledFrom([]string{"", "\x00\xffa"}).Draw(t, "payload"), MaxLength: rapid.IntRange(0, maxReply).Draw(t, "max")}
	u.MinLength = rapid.IntRange(0, u.MaxLength).Draw(t, "min")
	if u.RequireReply = rapid.Bool().Draw(t, "require"); u.RequireReply && rapid.Bool().Draw(t, "pattern") {
		u.Reply, u.Mask = "\x00\xa0\x0b\x00", "\xff\xf0\x0f\x00"
	}
	return u
}

func drawSSL(t *rapid.T) *SSL {
	if rapid.Bool().Draw(t, "no ssl") {
		return nil
	}
	s := &SSL{CA: rapid.SampledFrom([]string{"", "/etc/ssl/ca.pem"}).Draw(t, "ca"),
		Certificate: rapid.SampledFrom([]string{"", "/etc/ssl/cert.pem"}).Draw(t, "certificate"),
		Password:    rapid.SampledFrom([]Secret{"", "a{b}#!$c", "secret"}).Draw(t, "password")}
	if s.Certificate != "" {
		s.Key = rapid.SampledFrom([]string{"", "/etc/ssl/key.pem"}).Draw(t, "key")
	}
	return s
}

func drawSocket(t *rapid.T, family netip.Addr) Socket {
	address := netip.MustParseAddr("192.0.2.9")
	if family.Is6() {
		address = netip.MustParseAddr("2001:db8::9")
	}
	return Socket{
		ConnectIP:   rapid.SampledFrom([]netip.Addr{{}, address}).Draw(t, "connect_ip"),
		ConnectPort: rapid.SampledFrom([]uint16{0, 1, 65535}).Draw(t, "connect_port"),
		BindTo:      rapid.SampledFrom([]netip.Addr{{}, address}).Draw(t, "bindto"),
		BindPort:    rapid.SampledFrom([]uint16{0, 1, 65535}).Draw(t, "bind_port"),
		BindIf:      rapid.SampledFrom([]string{"", "eth0"}).Draw(t, "bind_if"),
		FWMark:      rapid.SampledFrom([]uint32{0, 1, 4294967295}).Draw(t, "fwmark"),
	}
}

func drawHTTP(t *rapid.T, kind CheckKind, ssl *SSL) *HTTP {
	c := &HTTP{Protocol: rapid.SampledFrom([]string{"1.0", "1.0C", "1.1", "2"}).Draw(t, "protocol")}
	if kind == SSLGet {
		c.SSL = ssl
		if c.SNI = rapid.Bool().Draw(t, "sni"); c.SNI {
			c.SNIName = rapid.SampledFrom([]string{"", "a.example"}).Draw(t, "sni_name")
		}
	}
	for range rapid.IntRange(1, 2).Draw(t, "urls") {
		u := URL{
			Path:         rapid.StringMatching(`/[a-z?=&#!{}%\$]{0,6}`).Draw(t, "path"),
			VirtualHost:  rapid.SampledFrom([]string{"", "b.example:8080"}).Draw(t, "virtualhost"),
			Digest:       rapid.SampledFrom([]string{"", "d41d8cd98f00b204e9800998ecf8427e"}).Draw(t, "digest"),
			TLSCompliant: rapid.Bool().Draw(t, "tls_compliant"),
		}
		if rapid.Bool().Draw(t, "matches") {
			u.Regex = Regex{
				Pattern:   rapid.SampledFrom([]string{"a", `^\d+ "x" \\ \'[#!{}]$`, "größe|${b}%{c}", " "}).Draw(t, "regex"),
				Options:   rapid.SampledFrom([][]string{nil, {"utf"}, {"caseless", "dotall", "no_auto_capture"}}).Draw(t, "options"),
				NoMatch:   rapid.Bool().Draw(t, "no match"),
				MinOffset: rapid.IntRange(0, 100).Draw(t, "min"),
				MaxOffset: rapid.SampledFrom([]int{0, 100, maxOffset}).Draw(t, "max"),
			}
		}
		for range rapid.IntRange(1, 3).Draw(t, "ranges") {
			first := rapid.IntRange(100, 599).Draw(t, "first")
			u.StatusCodes = append(u.StatusCodes, StatusRange{first, rapid.IntRange(first, 599).Draw(t, "last")})
		}
		c.URLs = append(c.URLs, u)
	}
	return c
}

func drawProgram(t *rapid.T) Program {
	p := Program{Words: []string{"/bin/" + rapid.SampledFrom([]string{"x", "a 'b' \"c\" \\", "größe#!"}).Draw(t, "program")}}
	if rapid.Bool().Draw(t, "arguments") {
		p.Words = append(p.Words, rapid.SampledFrom([]string{"", "{x}", "$y"}).Draw(t, "argument"))
	}
	p.User = rapid.SampledFrom([]string{"", "nobody"}).Draw(t, "user")
	if p.User != "" {
		p.Group = rapid.SampledFrom([]string{"", "nogroup"}).Draw(t, "group")
	}
	return p
}

// over is a socket with what another one says.
func over(s, other Socket) Socket {
	if other.ConnectIP.IsValid() {
		s.ConnectIP = other.ConnectIP
	}
	if other.BindTo.IsValid() {
		s.BindTo = other.BindTo
	}
	s.ConnectPort, s.BindPort, s.BindIf, s.FWMark = cmp.Or(other.ConnectPort, s.ConnectPort), cmp.Or(other.BindPort, s.BindPort), cmp.Or(other.BindIf, s.BindIf), cmp.Or(other.FWMark, s.FWMark)
	return s
}
