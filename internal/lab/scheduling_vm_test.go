//go:build vm

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What tells one scheduling from another is what traffic does: flags of sh and mh, one packet scheduling,
// persistence with a granularity, thresholds, timeouts, SCTP, marks of IPv6. VRRP is of no concern here: lb1 is
// given the addresses by hand.
func TestWhatServicesCanBe(t *testing.T) {
	d := newDirectors(t, NAT, "")
	var config strings.Builder
	config.WriteString("global_defs {\n  lvs_timeouts = \"udp 2\"\n}\n")
	service := func(name, head, port string, servers ...string) {
		fmt.Fprintf(&config, "virtual_server %s {\n  lb_kind = \"NAT\"\n  %s\n", name, head)
		for _, s := range servers {
			address, words, _ := strings.Cut(s, " ")
			fmt.Fprintf(&config, "  real_server %q %q {\n    %s\n  }\n", address, port, strings.ReplaceAll(words, ";", "\n"))
		}
		config.WriteString("}\n")
	}
	all := []string{"10.10.10.11", "10.10.10.12", "10.10.10.13"}
	limited := []string{"10.10.10.11 uthreshold = 1", "10.10.10.12 uthreshold = 1", "10.10.10.13 uthreshold = 1"}
	service(`"192.168.2.11" "8001"`, "lb_algo = \"sh\"", "80", all...)
	service(`"192.168.2.11" "8002"`, "lb_algo = \"sh\"\nsh-port = true", "80", all...)
	service(`"192.168.2.11" "8003"`, "lb_algo = \"sh\"", "80", limited...)
	service(`"192.168.2.11" "8004"`, "lb_algo = \"sh\"\nsh-fallback = true", "80", limited...)
	service(`"192.168.2.11" "8011"`, "lb_algo = \"mh\"", "80", all...)
	service(`"192.168.2.11" "8012"`, "lb_algo = \"mh\"\nmh-port = true", "80", all...)
	service(`"192.168.2.11" "8013"`, "lb_algo = \"mh\"", "80", limited...)
	service(`"192.168.2.11" "8014"`, "lb_algo = \"mh\"\nmh-fallback = true", "80", limited...)
	service(`"192.168.2.11" "8021"`, "lb_algo = \"rr\"\npersistence_timeout = \"1m\"", "80", all...)
	service(`"192.168.2.11" "8022"`, "lb_algo = \"rr\"\npersistence_timeout = \"1m\"\npersistence_granularity = 24", "80", all...)
	service(`"192.168.2.11" "5301"`, "protocol = \"UDP\"\nlb_algo = \"rr\"", "53", all[:2]...)
	service(`"192.168.2.11" "5302"`, "protocol = \"UDP\"\nlb_algo = \"rr\"\nops = true", "53", all[:2]...)
	service(`"192.168.2.11" "5303"`, "protocol = \"UDP\"\nlb_algo = \"rr\"", "53", "10.10.10.11 uthreshold = 2;lthreshold = 1")
	service(`"192.168.2.11" "2905"`, "protocol = \"SCTP\"\nlb_algo = \"rr\"", "2905", all[:2]...)
	service(`"fwmark" "9"`, "ip_family = \"inet6\"\nlb_algo = \"rr\"", "80", "fd00:10::11", "fd00:10::12")
	d.write(config.String())
	type place struct {
		host    *Host
		dev     string
		address string
	}
	places := []place{
		{d.Client, "eth0", "192.168.2.22/24"}, {d.Client, "eth0", "fd00:2::21/64"},
		{d.LB[0], "eth0", "192.168.2.11/24"}, {d.LB[0], "eth0", "fd00:2::11/64"},
		{d.LB[0], "eth1", "10.10.10.9/24"}, {d.LB[0], "eth1", "fd00:10::9/64"},
	}
	for i, web := range d.Web {
		places = append(places, place{web, "eth0", fmt.Sprintf("fd00:10::1%d/64", i+1)})
	}
	for _, p := range places {
		if err := p.host.AddAddress(p.dev, netip.MustParsePrefix(p.address)); err != nil {
			t.Fatal(err)
		}
	}
	d.run(0, "tc", "qdisc", "add", "dev", "eth0", "ingress")
	d.run(0, "tc", "filter", "add", "dev", "eth0", "parent", "ffff:", "protocol", "ipv6", "u32",
		"match", "ip6", "dst", "fd00:2::11/128", "action", "skbedit", "mark", "9")
	for _, web := range d.Web[:2] {
		if err := web.DefaultRoute(netip.MustParseAddr("fd00:10::9")); err != nil {
			t.Fatal(err)
		}
		echo(t, web, ":53")
		sctpEcho(t, web, 2905)
	}
	d.start(0)
	d.event(0, time.Time{}, "services_set")

	url := func(port int) string { return fmt.Sprintf("http://192.168.2.11:%d/", port) }
	for _, tc := range []struct {
		port     int
		flags    string
		together bool // every connection of the client to one server
	}{
		{8001, "sh", true}, {8002, "sh, sh-port", false}, {8011, "mh", true}, {8012, "mh, mh-port", false},
		{8021, "persistence", true},
	} {
		if by := d.ask(16, url(tc.port)); (len(by) == 1) != tc.together {
			t.Errorf("%s: answered by %v", tc.flags, by)
		}
	}
	for _, tc := range []struct {
		port     int
		flags    string
		fallback bool
	}{{8003, "sh", false}, {8004, "sh, sh-fallback", true}, {8013, "mh", false}, {8014, "mh, mh-fallback", true}} {
		held, err := AskSlow(d.Client.HTTPClient(30*time.Second), url(tc.port)[:len(url(tc.port))-1]+SlowPath)
		if err != nil {
			t.Fatal(err)
		}
		other := Ask(d.Client.HTTPClient(2*time.Second), url(tc.port))
		if (other.Err == nil) != tc.fallback || other.By == held.By {
			t.Errorf("%s: with %s at its threshold the next request went to %q, %v", tc.flags, held.By, other.By, other.Err)
		}
		d.ended([]*Slow{held})
	}
	from := func(address string, port int) string {
		out, err := d.Client.Run(d.ctx, "curl", "--silent", "--show-error", "--max-time", "10", "--interface", address, url(port))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	if by := from("192.168.2.22", 8021); slices.Contains(keysOf(d.ask(1, url(8021))), by) {
		t.Errorf("persistence without a granularity: both clients went to %s", by)
	}
	if a, b := from("192.168.2.21", 8022), from("192.168.2.22", 8022); a != b {
		t.Errorf("persistence of a network: its clients went to %s and %s", a, b)
	}

	datagrams := func(address string) []string {
		conn := d.udp()
		defer conn.Close()
		var by []string
		for range 4 {
			name, err := ping(conn, address)
			if err != nil {
				t.Fatalf("UDP %s: %v", address, err)
			}
			by = append(by, name)
		}
		slices.Sort(by)
		return slices.Compact(by)
	}
	if by := datagrams("192.168.2.11:5301"); len(by) != 1 {
		t.Errorf("datagrams of one socket went to %v", by)
	}
	// The answers come from the server's own address: the kernel remembers nothing by which to translate them.
	if by := datagrams("192.168.2.11:5302"); len(by) != 2 {
		t.Errorf("ops: datagrams of one socket went to %v", by)
	}
	d.thresholds("192.168.2.11:5303")

	var associations []string
	for range 4 {
		associations = append(associations, d.sctp("192.168.2.11:2905"))
	}
	slices.Sort(associations)
	if want := []string{"web1", "web1", "web2", "web2"}; !slices.Equal(associations, want) {
		t.Errorf("SCTP: round robin answered %v", associations)
	}
	if by := d.ask(4, "http://[fd00:2::11]/"); by["web1"] != 2 || by["web2"] != 2 {
		t.Errorf("marked packets of IPv6: round robin answered %v", by)
	}
}

// thresholds has a UDP service whose server gets no third connection, and one again when the kernel has
// forgotten the first ones: that is after the UDP timeout of lvs_timeouts, 2 s; the kernel's own is 300 s.
func (d *directors) thresholds(address string) {
	d.Helper()
	for range 2 {
		conn := d.udp()
		defer conn.Close()
		if _, err := ping(conn, address); err != nil {
			d.Fatalf("below the upper threshold: %v", err)
		}
	}
	third := d.udp()
	defer third.Close()
	if name, err := ping(third, address); err == nil {
		d.Errorf("%s answered above its upper threshold", name)
	}
	d.until("the server is below its lower threshold", func() error {
		conn := d.udp()
		defer conn.Close()
		_, err := ping(conn, address)
		return err
	})
}

// udp is a socket of the client's.
func (d *directors) udp() net.PacketConn {
	d.Helper()
	var conn net.PacketConn
	if err := d.Client.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", ":0")
		return err
	}); err != nil {
		d.Fatal(err)
	}
	return conn
}

// ping sends a datagram to an echo and returns who sent it back.
func ping(conn net.PacketConn, address string) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.WriteTo([]byte("ping"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address))); err != nil {
		return "", err
	}
	b := make([]byte, 100)
	n, _, err := conn.ReadFrom(b)
	name, _, _ := strings.Cut(string(b[:n]), " ")
	return name, err
}

func keysOf(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// sctpEcho answers each association that comes to a port of the host with the host's name.
func sctpEcho(t *testing.T, h *Host, port int) {
	t.Helper()
	var fd int
	if err := h.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP); err != nil {
			return fmt.Errorf("SCTP socket: %w", err)
		}
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: port}), unix.Listen(fd, 16))
	}); err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			// Closing a socket does not wake an accept that waits for SCTP.
			if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100); n != 1 || err != nil {
				continue
			}
			if conn, _, err := unix.Accept(fd); err == nil {
				_, _ = unix.Write(conn, []byte(h.Name))
				_ = unix.Close(conn)
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
		_ = unix.Close(fd)
	})
}

// sctp makes an association with an address from the client and returns who took it.
func (d *directors) sctp(address string) string {
	d.Helper()
	to := netip.MustParseAddrPort(address)
	var name string
	ctx, cancel := context.WithTimeout(d.ctx, 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- d.Client.Do(func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP)
			if err != nil {
				return fmt.Errorf("SCTP socket: %w", err)
			}
			defer unix.Close(fd)
			if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 15}); err != nil {
				return err
			}
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
				return fmt.Errorf("connect: %w", err)
			}
			b := make([]byte, 100)
			n, err := unix.Read(fd, b)
			name = string(b[:max(n, 0)])
			return err
		})
	}()
	select {
	case err := <-done:
		if err != nil {
			d.Fatalf("SCTP %s: %v", address, err)
		}
	case <-ctx.Done():
		d.Fatalf("SCTP %s: no association", address)
	}
	return name
}
