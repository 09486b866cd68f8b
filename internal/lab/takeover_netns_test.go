//go:build netns

package lab

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func daemons() []string { return []string{"lvsd", "keepalived"} }

// rates are the versions and intervals that are measured.
func rates() []struct {
	version  int
	interval time.Duration
} {
	return []struct {
		version  int
		interval time.Duration
	}{{2, time.Second}, {3, 100 * time.Millisecond}, {3, 10 * time.Millisecond}}
}

// pairConf is the README's VIP and V-gate in keepalived's language, for both nodes and both daemons.
func pairConf(version int, interval time.Duration) string {
	return fmt.Sprintf(`vrrp_instance web {
    state BACKUP
    nopreempt
    interface eth0
    version %d
    advert_int %g
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        192.168.2.11/24
        10.10.10.9/24 dev eth1
    }
}
`, version, interval.Seconds())
}

// BenchmarkTakeover reads off the wire how long after the protocol's own time (3 adverts and the skew after the last advert; the
// skew alone after one with priority 0) the backup announces the VIP, for lvsd and for Debian's keepalived. It runs without
// IPVS too: services stand before a takeover.
func BenchmarkTakeover(b *testing.B) {
	for _, r := range rates() {
		for _, e := range ends() {
			for _, daemon := range daemons() {
				b.Run(fmt.Sprintf("v%d-%s/%s/%s", r.version, r.interval, e.name, daemon), func(b *testing.B) {
					c := newContest(b, daemon, pairConf(r.version, r.interval))
					var late []time.Duration
					for b.Loop() {
						late = append(late, c.takeover(e, r.version, r.interval, c.VIP.String())...)
					}
					report(b, late)
				})
			}
		}
	}
}

// report gives the least, the median and the most of some delays.
func report(b *testing.B, late []time.Duration) {
	slices.Sort(late)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(ms(late[0]), "ms-late-min")
	b.ReportMetric(ms(late[len(late)/2]), "ms-late-median")
	b.ReportMetric(ms(late[len(late)-1]), "ms-late-max")
}

// BenchmarkTakeoverOfMany lets the master of 200 instances die and reports when the first and when the last of their addresses
// was announced, after the protocol's time for the first.
func BenchmarkTakeoverOfMany(b *testing.B) {
	const instances = 200
	var conf strings.Builder
	var addresses []string
	for i := range instances {
		a := fmt.Sprintf("192.168.2.%d", 50+i)
		if i >= 200-50 {
			a = fmt.Sprintf("10.10.10.%d", 50+i)
		}
		addresses = append(addresses, a)
		fmt.Fprintf(&conf, "vrrp_instance i%d {\n    state BACKUP\n    nopreempt\n    interface eth0\n    virtual_router_id %d\n    priority 100\n"+
			"    advert_int 1\n    virtual_ipaddress {\n        %s/24\n    }\n}\n", i, i+1, a)
	}
	for _, daemon := range daemons() {
		b.Run(daemon, func(b *testing.B) {
			c := newContest(b, daemon, conf.String())
			var first, all []time.Duration
			for b.Loop() {
				late := c.takeover(ends()[0], 2, time.Second, addresses...)
				first, all = append(first, late[0]), append(all, late[len(late)-1])
			}
			report(b, all)
			slices.Sort(first)
			b.ReportMetric(float64(first[len(first)/2].Microseconds())/1000, "ms-late-first")
		})
	}
}

// BenchmarkReloads sends the master so many signals to reload, at adverts of 10 ms, and counts the takeovers that follow.
func BenchmarkReloads(b *testing.B) {
	const reloads = 100
	conf := strings.NewReplacer("    nopreempt\n", "", "    priority 100\n", "    @lb1 priority 150\n    @^lb1 priority 100\n").
		Replace(pairConf(3, 10*time.Millisecond))
	for _, daemon := range daemons() {
		b.Run(daemon, func(b *testing.B) {
			c := newContest(b, daemon, conf)
			takeovers := 0
			for b.Loop() {
				began := time.Now()
				for range reloads {
					if err := c.node[0].Signal(syscall.SIGHUP); err != nil {
						b.Fatal(err)
					}
					c.adverts(time.Now(), 0, 10)
				}
				for _, l := range c.node[1].Lines() {
					if l.At.After(began) && isMaster(l.Text) {
						takeovers++
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(takeovers)/float64(b.N), "false-takeovers")
		})
	}
}

// BenchmarkAdverts reads off the wire how late the adverts of a master are that has 10,000 servers to check each second, from
// one to the next.
func BenchmarkAdverts(b *testing.B) {
	const interval, most = 100 * time.Millisecond, 100
	for _, checks := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("%d-checks", checks), func(b *testing.B) {
			conf := pairConf(3, interval)
			if checks > 0 {
				conf += fmt.Sprintf("virtual_server 192.168.2.11 80 {\nprotocol TCP\ndelay_loop 1\n~SEQ(A, 1, %d) ~SEQ(B, 1, 100) real_server 127.1.${A}.${B} 8080 { TCP_CHECK { connect_timeout 1 } }\n}\n",
					checks/100)
			}
			c := newMaster(b, "lvsd", conf)
			if _, err := c.LB[0].Serve(":8080"); err != nil {
				b.Fatal(err)
			}
			var late []time.Duration
			for b.Loop() {
				began := time.Now()
				c.adverts(began, 0, most)
				var last time.Time
				for _, f := range c.frames(began) {
					if !f.advertOf(0) {
						continue
					}
					if !last.IsZero() {
						late = append(late, f.at.Sub(last)-interval)
					}
					last = f.at
				}
			}
			report(b, late)
			b.ReportMetric(float64(late[len(late)*999/1000].Microseconds())/1000, "ms-late-p99.9")
		})
	}
}
