//go:build vm

package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Reloads under load: 50 new connections a second at least, and none of them fails. Across every step a slow request stands at
// each web server that had a weight before it: begun before the signal, answered to its end when the services are as wanted. A
// file with a mistake changes nothing. The master stays master throughout. Two things are not among the steps: another
// scheduler, because the kernel has none at all while it changes them and refuses what comes meanwhile (ip_vs_edit_service in
// net/netfilter/ipvs/ip_vs_ctl.c), and a server that leaves with connections, because those are lost with it.
func TestReloadUnderLoad(t *testing.T) {
	d := newDirectors(t, NAT, "")
	web := func(weights ...int) []string {
		var servers []string
		for i, w := range weights {
			if w >= 0 {
				servers = append(servers, serverBlock(d.Real[i], 80, w))
			}
		}
		return servers
	}
	shown := func(weights ...int) []string {
		lines := []string{"-A -t 192.168.2.11:80 -s wrr"}
		for i, w := range weights {
			if w >= 0 {
				lines = append(lines, fmt.Sprintf("-a -t 192.168.2.11:80 -r %s:80 -m -w %d", d.Real[i], w))
			}
		}
		return lines
	}
	wrr := "\n  lb_algo = \"wrr\"\n  lb_kind = \"NAT\"\n"
	d.write(instance + serviceBlock(wrr, web(1, 1, -1)...))
	d.startBoth()
	d.services(0, shown(1, 1, -1)...)
	began := time.Now()
	traffic := d.load()
	d.more(traffic, 25)

	second := strings.Replace(instance, `"192.168.2.11/24",`, `"192.168.2.11/24", "192.168.2.12/24",`, 1)
	other := strings.Replace(serviceBlock(wrr, web(1, 1, 1)...), "192.168.2.11", "192.168.2.12", 1)
	otherShown := func() []string {
		var lines []string
		for _, l := range shown(1, 1, 1) {
			lines = append(lines, strings.Replace(l, "192.168.2.11", "192.168.2.12", 1))
		}
		return lines
	}
	three, two := []string{"web1", "web2", "web3"}, []string{"web1", "web3"}
	inUse := []string{"web1", "web2"} // the web servers that have a weight
	for _, step := range []struct {
		name, config string
		services     []string
		inUse        []string // after it
	}{
		{"a server more", instance + serviceBlock(wrr, web(1, 1, 1)...), shown(1, 1, 1), three},
		{"other weights", instance + serviceBlock(wrr, web(3, 1, 2)...), shown(3, 1, 2), three},
		{"nothing new", instance + serviceBlock(wrr, web(3, 1, 2)...), shown(3, 1, 2), three},
		{"another address and its service", second + serviceBlock(wrr, web(1, 1, 1)...) + other, append(shown(1, 1, 1), otherShown()...), three},
		{"the address and the service gone", instance + serviceBlock(wrr, web(1, 1, 1)...), shown(1, 1, 1), three},
		{"a server's weight 0", instance + serviceBlock(wrr, web(1, 0, 1)...), shown(1, 0, 1), two},
		{"the server gone", instance + serviceBlock(wrr, web(1, -1, 1)...), shown(1, -1, 1), two},
		{"the server back, and another interval", strings.Replace(instance, "priority ", "advert_int = \"500ms\"\n  priority ", 1) + serviceBlock(wrr, web(1, 1, 1)...), shown(1, 1, 1), three},
		{"the first interval", instance + serviceBlock(wrr, web(1, 1, 1)...), shown(1, 1, 1), three},
	} {
		held := d.slow(inUse...)
		inUse = step.inUse
		stepped := time.Now()
		d.write(step.config)
		if err := d.lvsd[0].Reload(); err != nil {
			t.Fatal(err)
		}
		if err := d.lvsd[1].Reload(); err != nil {
			t.Fatal(err)
		}
		for i := range d.lvsd {
			d.event(i, stepped, "reloaded")
			d.services(i, step.services...)
		}
		d.ended(held)
		if step.name == "nothing new" {
			for _, name := range []string{"services_set", "address_added", "address_removed", "sysctl_set"} {
				if wrote := d.lvsd[0].Events(stepped, name); wrote != nil {
					t.Errorf("an unchanged file wrote to the kernel: %v", wrote)
				}
			}
		}
		d.more(traffic, 25)
		if failed := traffic.SoFar().Between(stepped, time.Now()).Failed(); len(failed) > 0 {
			t.Errorf("%s: %d requests failed, the first: %v", step.name, len(failed), failed[0].Err)
		}
	}
	d.until("the second address is gone", func() error { return d.holds(0, "eth0", d.VIP.Next(), false) })

	// A mistake: one event with the place, and nothing else.
	for _, mistake := range []string{
		strings.Replace(instance, "virtual_ipaddress", "virtual_ipadress", 1) + serviceBlock(wrr, web(1, 1, 1)...),
		instance + serviceBlock("\n  lb_algo = \"wrrr\"\n", web(1)...),
	} {
		held := d.slow(inUse...)
		refused := time.Now()
		d.write(mistake)
		before := d.run(0, "ipvsadm", "-Sn") + d.run(0, "ip", "-br", "address")
		if err := d.lvsd[0].Reload(); err != nil {
			t.Fatal(err)
		}
		e := d.event(0, refused, "reload_refused")
		d.ended(held)
		if at := fmt.Sprint(e.Fields["error"]); !strings.HasPrefix(at, d.config+":") {
			t.Errorf("the error %q does not begin with its place", at)
		}
		d.more(traffic, 25)
		if after := d.run(0, "ipvsadm", "-Sn") + d.run(0, "ip", "-br", "address"); after != before {
			t.Errorf("a refused file changed\n%s\nto\n%s", before, after)
		}
	}
	report := traffic.Stop()
	d.none(report)
	if rate := report.Rate(); rate < 50 {
		t.Errorf("%.1f new connections a second, not 50", rate)
	}
	if left := d.lvsd[0].Events(began, "role_changed"); left != nil {
		t.Errorf("the master changed its role: %v", left)
	}
	t.Logf("%.1f new connections a second; %s", report.Rate(), report)
}
