//go:build vm

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// healedWithin is in what time a foreign change of up to a hundred services is undone: a second between two looks at the
// table, and another for the look, for reading the table and for writing.
const healedWithin = 2 * time.Second

// What somebody takes away comes back: an address at once, a service with the next look at the table. One event each says
// what it was. It is not run beside other tests: how often lvsd looks follows from what a look takes.
func TestHeal(t *testing.T) {
	d := newDirectors(t, NAT, "")
	d.write(instance + serviceBlock("\n  lb_algo = \"rr\"\n", serverBlock(d.Real[0], 80, 1), serverBlock(d.Real[1], 80, 1)))
	d.startBoth()
	shown := []string{"-A -t 192.168.2.11:80 -s rr", "-a -t 192.168.2.11:80 -r 10.10.10.11:80 -m -w 1", "-a -t 192.168.2.11:80 -r 10.10.10.12:80 -m -w 1"}
	d.services(0, shown...)

	arp, err := d.Client.Capture(d.ctx, "eth0", "arp and src host 192.168.2.11")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, place := range []struct {
		dev  string
		addr netip.Addr
	}{{"eth0", d.VIP}, {"eth1", d.VGate}} {
		taken := time.Now()
		d.run(0, "ip", "address", "del", place.addr.String()+"/24", "dev", place.dev)
		d.event(0, taken, "address_healed", "address", place.addr.String())
		if err := d.holds(0, place.dev, place.addr, true); err != nil {
			t.Errorf("healed, but %v", err)
		}
		if place.addr == d.VIP {
			if _, err := arp.WaitFor(d.ctx, taken, Containing("192.168.2.11")); err != nil {
				t.Errorf("the address came back unannounced: %v", err)
			}
		}
	}

	// A service of somebody else stays as it is; ours is put right.
	d.run(0, "ipvsadm", "-A", "-t", "192.168.2.99:25", "-s", "lc")
	taken := time.Now()
	d.run(0, "ipvsadm", "-D", "-t", "192.168.2.11:80")
	healed := d.event(0, taken, "services_healed")
	if late := healed.At.Sub(taken); late > healedWithin {
		t.Errorf("healed after %s", late)
	}
	t.Logf("healed after %s", healed.At.Sub(taken))
	if first := fmt.Sprint(healed.Fields["first"]); healed.Fields["operations"] != 3.0 || !strings.Contains(first, "add service TCP 192.168.2.11:80") {
		t.Errorf("the event does not say what was changed: %v", healed.Fields)
	}
	d.services(0, append(shown, "-A -t 192.168.2.99:25 -s lc")...)
	d.ask(4, d.url())
	for _, name := range []string{"services_healed", "services_set"} {
		if told := d.lvsd[0].Events(healed.At, name); len(told) != map[string]int{"services_healed": 1}[name] {
			t.Errorf("%s: %v", name, told)
		}
	}
	for i, lvsd := range d.lvsd {
		if changes := lvsd.Events(began, "role_changed"); changes != nil {
			t.Errorf("%s changed its role since the first address was taken: %v", d.LB[i].Name, changes)
		}
	}
}

// A kernel without IPVS: the election and the checks work, one event says what is missing, and the services come with it.
func TestWithoutIPVS(t *testing.T) {
	d := newDirectors(t, NAT, "")
	const loader = "/proc/sys/kernel/modprobe" // the kernel's own way to load a module that is asked for
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
	d.until("IPVS is out of the kernel", func() error {
		out, err := d.LB[0].Run(d.ctx, "sh", "-c", "modprobe -r $(lsmod | sed -n 's/^\\(ip_vs_[a-z_]*\\) .*/\\1/p') ip_vs")
		if err != nil {
			return errors.New(strings.TrimSpace(out))
		}
		return nil
	})
	// moby/ipvs runs modprobe by itself; a module that is not there cannot be loaded by it either.
	for _, h := range d.LB {
		if _, err := h.Run(d.ctx, "mount", "-t", "tmpfs", "none", "/lib/modules"); err != nil {
			t.Fatal(err)
		}
	}
	d.write(instance + serviceBlock("\n  lb_algo = \"rr\"\n", serverBlock(d.Real[0], 80, 1), serverBlock(netip.MustParseAddr("10.10.10.99"), 80, 1)))
	d.start(0)
	d.event(0, time.Time{}, "ipvs_missing")
	d.event(0, time.Time{}, "role_changed", "to", "MASTER")
	d.event(0, time.Time{}, "server_lost", "real_server", "10.10.10.99")
	d.until("lb1 holds the VIP", func() error { return d.holds(0, "eth0", d.VIP, true) })
	if said := d.lvsd[0].Events(time.Time{}, "ipvs_missing"); len(said) != 1 {
		t.Errorf("said %d times that IPVS is missing", len(said))
	}
	restore()
	d.run(0, "umount", "/lib/modules")
	d.run(0, "modprobe", "ip_vs")
	d.event(0, time.Time{}, "ipvs_present")
	d.services(0, "-A -t 192.168.2.11:80 -s rr", "-a -t 192.168.2.11:80 -r 10.10.10.11:80 -m -w 1")
	d.ask(2, d.url())
}
