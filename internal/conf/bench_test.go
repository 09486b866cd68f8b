package conf

import (
	"fmt"
	"strings"
	"testing"
)

// fleet writes a file with so many services of so many servers.
func fleet(services, servers int, open, server, closing string) string {
	var b strings.Builder
	for v := range services {
		fmt.Fprintf(&b, open, v/250, v%250+1)
		for r := range servers {
			fmt.Fprintf(&b, server, v%250, r/250, r%250+1)
		}
		b.WriteString(closing)
	}
	return b.String()
}

func benchmark(b *testing.B, format Format, src string) {
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		cfg, diags := load("f", []byte(src), Options{Format: format}, nil)
		if diags.HasErrors() || len(cfg.Services) != 100 {
			b.Fatal(lines(diags))
		}
	}
}

func BenchmarkLoadKeepalived(b *testing.B) {
	benchmark(b, Keepalived, fleet(100, 100,
		"virtual_server 192.168.%d.%d 80 {\n    lb_algo wlc\n    protocol TCP\n",
		"    real_server 10.%d.%d.%d 80 {\n        weight 1\n        HTTP_GET {\n            url {\n                path /healthz\n                status_code 200\n            }\n            connect_timeout 3\n        }\n    }\n",
		"}\n"))
}

func BenchmarkLoadHCL(b *testing.B) {
	benchmark(b, HCL, fleet(100, 100,
		"virtual_server \"192.168.%d.%d\" \"80\" {\n  lb_algo = \"wlc\"\n",
		"  real_server \"10.%d.%d.%d\" \"80\" {\n    weight = 1\n    HTTP_GET {\n      url \"/healthz\" { status_code = 200 }\n      connect_timeout = 3\n    }\n  }\n",
		"}\n"))
}
