package conf

import (
	"iter"
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// ServerGroup is one virtual_server_group: the addresses and marks of a virtual_server.
type ServerGroup struct {
	Name string
	// Members are addresses first, then marks, each in the order of the file.
	Members []GroupMember
	Range   hcl.Range
}

// GroupMember is one line of a group: the addresses from First to Last with a port, or a mark.
type GroupMember struct {
	First, Last netip.Addr // of one family; equal for one address; the zero value for a mark
	Port        uint16     // 0 is every port
	FWMark      uint32
	// Family is that of the addresses, or what is said of the mark: 4 or 6; 0 is that the virtual
	// server says it.
	Family uint8
	Range  hcl.Range
}

// ServiceAddress is what the kernel knows a service by, beside its protocol.
type ServiceAddress struct {
	Address netip.AddrPort // the zero value for a mark
	FWMark  uint32
	Family  uint8 // 4 or 6
}

// Addresses are those of a virtual server: the one that it names, or all of its group.
func (c *Config) Addresses(v *VirtualServer) iter.Seq[ServiceAddress] {
	return func(yield func(ServiceAddress) bool) {
		if v.Group == "" {
			yield(ServiceAddress{Address: v.Address, FWMark: v.FWMark, Family: v.Family})
			return
		}
		for k := range c.ServerGroups {
			if c.ServerGroups[k].Name != v.Group {
				continue
			}
			for i := range c.ServerGroups[k].Members {
				if !c.ServerGroups[k].Members[i].each(v.Family, yield) {
					return
				}
			}
			return
		}
	}
}

// each calls yield for what a member stands for. family is the virtual server's.
func (m *GroupMember) each(family uint8, yield func(ServiceAddress) bool) bool {
	if m.FWMark != 0 {
		if m.Family != 0 {
			family = m.Family
		}
		return yield(ServiceAddress{FWMark: m.FWMark, Family: max(family, 4)})
	}
	for a := m.First; ; a = a.Next() {
		if !yield(ServiceAddress{Address: netip.AddrPortFrom(a, m.Port), Family: m.Family}) {
			return false
		}
		if a == m.Last {
			return true
		}
	}
}

// size is the number of services that a member stands for, or most where it is that or more.
func (m *GroupMember) size(most int) int {
	n := 1
	for a := m.First; a != m.Last && n < most; a = a.Next() {
		n++
	}
	return n
}
