package director

import (
	"net/netip"
	"testing"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// TestEverythingOfAChecker: all that the configuration says of a checker is in its spec.
func TestEverythingOfAChecker(t *testing.T) {
	at := netip.MustParseAddrPort("10.0.0.1:80")
	socket := conf.Socket{ConnectIP: netip.MustParseAddr("10.0.0.9"), ConnectPort: 99, BindTo: netip.MustParseAddr("10.0.0.8"), BindPort: 7, BindIf: "eth1", FWMark: 5}
	timing := conf.Timing{Interval: 1, Timeout: 2, Warmup: 3, Retry: 4, Rise: 5, DelayBeforeRetry: 6, Alpha: true, LogAllFailures: true}
	ssl := &conf.SSL{CA: "ca", Certificate: "certificate", Key: "key", Password: "password"}
	trust := check.Trust{CA: "ca", Certificate: "certificate", Key: "key", Password: "password"}
	digest, sound := check.ParseDigest("00112233445566778899aabbccddeeff")
	if !sound {
		t.Fatal("it is no digest")
	}
	status := check.StatusCodes{}
	status.Add(200, 204)
	status.Add(301, 301)
	for _, c := range []struct {
		check   conf.Check
		kind    check.Kind
		request check.Request
	}{
		{conf.Check{Kind: conf.PingCheck}, check.ICMP, nil},
		{conf.Check{Kind: conf.TCPCheck, TCP: &conf.TCPTalk{Send: "send", Expect: "expect"}}, check.TCP,
			check.TCPRequest{Send: "send", Expect: check.Match{Expression: "expect"}}},
		{conf.Check{Kind: conf.SSLGet, HTTP: &conf.HTTP{Protocol: "1.1", SNI: true, SNIName: "sni.example", SSL: ssl, URLs: []conf.URL{{
			Path: "/path", VirtualHost: "site.example", StatusCodes: []conf.StatusRange{{First: 200, Last: 204}, {First: 301, Last: 301}},
			Digest: "00112233445566778899aabbccddeeff", TLSCompliant: true,
			Regex: conf.Regex{Pattern: "ab", Options: []string{"utf"}, NoMatch: true, MinOffset: 3, MaxOffset: 9}}}}}, check.HTTPS,
			check.HTTPRequest{Path: "/path", Host: "site.example", Version: check.HTTP11, ServerName: "sni.example", Strict: true, Trust: trust, Status: status,
				Digest: digest,
				Match:  check.Match{Expression: "ab", Unwanted: true, UTF8: true, Min: 3, Max: 9}}},
		{conf.Check{Kind: conf.SMTPCheck, SMTP: &conf.SMTPTalk{HeloName: "helo"}}, check.SMTP, check.SMTPRequest{Name: "helo"}},
		{conf.Check{Kind: conf.DNSCheck, DNS: &conf.DNSQuestion{Type: "MX", Name: "example.com"}}, check.DNS, check.DNSRequest{Name: "example.com", Type: 15}},
		{conf.Check{Kind: conf.UDPCheck, UDP: &conf.UDPPacket{Payload: "payload", RequireReply: true, Reply: "r", Mask: "m", MinLength: 2, MaxLength: 9}}, check.UDP,
			check.UDPRequest{Payload: "payload", Require: true, Reply: "r", Mask: "m", Min: 2, Max: 9}},
		{conf.Check{Kind: conf.GRPCCheck, GRPC: &conf.GRPCHealth{Service: "service", VirtualHost: "site.example", TLS: true, SNIName: "sni.example", SSL: ssl}}, check.GRPC,
			check.GRPCRequest{Service: "service", Host: "site.example", TLS: true, ServerName: "sni.example", Trust: trust}},
		{conf.Check{Kind: conf.MiscCheck, Misc: &conf.Misc{Command: conf.Program{Words: []string{"/bin/true", "x"}, User: "u", Group: "g"}, Secure: true, Dynamic: true}}, check.Misc,
			check.MiscRequest{Command: script.Command{Line: script.NewLine("/bin/true", "x"), User: "u", Group: "g", Secure: true}, Dynamic: true}},
		{conf.Check{Kind: conf.FileCheck, File: &conf.FileTalk{Name: "f", Path: "/f", Weight: -3}}, check.File, check.FileRequest{Path: "/f", Factor: -3}},
	} {
		c.check.Socket, c.check.Timing = socket, timing
		want := check.Spec{Kind: c.kind, Addr: netip.MustParseAddrPort("10.0.0.9:99"),
			Timing: check.Timing{Interval: 1, Timeout: 2, Warmup: 3, Retry: 4, Rise: 5, DelayBeforeRetry: 6, Alpha: true, LogAllFailures: true},
			Detail: check.NewDetail(check.Socket{Source: socket.BindTo, Port: 7, Interface: "eth1", Mark: 5}, c.request)}
		switch c.kind {
		case check.ICMP:
			want.Addr = netip.MustParseAddrPort("10.0.0.9:0")
		case check.Misc, check.File:
			want.Addr = netip.AddrPort{}
		}
		got := specs(&conf.RealServer{Address: at, Checks: []conf.Check{c.check}})
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v of %+v, want %+v of %+v", c.check.Kind, got, got[0].Detail.Request(), want, want.Detail.Request())
		}
	}
}
