//go:build vm

package lab

import (
	"fmt"
	"maps"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// keepalived starts Debian's keepalived on a director, with the example's file for it.
func (d *directors) keepalived(i int) *Process {
	d.Helper()
	config, err := filepath.Abs(fmt.Sprintf("../../examples/nat/keepalived-lb%d.conf", i+1))
	if err != nil {
		d.Fatal(err)
	}
	if err := d.LB[i].Sysctl("net.ipv4.ip_forward", "1"); err != nil { // keepalived leaves it to its user
		d.Fatal(err)
	}
	p, err := d.LB[i].Start(nil, "keepalived", "--dont-fork", "--log-console", "--log-detail", "--use-file", config)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if d.Failed() {
			d.Logf("%s said:\n%s", p, p.tail())
		}
	})
	return p
}

// serving waits until a director has both addresses, and requests are answered by all web servers in turn.
func (d *directors) serving(i int) {
	d.Helper()
	d.until(d.LB[i].Name+" serves", func() error {
		if err := d.holds(i, "eth0", d.VIP, true); err != nil {
			return err
		}
		return d.holds(i, "eth1", d.VGate, true)
	})
	if got, want := d.ask(6, d.url()), map[string]int{"web1": 2, "web2": 2, "web3": 2}; !maps.Equal(got, want) {
		d.Errorf("%s answered %v, not %v", d.LB[i].Name, got, want)
	}
}

func (d *directors) example() {
	d.Helper()
	config, err := filepath.Abs("../../examples/nat/lvsd.hcl")
	if err != nil {
		d.Fatal(err)
	}
	d.config = config
}

// A pair of lvsd and Debian's keepalived, with lvsd as master: keepalived follows, takes over when lvsd stops and when it dies,
// and gives way when it comes back.
func TestPairWithKeepalivedAsBackup(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, NAT, "")
	d.example()
	d.start(0)
	d.keepalived(1)
	d.event(0, time.Time{}, "role_changed", "to", "MASTER")
	d.serving(0)
	if err := d.holds(1, "eth0", d.VIP, false); err != nil {
		t.Errorf("keepalived holds the VIP beside lvsd: %v", err)
	}

	stopped := time.Now()
	if err := d.lvsd[0].Stop(d.ctx); err != nil {
		t.Fatal(err)
	}
	d.serving(1)
	t.Logf("keepalived serves %s after lvsd began to stop", time.Since(stopped))
	if err := d.holds(0, "eth0", d.VIP, false); err != nil {
		t.Errorf("lvsd left the VIP behind: %v", err)
	}

	d.start(0)
	d.event(0, time.Time{}, "role_changed", "to", "MASTER")
	d.serving(0)
	d.until("keepalived gave way", func() error { return d.holds(1, "eth0", d.VIP, false) })

	if err := d.LB[0].PowerOff(); err != nil {
		t.Fatal(err)
	}
	d.serving(1)
}

// The same with the roles the other way round.
func TestPairWithKeepalivedAsMaster(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, NAT, "")
	d.example()
	master := d.keepalived(0)
	d.start(1)
	d.event(1, time.Time{}, "master_seen", "peer", "192.168.2.1")
	d.serving(0)
	if err := d.holds(1, "eth0", d.VIP, false); err != nil {
		t.Errorf("lvsd holds the VIP beside keepalived: %v", err)
	}

	stopped := time.Now()
	if err := master.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := d.event(1, stopped, "role_changed", "to", "MASTER"); e.At.Sub(stopped) > 2*time.Second {
		t.Errorf("lvsd became master %s after keepalived's clean stop, later than its skew", e.At.Sub(stopped))
	}
	d.serving(1)
	if err := master.Wait(d.ctx); err != nil {
		t.Errorf("keepalived: %v", err)
	}

	back := time.Now()
	d.keepalived(0)
	d.event(1, back, "role_changed", "to", "BACKUP")
	d.serving(0)
	d.until("lvsd gave way", func() error { return d.holds(1, "eth0", d.VIP, false) })

	cut := time.Now()
	if err := d.LB[0].PowerOff(); err != nil {
		t.Fatal(err)
	}
	d.event(1, cut, "role_changed", "to", "MASTER")
	d.serving(1)
	if duplicates := d.lvsd[1].Events(time.Time{}, "duplicate_master"); duplicates != nil {
		t.Errorf("there were two masters: %v", duplicates)
	}
}
