//go:build netns

package netif

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel takes off what is not renewed: after two seconds, and before a third is over, which is
// when another node takes over at the earliest.
func TestNetnsLeaseEnds(t *testing.T) {
	segment(t, "eth0")
	ip(t, "addr add 192.0.2.2/24 dev eth0")
	six := addr("2001:db8::11/64", "eth0")
	r := startApplier(t, Options{})
	r.Want(1, Want{Instances: map[string]Instance{"web": {Addresses: []Address{vip, six}}}})
	var last time.Time
	for range 3 {
		last = time.Now()
		r.vouch("web", 3*time.Second)
		r.settled()
		ends := last.Add(time.Second)
		eventually(t, "the next advert", func() bool { return time.Now().After(ends) })
		shows(t, "eth0", "192.0.2.11/24", "2001:db8::11/64")
	}
	last = time.Now()
	r.vouch("web", 3*time.Second)
	r.settled()
	r.stop() // as after kill -9
	shows(t, "eth0", "192.0.2.2/24", "not", "192.0.2.11/24", "2001:db8::11/64")
	if gone := time.Since(last); gone < 1900*time.Millisecond || gone > 3*time.Second {
		t.Errorf("gone after %v", gone)
	} else {
		t.Logf("gone after %v", gone)
	}
}

// A renewal is no news: neither the applier reads the tables again for it, nor who watches the links.
func TestNetnsRenewalsAreNoNews(t *testing.T) {
	segment(t, "eth0")
	var k hostKernel
	if err := k.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if _, err := k.Dump(); err != nil {
		t.Fatal(err)
	}
	six := addr("2001:db8::11/64", "eth0")
	leases := []Lease{{Address: vip, Valid: 5 * time.Second}, {Address: six, Valid: 5 * time.Second, Deprecated: true}}
	for _, l := range leases {
		if err := k.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "that the kernel is quiet", func() bool {
		changed, err := k.Drain()
		return !changed && err == nil
	})
	for range 3 {
		for i, err := range k.Renew(leases) {
			if err != nil {
				t.Fatal(leases[i], err)
			}
		}
		if changed, err := k.Drain(); changed || err != nil {
			t.Fatal("a renewal is taken for news", err)
		}
	}
	shown := ip(t, "addr show dev eth0")
	for _, want := range []string{`192\.0\.2\.11/24 scope global dynamic eth0\s+valid_lft [45]sec preferred_lft [45]sec`,
		`2001:db8::11/64 scope global nodad deprecated dynamic\s+valid_lft [45]sec preferred_lft 0sec`} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("%s\ndoes not show %s", strings.TrimSpace(shown), want)
		}
	}
	ip(t, "addr del 192.0.2.11/24 dev eth0")
	if changed, err := k.Drain(); !changed || err != nil {
		t.Fatal("a deletion is no news", err)
	}
}

func TestNetnsWatchReadsNothingForRenewals(t *testing.T) {
	segment(t, "eth0")
	var k hostKernel
	if err := k.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if _, err := k.Dump(); err != nil {
		t.Fatal(err)
	}
	lease := Lease{Address: vip, Valid: time.Minute}
	if err := k.Add(lease); err != nil {
		t.Fatal(err)
	}
	m, err := openMonitor(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.close() }()
	requests, err := openRequests()
	if err != nil {
		t.Fatal(err)
	}
	defer requests.Close()
	ctx, cancel := context.WithCancel(t.Context())
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(end) }()
	var reads atomic.Int32
	gone := make(chan struct{}, 1)
	w := watch{monitor: m, end: end, patience: time.Second,
		read: func() (map[string]Link, error) {
			reads.Add(1)
			return readLinks(requests)
		},
		report: func(links map[string]Link) {
			if !slices.Contains(links["eth0"].Addrs, vip.Prefix.Addr()) {
				gone <- struct{}{}
			}
		}}
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx) }()
	eventually(t, "the first read", func() bool { return reads.Load() > 0 })
	before := reads.Load()
	for range 100 {
		if err := k.Renew([]Lease{lease})[0]; err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Delete(vip); err != nil { // it comes behind the renewals
		t.Fatal(err)
	}
	<-gone
	if n := reads.Load() - before; n > 3 {
		t.Errorf("%d reads for 100 renewals and a deletion", n)
	}
	cancel()
	_, _ = unix.Write(end, binary.NativeEndian.AppendUint64(nil, 1))
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// BenchmarkNetnsRenewal renews the leases of so many addresses in one pass, as a master does with an
// advert.
func BenchmarkNetnsRenewal(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("%d addresses", n), func(b *testing.B) {
			segment(b, "eth0")
			var k hostKernel
			if err := k.Open(); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = k.Close() }()
			if _, err := k.Dump(); err != nil {
				b.Fatal(err)
			}
			var leases []Lease
			for i := range n {
				ip := netip.AddrFrom4([4]byte{198, 51, byte(i / 250), byte(1 + i%250)})
				l := Lease{Address: Address{Prefix: netip.PrefixFrom(ip, 32), Dev: "eth0"}, Valid: time.Minute}
				if err := k.Add(l); err != nil {
					b.Fatal(err)
				}
				leases = append(leases, l)
			}
			for b.Loop() {
				if err := errors.Join(k.Renew(leases)...); err != nil {
					b.Fatal(err)
				}
				if _, err := k.Drain(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
