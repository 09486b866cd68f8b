package conf

import (
	"fmt"
	"hash/fnv"
	"net/netip"
)

// throughMarks begins the firewall marks of probes that go through a service; there are 65536.
const throughMarks uint32 = 0x6c760000

// throughServices decides where the probes go that go through a service, and gives each server of each
// service a mark. A mark depends on its service and server alone, as long as no two come to the same:
// a reload leaves those of the others as they are.
func (d *decoder) throughServices() {
	taken := map[uint32]bool{}
	for i := range d.cfg.Services {
		for a := range d.cfg.Addresses(&d.cfg.Services[i]) {
			taken[a.FWMark] = true
		}
	}
	for i := range d.cfg.Services {
		s := &d.cfg.Services[i]
		for j := range s.RealServers {
			r := &s.RealServers[j]
			var mark uint32
			for k := range r.Checks {
				c := &r.Checks[k]
				if c.Through == nil || !d.validateThrough(s, c) {
					continue
				}
				if mark == 0 {
					mark = freeMark(taken, s.Address, r.Address)
				}
				*c.Through = Through{Service: s.Address, Mark: mark}
				if s.Address.Port() == 0 {
					c.Through.Service = netip.AddrPortFrom(s.Address.Addr(), c.ConnectPort)
				}
			}
		}
	}
}

// validateThrough reports a check that cannot go through its service.
func (d *decoder) validateThrough(s *VirtualServer, c *Check) bool {
	complain := func(format string, args ...any) bool {
		d.errorf(c.Range, "through_service "+format, args...)
		return false
	}
	switch {
	case s.Group != "" || s.FWMark != 0:
		return complain("goes to the address of the virtual_server, and this one has none of its own; write a virtual_server with an address, or remove it")
	case s.Protocol != TCP:
		return complain("is for services of TCP, and this one is %s; remove it", s.Protocol)
	case c.ConnectIP.IsValid() || c.FWMark != 0:
		return complain("decides where the probe goes and with what mark; remove connect_ip and fwmark")
	case c.SMTP != nil && len(c.SMTP.Hosts) > 0:
		return complain("decides where the probe goes; remove the host blocks")
	case s.Address.Port() != 0 && c.ConnectPort != 0:
		return complain("asks the port of the service, %d; remove connect_port", s.Address.Port())
	case s.Address.Port() == 0 && c.ConnectPort == 0:
		return complain("needs a port, and this service has every one; write connect_port")
	}
	return true
}

// freeMark is the mark of a server of a service, which nobody else has then.
func freeMark(taken map[uint32]bool, service, server netip.AddrPort) uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, service, " ", server)
	for n := h.Sum32(); ; n++ {
		if mark := throughMarks | n&0xffff; !taken[mark] {
			taken[mark] = true
			return mark
		}
	}
}
