//go:build vm

package lab

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

// persistence_engine sip: calls that a client begins from several ports are spread over the servers, and all messages of a call
// go to one of them, from whatever port they come. What has no Call-ID gets nowhere.
func TestCallsOfSIP(t *testing.T) {
	servers := ""
	for _, web := range insideWeb {
		servers += fmt.Sprintf("  real_server %q \"5060\" {\n    PING_CHECK {}\n  }\n", web.Addr())
	}
	d := newDirectors(t, NAT, instance+`
virtual_server "192.168.2.11" "5060" {
  protocol            = "UDP"
  lb_algo             = "rr"
  lb_kind             = "NAT"
  persistence_timeout = "5m"
  persistence_engine  = "sip"
`+servers+"}\n")
	for _, web := range d.Web {
		echo(t, web, ":5060")
	}
	d.start(0)
	d.until("lb1 holds the VIP", func() error { return d.holds(0, "eth0", d.VIP, true) })
	d.services(0, "-A -u 192.168.2.11:5060 -s rr -p 300 --pe sip", "-a -u 192.168.2.11:5060 -r 10.10.10.11:5060 -m -w 1",
		"-a -u 192.168.2.11:5060 -r 10.10.10.12:5060 -m -w 1", "-a -u 192.168.2.11:5060 -r 10.10.10.13:5060 -m -w 1")
	message := func(method, call string) string {
		return method + " sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.2.21:5060\r\nFrom: <sip:alice@example.org>;tag=1\r\n" +
			"To: <sip:bob@example.org>\r\nCall-ID: " + call + "\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n"
	}
	const calls = 6
	of, by := map[string]string{}, map[string]int{}
	for n := range calls {
		call := fmt.Sprintf("call-%d@192.168.2.21", n)
		of[call] = d.exchange("192.168.2.11:5060", message("INVITE", call))
		by[of[call]]++
	}
	if want := map[string]int{"web1": 2, "web2": 2, "web3": 2}; !maps.Equal(by, want) {
		t.Errorf("calls went to %v, not to %v", by, want)
	}
	for _, method := range []string{"ACK", "BYE"} {
		for call, server := range of {
			if got := d.exchange("192.168.2.11:5060", message(method, call)); got != server {
				t.Errorf("%s of %s went to %s, its INVITE to %s", method, call, got, server)
			}
		}
	}
	// A port of the client is one connection to the kernel, whatever calls come from it.
	conn := d.dial("192.168.2.11:5060")
	defer conn.Close()
	by = map[string]int{}
	for n := range calls {
		by[d.said(conn, message("INVITE", fmt.Sprintf("other-%d@192.168.2.21", n)))]++
	}
	if len(by) != 1 {
		t.Errorf("calls from one port went to %v", by)
	}
	conn = d.dial("192.168.2.11:5060")
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("no message of SIP")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1500)); err == nil {
		t.Errorf("what is no message of SIP was answered with %d bytes", n)
	}
}
