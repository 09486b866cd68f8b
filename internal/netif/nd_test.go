package netif

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// The frame is the one that keepalived 2.2.7 sends for the same address.
func TestNeighbourAdvertisement(t *testing.T) {
	mac := net.HardwareAddr{0x56, 0x0d, 0x2d, 0xa6, 0xda, 0xb5}
	want := "33330000000156 0d2da6dab5 86dd 60000000 0020 3a ff fd000000000000000000000000000009 ff020000000000000000000000000001" +
		"8800fe2220000000 fd000000000000000000000000000009 0201 560d2da6dab5"
	got, err := neighbourAdvertisement(mac, netip.MustParseAddr("fd00::9"), false)
	if text := strings.ReplaceAll(want, " ", ""); err != nil || hex.EncodeToString(got) != text {
		t.Errorf("%x, want %s, %v", got, text, err)
	}
	// That of a router has one bit more (RFC 4861 §4.4), and the checksum less by it.
	want = strings.Replace(want, "8800fe2220000000", "88007e22a0000000", 1)
	got, err = neighbourAdvertisement(mac, netip.MustParseAddr("fd00::9"), true)
	if text := strings.ReplaceAll(want, " ", ""); err != nil || hex.EncodeToString(got) != text {
		t.Errorf("of a router: %x, want %s, %v", got, text, err)
	}
}
