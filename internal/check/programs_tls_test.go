package check

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// sServer is openssl's own server, which answers a GET with a page about the connection.
func sServer(t *testing.T, dir string, args ...string) netip.AddrPort {
	t.Helper()
	addr := freePort(t)
	program(t, "tcp", addr, "openssl", append([]string{"s_server", "-quiet", "-www", "-accept", addr.String()}, args...)...)
	return addr
}

// Certificates that an authority does not vouch for are bad, and say why.
func TestBadCertificates(t *testing.T) {
	dir := t.TempDir()
	authority(t, dir)
	issue(t, dir, "good", "DNS:www.example.org", 30)
	issue(t, dir, "expired", "DNS:www.example.org", -1)
	openssl(t, dir, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
		"-subj", "/CN=www.example.org", "-addext", "subjectAltName=DNS:www.example.org", "-keyout", "own.key", "-out", "own.pem")
	trust := Trust{CA: dir + "/ca.pem"}
	for _, c := range []struct{ certificate, name, want string }{
		{"good", "www.example.org", ""},
		{"good", "", ""},
		{"good", "other.example.org", "certificate is valid for www.example.org, not other.example.org"},
		{"expired", "www.example.org", "certificate has expired or is not yet valid"},
		{"own", "www.example.org", "certificate signed by unknown authority"},
	} {
		t.Run(c.certificate+c.name, func(t *testing.T) {
			addr := sServer(t, dir, "-cert", dir+"/"+c.certificate+".pem", "-key", dir+"/"+c.certificate+".key")
			ask := HTTPRequest{Path: "/", Status: okStatus(), ServerName: c.name, Trust: trust}
			err := probeOnce(t, asks(HTTPS, addr, 20*time.Second, ask))
			if c.want == "" {
				wantError(t, err, "")
			} else if err == nil || !strings.HasPrefix(err.Error(), "TLS handshake: certificate is not valid: x509: "+c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			ask.Trust = Trust{}
			wantError(t, probeOnce(t, asks(HTTPS, addr, 20*time.Second, ask)), "") // nobody looks
		})
	}
}

// A server that asks for a certificate is shown one, whatever way its key is kept.
func TestClientCertificate(t *testing.T) {
	dir := t.TempDir()
	authority(t, dir)
	issue(t, dir, "server", "DNS:www.example.org", 30)
	issue(t, dir, "probe", "DNS:probe.example.org", 30)
	addr := sServer(t, dir, "-cert", dir+"/server.pem", "-key", dir+"/server.key", "-CAfile", dir+"/ca.pem", "-Verify", "2", "-verify_return_error")
	for name, args := range map[string][]string{
		"aes256.key":  {"pkey", "-in", "probe.key", "-aes256", "-passout", "pass:se cret", "-out", "aes256.key"},
		"aes128.key":  {"pkcs8", "-topk8", "-in", "probe.key", "-v2", "aes128", "-v2prf", "hmacWithSHA512", "-passout", "pass:se cret", "-out", "aes128.key"},
		"des3.key":    {"pkcs8", "-topk8", "-in", "probe.key", "-v2", "des3", "-v2prf", "hmacWithSHA1", "-passout", "pass:se cret", "-out", "des3.key"},
		"legacy.key":  {"ec", "-in", "probe.key", "-aes128", "-passout", "pass:se cret", "-out", "legacy.key"},
		"unknown.key": {"pkcs8", "-topk8", "-in", "probe.key", "-scrypt", "-passout", "pass:se cret", "-out", "unknown.key"},
	} {
		openssl(t, dir, args...)
		if _, err := os.Stat(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	both, err := os.ReadFile(dir + "/probe.pem")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(dir + "/probe.key")
	if err != nil {
		t.Fatal(err)
	}
	file(t, dir, "both.pem", string(both)+string(key))
	with := func(key, password string) Trust {
		return Trust{CA: dir + "/ca.pem", Certificate: dir + "/probe.pem", Key: dir + "/" + key, Password: Secret(password)}
	}
	const password = "se cret"
	for _, c := range []struct {
		name  string
		trust Trust
		want  string // of our own fault
	}{
		{"in the clear", with("probe.key", ""), ""},
		{"in one file", Trust{Certificate: dir + "/both.pem"}, ""},
		{"AES-256", with("aes256.key", password), ""},
		{"AES-128 by SHA-512", with("aes128.key", password), ""},
		{"triple DES by SHA-1", with("des3.key", password), ""},
		{"as it was before PKCS 8", with("legacy.key", password), ""},
		{"the wrong password", with("aes256.key", "x"), "aes256.key: the private key does not open with this password"},
		{"the wrong password of old", with("legacy.key", "x"), "legacy.key: the private key does not open with this password"},
		{"another way", with("unknown.key", password), "unknown.key: the private key is encrypted in a way that lvsd does not know; write it with openssl pkey -aes256"},
		{"missing", with("none.key", ""), "no such file or directory"},
		{"no authority", Trust{CA: dir + "/probe.key"}, "probe.key: it holds no certificate in PEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := probeOnce(t, asks(HTTPS, addr, 20*time.Second, HTTPRequest{Path: "/", Status: okStatus(), Trust: c.trust}))
			var f *fault
			if c.want == "" {
				wantError(t, err, "")
			} else if !errors.As(err, &f) || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want a fault of ours: %s", err, c.want)
			}
		})
	}
	if err := probeOnce(t, asks(HTTPS, addr, 20*time.Second, HTTPRequest{Path: "/", Status: okStatus()})); err == nil {
		t.Error("the server does not ask for a certificate")
	}
}

// A file that changes is read again.
func TestCredentialsAreReadAgain(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	authority(t, dir)
	authority(t, other)
	issue(t, dir, "server", "DNS:www.example.org", 30)
	addr := sServer(t, dir, "-cert", dir+"/server.pem", "-key", dir+"/server.key")
	s := asks(HTTPS, addr, 20*time.Second, HTTPRequest{Path: "/", Status: okStatus(), Trust: Trust{CA: other + "/ca.pem"}})
	set := newAsker()
	defer set.Close()
	if r := set.once(s); r.err == nil {
		t.Fatal("a stranger's certificate is good")
	}
	text, err := os.ReadFile(dir + "/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	file(t, other, "ca.pem", string(text))
	for deadline := time.Now().Add(10 * time.Second); ; {
		r := set.once(s)
		if r.err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new file is not read: %v", r.err)
		}
	}
}
