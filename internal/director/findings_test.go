package director

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWeightsOfChecks: what a file or a program says of a server's weight comes to the kernel, and is told.
func TestWeightsOfChecks(t *testing.T) {
	dir := t.TempDir()
	shares, answer, program := filepath.Join(dir, "shares"), filepath.Join(dir, "answer"), filepath.Join(dir, "program")
	write := func(file, text string) { must(t, os.WriteFile(file, []byte(text), 0o644)) }
	write(shares, "7\n")
	write(answer, "12\n")
	must(t, os.WriteFile(program, fmt.Appendf(nil, "#!/bin/sh\nexit $(cat %s)\n", answer), 0o755))
	n := startNode(t, fmt.Sprintf("track_file \"shares\" {\n  file = %q\n}\n", shares)+serviceText("192.0.2.1", fmt.Sprintf(`
  real_server "10.0.0.1" "80" {
    FILE_CHECK {
      track_file = "shares"
      weight     = 2
    }
  }
  real_server "10.0.0.2" "80" {
    MISC_CHECK {
      misc_path    = %q
      misc_dynamic = true
      misc_timeout = "5s"
      delay_loop   = "50ms"
      user         = "root"
    }
  }
`, program)))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=15 10.0.0.2:80=10")
	for range 2 {
		n.wait(t, ServerWeight)
	}
	write(shares, "-3\n")
	write(answer, "255\n")
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=0 10.0.0.2:80=253")
	write(answer, "0\n") // which says that it has the weight of the configuration
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=0 10.0.0.2:80=1")
}

// TestCheckThatCannotBeMade: an error of our own is told, and that it is over; the server stays.
func TestCheckThatCannotBeMade(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	n := startNode(t, serviceText("192.0.2.1", fmt.Sprintf(`
  real_server "10.0.0.1" "80" {
    MISC_CHECK {
      misc_path    = %q
      misc_timeout = "5s"
      delay_loop   = "50ms"
      user         = "root"
    }
  }
`, program)))
	n.wait(t, CheckImpossible)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1")
	written := program + ".new"
	must(t, os.WriteFile(written, []byte("#!/bin/sh\nexit 0\n"), 0o755))
	must(t, os.Rename(written, program))
	n.wait(t, CheckPossible)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1")
}

// TestCertificateThatEnds: a server whose certificate ends soon is told of, and serves.
func TestCertificateThatEnds(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ends := time.Now().Add(3 * 24 * time.Hour).Truncate(time.Second)
	certificate, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}, &x509.Certificate{}, key.Public(), key)
	must(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	server.StartTLS()
	defer server.Close()
	host, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	n := startNode(t, serviceText("192.0.2.1", fmt.Sprintf(`
  real_server %q %q {
    SSL_GET {
      delay_loop = "50ms"
      url "/" {}
    }
  }
`, host, port)))
	e := n.wait(t, CertificateEnds)
	if at, is := e.fields["expires"].(time.Time); !is || !at.Equal(ends) {
		t.Errorf("%v", e.fields)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 "+host+":"+port+"=1")
}
