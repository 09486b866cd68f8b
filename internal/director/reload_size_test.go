package director

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A reload of a file that has not changed writes nothing, at ten thousand servers too. What it costs is in
// docs/benchmarks.md; -v shows it.
func TestReloadOfTenThousandServersWritesNothing(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0") // at every address of 127.0.0.0/8
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, size := range map[string][2]int{"100 x 100": {100, 100}, "10000 x 1": {10000, 1}} {
		t.Run(name, func(t *testing.T) {
			var config strings.Builder
			for s := range size[0] {
				fmt.Fprintf(&config, "virtual_server 127.1.%d.%d 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\ndelay_loop 3600\nwarmup 0\n", s>>8, s&255)
				for r := range size[1] {
					fmt.Fprintf(&config, "real_server 127.2.%d.%d 80 {\nTCP_CHECK {\nconnect_port %d\n}\n}\n", r>>8, r&255, l.Addr().(*net.TCPAddr).Port)
				}
				config.WriteString("}\n")
			}
			n := startNode(t, config.String(), func(n *node) { n.file = strings.TrimSuffix(n.file, ".hcl") + ".conf" })
			n.ipvs.Watch(nil) // it is shown a copy of the table with every write
			n.wait(t, ServicesSet)
			n.takeWrites()
			written := len(n.ipvs.Writes())
			const rounds = 5
			before := processorTime(t)
			for range rounds {
				dumps := n.ipvs.Dumps()
				n.Reload()
				n.wait(t, Reloaded)
				waitFor(t, "the table is compared", func() bool { return n.ipvs.Dumps() > dumps })
			}
			took := (processorTime(t) - before) / rounds
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			t.Logf("%s of processor time for each reload; %d MB on the heap, the kernel in memory included",
				took.Round(100*time.Microsecond), memory.HeapAlloc>>20)
			if writes := n.ipvs.Writes()[written:]; len(writes) > 0 {
				t.Errorf("%d writes to IPVS, the first: %s", len(writes), writes[0])
			}
			if writes := n.takeWrites(); len(writes) > 0 {
				t.Errorf("%d writes to the network, the first: %s", len(writes), writes[0])
			}
		})
	}
}

// processorTime is what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
