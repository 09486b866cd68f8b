package realserver

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"lvsd/internal/conf"
)

// Found is what a configuration has for a host.
type Found struct {
	// Servers are those that the host is, in the order of the file; none where it is no real server.
	Servers []Server
	// Items are what they need, in the order in which to set it up: a host that answers ARP for a
	// virtual address takes it away from the director.
	Items []Item
	// Notes are what a person has to see to.
	Notes []string
}

// Server is a real server, or a sorry server, of a virtual server.
type Server struct {
	Service    string
	Address    netip.AddrPort
	Forwarding conf.Forwarding
	Tunnel     conf.Tunnel
}

// Find tells which servers of a configuration a host is, by its addresses, and what it needs for that. It
// is pure.
func Find(cfg *conf.Config, h Host) Found {
	f := finder{cfg: cfg, host: h}
	for i := range cfg.Services {
		v := &cfg.Services[i]
		for _, r := range v.RealServers {
			f.server(v, Server{service(v), r.Address, r.Forwarding, r.Tunnel})
		}
		if s := v.Sorry; s.Address.IsValid() {
			f.server(v, Server{service(v), s.Address, s.Forwarding, s.Tunnel})
		}
	}
	f.found.Items = f.items()
	f.elsewhere()
	f.found.Notes = f.notes.list
	return f.found
}

// finder collects what a host needs.
type finder struct {
	cfg       *conf.Config
	host      Host
	found     Found
	devices   once[string] // with addresses of servers, that must not answer for virtual ones
	ports     once[Port]
	tunnels   []Tunnel
	addresses once[Address]
	gateways  once[Gateway]
	notes     once[string]
	vips      map[netip.Addr]bool // all that the configuration has; nil until somebody asks
}

// server takes a server in, if the host is it.
func (f *finder) server(v *conf.VirtualServer, s Server) {
	ip := s.Address.Addr()
	dev, _ := f.host.home(ip)
	if dev == "" || ip.IsLoopback() {
		return
	}
	f.found.Servers = append(f.found.Servers, s)
	if s.Forwarding == conf.NAT {
		f.gateway(v, s)
		return
	}
	f.devices.add(dev)
	for vip := range f.cfg.VIPs(v) {
		if s.Forwarding == conf.DR {
			f.addresses.add(Address{vip, loopback})
		} else {
			f.addresses.add(Address{vip, f.tunnel(s, family(vip))})
		}
	}
	for a := range f.cfg.Addresses(v) {
		if a.FWMark != 0 && len(v.Marks) == 0 {
			f.note("firewall mark %d is set by others, so that the file does not say to which addresses packets go: put these on %s yourself and have no ARP answered for them, or write mark", a.FWMark, loopback)
		}
	}
}

// tunnel returns the device that takes packets of a family out of the tunnel to a server.
func (f *finder) tunnel(s Server, inner uint8) (dev string) {
	t := Tunnel{Local: s.Address.Addr(), Kind: tunnelKind(s.Tunnel.Type, s.Address.Addr(), inner)}
	if s.Tunnel.Type == conf.GRE {
		t.Checksum = s.Tunnel.Checksum == conf.OuterChecksum
	}
	if s.Tunnel.Type == conf.GUE {
		f.ports.add(Port{family(t.Local), s.Tunnel.Port})
	}
	n := 0
	for _, other := range f.tunnels {
		if other.Kind != t.Kind {
			continue
		}
		if other.Local == t.Local {
			if other.Checksum != t.Checksum {
				f.note("%s is reached with a GRE checksum and without one: a tunnel takes one kind only, %s takes those of the service that is first in the file", t.Local, other.Dev)
			}
			return other.Dev
		}
		n++
	}
	t.Dev = fmt.Sprintf("%s%s%d", devices, t.Kind, n)
	f.tunnels = append(f.tunnels, t)
	return t.Dev
}

// devices is what the names of lvsd's tunnels begin with.
const devices = "lvsd-"

// tunnelKind is the kind of device for packets of a family that come to a server in a tunnel. GUE is
// taken off by its port: what is left is a packet in a packet.
func tunnelKind(t conf.TunnelType, server netip.Addr, inner uint8) string {
	switch {
	case t == conf.GRE && server.Is4():
		return "gre"
	case t == conf.GRE:
		return "ip6gre"
	case server.Is6():
		return "ip6tnl"
	case inner == 6:
		return "sit"
	}
	return "ipip"
}

// filter is the parameter that lets packets come out of the tunnel whose answers leave another way. The
// kernel takes the greater one of it and that of all devices.
func (t Tunnel) filter() Setting {
	return Setting{Name: parameter(t.Dev, "rp_filter"), Value: "2", Tunnel: t.Dev}
}

func parameter(dev, name string) string {
	return "net.ipv4.conf." + strings.ReplaceAll(dev, ".", "/") + "." + name
}

// gateway has the answers of a NAT server go back through the director: by the virtual address in the
// server's own subnet that is no service, best in the instance that holds the service.
func (f *finder) gateway(v *conf.VirtualServer, s Server) {
	dev, subnet := f.host.home(s.Address.Addr())
	type candidate struct {
		gate netip.Addr
		rank int
	}
	var all []candidate
	for i := range f.cfg.Instances {
		moving := f.cfg.Instances[i].Moving()
		apart := 1
		for vip := range f.cfg.VIPs(v) {
			if slices.ContainsFunc(moving, func(a conf.VirtualAddress) bool { return a.Prefix.Addr() == vip }) {
				apart = 0
			}
		}
		for _, a := range moving {
			gate := a.Prefix.Addr()
			if !subnet.Contains(gate) || gate == s.Address.Addr() {
				continue
			}
			rank := apart
			if f.isVIP(gate) {
				rank += 2
			}
			all = append(all, candidate{gate, rank})
		}
	}
	if len(all) == 0 {
		f.note("no virtual address is in %s, the subnet of %s: see to it yourself that what it answers goes back through the director", subnet, s.Address.Addr())
		return
	}
	best := slices.MinFunc(all, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	g := Gateway{best.gate, dev}
	for _, other := range f.gateways.list {
		if other.v4() == g.v4() && other != g {
			f.note("%s would need %s as well: a host has one default route, %s is that of the service that is first in the file", s.Address.Addr(), g, other)
			return
		}
	}
	f.gateways.add(g)
}

// isVIP tells whether an address is a service's.
func (f *finder) isVIP(ip netip.Addr) bool {
	if f.vips == nil {
		f.vips = map[netip.Addr]bool{}
		for i := range f.cfg.Services {
			for vip := range f.cfg.VIPs(&f.cfg.Services[i]) {
				f.vips[vip] = true
			}
		}
	}
	return f.vips[ip]
}

// items are all that is needed, in the order in which to set it up.
func (f *finder) items() []Item {
	var list []Item
	if slices.ContainsFunc(f.addresses.list, func(a Address) bool { return a.IP.Is4() }) {
		// Each is the greater one of that of all devices and the device's own. Both are set: either one
		// may be reset by what sets up the rest of the host.
		for _, dev := range append([]string{"all"}, f.devices.list...) {
			list = append(list, Setting{Name: parameter(dev, "arp_ignore"), Value: "1", Good: "2 8"},
				Setting{Name: parameter(dev, "arp_announce"), Value: "2"})
		}
	}
	for _, p := range f.ports.list {
		list = append(list, p)
	}
	for _, t := range f.tunnels {
		list = append(list, t)
		if t.Kind != "sit" { // what comes out of it is IPv6, which has no such filter
			list = append(list, t.filter())
		}
	}
	for _, a := range f.addresses.list {
		list = append(list, a)
	}
	for _, g := range f.gateways.list {
		list = append(list, g)
	}
	return list
}

// elsewhere notes the virtual addresses that the host has where its neighbours ask for them.
func (f *finder) elsewhere() {
	for _, other := range slices.SortedFunc(maps.Keys(f.host.Addresses), compareAddress) {
		if other.Dev != loopback && !strings.HasPrefix(other.Dev, devices) && f.virtual(other.IP) {
			f.note("%s is on %s, where neighbours are answered for it: this host takes its packets from the director, or is one", other.IP, other.Dev)
		}
	}
}

// virtual tells whether the host is to have an address.
func (f *finder) virtual(ip netip.Addr) bool {
	return slices.ContainsFunc(f.addresses.list, func(a Address) bool { return a.IP == ip })
}

func (f *finder) note(format string, values ...any) { f.notes.add(fmt.Sprintf(format, values...)) }

// service names a virtual server.
func service(v *conf.VirtualServer) string {
	name := v.Address.String()
	switch {
	case v.Group != "":
		name = "group " + v.Group
	case v.FWMark != 0:
		name = fmt.Sprint("fwmark ", v.FWMark)
	}
	return strings.TrimSpace(strings.ToUpper(string(v.Protocol)) + " " + name)
}

func family(ip netip.Addr) uint8 {
	if ip.Is4() {
		return 4
	}
	return 6
}

func (g Gateway) v4() bool { return g.Via.Is4() }

// once is a list in which everything stands once.
type once[T comparable] struct {
	list []T
	has  map[T]bool
}

func (o *once[T]) add(v T) {
	if o.has == nil {
		o.has = map[T]bool{}
	}
	if !o.has[v] {
		o.has[v] = true
		o.list = append(o.list, v)
	}
}
