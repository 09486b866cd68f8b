//go:build vm

package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// A virtual address is never there without its service: at a start, when a reload adds both and when one
// removes both, and at a stop. It is looked at without a pause.
func TestAnAddressIsNeverWithoutItsService(t *testing.T) {
	d := newDirectors(t, NAT, "")
	service := serviceBlock("\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n", fmt.Sprintf("\n  real_server %q \"80\" {}", d.Real[0]))
	one := instance + service
	two := strings.Replace(instance, `"192.168.2.11/24",`, `"192.168.2.11/24", "192.168.2.12/24",`, 1) + service + strings.Replace(service, "192.168.2.11", "192.168.2.12", 1)
	d.write(one)

	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		looks := 0
		for {
			select {
			case <-stop:
				t.Logf("looked %d times", looks)
				ended <- nil
				return
			default:
			}
			looks++
			for _, vip := range []netip.Addr{d.VIP, d.VIP.Next()} {
				if err := d.standing(vip); err != nil {
					ended <- err
					return
				}
			}
		}
	}()
	d.start(0)
	d.until("lb1 holds the VIP", func() error { return d.holds(0, "eth0", d.VIP, true) })
	for _, step := range []struct {
		config string
		second bool
	}{{two, true}, {one, false}, {two, true}} {
		d.write(step.config)
		if err := d.lvsd[0].Reload(); err != nil {
			t.Fatal(err)
		}
		d.until(fmt.Sprint("second address: ", step.second), func() error { return d.holds(0, "eth0", d.VIP.Next(), step.second) })
		d.until(fmt.Sprint("second service: ", step.second), func() error {
			there, err := d.hasService(d.VIP.Next())
			if err == nil && there != step.second {
				err = fmt.Errorf("there is one: %v", there)
			}
			return err
		})
	}
	began := time.Now()
	if err := d.lvsd[0].Stop(d.ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after %s", time.Since(began).Round(time.Millisecond))
	if err := d.holds(0, "eth0", d.VIP, false); err != nil {
		t.Error(err)
	}
	if there, err := d.hasService(d.VIP); err != nil || there {
		t.Errorf("after the stop there is a service: %v, %v", there, err)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// standing says whether an address of lb1 was there before and after its service was found missing.
func (d *directors) standing(vip netip.Addr) error {
	if d.holds(0, "eth0", vip, true) != nil {
		return nil
	}
	if there, err := d.hasService(vip); there || err != nil {
		return err
	}
	if d.holds(0, "eth0", vip, true) == nil {
		return fmt.Errorf("at %s %s was there without its service", time.Now().Format(time.RFC3339Nano), vip)
	}
	return nil
}

// hasService tells whether lb1's kernel has the service of an address, on port 80.
func (d *directors) hasService(vip netip.Addr) (bool, error) {
	var text []byte
	err := d.LB[0].Do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/ip_vs")
		return err
	})
	b := vip.As4()
	return strings.Contains(string(text), fmt.Sprintf("TCP  %02X%02X%02X%02X:0050 ", b[0], b[1], b[2], b[3])), err
}
