package conf

import (
	"iter"
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// Mark is one line of mark: packets that get the firewall mark of their virtual server.
type Mark struct {
	Address  netip.Addr // of the virtual server's family
	Protocol Protocol
	Ports    []PortRange // none for every port
	Range    hcl.Range
}

// VIPs are the addresses whose packets a virtual server takes: its own, those of its group, and those of its
// marks. One may come more than once. A mark that others set has none.
func (c *Config) VIPs(v *VirtualServer) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for a := range c.Addresses(v) {
			if a.FWMark == 0 && !yield(a.Address.Addr()) {
				return
			}
		}
		for i := range v.Marks {
			if !yield(v.Marks[i].Address) {
				return
			}
		}
	}
}

// Masquerade is one line of masquerade: a network whose packets to elsewhere get the address of the
// interface by which they leave.
type Masquerade struct {
	Source netip.Prefix // masked
	Out    string       // the interface, empty for any
	Range  hcl.Range
}
