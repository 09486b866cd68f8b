//go:build netns

package netif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// ip runs ip(8) in the test's namespace and returns what it prints.
func ip(t testing.TB, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

// segment makes a pair of connected interfaces: dev, which an applier works on, and its neighbour
// "peer-"dev, which hears what is on the wire.
func segment(t testing.TB, dev string) {
	t.Helper()
	ip(t, "link add "+dev+" type veth peer name peer-"+dev)
	t.Cleanup(func() {
		if _, err := net.InterfaceByName(dev); err == nil {
			ip(t, "link del "+dev)
		}
	})
	// No neighbour chatter of the peer's own.
	ip(t, "link set peer-"+dev+" arp off up")
	ip(t, "link set "+dev+" up")
}

// sniffer reads frames of one kind from an interface.
type sniffer struct {
	t  testing.TB
	fd int
}

func sniff(t testing.TB, dev string) sniffer {
	t.Helper()
	return sniffType(t, dev, unix.ETH_P_ARP)
}

func sniffType(t testing.TB, dev string, etherType uint16) sniffer {
	t.Helper()
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		t.Fatal(err)
	}
	wire := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, etherType)) // in network byte order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(wire))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: wire, Ifindex: ifi.Index}); err != nil {
		t.Fatal(err)
	}
	return sniffer{t, fd}
}

// gratuitous reads n frames, each of which must be a gratuitous ARP request sent by mac, and
// returns their addresses in order.
func (s sniffer) gratuitous(mac net.HardwareAddr, n int) (claimed []netip.Addr) {
	s.t.Helper()
	for len(claimed) < n {
		frame, ok := s.next(patience)
		if !ok {
			s.t.Fatalf("%d gratuitous ARPs of %d on the wire: %v", len(claimed), n, claimed)
		}
		if !bytes.Equal(frame.Source, mac) || !bytes.Equal(frame.Destination, ethernet.Broadcast) {
			s.t.Errorf("frame from %s to %s", frame.Source, frame.Destination)
		}
		var p arp.Packet
		if err := p.UnmarshalBinary(frame.Payload); err != nil {
			s.t.Fatal(err)
		}
		if p.Operation != arp.OperationRequest || p.SenderIP != p.TargetIP || !bytes.Equal(p.SenderHardwareAddr, mac) {
			s.t.Errorf("not a gratuitous request of %s: %+v", mac, p)
		}
		claimed = append(claimed, p.SenderIP)
	}
	return claimed
}

// next reads a frame, if one comes within a time.
func (s sniffer) next(within time.Duration) (f ethernet.Frame, ok bool) {
	s.t.Helper()
	tv := unix.NsecToTimeval(within.Nanoseconds())
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 2000)
	n, _, err := unix.Recvfrom(s.fd, b, 0)
	if errors.Is(err, unix.EAGAIN) {
		return f, false
	}
	if err == nil {
		err = f.UnmarshalBinary(b[:n])
	}
	if err != nil {
		s.t.Fatal(os.NewSyscallError("read a frame", err))
	}
	return f, true
}

func hardware(t testing.TB, dev string) net.HardwareAddr {
	t.Helper()
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		t.Fatal(err)
	}
	return ifi.HardwareAddr
}
