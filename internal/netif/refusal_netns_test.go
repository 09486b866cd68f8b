//go:build netns

package netif

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/lab"
)

// TestRefusal: packets to an address are dropped without an answer, those to the node's other addresses are not, and
// neighbours still find the address, as they must (RFC 9568 §6.4.3).
func TestRefusal(t *testing.T) {
	l, err := lab.New("refusal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := l.Switch("outside")
	if err != nil {
		t.Fatal(err)
	}
	host := func(name string, addresses ...string) *lab.Host {
		h, err := l.Host(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"net.ipv6.conf.default.accept_dad", "net.ipv6.conf.default.dad_transmits"} {
			if err := h.Sysctl(key, "0"); err != nil {
				t.Fatal(err)
			}
		}
		var list []netip.Prefix
		for _, a := range addresses {
			list = append(list, netip.MustParsePrefix(a))
		}
		if err := h.Plug("eth0", s, list...); err != nil {
			t.Fatal(err)
		}
		return h
	}
	lb := host("lb", "192.0.2.1/24", "192.0.2.11/24", "2001:db8::1/64", "2001:db8::11/64")
	client := host("client", "192.0.2.21/24", "2001:db8::21/64")
	listener, err := lb.Listen("tcp", "[::]:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answers := func(to string) bool { // a datagram to a port at which nobody is
		var c net.Conn
		err := client.Do(func() (err error) {
			c, err = net.Dial("udp", net.JoinHostPort(to, "9"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(make([]byte, 1))
		return errors.Is(err, unix.ECONNREFUSED)
	}
	connects := func(to string) bool {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		c, err := client.Dial(soon, "tcp", net.JoinHostPort(to, "80"))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	expect := func(when string, want bool, addresses ...string) {
		t.Helper()
		for _, a := range addresses {
			if got := answers(a); got != want {
				t.Errorf("%s: a datagram to %s is answered: %t", when, a, got)
			}
			if got := connects(a); got != want {
				t.Errorf("%s: a connection to %s comes about: %t", when, a, got)
			}
		}
	}
	apply := func(c PacketChange) {
		t.Helper()
		if err := lb.Do(func() error { return HostPackets().Apply(c) }); err != nil {
			t.Fatal(err)
		}
	}
	expect("before", true, "192.0.2.1", "192.0.2.11", "2001:db8::1", "2001:db8::11")
	apply(PacketChange{Anew: true, Add: []PacketRule{Refusal{netip.MustParseAddr("192.0.2.11")}, Refusal{netip.MustParseAddr("2001:db8::11")}}})
	for _, family := range []string{"-4", "-6"} {
		if _, err := client.Run(ctx, "ip", family, "neigh", "flush", "dev", "eth0"); err != nil {
			t.Fatal(err)
		}
	}
	expect("with the rules", false, "192.0.2.11", "2001:db8::11")
	for _, a := range []string{"192.0.2.11", "2001:db8::11"} {
		if out, err := client.Run(ctx, "ip", "neigh", "show", a, "dev", "eth0"); err != nil || !strings.Contains(out, "lladdr") {
			t.Errorf("neighbours do not find %s: %v, %q", a, err, out)
		}
	}
	expect("with the rules", true, "192.0.2.1", "2001:db8::1")
	apply(PacketChange{Anew: true})
	expect("after", true, "192.0.2.1", "192.0.2.11", "2001:db8::1", "2001:db8::11")
}
