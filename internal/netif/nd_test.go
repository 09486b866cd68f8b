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
	want := "33330000000156 0d2da6dab5 86dd 60000000 0020 3a ff fd000000000000000000000000000009 ff020000000000000000000000000001" +
		"8800fe2220000000 fd000000000000000000000000000009 0201 560d2da6dab5"
	got, err := neighbourAdvertisement(net.HardwareAddr{0x56, 0x0d, 0x2d, 0xa6, 0xda, 0xb5}, netip.MustParseAddr("fd00::9"))
	if text := strings.ReplaceAll(want, " ", ""); err != nil || hex.EncodeToString(got) != text {
		t.Errorf("%x, want %s, %v", got, text, err)
	}
}
