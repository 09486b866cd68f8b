//go:build vm

package lab

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The services that the other tests have not carry traffic too: UDP, IPv6 and those for marked packets, all NAT. VRRP is of no
// concern here: lb1 is given the addresses by hand.
func TestOtherServices(t *testing.T) {
	service := func(name, head, port, check string, servers ...string) string {
		for _, server := range servers {
			head += fmt.Sprintf("\n  real_server %q %q {\n    %s\n  }", server, port, check)
		}
		return fmt.Sprintf("virtual_server %s {\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n  delay_loop = \"2s\"\n  %s\n}\n", name, head)
	}
	d := newDirectors(t, NAT,
		service(`"192.168.2.11" "5353"`, `protocol = "UDP"`, "53", `PING_CHECK { connect_timeout = "1s" }`, "10.10.10.11", "10.10.10.12", "10.10.10.99")+
			service(`"fd00:2::11" "80"`, "", "80", `TCP_CHECK { connect_timeout = "1s" }`, "fd00:10::12", "fd00:10::13", "fd00:10::99")+
			service(`"fwmark" "7"`, "", "80", `TCP_CHECK { connect_timeout = "1s" }`, "10.10.10.11", "10.10.10.13"))
	marked := netip.MustParseAddr("192.168.2.12")
	for _, a := range []struct {
		host    *Host
		dev     string
		address string
	}{
		{d.Client, "eth0", "fd00:2::21/64"},
		{d.LB[0], "eth0", "192.168.2.11/24"},
		{d.LB[0], "eth0", marked.String() + "/24"},
		{d.LB[0], "eth0", "fd00:2::11/64"},
		{d.LB[0], "eth1", "10.10.10.9/24"},
		{d.LB[0], "eth1", "fd00:10::9/64"},
		{d.Web[0], "eth0", "fd00:10::11/64"},
		{d.Web[1], "eth0", "fd00:10::12/64"},
		{d.Web[2], "eth0", "fd00:10::13/64"},
	} {
		if err := a.host.AddAddress(a.dev, netip.MustParsePrefix(a.address)); err != nil {
			t.Fatal(err)
		}
	}
	for _, web := range d.Web {
		if err := web.DefaultRoute(netip.MustParseAddr("fd00:10::9")); err != nil {
			t.Fatal(err)
		}
	}
	d.run(0, "tc", "qdisc", "add", "dev", "eth0", "ingress")
	d.run(0, "tc", "filter", "add", "dev", "eth0", "parent", "ffff:", "protocol", "ip", "u32",
		"match", "ip", "dst", marked.String()+"/32", "action", "skbedit", "mark", "7")
	for _, web := range d.Web[:2] {
		echo(t, web, ":53")
	}

	d.start(0)
	for _, dead := range []string{"10.10.10.99", "fd00:10::99"} {
		d.event(0, time.Time{}, "server_lost", "real_server", dead)
	}
	d.services(0,
		"-A -u 192.168.2.11:5353 -s rr", "-a -u 192.168.2.11:5353 -r 10.10.10.11:53 -m -w 1", "-a -u 192.168.2.11:5353 -r 10.10.10.12:53 -m -w 1",
		"-A -t [fd00:2::11]:80 -s rr", "-a -t [fd00:2::11]:80 -r [fd00:10::12]:80 -m -w 1", "-a -t [fd00:2::11]:80 -r [fd00:10::13]:80 -m -w 1",
		"-A -f 7 -s rr", "-a -f 7 -r 10.10.10.11:80 -m -w 1", "-a -f 7 -r 10.10.10.13:80 -m -w 1")

	said := map[string]int{}
	for n := range 6 {
		said[d.exchange("192.168.2.11:5353", fmt.Sprint("datagram ", n))]++
	}
	if want := map[string]int{"web1": 3, "web2": 3}; !maps.Equal(said, want) {
		t.Errorf("UDP: round robin answered %v, not %v", said, want)
	}
	if got, want := d.ask(6, "http://[fd00:2::11]/"), map[string]int{"web2": 3, "web3": 3}; !maps.Equal(got, want) {
		t.Errorf("IPv6: round robin answered %v, not %v", got, want)
	}
	if got, want := d.ask(6, fmt.Sprintf("http://%s/", marked)), map[string]int{"web1": 3, "web3": 3}; !maps.Equal(got, want) {
		t.Errorf("marked packets: round robin answered %v, not %v", got, want)
	}
}

// echo answers each datagram that comes to an address of the host with the host's name, a space and the datagram.
func echo(t *testing.T, h *Host, address string) {
	t.Helper()
	var conn net.PacketConn
	if err := h.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", address)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		for b := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, err = conn.WriteTo(append([]byte(h.Name+" "), b[:n]...), from)
			}
			if err != nil {
				t.Errorf("echo on %s: %v", h.Name, err)
			}
		}
	}()
}

// exchange sends a datagram to an echo, from a port of its own, and returns who sent it back.
func (d *directors) exchange(address, text string) string {
	d.Helper()
	conn := d.dial(address)
	defer conn.Close()
	return d.said(conn, text)
}

// dial opens a UDP port of the client, from which it sends to an address.
func (d *directors) dial(address string) (conn net.Conn) {
	d.Helper()
	if err := d.Client.Do(func() (err error) {
		conn, err = net.Dial("udp4", address)
		return err
	}); err != nil {
		d.Fatal(err)
	}
	return conn
}

// said sends a datagram to an echo and returns who sent it back.
func (d *directors) said(conn net.Conn, text string) string {
	d.Helper()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		d.Fatal(err)
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		d.Fatal(err)
	}
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		d.Fatal(err)
	}
	name, back, _ := strings.Cut(string(b[:n]), " ")
	if back != text {
		d.Errorf("%q came back as %q", text, back)
	}
	return name
}
