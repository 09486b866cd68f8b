package realserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"lvsd/internal/netif"
)

// Open returns the kernel of the network namespace that the calling thread is in.
func Open() (*HostKernel, error) {
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open an rtnetlink socket: %w", err)
	}
	k := &HostKernel{links: links, network: netif.Host()}
	if err := k.network.Open(); err != nil {
		links.Close()
		return nil, err
	}
	return k, nil
}

// HostKernel is the kernel that runs this process.
type HostKernel struct {
	links   *netlink.Handle
	network netif.Kernel
	// As last read:
	indexes   map[string]int // of the links
	addresses map[Address]netif.Address
}

// Close releases what Open took.
func (k *HostKernel) Close() error {
	k.links.Close()
	return k.network.Close()
}

// Read reads the host.
func (k *HostKernel) Read(settings []string) (Host, error) {
	h := Host{Addresses: map[Address]netip.Prefix{}, Tunnels: map[string]Device{}, Ports: map[Port]bool{}, Settings: map[string]string{}}
	if err := k.dump(); err != nil {
		return h, err
	}
	for a, is := range k.addresses {
		h.Addresses[a] = is.Prefix
	}
	if err := k.readTunnels(h.Tunnels); err != nil {
		return h, err
	}
	for _, v4 := range []bool{true, false} {
		list, err := k.defaults(v4)
		if err != nil {
			return h, err
		}
		h.Defaults = append(h.Defaults, list...)
	}
	for _, af := range []uint8{4, 6} {
		list, err := netlink.FouList(inet(af))
		if err != nil {
			continue // a kernel without the module: there are none
		}
		for _, p := range list {
			if p.Family == inet(af) { // the kernel lists those of both families whichever is asked for
				h.Ports[Port{af, uint16(p.Port)}] = p.EncapType == netlink.FOU_ENCAP_GUE
			}
		}
	}
	for _, name := range settings {
		switch value, err := k.network.Sysctl(name); {
		case err == nil:
			h.Settings[name] = value
		case !errors.Is(err, fs.ErrNotExist):
			return h, fmt.Errorf("read sysctl %s: %w", name, err)
		}
	}
	return h, nil
}

func (k *HostKernel) readTunnels(tunnels map[string]Device) error {
	list, err := k.links.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("read links: %w", err)
	}
	for _, l := range list {
		at := l.Attrs()
		if !strings.HasPrefix(at.Name, devices) {
			continue
		}
		t := Tunnel{Dev: at.Name, Kind: l.Type()}
		switch l := l.(type) {
		case *netlink.Iptun:
			t.Local = ip(l.Local)
		case *netlink.Sittun:
			t.Local = ip(l.Local)
		case *netlink.Ip6tnl:
			t.Local = ip(l.Local)
		case *netlink.Gretun:
			t.Local, t.Checksum = ip(l.Local), l.IFlags&nl.GRE_CSUM != 0
		}
		tunnels[at.Name] = Device{t, at.Flags&net.FlagUp != 0}
	}
	return nil
}

// defaults are the default routes of a family, the best first. Where two are equally good the kernel
// takes that which it lists first.
func (k *HostKernel) defaults(v4 bool) ([]Gateway, error) {
	af, everywhere := netlink.FAMILY_V4, netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if !v4 {
		af, everywhere = netlink.FAMILY_V6, netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	routes, err := k.links.RouteListFiltered(af, &netlink.Route{Table: unix.RT_TABLE_MAIN,
		Dst: &net.IPNet{IP: everywhere.Addr().AsSlice(), Mask: net.CIDRMask(0, everywhere.Addr().BitLen())}},
		netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("read default routes: %w", err)
	}
	names := map[int]string{}
	for name, index := range k.indexes {
		names[index] = name
	}
	slices.SortStableFunc(routes, func(a, b netlink.Route) int { return a.Priority - b.Priority })
	var list []Gateway
	for _, r := range routes {
		g := Gateway{ip(r.Gw), names[r.LinkIndex]}
		for _, hop := range r.MultiPath {
			g = Gateway{ip(hop.Gw), "several"} // another route than by one alone
		}
		if !g.Via.IsValid() { // a route by a device without a gateway
			g.Via = everywhere.Addr()
		}
		list = append(list, g)
	}
	return list, nil
}

// Do carries out a step. What is already as it should be is no error.
func (k *HostKernel) Do(s Step) error {
	switch i := s.Item.(type) {
	case Setting:
		if s.Undo {
			return k.network.SetSysctl(i.Name, s.Was)
		}
		return k.network.SetSysctl(i.Name, i.Value)
	case Port:
		return k.port(i, s.Undo)
	case Tunnel:
		if s.Undo {
			is, err := k.links.LinkByName(i.Dev)
			if err == nil {
				err = k.links.LinkDel(is)
			}
			return gone(err)
		}
		return k.tunnel(i)
	case Address:
		return k.address(i, s.Undo)
	case Gateway:
		if s.Undo {
			return gone(k.network.DeleteRoute(i.route()))
		}
		return k.network.AddRoute(i.route())
	}
	return fmt.Errorf("an item of type %T", s.Item)
}

func (k *HostKernel) tunnel(t Tunnel) error {
	at := netlink.NewLinkAttrs()
	at.Name = t.Dev
	local := net.IP(t.Local.AsSlice())
	var link netlink.Link
	switch t.Kind {
	case "ipip":
		link = &netlink.Iptun{LinkAttrs: at, Local: local, Remote: net.IPv4zero, Proto: unix.IPPROTO_IPIP}
	case "sit":
		link = &netlink.Sittun{LinkAttrs: at, Local: local, Remote: net.IPv4zero, Proto: unix.IPPROTO_IPV6}
	case "ip6tnl":
		link = &netlink.Ip6tnl{LinkAttrs: at, Local: local, Remote: net.IPv6zero}
	default:
		gre := &netlink.Gretun{LinkAttrs: at, Local: local, Remote: net.IPv4zero}
		if t.Local.Is6() {
			gre.Remote = net.IPv6zero
		}
		if t.Checksum {
			gre.IFlags = nl.GRE_CSUM
		}
		link = gre
	}
	err := k.links.LinkAdd(link)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("the kernel has no such tunnels; load the module: modprobe %s: %w", moduleOf(t.Kind), err)
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	// It is there: either just now, or it was down.
	is, err := k.links.LinkByName(t.Dev)
	if err != nil {
		return err
	}
	if err := k.links.LinkSetUp(is); err != nil {
		return err
	}
	return k.dump() // addresses are put on devices that were read
}

func (k *HostKernel) dump() error {
	table, err := k.network.Dump()
	if err != nil {
		return err
	}
	k.indexes, k.addresses = table.Links, make(map[Address]netif.Address, len(table.Addresses))
	for a := range table.Addresses {
		k.addresses[Address{a.Prefix.Addr(), a.Dev}] = a
	}
	return nil
}

// moduleOf is the kernel's module for a kind of tunnel.
func moduleOf(kind string) string {
	switch kind {
	case "ip6tnl":
		return "ip6_tunnel"
	case "gre":
		return "ip_gre"
	case "ip6gre":
		return "ip6_gre"
	}
	return kind
}

func (k *HostKernel) address(a Address, undo bool) error {
	if undo {
		is, there := k.addresses[a]
		if !there {
			return nil
		}
		return gone(k.network.Delete(is))
	}
	at := netif.Address{Prefix: netip.PrefixFrom(a.IP, a.IP.BitLen()), Dev: a.Dev}
	if a.IP.Is4() && a.Dev == loopback {
		at.Label = label
	}
	// An IPv6 address is no source of the host's own connections: the kernel would choose it among all.
	return k.network.Add(netif.Lease{Address: at, Deprecated: a.IP.Is6()})
}

// label marks the IPv4 addresses on the loopback device that are lvsd's, for people.
const label = "lo:lvsd"

// route is the default route, better than those that others give the host: 0 is the best metric of
// IPv4, and what IPv6 has by itself is 1024.
func (g Gateway) route() netif.Route {
	r := netif.Route{Type: unix.RTN_UNICAST, To: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Table: unix.RT_TABLE_MAIN,
		Protocol: netif.Protocol, Nexthops: netif.Hops(netif.Nexthop{Via: g.Via, Dev: g.Dev})}
	if !g.v4() {
		r.To, r.Metric = netip.PrefixFrom(netip.IPv6Unspecified(), 0), 1
	}
	return r
}

// gone makes no error of what is not there to be taken down.
func gone(err error) error {
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	for _, e := range []error{unix.ENOENT, unix.ENODEV, unix.ESRCH, unix.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

func ip(raw net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(raw)
	return a.Unmap()
}

func inet(family uint8) int {
	if family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}
