//go:build netns

package netif

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestNetnsWatchLinks(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	segment(t, "eth0")
	ctx, cancel := context.WithCancel(context.Background())
	tables, ended := make(chan map[string]Link, 1000), make(chan error, 1)
	go func() { ended <- WatchLinks(ctx, func(l map[string]Link) { tables <- l }) }()
	sees := func(what string, fits func(l Link, there bool) bool) {
		t.Helper()
		for deadline := time.After(patience); ; {
			select {
			case table := <-tables:
				if l, there := table["eth0"]; fits(l, there) {
					return
				}
			case <-deadline:
				t.Fatalf("never seen: %s", what)
			}
		}
	}

	sees("it is there", func(l Link, there bool) bool { return there && l.Up && l.Index > 0 })
	ip(t, "link set eth0 down")
	sees("it is down", func(l Link, there bool) bool { return there && !l.Up })
	ip(t, "link set eth0 up")
	sees("it is up", func(l Link, _ bool) bool { return l.Up })
	ip(t, "link set peer-eth0 down")
	sees("it has no carrier", func(l Link, there bool) bool { return there && !l.Up })
	ip(t, "link set peer-eth0 up")
	sees("it has a carrier", func(l Link, _ bool) bool { return l.Up })
	for _, a := range []string{"192.0.2.1/24", "192.0.2.2/24", "198.51.100.1/24"} {
		ip(t, "addr add "+a+" dev eth0")
	}
	addrs := func(s ...string) func(Link, bool) bool {
		var want []netip.Addr
		for _, a := range s {
			want = append(want, netip.MustParseAddr(a))
		}
		return func(l Link, _ bool) bool {
			seen := slices.DeleteFunc(slices.Clone(l.Addrs), netip.Addr.IsLinkLocalUnicast) // comes when it comes
			return slices.Equal(seen, want)
		}
	}
	sees("its addresses, the secondary one last", addrs("192.0.2.1", "198.51.100.1", "192.0.2.2"))
	ip(t, "addr del 192.0.2.2/24 dev eth0")
	sees("one address less", addrs("192.0.2.1", "198.51.100.1"))
	ip(t, "addr add 2001:db8::1/64 dev eth0 nodad")
	sees("an IPv6 address", addrs("192.0.2.1", "198.51.100.1", "2001:db8::1"))
	ip(t, "addr add 2001:db8::2/64 dev eth0") // counts when it is known that nobody else has it
	sees("another one", addrs("192.0.2.1", "198.51.100.1", "2001:db8::2", "2001:db8::1"))
	ip(t, "addr del 2001:db8::1/64 dev eth0")
	sees("an IPv6 address less", addrs("192.0.2.1", "198.51.100.1", "2001:db8::2"))
	ip(t, "addr del 2001:db8::2/64 dev eth0")
	ip(t, "link del eth0")
	sees("it is gone", func(_ Link, there bool) bool { return !there })
	segment(t, "eth0")
	sees("it is back", func(l Link, _ bool) bool { return l.Up })

	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

// TestNetnsMonitorOverrun: notifications that nobody reads in time are a change like any other.
func TestNetnsMonitorOverrun(t *testing.T) {
	segment(t, "eth0")
	open := func() monitor {
		m, err := openMonitor(unix.RTMGRP_IPV4_IFADDR)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.close() })
		return m
	}
	m, twin := open(), open()
	if changed, err := m.drain(anything); changed || err != nil {
		t.Errorf("a new monitor: %v, %v", changed, err)
	}
	k := new(hostKernel)
	if err := k.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if _, err := k.Dump(); err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		if err := k.Add(Lease{Address: vip}); err != nil {
			t.Fatal(err)
		}
		if err := k.Delete(vip); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := unix.Read(int(twin), make([]byte, 1)); !errors.Is(err, unix.ENOBUFS) {
		t.Fatalf("no overrun: %v", err)
	}
	if changed, err := m.drain(anything); !changed || err != nil {
		t.Errorf("an overrun: %v, %v", changed, err)
	}
	if changed, err := m.drain(anything); changed || err != nil {
		t.Errorf("an empty monitor: %v, %v", changed, err)
	}
}
