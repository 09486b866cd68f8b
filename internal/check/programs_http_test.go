package check

import (
	"crypto/md5"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// nginx serves pages in the clear at the first address and over TLS, with HTTP/2, at the second. Its
// sites are www.example.org, with the certificate www, and any other, with the certificate other.
func nginx(t *testing.T, dir string) (plain, secure netip.AddrPort) {
	t.Helper()
	plain, secure = freePort(t), freePort(t)
	authority(t, dir)
	issue(t, dir, "www", "DNS:www.example.org", 30)
	issue(t, dir, "other", "DNS:other.example.org,IP:127.0.0.1", 5)
	site := func(name, certificate string) string {
		return fmt.Sprintf(`
  server {
    listen %s %s;
    listen %s ssl http2 %s;
    server_name %s;
    ssl_certificate %s/%s.pem;
    ssl_certificate_key %s/%s.key;
    location / { default_type text/plain; return 200 "this is %s\n"; }
    location /big { default_type text/plain; alias %s/; }
    location /ssi { ssi on; default_type text/html; ssi_types *; alias %s/; }
    location /gone { return 404; }
    location /moved { return 301 /; }
  }`, plain, map[bool]string{true: "default_server"}[name == "_"], secure, map[bool]string{true: "default_server"}[name == "_"],
			name, dir, certificate, dir, certificate, name, dir, dir)
	}
	file(t, dir, "big.txt", strings.Repeat("0123456789abcdef", 1<<16))
	file(t, dir, "page.html", "chunks of <!--# echo var=\"host\" -->\n")
	config := file(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %s/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;
  %s
  %s
}`, dir, dir, dir, dir, dir, dir, site("_", "other"), site("www.example.org", "www")))
	program(t, "tcp", secure, "nginx", "-e", "stderr", "-c", config)
	return plain, secure
}

// What lvsd finds of nginx's pages is what curl(1) would, in every version of HTTP, and their digest
// is genhash's.
func TestNginx(t *testing.T) {
	dir := t.TempDir()
	plain, secure := nginx(t, dir)
	sum := func(text string) Digest {
		d, _ := ParseDigest(fmt.Sprintf("%x", md5.Sum([]byte(text))))
		return d
	}
	ok := okStatus()
	for _, kind := range []Kind{HTTP, HTTPS} {
		for _, version := range []HTTPVersion{HTTP10, HTTP10C, HTTP11, HTTP2} {
			if kind == HTTP && version == HTTP2 {
				continue // nginx 1.22 has no HTTP/2 in the clear beside HTTP/1
			}
			addr := map[Kind]netip.AddrPort{HTTP: plain, HTTPS: secure}[kind]
			for _, c := range []struct {
				ask  HTTPRequest
				want string
			}{
				{HTTPRequest{Path: "/", Status: ok}, ""},
				{HTTPRequest{Path: "/", Status: ok, Digest: sum("this is _\n")}, ""},
				{HTTPRequest{Path: "/", Status: ok, Host: "www.example.org", Digest: sum("this is www.example.org\n")}, ""},
				{HTTPRequest{Path: "/", Status: ok, Host: "www.example.org", Match: Match{Expression: `^this is www(?-s:.)`}}, ""},
				{HTTPRequest{Path: "/", Status: ok, Match: Match{Expression: "www"}}, `body does not match regex "www"`},
				{HTTPRequest{Path: "/big/big.txt", Status: ok, Digest: sum(strings.Repeat("0123456789abcdef", 1<<16))}, ""},
				{HTTPRequest{Path: "/ssi/page.html", Status: ok, Host: "www.example.org", Digest: sum("chunks of www.example.org\n")}, ""},
				{HTTPRequest{Path: "/gone", Status: ok}, "status 404, want 200-299"},
				{HTTPRequest{Path: "/moved", Status: ok}, "status 301, want 200-299"},
			} {
				c.ask.Version = version
				t.Run(fmt.Sprint(kind, version, c.ask.Path, c.want), func(t *testing.T) {
					wantError(t, probeOnce(t, asks(kind, addr, 20*time.Second, c.ask)), c.want)
				})
			}
		}
	}
	// genhash(1) hashes the framing of chunks too.
	for _, protocol := range []string{"1.0", "1.1"} {
		out, err := exec.Command("genhash", "-s", plain.Addr().String(), "-p", fmt.Sprint(plain.Port()), "-u", "/ssi/page.html", "-P", protocol).Output()
		words := strings.Fields(string(out))
		if err != nil || len(words) == 0 {
			t.Fatalf("genhash: %v; run make deps\n%s", err, out)
		}
		d, ok2 := ParseDigest(words[len(words)-1])
		if !ok2 {
			t.Fatalf("genhash printed %q", words[len(words)-1])
		}
		version, _ := ParseHTTPVersion(protocol)
		wantError(t, probeOnce(t, asks(HTTP, plain, 20*time.Second, HTTPRequest{Path: "/ssi/page.html", Status: ok, Version: version, Digest: d})), "")
	}
}

// The certificate is that of the name that is asked for, and is verified where there is an
// authority.
func TestNginxCertificates(t *testing.T) {
	dir := t.TempDir()
	_, secure := nginx(t, dir)
	trust := Trust{CA: dir + "/ca.pem"}
	for _, c := range []struct {
		name string
		ask  HTTPRequest
		want string
		days int
	}{
		{"no name asked for", HTTPRequest{Trust: trust}, "", 5},
		{"the name of the site", HTTPRequest{Host: "www.example.org", ServerName: "www.example.org", Trust: trust}, "", 30},
		{"a name for another site", HTTPRequest{Host: "www.example.org", ServerName: "other.example.org", Trust: trust}, "", 5},
		{"the site's name, which is not asked for", HTTPRequest{Host: "www.example.org", Trust: trust},
			"TLS handshake: certificate is not valid: x509: certificate is valid for other.example.org, not www.example.org", 5},
		{"the address", HTTPRequest{Host: "127.0.0.1", Trust: trust}, "", 5},
		{"another address", HTTPRequest{Host: "127.0.0.2:443", Trust: trust},
			"TLS handshake: certificate is not valid: x509: certificate is valid for 127.0.0.1, not 127.0.0.2", 5},
		{"nothing is verified", HTTPRequest{Host: "www.example.org"}, "", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ask.Path, c.ask.Status = "/", okStatus()
			r := probeResult(t, asks(HTTPS, secure, 20*time.Second, c.ask))
			wantError(t, r.err, c.want)
			if left := time.Until(r.found.Expires); left < time.Duration(c.days-1)*24*time.Hour || left > time.Duration(c.days)*24*time.Hour {
				t.Errorf("its certificate ends %v, want %d days from now", r.found.Expires, c.days)
			}
		})
	}
}
