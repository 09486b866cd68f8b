package director

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lvsd/internal/check"
)

// BenchmarkDesired finds what should be after the verdict of one of 10,000 real servers changed: of checks that ask nothing in
// particular, and of such that ask for a page.
func BenchmarkDesired(b *testing.B) {
	const servers = 10_000
	for _, checker := range []string{"TCP_CHECK", "HTTP_GET {\nurl {\npath /\n}\n}"} {
		word, _, _ := strings.Cut(checker, " ")
		b.Run(word, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("virtual_server 192.168.2.11 80 {\nprotocol TCP\n")
			for i := range servers {
				fmt.Fprintf(&text, "real_server 10.10.%d.%d 80 {\n%s\n}\n", i/250, 1+i%250, checker)
			}
			text.WriteString("}\n")
			file := filepath.Join(b.TempDir(), "keepalived.conf")
			if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
				b.Fatal(err)
			}
			cfg := load(b, file)
			c, h := compile(cfg, groupID), health{}
			h.memory = desired(c, h).memory
			fails := map[check.Spec]bool{specs(&cfg.Services[0].RealServers[servers/2])[0]: true}
			b.ReportAllocs()
			for b.Loop() { // it fails, and comes back
				if h.down == nil {
					h.down = fails
				} else {
					h.down = nil
				}
				h.memory = desired(c, h).memory
			}
		})
	}
}
