package director

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lvsd/internal/ipvs"
)

// TestDrainsFile: what is written is read as it was; nothing of a file with an error counts, and the error names it.
func TestDrainsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drains.json")
	if list, err := readDrains(path); err != nil || len(list) > 0 {
		t.Errorf("without a file: %v, %v", list, err)
	}
	web := ipvs.ServiceKey{Family: 4, Protocol: 6, Addr: netip.MustParseAddr("192.0.2.1"), Port: 80}
	for _, want := range []map[serverKey]drain{{
		{web, netip.MustParseAddrPort("10.0.0.1:80")}: {ipvs.Destination{Forward: ipvs.Tunnel, TunnelType: ipvs.GUE, TunnelPort: 6080, UpperThreshold: 5},
			time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{ipvs.ServiceKey{Family: 6, FWMark: 7}, netip.MustParseAddrPort("[2001:db8::1]:0")}: {},
	}, {}} {
		b, err := formatDrains(want)
		must(t, err)
		must(t, os.WriteFile(path, b, 0o600))
		if got, err := readDrains(path); err != nil || !maps.Equal(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for text, want := range map[string]string{"": "unexpected end", `{"version": 2}`: "its version is 2, not 1",
		`{"version": 1, "drains": [{}]}`: "drain 1 names no server"} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if list, err := readDrains(path); err == nil || len(list) > 0 || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", text, list, err)
		}
	}
	if _, err := readDrains(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

// FuzzParseDrains: whatever it is given, a drain names a server and takes no connections.
func FuzzParseDrains(f *testing.F) {
	f.Add([]byte(`{"version":1,"drains":[{"service":{"Family":4,"FWMark":1},"real_server":"10.0.0.1:80","destination":{"Weight":3}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseDrains(b)
		for key, d := range list {
			if err != nil || !key.address.IsValid() || d.destination.Weight > 0 {
				t.Errorf("%v: %+v, %v", key, d, err)
			}
		}
	})
}
