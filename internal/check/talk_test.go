package check

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// asks is a spec that asks for something.
func asks(kind Kind, addr netip.AddrPort, timeout time.Duration, q Request) Spec {
	s := spec(kind, addr, timeout)
	s.Detail = NewDetail(Socket{}, q)
	return s
}

func TestTCPTalk(t *testing.T) {
	redis := func(conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if line == "PING\r\n" {
			io.WriteString(conn, "+PONG\r\n")
		}
		silent(conn)
	}
	banner := func(conn net.Conn) { io.WriteString(conn, "SSH-2.0-x\r\n"); silent(conn) }
	for _, c := range []struct {
		name   string
		handle func(net.Conn)
		ask    TCPRequest
		want   string
	}{
		{"answered", redis, TCPRequest{"PING\r\n", Match{Expression: `^\+PONG`}}, ""},
		{"said, nothing wanted", silent, TCPRequest{Send: "x"}, ""},
		{"greets", banner, TCPRequest{Expect: Match{Expression: "^SSH-2"}}, ""},
		{"greets with no more than that", banner, TCPRequest{Expect: Match{Expression: `x\r\n`}}, ""},
		{"greets at last", func(conn net.Conn) { repeatTimes(conn, "no\r\n", 2000); io.WriteString(conn, "yes"); silent(conn) }, TCPRequest{Expect: Match{Expression: "yes"}}, ""},
		{"another answer, and closes", func(conn net.Conn) { io.WriteString(conn, "-ERR\r\n") }, TCPRequest{Expect: Match{Expression: "PONG"}}, `the answer does not match regex "PONG"`},
		{"another answer, and holds", banner, TCPRequest{Expect: Match{Expression: "PONG"}}, `no answer that matches "PONG" within 300ms`},
		{"no answer", silent, TCPRequest{Expect: Match{Expression: "PONG"}}, `no answer that matches "PONG" within 300ms`},
		{"dripping", func(conn net.Conn) {
			for _, err := conn.Write([]byte("x")); err == nil; _, err = conn.Write([]byte("x")) {
				time.Sleep(10 * time.Millisecond)
			}
		}, TCPRequest{Expect: Match{Expression: "PONG"}}, `no answer that matches "PONG" within 300ms`},
		{"endless", repeatAtOnce(strings.Repeat("x", 8<<10)), TCPRequest{Expect: Match{Expression: "PONG"}}, `the answer does not match regex "PONG"`},
		{"resets", reset(1), TCPRequest{"xx", Match{Expression: "PONG"}}, `wait for answer that matches "PONG": connection reset by peer`},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := 10 * time.Second
			if strings.HasPrefix(c.want, "no answer") {
				limit = short
			}
			wantError(t, probeOnce(t, asks(TCP, serve(t, c.handle), limit, c.ask)), c.want)
		})
	}
}

// repeatTimes writes the same so many times.
func repeatTimes(conn net.Conn, part string, n int) {
	for range n {
		io.WriteString(conn, part)
	}
}

// repeatAtOnce writes the same again and again until the client is gone.
func repeatAtOnce(part string) func(net.Conn) {
	return func(conn net.Conn) {
		for _, err := io.WriteString(conn, part); err == nil; {
			_, err = io.WriteString(conn, part)
		}
	}
}

// mailServer answers each line with what the map has for its first word; "" is the greeting.
func mailServer(replies map[string]string, heard chan<- string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, replies[""])
		reader := bufio.NewReader(conn)
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			if heard != nil {
				heard <- strings.TrimSpace(line)
			}
			io.WriteString(conn, replies[strings.Fields(line)[0]])
		}
	}
}

func TestSMTP(t *testing.T) {
	good := map[string]string{"": "220 mail.example.org ESMTP\r\n", "HELO": "250-mail.example.org\r\n250 OK\r\n", "QUIT": "221 Bye\r\n"}
	with := func(word, reply string) map[string]string {
		m := map[string]string{}
		for k, v := range good {
			m[k] = v
		}
		m[word] = reply
		return m
	}
	for _, c := range []struct {
		name    string
		replies map[string]string
		want    string
	}{
		{"good", good, ""},
		{"greeting of several lines", with("", "220-a\r\n220-b\n220 c\r\n"), ""},
		{"a code alone", with("QUIT", "221\r\n"), ""},
		{"busy", with("", "421 too many connections\r\n"), `greeting is "421 too many connections", want 220`},
		{"no HELO", with("HELO", "554 go away\r\n"), `reply to HELO is "554 go away", want 250`},
		{"no QUIT", with("QUIT", "500 what\r\n"), `reply to QUIT is "500 what", want 221`},
		{"another protocol", with("", "* OK IMAP4rev1\r\n"), `greeting is "* OK IMAP4rev1", want 220`},
		{"empty line", with("", "\r\n"), `greeting is "", want 220`},
		{"endless line", with("", strings.Repeat("2", 17<<10)), "wait for greeting: unexpected EOF"},
		{"endless greeting", with("", strings.Repeat("220-x\r\n", 3<<10)), "wait for greeting: unexpected EOF"},
		{"silent", with("HELO", ""), "no reply to HELO within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := 10 * time.Second
			if strings.HasPrefix(c.want, "no ") {
				limit = short
			}
			wantError(t, probeOnce(t, asks(SMTP, serve(t, mailServer(c.replies, nil)), limit, SMTPRequest{Name: "lb.example.org"})), c.want)
		})
	}
	for name, want := range map[string]string{"": "HELO [127.0.0.1]", "lb.example.org": "HELO lb.example.org"} {
		heard := make(chan string, 2)
		wantError(t, probeOnce(t, asks(SMTP, serve(t, mailServer(good, heard)), 10*time.Second, SMTPRequest{Name: name})), "")
		if got := <-heard; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	wantError(t, probeOnce(t, asks(SMTP, serve(t, func(net.Conn) {}), 10*time.Second, SMTPRequest{})), "wait for greeting: unexpected EOF")
	quiet := closedPort(t)
	wantError(t, probeOnce(t, asks(SMTP, quiet, 10*time.Second, SMTPRequest{})), "connect "+quiet.String()+": connection refused")
}

// HELO has an address as RFC 5321 §4.1.3 writes it.
func TestLiteral(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "[192.0.2.1]", "::ffff:192.0.2.1": "[192.0.2.1]", "2001:db8::1": "[IPv6:2001:db8::1]", "fe80::1%eth0": "[IPv6:fe80::1]",
	} {
		from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 1025))
		if got := literal(from); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}

// datagrams serves UDP on loopback: each packet is answered with what answer makes of it.
func datagrams(t testing.TB, answer func(packet []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			for _, packet := range answer(buffer[:n]) {
				conn.WriteToUDPAddrPort(packet, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// nobody is an address at which nobody takes UDP.
func nobody(t testing.TB) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestDNS(t *testing.T) {
	answer := func(change func(*dnsmessage.Message)) func([]byte) [][]byte {
		return func(packet []byte) [][]byte {
			var m dnsmessage.Message
			if err := m.Unpack(packet); err != nil {
				t.Error(err)
				return nil
			}
			m.Header.Response = true
			change(&m)
			reply, err := m.Pack()
			if err != nil {
				t.Error(err)
			}
			return [][]byte{reply}
		}
	}
	none := func(*dnsmessage.Message) {}
	for _, c := range []struct {
		name   string
		answer func([]byte) [][]byte
		want   string
	}{
		{"answers", answer(none), ""},
		{"without the question", answer(func(m *dnsmessage.Message) { m.Questions = nil }), ""},
		{"in other letters", answer(func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("WWW.example.ORG.") }), ""},
		{"cut short", answer(func(m *dnsmessage.Message) { m.Truncated = true }), ""},
		{"no such name", answer(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError }), "answer is NXDOMAIN, want NOERROR"},
		{"fails", answer(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure }), "answer is SERVFAIL, want NOERROR"},
		{"another error", answer(func(m *dnsmessage.Message) { m.RCode = 15 }), "answer is RCODE15, want NOERROR"},
		{"to another question", answer(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeMX }), "no answer within 300ms"},
		{"with another number", answer(func(m *dnsmessage.Message) { m.ID++ }), "no answer within 300ms"},
		{"a question", answer(func(m *dnsmessage.Message) { m.Response = false }), "no answer within 300ms"},
		{"nonsense", func([]byte) [][]byte { return [][]byte{{1, 2, 3}, {}} }, "no answer within 300ms"},
		{"nonsense, then the answer", func(p []byte) [][]byte { return append([][]byte{{1}}, answer(none)(p)...) }, ""},
		{"silent", func([]byte) [][]byte { return nil }, "no answer within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := 10 * time.Second
			if strings.HasPrefix(c.want, "no ") {
				limit = short
			}
			wantError(t, probeOnce(t, asks(DNS, datagrams(t, c.answer), limit, DNSRequest{Name: "www.example.org", Type: 1})), c.want)
		})
	}
	wantError(t, probeOnce(t, asks(DNS, nobody(t), 10*time.Second, DNSRequest{Name: ".", Type: 6})), "wait for answer: connection refused")
}

func TestParseDNSType(t *testing.T) {
	for text, want := range map[string]uint16{"SOA": 6, "soa": 6, "AAAA": 28, "TYPE65": 65, "type65535": 65535, "CAA": 257, "TYPE0": 0, "TYPE65536": 0, "TYPE": 0, "X": 0, "": 0} {
		got, ok := ParseDNSType(text)
		if ok != (want != 0) || ok && got != want {
			t.Errorf("%q is %d, %t", text, got, ok)
		}
		if ok && !strings.EqualFold(DNSRequest{Type: got}.typeName(), text) && text != "TYPE65" {
			t.Errorf("%q is printed as %s", text, DNSRequest{Type: got}.typeName())
		}
	}
}

func TestUDP(t *testing.T) {
	say := func(reply string) func([]byte) [][]byte {
		return func([]byte) [][]byte { return [][]byte{[]byte(reply)} }
	}
	mute := func([]byte) [][]byte { return nil }
	for _, c := range []struct {
		name   string
		answer func([]byte) [][]byte
		ask    UDPRequest
		want   string
	}{
		{"nobody objects", mute, UDPRequest{Max: 255}, ""},
		{"whatever comes", say("x"), UDPRequest{Max: 255}, ""},
		{"a reply", say("x"), UDPRequest{Require: true, Max: 255}, ""},
		{"an empty reply", say(""), UDPRequest{Require: true, Max: 255}, ""},
		{"none", mute, UDPRequest{Require: true, Max: 255}, "no answer within 300ms"},
		{"too short", say("abc"), UDPRequest{Require: true, Min: 4, Max: 255}, "answer has 3 bytes, want 4 or more"},
		{"too long", say("abc"), UDPRequest{Require: true, Max: 2}, "answer has more than 2 bytes"},
		{"as wanted", say("\x12\x34\x56"), UDPRequest{Require: true, Max: 255, Reply: "\x12\x30", Mask: "\xff\xf0"}, ""},
		{"as far as it goes", say("\x12"), UDPRequest{Require: true, Max: 255, Reply: "\x12\x30", Mask: "\xff\xf0"}, ""},
		{"another", say("\x12\x44"), UDPRequest{Require: true, Max: 255, Reply: "\x12\x30", Mask: "\xff\xf0"}, "answer is 1244…, want 123x"},
		{"what was sent", func(p []byte) [][]byte { return [][]byte{p} }, UDPRequest{Payload: "ab", Require: true, Max: 2, Min: 2, Reply: "ab", Mask: "\xff\xff"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := 20 * time.Second
			if c.name == "nobody objects" || c.name == "none" {
				limit = short // nothing ends the probe earlier
			}
			wantError(t, probeOnce(t, asks(UDP, datagrams(t, c.answer), limit, c.ask)), c.want)
		})
	}
	for _, require := range []bool{false, true} {
		wantError(t, probeOnce(t, asks(UDP, nobody(t), 10*time.Second, UDPRequest{Require: require, Max: 255})), "wait for answer: connection refused")
	}
}

// The payload differs from probe to probe where none is given.
func TestUDPSendsSomething(t *testing.T) {
	came := make(chan string, 3)
	addr := datagrams(t, func(p []byte) [][]byte { came <- string(p); return [][]byte{{0}} })
	seen := map[string]bool{}
	for range 3 {
		wantError(t, probeOnce(t, asks(UDP, addr, 10*time.Second, UDPRequest{Max: 255})), "")
		seen[<-came] = true
	}
	if len(seen) != 3 || seen[""] {
		t.Errorf("sent %q", fmt.Sprint(seen))
	}
}
