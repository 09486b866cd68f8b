//go:build vm

package lab

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An operator takes a server out: it serves the request that it has to its end, gets no new one, and leaves the kernel, over a
// restart of lvsd too; one that is given back has connections again. Every second of it somebody is served.
func TestOperatorDrains(t *testing.T) {
	d := newDirectors(t, NAT, "")
	head := "\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n"
	d.write(instance + serviceBlock(head, serverBlock(d.Real[0], 80, 1), serverBlock(d.Real[1], 80, 1)))
	server := d.Real[1].String()
	const service = "192.168.2.11:80"
	shown := func(weight string) []string {
		lines := []string{"-A -t 192.168.2.11:80 -s rr", "-a -t 192.168.2.11:80 -r " + d.Real[0].String() + ":80 -m -w 1"}
		if weight != "" {
			lines = append(lines, "-a -t 192.168.2.11:80 -r "+server+":80 -m -w "+weight)
		}
		return lines
	}
	lvsd := func(args ...string) string { return d.run(0, append([]string{os.Getenv(BinaryVariable)}, args...)...) }
	says := func(text string, args ...string) {
		t.Helper()
		if out := lvsd(args...); !strings.Contains(out, text) {
			t.Errorf("lvsd %s:\n%s\nnot %q", strings.Join(args, " "), out, text)
		}
	}
	d.startBoth()
	d.services(0, shown("1")...)
	load := d.load()
	held := d.slow("web1", "web2")

	begun := time.Now()
	says("gets no new connections", "drain", service, server)
	d.services(0, shown("0")...)
	d.event(0, begun, "server_draining", "real_server", server, "uid", "0")
	if got := d.ask(6, d.url()); got["web2"] != 0 {
		t.Errorf("the server that drains answered: %v", got)
	}
	says("draining for", "status")
	says("No changes", "plan", "-c", d.config)
	if err := d.lvsd[0].Reload(); err != nil {
		t.Fatal(err)
	}
	d.event(0, begun, "reloaded")
	d.services(0, shown("0")...)

	// The process is killed, and started again before the other node takes over.
	d.lvsd[0].Kill()
	d.start(0)
	again := time.Now()
	d.event(0, again.Add(-time.Second), "started")
	d.services(0, shown("0")...)
	says("draining for", "status")
	d.ended(held)
	says("drained", "drain", service, server, "--wait=30s")
	d.services(0, shown("")...)
	says("drained, out for", "status")
	d.none(load.SoFar())

	says("gets connections again, weight 1", "undrain", service, server)
	d.services(0, shown("1")...)
	says("has the weight 5", "weight", service, server, "5")
	d.services(0, shown("5")...)
	says("(1 in the kernel now)", "weight", service, server, "reset")
	d.services(0, shown("1")...)
	if got := d.ask(6, d.url()); got["web2"] == 0 {
		t.Errorf("the server that was given back answered nothing: %v", got)
	}
	d.more(load, 10)
	d.none(load.Stop())
}
