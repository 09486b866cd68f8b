//go:build netns

package check

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// everyServer serves every kind of check that has a socket, at an address, and returns what asks each of them.
func everyServer(t *testing.T, own netip.Addr) map[string]Spec {
	t.Helper()
	const patient = 20 * time.Second
	at := func(handle func(net.Listener)) netip.AddrPort {
		t.Helper()
		listener, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			handle(listener)
		}()
		t.Cleanup(func() {
			listener.Close()
			<-done
		})
		return listener.Addr().(*net.TCPAddr).AddrPort()
	}
	talk := func(handle func(net.Conn)) netip.AddrPort {
		return at(func(l net.Listener) {
			for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
				go func() {
					defer conn.Close()
					handle(conn)
				}()
			}
		})
	}
	web := func(secure bool, handler http.HandlerFunc) netip.AddrPort {
		server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), Protocols: &http.Protocols{}}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetHTTP2(secure)
		server.Protocols.SetUnencryptedHTTP2(!secure)
		t.Cleanup(func() { server.Close() })
		if !secure {
			return at(func(l net.Listener) { server.Serve(l) })
		}
		dir := t.TempDir()
		authority(t, dir)
		issue(t, dir, "server", "DNS:www.example.org", 30)
		pair, err := tls.LoadX509KeyPair(dir+"/server.pem", dir+"/server.key")
		if err != nil {
			t.Fatal(err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
		return at(func(l net.Listener) { server.ServeTLS(l, "", "") })
	}
	datagrams := func() netip.AddrPort {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			buffer := make([]byte, 1500)
			for n, from, err := conn.ReadFromUDPAddrPort(buffer); err == nil; n, from, err = conn.ReadFromUDPAddrPort(buffer) {
				if n > 2 {
					buffer[2] |= 0x80 // of DNS, it is an answer
				}
				conn.WriteToUDPAddrPort(buffer[:n], from)
			}
		}()
		t.Cleanup(func() {
			conn.Close()
			<-done
		})
		return conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	serving := healthServer(t, func(string) (string, string) { return "00000000020801", "0" })
	get := func(v HTTPVersion) HTTPRequest { return HTTPRequest{Path: "/", Status: okStatus(), Version: v} }
	echo := datagrams()
	greets := talk(func(conn net.Conn) { io.WriteString(conn, "hello\r\n"); silent(conn) })
	plain, secure := web(false, ok), web(true, ok)
	return map[string]Spec{
		"PING_CHECK":           spec(ICMP, netip.AddrPortFrom(own, 0), patient),
		"TCP_CHECK":            spec(TCP, greets, patient),
		"TCP_CHECK that talks": asks(TCP, greets, patient, TCPRequest{Expect: Match{Expression: "hello"}}),
		"HTTP_GET":             asks(HTTP, plain, patient, get(HTTP11)),
		"HTTP_GET by HTTP/1.0": asks(HTTP, plain, patient, get(HTTP10)),
		"HTTP_GET by HTTP/2":   asks(HTTP, plain, patient, get(HTTP2)),
		"SSL_GET":              asks(HTTPS, secure, patient, get(HTTP11)),
		"SSL_GET by HTTP/2":    asks(HTTPS, secure, patient, get(HTTP2)),
		"SMTP_CHECK":           asks(SMTP, talk(mailServer(map[string]string{"": "220 a\r\n", "HELO": "250 b\r\n", "QUIT": "221 c\r\n"}, nil)), patient, SMTPRequest{}),
		"DNS_CHECK":            asks(DNS, echo, patient, DNSRequest{Name: ".", Type: 6}),
		"UDP_CHECK":            asks(UDP, echo, patient, UDPRequest{Require: true, Max: 255}),
		"GRPC_CHECK":           asks(GRPC, web(false, serving), patient, GRPCRequest{}),
		"GRPC_CHECK over TLS":  asks(GRPC, web(true, serving), patient, GRPCRequest{TLS: true}),
	}
}

// Every word about the socket counts in every kind of check that has one, over IPv4 and IPv6: where what the word says is forbidden,
// a probe with the word fails and one without succeeds; where it is not, both succeed.
func TestSocketOfEveryKind(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		run(t, "ip", "link", "add", "down", "type", "veth", "peer", "name", "other")
		for _, family := range []struct{ option, own, source string }{
			{"-4", "192.0.2.1/32", "192.0.2.2/32"},
			{"-6", "2001:db8::1/128", "2001:db8::2/128"},
		} {
			ip := func(args string) {
				t.Helper()
				run(t, "ip", append([]string{family.option}, strings.Fields(args)...)...)
			}
			ip("addr add " + family.own + " dev lo")
			ip("addr add " + family.source + " dev lo")
			// The rule for local addresses is the first; what forbids has to be before it.
			ip("rule add priority 100 lookup local")
			ip("rule delete priority 0 lookup local")
			own, source := netip.MustParsePrefix(family.own).Addr(), netip.MustParsePrefix(family.source).Addr()
			all := everyServer(t, own)
			words := []struct {
				name, forbids string // forbids is a rule; empty where the word itself leads nowhere
				socket        Socket
				ports         bool // it is about ports, which a ping has none of
			}{
				{"bindto", "from " + source.String(), Socket{Source: source}, false},
				{"bind_port over TCP", "ipproto tcp sport 5555", Socket{Port: 5555}, true},
				{"bind_port over UDP", "ipproto udp sport 5555", Socket{Port: 5555}, true},
				{"fwmark", "fwmark 7", Socket{Mark: 7}, false},
				{"bind_if", "", Socket{Interface: "down"}, false},
			}
			for kind, s := range all {
				wantError(t, probeOnce(t, s), "")
				plain, q := s.Detail, s.Detail.Request()
				for _, w := range words {
					over := map[bool]string{true: "bind_port over UDP", false: "bind_port over TCP"}[s.Kind == DNS || s.Kind == UDP]
					if w.ports && (s.Kind == ICMP || w.name != over) {
						continue
					}
					t.Run(fmt.Sprint(kind, family.option, " ", w.name), func(t *testing.T) {
						s := s
						s.Detail = NewDetail(w.socket, q)
						if w.forbids == "" {
							s.Timeout = short
							if err := probeOnce(t, s); err == nil {
								t.Error("reached through an interface that is down")
							}
							s.Timeout = 20 * time.Second
							s.Detail = NewDetail(Socket{Interface: "lo"}, q)
							wantError(t, probeOnce(t, s), "")
							return
						}
						wantError(t, probeOnce(t, s), "")
						ip("rule add priority 10 " + w.forbids + " prohibit")
						defer ip("rule delete priority 10 " + w.forbids + " prohibit")
						if err := probeOnce(t, s); err == nil || !strings.HasSuffix(err.Error(), ": permission denied") {
							t.Errorf("forbidden, and probed: %v", err)
						}
						s.Detail = plain
						wantError(t, probeOnce(t, s), "")
					})
				}
			}
		}
	})
}
