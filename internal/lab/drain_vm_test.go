//go:build vm

package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A server that a reload removes serves the requests that it has to their end, gets no new one, and
// goes when it has none; one that does not end in time goes all the same.
func TestDrain(t *testing.T) {
	d := newDirectors(t, NAT, "")
	config := func(timeout string, servers ...int) string {
		var blocks []string
		for _, i := range servers {
			blocks = append(blocks, serverBlock(d.Real[i], 80, 1))
		}
		head := fmt.Sprintf("\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n  drain_timeout = %q\n", timeout)
		return instance + serviceBlock(head, blocks...)
	}
	shown := func(weights ...int) []string {
		lines := []string{"-A -t 192.168.2.11:80 -s rr"}
		for i, w := range weights {
			if w >= 0 {
				lines = append(lines, fmt.Sprintf("-a -t 192.168.2.11:80 -r %s:80 -m -w %d", d.Real[i], w))
			}
		}
		return lines
	}
	reload := func(config string) time.Time {
		at := time.Now()
		d.write(config)
		if err := d.lvsd[0].Reload(); err != nil {
			t.Fatal(err)
		}
		d.event(0, at, "reloaded")
		return at
	}
	d.write(config("1m", 0, 1, 2))
	d.startBoth()
	d.services(0, shown(1, 1, 1)...)

	held := d.slow("web1", "web2", "web3")
	at := reload(config("1m", 0, 2))
	d.event(0, at, "server_draining", "real_server", d.Real[1].String()+":80")
	d.services(0, shown(1, 0, 1)...)
	if got := d.ask(6, d.url()); got["web2"] != 0 {
		t.Errorf("the server that drains answered: %v", got)
	}
	if status := d.run(0, "cat", "/proc/net/ip_vs"); !strings.Contains(status, "Masq    0      1") {
		t.Errorf("the server that drains has not its one connection:\n%s", status)
	}
	d.ended(held)
	d.event(0, at, "server_drained", "real_server", d.Real[1].String()+":80")
	d.services(0, shown(1, -1, 1)...)

	held = d.slow("web3")
	at = reload(config("3s", 0))
	d.event(0, at, "server_draining", "real_server", d.Real[2].String()+":80")
	gone := d.event(0, at, "server_drained", "real_server", d.Real[2].String()+":80")
	if late := gone.At.Sub(at); late < 3*time.Second {
		t.Errorf("it went %s after the reload, with a connection", late)
	}
	d.services(0, shown(1)...)
	reload(config("3s", 0, 2)) // the kernel remembers what it had
	d.services(0, shown(1, -1, 1)...)
	d.ended(held)
}
