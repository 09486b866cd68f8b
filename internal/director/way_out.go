package director

import (
	"net"
	"net/netip"
	"slices"
)

// wayOut is the interface by which packets to an address leave, empty where that is not known. None is sent: it is the
// one that has the address which the kernel would send from.
func wayOut(to netip.Addr) string {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return ""
	}
	defer conn.Close()
	from := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone("")
	interfaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err == nil && slices.ContainsFunc(addresses, func(a net.Addr) bool {
			has, isNet := a.(*net.IPNet)
			if !isNet {
				return false
			}
			at, _ := netip.AddrFromSlice(has.IP)
			return at.Unmap() == from
		}) {
			return i.Name
		}
	}
	return ""
}
