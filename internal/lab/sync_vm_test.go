//go:build vm

package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// With lvs_sync_daemon the master sends and the other node receives, and requests that are half
// answered when the master dies are answered to their end by way of the other node, which sends from
// then on.
func TestConnectionsSurviveATakeover(t *testing.T) {
	d := newDirectors(t, NAT, "")
	var servers []string
	for _, real := range d.Real {
		servers = append(servers, serverBlock(real, 80, 1))
	}
	d.write("global_defs {\n  lvs_sync_daemon = \"eth1 inst web\"\n}\n" + instance +
		serviceBlock("\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n", servers...))
	d.startBoth()
	runs := func(i int, state string) {
		t.Helper()
		d.until(fmt.Sprintf("%s runs the %s daemon", d.LB[i].Name, state), func() error {
			out, err := d.LB[i].Run(d.ctx, "ipvsadm", "-L", "--daemon")
			if err == nil && (strings.Count(out, "sync daemon") != 1 || !strings.Contains(out, state+" sync daemon (mcast=eth1, syncid=51")) {
				err = fmt.Errorf("ipvsadm shows %q", out)
			}
			return err
		})
	}
	runs(0, "master")
	runs(1, "backup")
	held := d.slow("web1", "web2", "web3")
	d.until("lb2 knows the connections", func() error {
		out, err := d.LB[1].Run(d.ctx, "ipvsadm", "-Lcn")
		if n := strings.Count(out, "ESTABLISHED"); err == nil && n < len(held) {
			err = fmt.Errorf("it knows %d of %d", n, len(held))
		}
		return err
	})
	died := time.Now()
	if err := d.LB[0].PowerOff(); err != nil {
		t.Fatal(err)
	}
	d.event(1, died, "role_changed", "to", "MASTER")
	d.until("lb2 holds the VIP", func() error { return d.holds(1, "eth0", d.VIP, true) })
	d.ended(held)
	runs(1, "master")
}
