//go:build vm

package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A server that answers at its own address and not by way of the service is found out, by the node that has
// the VIP and by the one that has not, and found again when it is set up; after a takeover too.
func TestHealthThroughTheService(t *testing.T) {
	for _, way := range []struct {
		kind       string
		forwarding Forwarding
	}{{"DR", DR}, {"TUN", TUN}, {"NAT", NAT}} {
		t.Run(way.kind, func(t *testing.T) {
			d := newDirectors(t, way.forwarding, "")
			var servers []string
			for _, real := range d.Real {
				servers = append(servers, fmt.Sprintf(`
  real_server %q "80" {
    HTTP_GET {
      url "/" { status_code = 200 }
      connect_timeout = "3s"
      through_service = true
    }
    TCP_CHECK { connect_timeout = "3s" }
  }`, real))
			}
			d.write(instance + serviceBlock(fmt.Sprintf("\n  lb_algo = \"rr\"\n  lb_kind = %q\n  alpha = true\n", way.kind), servers...))
			repair := func() { d.realServer(2, 0, "up") }
			if way.forwarding == NAT {
				// The server has its place and its port, and no way back for what comes from the directors' network.
				d.onWeb(2, "ip", "route", "add", "blackhole", "10.10.10.0/30")
				repair = func() { d.onWeb(2, "ip", "route", "del", "blackhole", "10.10.10.0/30") }
			} else {
				d.realServer(0, 0, "up")
				d.realServer(1, 0, "up")
			}
			d.startBoth()
			served := func(count int) {
				t.Helper()
				for i := range d.lvsd {
					d.until(fmt.Sprintf("%s has %d servers", d.LB[i].Name, count), func() error { return d.serves(i, count) })
				}
			}
			served(2)
			if got := d.ask(6, d.url()); got["web1"] != 3 || got["web2"] != 3 {
				t.Errorf("answered by %v", got)
			}
			repair()
			served(3)
			if way.forwarding != DR {
				return
			}
			before := time.Now()
			if err := d.LB[0].PowerOff(); err != nil {
				t.Fatal(err)
			}
			d.event(1, before, "role_changed", "to", "MASTER")
			d.until("lb2 holds the VIP", func() error { return d.holds(1, "eth0", d.VIP, true) })
			down := time.Now()
			d.onWeb(2, "ip", "address", "del", d.VIP.String()+"/32", "dev", "lo")
			d.event(1, down, "server_lost", "real_server", d.Real[2].String())
			if lost := d.lvsd[1].Events(before, "server_lost"); len(lost) != 1 {
				t.Errorf("after the takeover servers were lost: %v", lost)
			}
			d.until("lb2 has 2 servers", func() error { return d.serves(1, 2) })
			if got := d.ask(6, d.url()); got["web1"] != 3 || got["web2"] != 3 {
				t.Errorf("after the takeover answered by %v", got)
			}
		})
	}
}

// onWeb runs a program on a web server.
func (d *directors) onWeb(i int, args ...string) {
	d.Helper()
	if _, err := d.Web[i].Run(d.ctx, args...); err != nil {
		d.Fatal(err)
	}
}

// serves tells whether the kernel of a director has so many servers in the service.
func (d *directors) serves(i, count int) error {
	out, err := d.LB[i].Run(d.ctx, "ipvsadm", "-Ln", "-t", d.VIP.String()+":80")
	if n := strings.Count(out, "->") - 1; err == nil && n != count { // one is the heading
		err = fmt.Errorf("it has %d:\n%s", n, out)
	}
	return err
}
