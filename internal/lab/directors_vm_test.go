//go:build vm

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// directors are the seed's network with lvsd on both directors, or on those that the test starts.
type directors struct {
	*Seed
	*testing.T
	ctx    context.Context
	config string // the path of the configuration
	lvsd   [2]*Daemon
}

// newDirectors builds the network and writes the configuration; no daemon runs yet.
func newDirectors(t *testing.T, f Forwarding, config string) *directors {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	s, err := NewSeed("e2e", f)
	if err != nil {
		t.Fatal(err)
	}
	d := &directors{Seed: s, T: t, ctx: ctx, config: filepath.Join(t.TempDir(), "lvsd.hcl")}
	t.Cleanup(func() {
		if t.Failed() {
			for _, l := range d.lvsd {
				if l != nil {
					t.Logf("%s said:\n%s", l, l.tail())
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d.write(config)
	return d
}

// write replaces the configuration.
func (d *directors) write(config string) {
	d.Helper()
	if err := os.WriteFile(d.config, []byte(config), 0o644); err != nil {
		d.Fatal(err)
	}
}

// start starts lvsd on a director.
func (d *directors) start(i int) {
	d.Helper()
	var err error
	if d.lvsd[i], err = d.LB[i].Lvsd(d.config); err != nil {
		d.Fatal(err)
	}
}

// startBoth starts both and waits until lb1 serves as master and lb2 stands by.
func (d *directors) startBoth() {
	d.Helper()
	for i := range d.lvsd {
		d.start(i)
	}
	for i := range d.lvsd {
		d.event(i, time.Time{}, "services_set")
	}
	d.event(0, time.Time{}, "role_changed", "to", "MASTER")
	d.event(1, time.Time{}, "master_seen")
	d.until("lb1 holds the VIP", func() error { return d.holds(0, "eth0", d.VIP, true) })
}

// takeOver has lb1 die, and waits until lb2 serves.
func (d *directors) takeOver() {
	d.Helper()
	if err := d.LB[0].PowerOff(); err != nil {
		d.Fatal(err)
	}
	d.event(1, time.Time{}, "role_changed", "to", "MASTER")
	d.until("lb2 holds the VIP", func() error { return d.holds(1, "eth0", d.VIP, true) })
}

// event waits for an event of a director.
func (d *directors) event(i int, since time.Time, name string, fields ...string) Event {
	d.Helper()
	e, err := d.lvsd[i].Event(d.ctx, since, name, fields...)
	if err != nil {
		d.Fatal(err)
	}
	return e
}

func (d *directors) until(what string, condition func() error) {
	d.Helper()
	if err := Until(d.ctx, condition); err != nil {
		d.Fatalf("%s: %v", what, err)
	}
}

// holds tells whether a director has an address, or has not.
func (d *directors) holds(i int, ifname string, addr netip.Addr, want bool) error {
	list, err := d.LB[i].Addresses(ifname)
	if err != nil {
		return err
	}
	if has := slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Addr() == addr }); has != want {
		return fmt.Errorf("%s %s has %v", d.LB[i].Name, ifname, list)
	}
	return nil
}

// run runs a program on a director and returns what it printed.
func (d *directors) run(i int, args ...string) string {
	d.Helper()
	out, err := d.LB[i].Run(d.ctx, args...)
	if err != nil {
		d.Fatal(err)
	}
	return out
}

// services waits until a director's kernel has the services as ipvsadm shows them, a line each in any order.
func (d *directors) services(i int, lines ...string) {
	d.Helper()
	slices.Sort(lines)
	d.until("services of "+d.LB[i].Name, func() error {
		out, err := d.LB[i].Run(d.ctx, "ipvsadm", "-Sn")
		if err != nil {
			return err
		}
		got := strings.Split(strings.TrimSpace(out), "\n")
		slices.Sort(got)
		if !slices.Equal(got, lines) {
			return fmt.Errorf("ipvsadm shows\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
		return nil
	})
}

// ask makes requests one after the other and returns how many each web server answered.
func (d *directors) ask(n int, url string) map[string]int {
	d.Helper()
	client := d.Client.HTTPClient(10 * time.Second)
	by := map[string]int{}
	for range n {
		r := Ask(client, url)
		if r.Err != nil {
			d.Fatal(r.Err)
		}
		by[r.By]++
	}
	return by
}

// url is that of the VIP.
func (d *directors) url() string { return fmt.Sprintf("http://%s/", netip.AddrPortFrom(d.VIP, 80)) }

// load asks 60 times a second, over a new connection each.
func (d *directors) load() *Traffic {
	t := Load{From: d.Client, URL: d.url(), Rate: 60, Timeout: 10 * time.Second}.Start()
	d.Cleanup(func() { t.Stop() })
	return t
}

// more waits until n further requests of a load have been begun and have ended.
func (d *directors) more(t *Traffic, n int) {
	d.Helper()
	begun := time.Now()
	d.until(fmt.Sprint(n, " more requests"), func() error {
		if ended := len(t.SoFar().Between(begun, time.Now()).Requests); ended < n {
			return fmt.Errorf("%d of %d ended", ended, n)
		}
		return nil
	})
}

// slow begins requests for the slow page until each of the web servers holds one; ended ends them.
func (d *directors) slow(servers ...string) []*Slow {
	d.Helper()
	client := d.Client.HTTPClient(30 * time.Second)
	var held []*Slow
	d.until(fmt.Sprint("slow requests at ", servers), func() error {
		s, err := AskSlow(client, fmt.Sprintf("http://%s%s", d.VIP, SlowPath))
		if err != nil {
			d.Fatalf("slow request: %v", err)
		}
		held = append(held, s)
		for _, name := range servers {
			if !slices.ContainsFunc(held, func(s *Slow) bool { return s.By == name }) {
				return fmt.Errorf("%s holds none of %d", name, len(held))
			}
		}
		return nil
	})
	return held
}

// ended fails the test if one of the slow requests is not answered to its end.
func (d *directors) ended(held []*Slow) {
	d.Helper()
	for _, s := range held {
		if err := s.End(); err != nil {
			d.Errorf("a slow request: %v", err)
		}
	}
}

// none fails the test if a request of the report failed.
func (d *directors) none(r Report) {
	d.Helper()
	if failed := r.Failed(); len(failed) > 0 {
		d.Errorf("%d requests failed, the first at %s: %v\n%s", len(failed), failed[0].Start.Format(time.RFC3339Nano), failed[0].Err, r)
	}
}

// instance is the pair's VRRP instance, as a configuration in HCL.
const instance = `
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = [
    "192.168.2.11/24",
    { address = "10.10.10.9/24", dev = "eth1" },
  ]
}
`

// serverBlock is a real server with a web check.
func serverBlock(address netip.Addr, port, weight int) string {
	return fmt.Sprintf(`
  real_server %q "%d" {
    weight = %d
    HTTP_GET {
      url "/" { status_code = 200 }
      connect_timeout = "2s"
    }
  }`, address, port, weight)
}

// serviceBlock is a virtual server on port 80 of the VIP; head are its own words.
func serviceBlock(head string, servers ...string) string {
	return "\nvirtual_server \"192.168.2.11\" \"80\" {\n  delay_loop = \"2s\"\n" + head + strings.Join(servers, "") + "\n}\n"
}
