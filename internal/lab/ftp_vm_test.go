//go:build vm

package lab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// With ip_vs_ftp and net.ipv4.vs.conntrack, as docs/running.md asks, the client of an FTP server behind NAT is
// told an address of the service for its data, and gets them by way of that.
func TestPassiveFTP(t *testing.T) {
	d := newDirectors(t, NAT, `virtual_server "192.168.2.11" "21" {
  lb_algo = "rr"
  lb_kind = "NAT"
  real_server "10.10.10.11" "21" {}
}
`)
	for _, a := range []struct{ dev, address string }{{"eth0", "192.168.2.11/24"}, {"eth1", "10.10.10.9/24"}} {
		if err := d.LB[0].AddAddress(a.dev, netip.MustParsePrefix(a.address)); err != nil {
			t.Fatal(err)
		}
	}
	d.run(0, "modprobe", "ip_vs_ftp")
	if err := d.LB[0].Sysctl("net.ipv4.vs.conntrack", "1"); err != nil {
		t.Fatal(err)
	}
	const text = "the file\n"
	control, err := d.Web[0].Listen("tcp4", ":21")
	if err != nil {
		t.Fatal(err)
	}
	data, err := d.Web[0].Listen("tcp4", ":2121")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = control.Close(), data.Close() })
	serve := func(l net.Listener, talk func(net.Conn)) {
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				talk(conn)
				_ = conn.Close()
			}
		}()
	}
	serve(control, func(conn net.Conn) {
		fmt.Fprint(conn, "220 ready\r\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.TrimSpace(line) == "PASV" {
			fmt.Fprint(conn, "227 Entering Passive Mode (10,10,10,11,8,73)\r\n") // 8 * 256 + 73 is 2121
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	serve(data, func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
	d.start(0)
	d.event(0, time.Time{}, "services_set")

	conn, err := d.Client.Dial(d.ctx, "tcp", "192.168.2.11:21")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "PASV\r\n")
	answer, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a, b, c, e byte
	var high, low uint16
	_, inside, _ := strings.Cut(answer, "(")
	if _, err := fmt.Sscanf(inside, "%d,%d,%d,%d,%d,%d", &a, &b, &c, &e, &high, &low); err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
	told := netip.AddrPortFrom(netip.AddrFrom4([4]byte{a, b, c, e}), high<<8|low)
	if told.Addr() != d.VIP {
		t.Fatalf("the client is told %s", told)
	}
	transfer, err := d.Client.Dial(d.ctx, "tcp", told.String())
	if err != nil {
		t.Fatal(err)
	}
	defer transfer.Close()
	if err := transfer.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(transfer); err != nil || string(got) != text {
		t.Errorf("got %q, %v", got, err)
	}
}
