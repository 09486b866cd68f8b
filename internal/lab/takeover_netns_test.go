//go:build netns

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkTakeover cuts the master's power and reads off the wire how long after the protocol's own time (3 adverts and the
// skew after the last advert) the backup announces the VIP. It runs without IPVS too: services stand before a takeover.
func BenchmarkTakeover(b *testing.B) {
	for _, c := range []struct {
		version  int
		interval time.Duration
	}{{2, time.Second}, {3, time.Second}, {3, 100 * time.Millisecond}, {3, 10 * time.Millisecond}} {
		b.Run(fmt.Sprintf("v%d/%s", c.version, c.interval), func(b *testing.B) {
			limit := 3*c.interval + c.interval*(256-100)/256
			var late []time.Duration
			for b.Loop() {
				late = append(late, takeOver(b, c.version, c.interval)-limit)
			}
			slices.Sort(late)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(0, "ns/op") // says nothing here
			b.ReportMetric(ms(late[0]), "ms-late-min")
			b.ReportMetric(ms(late[len(late)/2]), "ms-late-median")
			b.ReportMetric(ms(late[len(late)-1]), "ms-late-max")
		})
	}
}

// takeOver lets one master die and returns the time from its last advert to the other's first announcement.
func takeOver(b *testing.B, version int, interval time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	s, err := NewSeed("takeover", NAT)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	config := filepath.Join(b.TempDir(), "lvsd.hcl")
	err = os.WriteFile(config, fmt.Appendf(nil, `
vrrp_instance "web" {
  interface         = "eth0"
  version           = %d
  advert_int        = %q
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = ["192.168.2.11/24", { address = "10.10.10.9/24", dev = "eth1" }]
}
`, version, interval), 0o644)
	if err != nil {
		b.Fatal(err)
	}
	var lvsd [2]*Daemon
	for i, host := range s.LB {
		if lvsd[i], err = host.Lvsd(config); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := lvsd[1].Event(ctx, time.Time{}, "master_seen", "peer", "192.168.2.1"); err != nil {
		b.Fatal(err)
	}
	wire, err := s.Client.Capture(ctx, "eth0", "ip proto 112 or (arp and src host 192.168.2.11)")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := wire.WaitFor(ctx, time.Time{}, Containing("vrid 51")); err != nil {
		b.Fatal(err)
	}
	cut := time.Now()
	if err := s.LB[0].PowerOff(); err != nil {
		b.Fatal(err)
	}
	if _, err := wire.WaitFor(ctx, cut, Containing("ARP", "192.168.2.11")); err != nil {
		b.Fatal(err)
	}
	var last, at time.Time
	advert := false
	for _, l := range wire.Lines() {
		stamp, begins := CaptureTime(l.Text)
		if begins {
			at, advert = stamp, strings.Contains(l.Text, "VRRP")
		}
		switch {
		case advert && strings.Contains(l.Text, "192.168.2.1 >"):
			last = at
		case begins && strings.Contains(l.Text, "ARP") && at.After(cut):
			return at.Sub(last)
		}
	}
	b.Fatal("no announcement among the captured packets")
	return 0
}
