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
		fmt.Fprintf(&b, open, v/62500, v/250%250, v%250+1)
		for r := range servers {
			fmt.Fprintf(&b, server, v/62500*250+v%250, r/250, r%250+1)
		}
		b.WriteString(closing)
	}
	return b.String()
}

func benchmark(b *testing.B, format Format, services int, src string) {
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		cfg, diags := load([]source{{"f", []byte(src)}}, Options{Format: format}, nil)
		if diags.HasErrors() || len(cfg.Services) != services {
			b.Fatal(lines(diags))
		}
	}
}

// shapes are fleets of three sizes in three shapes: one service with all servers, as many services as
// each has servers, and one server for each service.
func shapes() [][2]int {
	return [][2]int{{1, 1000}, {32, 32}, {1000, 1}, {1, 10000}, {100, 100}, {10000, 1}, {1, 50000}, {224, 224}, {50000, 1}}
}

func BenchmarkLoadKeepalived(b *testing.B) {
	for _, shape := range shapes() {
		b.Run(fmt.Sprintf("%dx%d", shape[0], shape[1]), func(b *testing.B) {
			benchmark(b, Keepalived, shape[0], fleet(shape[0], shape[1],
				"virtual_server 192.%d.%d.%d 80 {\n    lb_algo wlc\n    protocol TCP\n",
				"    real_server 10.%d.%d.%d 80 {\n        weight 1\n        HTTP_GET {\n            url {\n                path /healthz\n                status_code 200\n            }\n            connect_timeout 3\n        }\n    }\n",
				"}\n"))
		})
	}
}

// BenchmarkExpandKeepalived reads a fleet of 100 services with 100 servers each that loops make.
func BenchmarkExpandKeepalived(b *testing.B) {
	benchmark(b, Keepalived, 100, `$SERVER= \
    real_server 10.0.${V}.${R} 80 { \
        weight 1 \
        HTTP_GET { \
            url { \
                path /healthz \
                status_code 200 \
            } \
            connect_timeout 3 \
        } \
    }
$SERVICE= \
virtual_server 192.168.0.${V} 80 { \
    lb_algo wlc \
    protocol TCP \
    ~SEQ(R, 1, 100) $SERVER \
}
~SEQ(V, 1, 100) $SERVICE
`)
}

// BenchmarkLoadHCL has a shorter check: 50,000 servers with all that BenchmarkLoadKeepalived writes
// are more words than an HCL file may have.
func BenchmarkLoadHCL(b *testing.B) {
	for _, shape := range shapes() {
		b.Run(fmt.Sprintf("%dx%d", shape[0], shape[1]), func(b *testing.B) {
			benchmark(b, HCL, shape[0], fleet(shape[0], shape[1],
				"virtual_server \"192.%d.%d.%d\" \"80\" {\n  lb_algo = \"wlc\"\n",
				"  real_server \"10.%d.%d.%d\" \"80\" {\n    weight = 1\n    TCP_CHECK {}\n  }\n",
				"}\n"))
		})
	}
}

// BenchmarkLoadHCLChecks reads 100 services of 100 servers with the checks of
// BenchmarkLoadKeepalived.
func BenchmarkLoadHCLChecks(b *testing.B) {
	benchmark(b, HCL, 100, fleet(100, 100,
		"virtual_server \"192.%d.%d.%d\" \"80\" {\n  lb_algo = \"wlc\"\n",
		"  real_server \"10.%d.%d.%d\" \"80\" {\n    weight = 1\n    HTTP_GET {\n      url \"/healthz\" { status_code = 200 }\n      connect_timeout = 3\n    }\n  }\n",
		"}\n"))
}

// BenchmarkExpandHCL reads services of servers that dynamic blocks make.
func BenchmarkExpandHCL(b *testing.B) {
	for _, shape := range [][2]int{{100, 100}, {250, 200}} {
		b.Run(fmt.Sprintf("%dx%d", shape[0], shape[1]), func(b *testing.B) {
			benchmark(b, HCL, shape[0], fmt.Sprintf(`locals {
  services = range(%d)
  servers  = range(%d)
}
dynamic "virtual_server" {
  for_each = local.services
  labels   = ["192.168.0.${virtual_server.value}", "80"]
  content {
    dynamic "real_server" {
      for_each = local.servers
      labels   = ["10.0.${virtual_server.value}.${real_server.value}", "80"]
      content {
        weight = 1
        TCP_CHECK {}
      }
    }
  }
}
`, shape[0], shape[1]))
		})
	}
}
