package netif

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// hopLimit proves to receivers that the packet comes from their own link (RFC 4861 §7.1.2).
const hopLimit = 255

// neighbourAdvertisement returns the Ethernet frame that tells a segment that mac has ip: an
// unsolicited neighbour advertisement from ip to all nodes, which overrides what they knew
// (RFC 4861 §7.2.6). router says that the interface forwards packets: who has the address as its
// default router, and hears that it is none, stops using it (RFC 4861 §7.2.5).
//
// It is sent as a frame, as ARP is: an ndp.Conn sends from an address that the kernel may use
// already, and one whose duplicate address detection runs is none.
func neighbourAdvertisement(mac net.HardwareAddr, ip netip.Addr, router bool) ([]byte, error) {
	to := netip.IPv6LinkLocalAllNodes()
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Router: router, Override: true, TargetAddress: ip,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, ip, to)
	if err != nil {
		return nil, fmt.Errorf("build a neighbour advertisement for %s: %w", ip, err)
	}
	packet := []byte{6 << 4, 0, 0, 0} // RFC 8200 §3: version, no class, no flow label
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(message)))
	packet = append(packet, unix.IPPROTO_ICMPV6, hopLimit)
	packet = append(append(packet, ip.AsSlice()...), to.AsSlice()...)
	f := ethernet.Frame{Destination: allNodes(), Source: mac, EtherType: ethernet.EtherTypeIPv6, Payload: append(packet, message...)}
	return f.MarshalBinary()
}

// allNodes is where Ethernet has the group of all nodes (RFC 2464 §7).
func allNodes() net.HardwareAddr { return net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1} }
