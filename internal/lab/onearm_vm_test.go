//go:build vm

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// NAT with one arm: client behind a router, director and servers on one segment, where VIP and V-gate are. The
// servers are set up by "lvsd realserver up", and no redirect tells them to leave the director out.
func TestNATWithOneArm(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	l, err := New("onearm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	outside, err := l.Switch("outside")
	must(err)
	segment, err := l.Switch("segment")
	must(err)
	hosts := map[string]*Host{}
	for _, name := range []string{"client", "router", "lb1", "web1", "web2"} {
		hosts[name], err = l.Host(name)
		must(err)
	}
	client, router, director := hosts["client"], hosts["router"], hosts["lb1"]
	prefix := netip.MustParsePrefix
	must(client.Plug("eth0", outside, prefix("192.0.2.21/24")), router.Plug("eth0", outside, prefix("192.0.2.1/24")),
		router.Plug("eth1", segment, prefix("10.10.10.254/24")), director.Plug("eth0", segment, prefix("10.10.10.1/24")),
		hosts["web1"].Plug("eth0", segment, prefix("10.10.10.11/24")), hosts["web2"].Plug("eth0", segment, prefix("10.10.10.12/24")))
	must(router.Sysctl("net.ipv4.ip_forward", "1"), client.DefaultRoute(netip.MustParseAddr("192.0.2.1")),
		director.DefaultRoute(netip.MustParseAddr("10.10.10.254")))
	config := filepath.Join(t.TempDir(), "lvsd.hcl")
	must(os.WriteFile(config, []byte(`
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = { lb1 = 150, lb2 = 100 }[hostname]
  virtual_ipaddress = ["10.10.10.8/24", "10.10.10.9/24"]
}
virtual_server "10.10.10.8" "80" {
  lb_algo = "rr"
  lb_kind = "NAT"
  real_server "10.10.10.11" "80" {
    TCP_CHECK {}
  }
  real_server "10.10.10.12" "80" {
    TCP_CHECK {}
  }
}
`), 0o600))
	redirects, err := director.Capture(ctx, "eth0", "icmp[icmptype] = icmp-redirect")
	must(err)
	for _, name := range []string{"web1", "web2"} {
		_, err := hosts[name].Serve(":80")
		must(err)
		out, err := hosts[name].Run(ctx, os.Getenv(BinaryVariable), "realserver", "up", "-c", config)
		must(err)
		if out != "add route default via 10.10.10.9 dev eth0\n" {
			t.Errorf("%s: %s", name, out)
		}
		if _, err := hosts[name].Run(ctx, os.Getenv(BinaryVariable), "realserver", "status", "-c", config); err != nil {
			t.Error(err)
		}
	}
	daemon, err := director.Lvsd(config)
	must(err)
	_, err = daemon.Event(ctx, time.Time{}, "address_announced")
	must(err)
	asker := client.HTTPClient(10 * time.Second)
	by := map[string]int{}
	for range 10 {
		r := Ask(asker, "http://10.10.10.8/")
		must(r.Err)
		by[r.By]++
	}
	if by["web1"] != 5 || by["web2"] != 5 {
		t.Errorf("answered by %v", by)
	}
	for _, l := range redirects.Lines() {
		if strings.Contains(l.Text, "redirect") && !strings.Contains(l.Text, "listening") {
			t.Errorf("redirected: %s", l.Text)
		}
	}
	if _, err := hosts["web1"].Run(ctx, os.Getenv(BinaryVariable), "realserver", "down"); err != nil {
		t.Error(err)
	}
	var failed *exec.ExitError
	out, err := hosts["web1"].Run(ctx, os.Getenv(BinaryVariable), "realserver", "status", "-c", config)
	if want := "- route default via 10.10.10.9 dev eth0: there is no default route"; !errors.As(err, &failed) || failed.ExitCode() != 3 || !strings.Contains(out, want) {
		t.Errorf("after down: %v, %s", err, fmt.Sprintf("%q lacks %q", out, want))
	}
}
