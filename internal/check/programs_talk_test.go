package check

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// exim4 greets, and refuses where it is told to.
func TestExim(t *testing.T) {
	for _, c := range []struct{ acl, want string }{
		{"accept", ""},
		{"deny message = not today", `greeting is "550 not today", want 220`},
	} {
		t.Run(c.acl, func(t *testing.T) {
			dir, addr := t.TempDir(), freePort(t)
			if err := os.Chmod(dir, 0o777); err != nil { // its log is written by a user of its own
				t.Fatal(err)
			}
			config := file(t, dir, "exim.conf", fmt.Sprintf(`
daemon_smtp_ports = %d
local_interfaces = 127.0.0.1
spool_directory = %s
log_file_path = syslog
pid_file_path = %s/pid
primary_hostname = mail.example.org
acl_smtp_connect = connecting
keep_environment =
begin acl
connecting:
  %s
`, addr.Port(), dir, dir, c.acl))
			program(t, "tcp", addr, "exim4", "-bdf", "-C", config)
			for _, name := range []string{"", "lb.example.org"} {
				wantError(t, probeOnce(t, asks(SMTP, addr, 20*time.Second, SMTPRequest{Name: name})), c.want)
			}
		})
	}
}

// dnsmasq answers for the names that it has.
func TestDnsmasq(t *testing.T) {
	addr := freePort(t)
	program(t, "udp", addr, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file",
		"--bind-interfaces", "--listen-address=127.0.0.1", "--port="+fmt.Sprint(addr.Port()), "--user=", "--log-facility=-",
		"--address=/www.example.org/192.0.2.1", "--local=/example.org/", "--txt-record=www.example.org,hello", "--mx-host=example.org,mail.example.org",
		"--cname=alias.example.org,www.example.org", "--srv-host=_sip._udp.example.org,www.example.org,5060",
		"--ptr-record=1.2.0.192.in-addr.arpa,www.example.org", "--caa-record=www.example.org,0,issue,example.net",
		"--naptr-record=example.org,1,1,u,SIP,,www.example.org", "--dns-rr=www.example.org,44,0102")
	for question, want := range map[string]string{
		"A www.example.org":          "",
		"A www.example.org.":         "",
		"AAAA www.example.org":       "", // there is none, which is no error
		"TXT www.example.org":        "",
		"CNAME alias.example.org":    "",
		"SRV _sip._udp.example.org":  "",
		"PTR 1.2.0.192.in-addr.arpa": "",
		"NAPTR example.org":          "",
		"MX example.org":             "",
		"A nobody.example.org":       "answer is NXDOMAIN, want NOERROR",
		"A example.com":              "answer is REFUSED, want NOERROR",
	} {
		record, name, _ := strings.Cut(question, " ")
		q := DNSRequest{Name: name}
		q.Type, _ = ParseDNSType(record)
		wantError(t, probeOnce(t, asks(DNS, addr, 20*time.Second, q)), want)
	}
	// Every type can be asked for, by name and by number, whether or not there are records of it.
	for record, number := range dnsTypes() {
		q := DNSRequest{Name: "www.example.org", Type: number}
		t.Run(record, func(t *testing.T) { wantError(t, probeOnce(t, asks(DNS, addr, 20*time.Second, q)), "") })
	}
	wantError(t, probeOnce(t, asks(DNS, addr, 20*time.Second, DNSRequest{Name: "www.example.org", Type: 65280})), "")
	// The same server by UDP_CHECK: a question in hexadecimal, and the head of the answer.
	ask := UDPRequest{Payload: "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01",
		Require: true, Reply: "\x12\x34\x80\x00", Mask: "\xff\xff\xf0\x0f", Min: 20, Max: 512}
	wantError(t, probeOnce(t, asks(UDP, addr, 20*time.Second, ask)), "")
}
