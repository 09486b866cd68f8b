//go:build netns

package check

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

func TestHTTPOverIPv6(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		hosts := make(chan string, 1)
		listener, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host })}
		done := make(chan struct{})
		go func() {
			server.Serve(listener)
			close(done)
		}()
		defer func() {
			server.Close()
			<-done
		}()
		addr := listener.Addr().(*net.TCPAddr).AddrPort()
		wantError(t, probeOnce(t, spec(HTTP, addr, 5*time.Second)), "")
		if host := <-hosts; host != addr.String() {
			t.Errorf("Host is %q, want %q", host, addr)
		}
	})
}

func TestTCPOverIPv6(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listener, err := net.Listen("tcp", "[::1]:80")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		wantError(t, probeOnce(t, spec(TCP, netip.MustParseAddrPort("[::1]:80"), 5*time.Second)), "")
		wantError(t, probeOnce(t, spec(TCP, netip.MustParseAddrPort("[::1]:81"), 5*time.Second)), "connect [::1]:81: connection refused")
	})
}

// Without a local port left nothing is known of the target.
func TestNoLocalPort(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		sysctl(t, "net/ipv4/ip_local_port_range", "40000 40000")
		listener, err := net.Listen("tcp", "127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		check := spec(TCP, netip.MustParseAddrPort("127.0.0.1:80"), 5*time.Second)
		wantError(t, probeOnce(t, check), "")

		conn, err := net.Dial("tcp", "127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var f *fault
		if err := probeOnce(t, check); !errors.As(err, &f) || f.cause != syscall.EADDRNOTAVAIL {
			t.Errorf("got %v, want a fault for want of a local port", err)
		}

		// The port is taken for that target only.
		other, err := net.Listen("tcp", "127.0.0.1:81")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		wantError(t, probeOnce(t, spec(TCP, netip.MustParseAddrPort("127.0.0.1:81"), 5*time.Second)), "")
	})
}
