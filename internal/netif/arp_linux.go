package netif

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/raw" //nolint:staticcheck // deprecated by its author for mdlayher/packet, which runs underneath
)

// announcement returns the frame that tells a segment that mac has ip, and over IPv6 whether it is
// that of a router.
func announcement(mac net.HardwareAddr, ip netip.Addr, router bool) ([]byte, error) {
	if ip.Is6() {
		return neighbourAdvertisement(mac, ip, router)
	}
	return gratuitousARP(mac, ip)
}

// gratuitousARP returns the Ethernet frame that tells a segment that mac has ip: a broadcast ARP
// request (RFC 5227 §3 says why a request) whose sender and target address are both ip.
//
// The frame is built here and not sent through an arp.Client, because arp.New refuses an
// interface that has no IPv4 address of its own.
func gratuitousARP(mac net.HardwareAddr, ip netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(arp.OperationRequest, mac, ip, ethernet.Broadcast, ip)
	if err != nil {
		return nil, fmt.Errorf("build an ARP request for %s: %w", ip, err)
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("build an ARP request for %s: %w", ip, err)
	}
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: payload}
	return f.MarshalBinary()
}

// sender is a packet socket that only sends: with protocol 0 the kernel queues nothing on it.
//
// It is a raw.Conn. The author of package raw has replaced it by mdlayher/packet, which is what
// runs underneath since raw v0.1.0; moving there is a change of this type alone.
type sender struct {
	conn *raw.Conn
}

// sendTimeout is how long a frame may wait for room in the socket's buffer.
const sendTimeout = 100 * time.Millisecond

func openSender(index int) (*sender, error) {
	conn, err := raw.ListenPacket(&net.Interface{Index: index}, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	return &sender{conn}, nil
}

func (s *sender) send(frame []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := s.conn.WriteTo(frame, &raw.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		return fmt.Errorf("send an announcement: %w", err)
	}
	return nil
}

// close may be called on nil.
func (s *sender) close() error {
	if s == nil {
		return nil
	}
	return s.conn.Close()
}
