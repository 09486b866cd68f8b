package netif

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hostKernel is the kernel of the network namespace that the calling thread was in at Open.
type hostKernel struct {
	requests *netlink.Handle
	monitor  monitor
	links    map[string]link
	routing  *routingSocket  // nil until it is needed
	renewals map[renewal]int // notifications of our own that are to come
	origins  map[uint8]bool  // of the routes and rules that matter
}

// link is an interface with the socket that announces on it.
type link struct {
	index  int
	arp    bool             // Ethernet and not IFF_NOARP
	mac    net.HardwareAddr // the sender of announcements
	sender *sender          // nil until it is needed
}

// requestTimeout bounds a netlink exchange. The kernel answers rtnetlink requests before sendmsg
// returns, so that it only ends what would otherwise never end.
const requestTimeout = 2 * time.Second

func (k *hostKernel) Open() error {
	requests, err := openRequests()
	if err != nil {
		return err
	}
	watch, err := openMonitor(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
		unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE | unix.RTMGRP_IPV4_RULE | 1<<(unix.RTNLGRP_IPV6_RULE-1))
	if err != nil {
		requests.Close()
		return err
	}
	k.requests, k.monitor, k.links, k.renewals = requests, watch, make(map[string]link), make(map[renewal]int)
	return nil
}

func openRequests() (*netlink.Handle, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open an rtnetlink socket: %w", err)
	}
	if err := h.SetSocketTimeout(requestTimeout); err != nil {
		h.Close()
		return nil, fmt.Errorf("set the timeout of an rtnetlink socket: %w", err)
	}
	return h, nil
}

func (k *hostKernel) Close() error {
	k.requests.Close()
	k.routing.close()
	err := k.monitor.close()
	for _, l := range k.links {
		err = errors.Join(err, l.sender.close())
	}
	return err
}

func (k *hostKernel) Changed() int { return int(k.monitor) }

func (k *hostKernel) Drain() (bool, error) { return k.monitor.drain(k.matters) }

func (k *hostKernel) Dump() (Table, error) {
	links, addresses, err := dumpTables(k.requests, netlink.FAMILY_ALL)
	if err != nil {
		return Table{}, err
	}
	t := Table{
		Links: make(map[string]int, len(links)), Up: make(map[string]bool, len(links)),
		Addresses: make(map[Address]struct{}, len(addresses)),
	}
	names := make(map[int]string, len(links))
	now := make(map[string]link, len(links))
	for _, l := range links {
		at := l.Attrs()
		names[at.Index], t.Links[at.Name] = at.Name, at.Index
		t.Up[at.Name] = at.RawFlags&(unix.IFF_UP|unix.IFF_LOWER_UP) == unix.IFF_UP|unix.IFF_LOWER_UP
		next := link{
			index: at.Index, mac: at.HardwareAddr,
			arp: at.EncapType == "ether" && at.RawFlags&unix.IFF_NOARP == 0 && len(at.HardwareAddr) == 6,
		}
		if was, ok := k.links[at.Name]; ok && was.index == next.index && bytes.Equal(was.mac, next.mac) {
			next.sender = was.sender
		}
		now[at.Name] = next
	}
	for name, was := range k.links {
		if was.sender != nil && now[name].sender != was.sender {
			_ = was.sender.close() // its interface is gone; nothing is lost
		}
	}
	k.links = now
	for _, a := range addresses {
		name, ok := names[a.LinkIndex]
		if address, valid := read(name, a); ok && valid {
			t.Addresses[address] = struct{}{}
		}
	}
	return t, nil
}

// read is an address of the kernel's table.
func read(dev string, a netlink.Addr) (Address, bool) {
	ip, valid := netip.AddrFromSlice(a.IP)
	r, mask := Address{Dev: dev, Label: a.Label, Scope: uint8(a.Scope)}, a.Mask
	if a.Peer != nil {
		mask = a.Peer.Mask
		r.Peer, _ = netip.AddrFromSlice(a.Peer.IP)
	}
	bits, _ := mask.Size()
	r.Prefix = netip.PrefixFrom(ip, bits)
	return r.canonical(), valid
}

func (k *hostKernel) Add(l Lease) error {
	dev, ok := k.links[l.Address.Dev]
	if !ok {
		return errNoDevice
	}
	return k.requests.AddrAdd(nil, l.message(dev.index))
}

// renewal is an address whose notification says nothing new: that it was renewed.
type renewal struct {
	index int
	ip    netip.Addr
}

func (k *hostKernel) Renew(leases []Lease) []error {
	errs := make([]error, len(leases))
	clear(k.renewals) // what did not come was lost
	for i, l := range leases {
		dev, ok := k.links[l.Address.Dev]
		if !ok {
			errs[i] = errNoDevice
			continue
		}
		if errs[i] = k.requests.AddrReplace(nil, l.message(dev.index)); errs[i] == nil {
			k.renewals[renewal{dev.index, l.Address.Prefix.Addr()}]++
		}
	}
	return errs
}

func (k *hostKernel) Delete(a Address) error {
	l, ok := k.links[a.Dev]
	if !ok {
		return errNoDevice
	}
	m := a.message(l.index)
	m.Label = "" // it would have to match; there is only one with this prefix
	return k.requests.AddrDel(nil, m)
}

// message says an address as ip-address(8) would: without a broadcast address where none is given.
func (a Address) message(index int) *netlink.Addr {
	ip := a.Prefix.Addr()
	mask := net.CIDRMask(a.Prefix.Bits(), ip.BitLen())
	m := &netlink.Addr{
		IPNet:     &net.IPNet{IP: ip.AsSlice(), Mask: mask},
		LinkIndex: index, Label: a.Label, Scope: int(a.Scope), Broadcast: net.IPv4zero, Flags: int(a.Flags),
	}
	if ip.Is6() {
		m.Flags ^= unix.IFA_F_NODAD
	}
	if a.Peer.IsValid() {
		m.Peer = &net.IPNet{IP: a.Peer.AsSlice(), Mask: mask}
	}
	if a.Broadcast.IsValid() {
		m.Broadcast = a.Broadcast.AsSlice()
	}
	return m
}

// message says an address with its lifetimes.
func (l Lease) message(index int) *netlink.Addr {
	m := l.Address.message(index)
	if l.Valid == 0 && l.Preferred == 0 && !l.Deprecated {
		return m
	}
	forever := int64(math.MaxUint32)
	valid, preferred := int64(l.Valid/time.Second), int64(l.Preferred/time.Second)
	if l.Valid == 0 {
		valid = forever
	}
	if preferred == 0 || preferred > valid {
		preferred = valid
	}
	if l.Deprecated {
		preferred = 0
	}
	m.ValidLft, m.PreferedLft = int(valid), int(preferred)
	return m
}

func (k *hostKernel) Announce(a Address) error {
	l, ok := k.links[a.Dev]
	if !ok {
		return errNoDevice
	}
	if !l.arp {
		return nil
	}
	frame, err := announcement(l.mac, a.Prefix.Addr(), a.Prefix.Addr().Is6() && k.routes(a.Dev))
	if err != nil {
		return err
	}
	if l.sender != nil {
		if err = l.sender.send(frame); err == nil {
			return nil
		}
		// A socket remembers an interface that went; a new one knows better.
		_ = l.sender.close()
		l.sender = nil
	}
	s, err := openSender(l.index)
	if err == nil {
		if err = s.send(frame); err != nil {
			_ = s.close()
		} else {
			l.sender = s
		}
	}
	k.links[a.Dev] = l
	return err
}

// routes tells whether the interface is that of an IPv6 router: the kernel's own advertisements say
// so by the same parameter (ip-sysctl, forwarding).
func (k *hostKernel) routes(dev string) bool {
	value, err := k.Sysctl("net.ipv6.conf." + strings.ReplaceAll(dev, ".", "/") + ".forwarding")
	return err == nil && value != "0"
}

func (k *hostKernel) Sysctl(name string) (string, error) {
	b, err := os.ReadFile(sysctlFile(name))
	return string(bytes.TrimSpace(b)), err
}

func (k *hostKernel) SetSysctl(name, value string) error {
	f, err := os.OpenFile(sysctlFile(name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n")
	return errors.Join(err, f.Close())
}

func sysctlFile(name string) string {
	return filepath.Join("/proc/sys", filepath.FromSlash(sysctlPath(name)))
}
