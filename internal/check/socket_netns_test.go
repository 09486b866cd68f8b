//go:build netns

package check

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// seen is one connection as its server sees it.
type seen struct{ from netip.AddrPort }

// observe listens at an address and tells who connects.
func observe(t *testing.T, address string) (netip.AddrPort, chan seen) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	who := make(chan seen, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			who <- seen{conn.RemoteAddr().(*net.TCPAddr).AddrPort()}
			conn.Close()
		}
	}()
	return listener.Addr().(*net.TCPAddr).AddrPort(), who
}

func heard(t *testing.T, who chan seen) netip.AddrPort {
	t.Helper()
	select {
	case s := <-who:
		return s.from
	case <-time.After(10 * time.Second):
		t.Fatal("nobody connected")
		return netip.AddrPort{}
	}
}

// A probe comes from the address, port and interface of its socket, over IPv4 and IPv6.
func TestSocketIsWhereProbesComeFrom(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		run(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		run(t, "ip", "link", "set", "v0", "up")
		run(t, "ip", "link", "set", "v1", "up")
		for _, a := range []string{"192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64 nodad", "2001:db8::2/64 nodad"} {
			run(t, "ip", append(strings.Fields("addr add dev v0"), strings.Fields(a)...)...)
		}
		for _, own := range []string{"192.0.2.1", "2001:db8::1"} {
			addr, who := observe(t, netip.AddrPortFrom(netip.MustParseAddr(own), 0).String())
			s := spec(TCP, addr, 5*time.Second)
			talk := TCPRequest{Send: "x"}
			source := netip.MustParseAddr(strings.TrimSuffix(own, "1") + "2")
			reachable(t, addr)
			reachable(t, netip.AddrPortFrom(source, addr.Port()))

			s.Detail = NewDetail(Socket{Source: source}, nil)
			wantError(t, probeOnce(t, s), "")
			s.Detail = NewDetail(Socket{Source: source}, talk)
			wantError(t, probeOnce(t, s), "")
			if from := heard(t, who); from.Addr() != source {
				t.Errorf("bindto %s: came from %s", source, from)
			}
			s.Detail = NewDetail(Socket{Port: 5555}, nil)
			wantError(t, probeOnce(t, s), "")
			wantError(t, probeOnce(t, s), "") // again at once: the first left nothing behind
			s.Detail = NewDetail(Socket{Port: 5555}, talk)
			wantError(t, probeOnce(t, s), "")
			if from := heard(t, who); from.Port() != 5555 {
				t.Errorf("bind_port 5555: came from %s", from)
			}
			s.Detail = NewDetail(Socket{Interface: "v9"}, nil)
			var f *fault
			if err := probeOnce(t, s); !errors.As(err, &f) || err.Error() != "connect "+addr.String()+": set SO_BINDTODEVICE: no such device" {
				t.Errorf("an interface that is not there: %v", err)
			}
			s.Detail = NewDetail(Socket{Source: netip.MustParseAddr(strings.TrimSuffix(own, "1") + "9")}, nil)
			if err := probeOnce(t, s); !errors.As(err, &f) || f.cause != unix.EADDRNOTAVAIL {
				t.Errorf("an address that is not ours: %v", err)
			}
		}
	})
}

// reachable waits until there is a route to an address of IPv6: it comes some time after the address.
func reachable(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); errors.Is(probeOnce(t, spec(TCP, addr, 5*time.Second)), unix.EHOSTUNREACH); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no route to %s after 10 s", addr)
		}
	}
}

// A probe leaves by its interface, even where a route says otherwise.
func TestSocketLeavesByItsInterface(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		run(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			addr, _ := observe(t, address)
			s := spec(TCP, addr, 5*time.Second)
			s.Detail = NewDetail(Socket{Interface: "lo"}, nil)
			wantError(t, probeOnce(t, s), "")
			s.Detail = NewDetail(Socket{Interface: "v0"}, nil)
			if err := probeOnce(t, s); err == nil {
				t.Errorf("%s was reached through an interface that is down", addr)
			}
		}
	})
}

// A ping comes from the address of its socket, leaves by its interface and carries its mark.
func TestPingFromASocket(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		run(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		run(t, "ip", "addr", "add", "192.0.2.1/24", "dev", "lo")
		run(t, "ip", "addr", "add", "192.0.2.2/24", "dev", "lo")
		run(t, "ip", "link", "set", "v0", "up")
		run(t, "ip", "link", "set", "v1", "up")
		hear, err := icmp.ListenPacket("ip4:icmp", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		defer hear.Close()
		from := make(chan string, 10)
		go func() {
			buffer := make([]byte, 1500)
			for {
				n, who, err := hear.ReadFrom(buffer)
				if err != nil {
					return
				}
				if m, err := icmp.ParseMessage(1, buffer[:n]); err == nil && m.Type == ipv4.ICMPTypeEcho {
					from <- who.String()
				}
			}
		}()
		s := pingSpec("192.0.2.1", 5*time.Second)
		for _, raw := range []bool{false, true} {
			s.Detail = NewDetail(Socket{Source: netip.MustParseAddr("192.0.2.2")}, nil)
			wantError(t, pingOnly(t, s, raw), "")
			select {
			case who := <-from:
				if who != "192.0.2.2" {
					t.Errorf("raw %t: came from %s", raw, who)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("no ping was heard")
			}
		}
		run(t, "ip", "rule", "add", "priority", "0", "fwmark", "7", "lookup", "100")
		run(t, "ip", "route", "add", "prohibit", "default", "table", "100")
		run(t, "ip", "rule", "add", "priority", "1", "lookup", "local")
		run(t, "ip", "rule", "delete", "priority", "0", "lookup", "local")
		s.Detail = NewDetail(Socket{Mark: 7}, nil)
		wantError(t, pingOnly(t, s, false), "send echo request to 192.0.2.1: permission denied")
		s.Detail = NewDetail(Socket{Interface: "v9"}, nil)
		var f *fault
		if err := pingOnly(t, s, false); !errors.As(err, &f) {
			t.Errorf("an interface that is not there: %v", err)
		}
		run(t, "ip", "addr", "add", "fe80::1/64", "dev", "v0", "nodad")
		link := pingSpec("fe80::1", 5*time.Second)
		link.Detail = NewDetail(Socket{Interface: "v0"}, nil)
		wantError(t, pingOnly(t, link, false), "")
	})
}

// A rule for the firewall mark decides the route of a marked probe.
func TestSocketMarkRoutes(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addr, _ := observe(t, "127.0.0.1:0")
		run(t, "ip", "rule", "add", "priority", "0", "fwmark", "7", "lookup", "100")
		run(t, "ip", "route", "add", "prohibit", "default", "table", "100")
		run(t, "ip", "rule", "add", "priority", "1", "lookup", "local")
		run(t, "ip", "rule", "delete", "priority", "0", "lookup", "local")
		s := spec(TCP, addr, 5*time.Second)
		wantError(t, probeOnce(t, s), "")
		s.Detail = NewDetail(Socket{Mark: 7}, nil)
		wantError(t, probeOnce(t, s), "connect "+addr.String()+": permission denied")
	})
}

// A link-local target is reached through the interface that the socket is bound to.
func TestSocketOfALinkLocalTarget(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		run(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		run(t, "ip", "link", "set", "v0", "up")
		run(t, "ip", "link", "set", "v1", "up")
		run(t, "ip", "addr", "add", "fe80::1/64", "dev", "v0", "nodad")
		addr, _ := observe(t, "[fe80::1%v0]:0")
		s := spec(TCP, netip.AddrPortFrom(addr.Addr().WithZone(""), addr.Port()), 5*time.Second)
		s.Detail = NewDetail(Socket{Interface: "v0"}, nil)
		wantError(t, probeOnce(t, s), "")
	})
}
