package netif

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Link is the state of one interface.
type Link struct {
	Index int
	// Up says that it can carry packets: administratively up, with a carrier, and not kept from
	// operation by what it depends on (IFF_UP, IFF_LOWER_UP and IFF_RUNNING of netdevice(7)).
	Up bool
	// Addrs are the addresses on it that can be used: secondary ones of IPv4 and temporary ones of
	// IPv6 after the others, and none of IPv6 that somebody else may have.
	Addrs []netip.Addr
}

func (l Link) equal(o Link) bool {
	return l.Index == o.Index && l.Up == o.Up && slices.Equal(l.Addrs, o.Addrs)
}

// WatchLinks calls report with all interfaces by name, at once and whenever one of them has
// changed; changes that come together are one call. The callee may keep the table, not change it.
// Where the kernel's tables cannot be read, they are read again soon. WatchLinks returns nil when
// ctx ends, and an error only if the kernel cannot be watched, or not be read for 5 s: who does not
// see his links go down must not stay master. report is called on its goroutine and never after it
// has returned.
func WatchLinks(ctx context.Context, report func(map[string]Link)) (err error) {
	requests, err := openRequests()
	if err != nil {
		return err
	}
	defer requests.Close()
	m, err := openMonitor(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("create an eventfd: %w", err)
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		// It cannot fail: the eventfd is open and its counter zero.
		_, _ = unix.Write(end, binary.NativeEndian.AppendUint64(nil, 1))
	})
	defer func() {
		if !stop() {
			<-ended // so that nothing is written to a descriptor that is somebody else's by then
		}
		err = errors.Join(err, unix.Close(end))
	}()

	w := watch{monitor: m, end: end, patience: watchPatience, report: report,
		read: func() (map[string]Link, error) { return readLinks(requests) }}
	return w.run(ctx)
}

// How long tables that cannot be read are waited for: until they are read again, and in all.
const (
	watchRetry    = 100 * time.Millisecond
	watchPatience = 5 * time.Second
)

// watch is WatchLinks at work.
type watch struct {
	monitor  monitor
	end      int // readable when ctx has ended
	patience time.Duration
	read     func() (map[string]Link, error)
	report   func(map[string]Link)
}

func (w *watch) run(ctx context.Context) error {
	var last map[string]Link
	known := func(n notice) bool { // its lifetime is another, which is nothing to report
		index, ip, ok := n.renewed()
		for _, l := range last {
			if ok && l.Index == index {
				return slices.Contains(l.Addrs, ip)
			}
		}
		return false
	}
	var blind time.Time // since when nothing could be read; zero while it can
	stale := true
	for ctx.Err() == nil {
		var next time.Time
		links, err := last, error(nil)
		if stale {
			links, err = w.read()
		}
		now := time.Now()
		switch {
		case err == nil:
			blind = time.Time{}
			if last == nil || !maps.EqualFunc(last, links, Link.equal) {
				last = links
				w.report(links)
			}
		case blind.IsZero():
			blind, next = now, now.Add(watchRetry)
		case now.Sub(blind) < w.patience:
			next = now.Add(watchRetry)
		default:
			return fmt.Errorf("watch links, blind for %v: %w", now.Sub(blind).Round(time.Second), err)
		}
		fds := []unix.PollFd{{Fd: int32(w.end), Events: unix.POLLIN}, {Fd: int32(w.monitor), Events: unix.POLLIN}}
		if err := poll(fds, next); err != nil {
			return err
		}
		changed, err := w.monitor.drain(func(n notice) bool { return !known(n) })
		if err != nil {
			return err
		}
		stale = changed || !blind.IsZero()
	}
	return nil
}

func readLinks(h *netlink.Handle) (map[string]Link, error) {
	links, addresses, err := dumpTables(h, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(addresses, func(a, b netlink.Addr) int {
		return a.Flags&unix.IFA_F_SECONDARY - b.Flags&unix.IFA_F_SECONDARY
	})
	of := make(map[int][]netip.Addr)
	for _, a := range addresses {
		// Duplicate address detection, running or failed; IPv4 knows none.
		undecided := a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0
		if ip, ok := netip.AddrFromSlice(a.IP); ok && !undecided {
			of[a.LinkIndex] = append(of[a.LinkIndex], ip.Unmap())
		}
	}
	const operating = unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING
	table := make(map[string]Link, len(links))
	for _, l := range links {
		at := l.Attrs()
		table[at.Name] = Link{
			Index: at.Index, Up: at.RawFlags&operating == operating, Addrs: of[at.Index],
		}
	}
	return table, nil
}
