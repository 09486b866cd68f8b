package realserver

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Item is one thing that a real server's host needs. Items are comparable.
type Item interface {
	fmt.Stringer
	// Lacks says what a host lacks of it; "" where it is all there.
	Lacks(Host) string
}

// Setting is a kernel parameter.
type Setting struct {
	// Name is written as sysctl(8) takes it, as that of netif.Sysctl.
	Name string `json:"name"`
	// Value is what it is set to. Good are the values beside it that do as well, separated by spaces.
	Value string `json:"value"`
	Good  string `json:"good,omitempty"`
	// Tunnel is the device of a Tunnel that the parameter comes and goes with; "" for none.
	Tunnel string `json:"tunnel,omitempty"`
}

// String gives it as sysctl(8) would be told it.
func (s Setting) String() string { return "sysctl " + s.Name + " = " + s.Value }

// Lacks compares the value.
func (s Setting) Lacks(h Host) string {
	switch is, there := h.Settings[s.Name]; {
	case !there:
		return "there is no such parameter yet"
	case is != s.Value && !slices.Contains(strings.Fields(s.Good), is):
		return "it is " + is
	}
	return ""
}

// Port is a UDP port that takes packets in generic UDP encapsulation (ip-fou(8)).
type Port struct {
	Family uint8  `json:"family"` // 4 or 6: that of the packets outside
	Number uint16 `json:"port"`
}

// String names the port.
func (p Port) String() string { return fmt.Sprintf("GUE port %d for IPv%d", p.Number, p.Family) }

// Lacks looks for it among the host's.
func (p Port) Lacks(h Host) string {
	if !h.Ports[p] {
		return "packets to it are not decapsulated"
	}
	return ""
}

// Tunnel is a device that takes packets out of the tunnel in which they come to a server.
type Tunnel struct {
	Dev string `json:"dev"`
	// Kind is that of ip-link(8): ipip, sit, ip6tnl, gre or ip6gre.
	Kind  string     `json:"type"`
	Local netip.Addr `json:"local"` // that of the server, to which the tunnelled packets go
	// Checksum says that packets have a GRE checksum: others are dropped then, and these otherwise.
	Checksum bool `json:"checksum,omitempty"`
}

// String gives it as ip-link(8) would be told it.
func (t Tunnel) String() string {
	s := fmt.Sprintf("tunnel %s type %s local %s", t.Dev, t.Kind, t.Local)
	if t.Checksum {
		s += " icsum"
	}
	return s
}

// Lacks looks for the device as it should be.
func (t Tunnel) Lacks(h Host) string {
	switch is, there := h.Tunnels[t.Dev]; {
	case !there:
		return "there is no such device"
	case is.Tunnel != t:
		return "it is " + is.Tunnel.String()
	case !is.Up:
		return "it is down"
	}
	return ""
}

// Address is a virtual address that the host takes packets for.
type Address struct {
	IP  netip.Addr `json:"address"`
	Dev string     `json:"dev"`
}

// String gives it as ip-address(8) would be told it.
func (a Address) String() string {
	return fmt.Sprintf("address %s dev %s", netip.PrefixFrom(a.IP, a.IP.BitLen()), a.Dev)
}

// Lacks looks for the address on its device, whatever else was said of it there.
func (a Address) Lacks(h Host) string {
	if _, there := h.Addresses[a]; !there {
		return "packets for it are not taken"
	}
	return ""
}

func compareAddress(a, b Address) int {
	return cmp.Or(strings.Compare(a.Dev, b.Dev), a.IP.Compare(b.IP))
}

// Gateway is the default route to a V-gate.
type Gateway struct {
	Via netip.Addr `json:"via"`
	Dev string     `json:"dev"`
}

// String gives it as ip-route(8) would be told it.
func (g Gateway) String() string {
	return fmt.Sprintf("route default via %s dev %s", g.Via, g.Dev)
}

// Lacks wants the host's best default route to be this one.
func (g Gateway) Lacks(h Host) string {
	best, there := h.defaultRoute(g.v4())
	switch {
	case !there:
		return "there is no default route"
	case best.Via != g.Via || best.Dev != g.Dev:
		return "it is " + best.String()
	}
	return ""
}
