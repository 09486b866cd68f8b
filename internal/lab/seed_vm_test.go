//go:build vm

package lab

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The lab itself: with ipvsadm for a director, the client is served by all three web servers in each of the three ways.
func TestForwarding(t *testing.T) {
	for _, way := range []struct {
		name       string
		forwarding Forwarding
		flag       string
	}{{"NAT", NAT, "-m"}, {"DR", DR, "-g"}, {"TUN", TUN, "-i"}} {
		t.Run(way.name, func(t *testing.T) {
			start := time.Now()
			s, err := NewSeed("labvm", way.forwarding)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, web := range s.Web {
				device := map[Forwarding]string{DR: "lo", TUN: "tunl0"}[way.forwarding]
				if device == "" {
					continue
				}
				if err := web.HoldVIP(device, s.VIP); err != nil {
					t.Fatal(err)
				}
			}
			built := time.Now()
			director := s.LB[0]
			if err := director.AddAddress("eth0", netip.PrefixFrom(s.VIP, 32)); err != nil {
				t.Fatal(err)
			}
			if err := director.AddAddress("eth1", netip.PrefixFrom(s.VGate, 32)); err != nil {
				t.Fatal(err)
			}
			if err := director.Sysctl("net.ipv4.ip_forward", "1"); err != nil {
				t.Fatal(err)
			}
			rules := []string{fmt.Sprintf("-A -t %s:80 -s rr", s.VIP)}
			for _, real := range s.Real {
				rules = append(rules, fmt.Sprintf("-a -t %s:80 -r %s:80 %s", s.VIP, real, way.flag))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if _, err := director.Run(ctx, "sh", "-ec", "printf '%s\n' \"$@\" | ipvsadm -R", "sh", rules[0], rules[1], rules[2], rules[3]); err != nil {
				t.Fatal(err)
			}
			programmed := time.Now()

			client := s.Client.HTTPClient(5 * time.Second)
			url := fmt.Sprintf("http://%s/", s.VIP)
			answered := map[string]int{}
			for range 6 {
				r := Ask(client, url)
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				answered[r.By]++
			}
			for _, web := range s.Web {
				if answered[web.Name] != 2 {
					t.Errorf("round robin gave %v", answered)
					break
				}
			}
			asked := time.Now()
			resp, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if from := resp.Header.Get("Seen-From"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(from, clientAddr.Addr().String()+":") {
				t.Errorf("the web server saw %s as its client, not %s", from, clientAddr.Addr())
			}
			traffic := Load{From: s.Client, URL: url, Rate: 50, Timeout: 5 * time.Second}.Start()
			for deadline := time.Now().Add(30 * time.Second); len(traffic.SoFar().Requests) < 100; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("100 requests did not end within 30 s: %s", traffic.SoFar())
				}
			}
			loaded := time.Since(asked)
			report := traffic.Stop()
			if failed := report.Failed(); len(failed) > 0 {
				t.Errorf("%d requests failed, the first: %v", len(failed), failed[0].Err)
			}
			t.Logf("built in %s, programmed in %s, 6 requests in %s, 100 requests in %s: %s", built.Sub(start), programmed.Sub(built), asked.Sub(programmed), loaded, report)
		})
	}
}
