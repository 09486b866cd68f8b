//go:build vm

package lab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const ftpService = `virtual_server "192.168.2.11" "21" {
  lb_algo = "rr"
  lb_kind = "NAT"
  real_server "10.10.10.11" "21" {}
}
`

// withoutFTP makes the kernel one that has not loaded its helper for FTP.
func (d *directors) withoutFTP() {
	d.Helper()
	d.until("no connection needs ip_vs_ftp", func() error {
		_, err := d.LB[0].Run(d.ctx, "modprobe", "-r", "ip_vs_ftp")
		return err
	})
}

// The helper is asked for until the kernel has it. Then the client of an FTP server behind NAT is told an address of the service
// for its data, and gets them by way of that.
func TestPassiveFTP(t *testing.T) {
	d := newDirectors(t, NAT, ftpService)
	for _, a := range []struct{ dev, address string }{{"eth0", "192.168.2.11/24"}, {"eth1", "10.10.10.9/24"}} {
		if err := d.LB[0].AddAddress(a.dev, netip.MustParsePrefix(a.address)); err != nil {
			t.Fatal(err)
		}
	}
	d.withoutFTP()
	d.run(0, "modprobe", "ip_vs_rr")
	const loader = "/proc/sys/kernel/modprobe"
	path, err := os.ReadFile(loader)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := os.WriteFile(loader, path, 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	if err := os.WriteFile(loader, []byte("/bin/false\n"), 0o644); err != nil {
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
	d.event(0, time.Time{}, "ftp_helper_missing", "error", "ip_vs_ftp")
	d.services(0, "-A -t 192.168.2.11:21 -s rr", "-a -t 192.168.2.11:21 -r 10.10.10.11:21 -m -w 1")
	restore()
	d.event(0, time.Time{}, "services_set", "first", "load ip_vs_ftp")

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

// Network namespaces that are taken down while the kernel loads the helper wait for IPVS, and the helper for them: lvsd ends that.
func TestFTPHelperBesideNamespacesThatEnd(t *testing.T) {
	d := newDirectors(t, NAT, ftpService)
	d.withoutFTP()
	ending, err := d.LB[0].Start(nil, "sh", "-c", "while :; do unshare -n true; done")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ending.Signal(syscall.SIGKILL) })
	d.start(0)
	d.event(0, time.Time{}, "services_set", "first", "load ip_vs_ftp")
	d.services(0, "-A -t 192.168.2.11:21 -s rr", "-a -t 192.168.2.11:21 -r 10.10.10.11:21 -m -w 1")
	d.run(0, "unshare", "-n", "true")
}
