package conf

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestConfigKeepsNoText: a daemon that has read a large file needs no more memory than one that has read a
// small one that says the same.
func TestConfigKeepsNoText(t *testing.T) {
	const large = 2 << 20
	keepalived, err := os.ReadFile("testdata/seed.conf")
	if err != nil {
		t.Fatal(err)
	}
	hcl, err := os.ReadFile("testdata/example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"keepalived.conf": string(keepalived), "lvsd.hcl": string(hcl)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			text += strings.Repeat("# more of the file than one likes to keep\n", large/42)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			text = ""
			before := live()
			cfg := Load(path, Options{Hostname: "lb1"}).Config
			if cfg == nil || len(cfg.Services) == 0 {
				t.Fatal("no configuration with services")
			}
			if kept := live() - before; kept > large/8 {
				t.Errorf("%d bytes are kept", kept)
			}
			runtime.KeepAlive(cfg)
		})
	}
}

// live is how many bytes are in use.
func live() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
