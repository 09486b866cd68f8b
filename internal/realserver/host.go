package realserver

import (
	"maps"
	"net/netip"
	"slices"
)

// loopback is the device that has the virtual addresses of DR: every host has it, and no neighbour is
// on its link.
const loopback = "lo"

// Host is what a host has of what matters here.
type Host struct {
	// Addresses are those of all devices, with their prefix lengths.
	Addresses map[Address]netip.Prefix
	Tunnels   map[string]Device // by their names
	Ports     map[Port]bool
	// Defaults are the default routes of the main table, the best one of each family first.
	Defaults []Gateway
	// Settings are the parameters that were asked for, those that there are.
	Settings map[string]string
}

// Device is a tunnel that there is.
type Device struct {
	Tunnel Tunnel
	Up     bool
}

// home finds the device that has an address, with the address's subnet; "" for none.
func (h Host) home(ip netip.Addr) (dev string, subnet netip.Prefix) {
	for a, prefix := range h.Addresses {
		if a.IP == ip && (dev == "" || a.Dev < dev) {
			dev, subnet = a.Dev, prefix.Masked()
		}
	}
	return dev, subnet
}

func (h Host) defaultRoute(v4 bool) (Gateway, bool) {
	for _, g := range h.Defaults {
		if g.v4() == v4 {
			return g, true
		}
	}
	return Gateway{}, false
}

func (h Host) clone() Host {
	return Host{maps.Clone(h.Addresses), maps.Clone(h.Tunnels), maps.Clone(h.Ports), slices.Clone(h.Defaults), maps.Clone(h.Settings)}
}

// take makes the host what it is after a step.
func (h *Host) take(s Step) {
	switch i := s.Item.(type) {
	case Setting:
		h.Settings[i.Name] = i.Value
		if s.Undo {
			h.Settings[i.Name] = s.Was
		}
	case Port:
		if delete(h.Ports, i); !s.Undo {
			h.Ports[i] = true
		}
	case Tunnel:
		delete(h.Tunnels, i.Dev)
		if !s.Undo {
			h.Tunnels[i.Dev] = Device{i, true}
			return
		}
		maps.DeleteFunc(h.Addresses, func(a Address, _ netip.Prefix) bool { return a.Dev == i.Dev })
		maps.DeleteFunc(h.Settings, func(name string, _ string) bool { return name == i.filter().Name })
	case Address:
		if delete(h.Addresses, i); !s.Undo {
			h.Addresses[i] = netip.PrefixFrom(i.IP, i.IP.BitLen())
		}
	case Gateway:
		h.Defaults = slices.DeleteFunc(h.Defaults, func(g Gateway) bool { return g == i })
		if !s.Undo {
			h.Defaults = slices.Insert(h.Defaults, 0, i)
		}
	}
}
