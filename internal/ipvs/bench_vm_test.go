//go:build vm

package ipvs_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// many is a table of services × destinations.
func many(services, destinations int) ipvs.Table {
	t := make(ipvs.Table, services)
	for s := range services {
		key := ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.AddrFrom4([4]byte{192, 168, byte(s >> 8), byte(s)}), Port: 80}
		e := ipvs.Entry{Service: ipvs.Service{Scheduler: "rr", Netmask: ipvs.HostMask(4)}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
		for d := range destinations {
			e.Destinations[netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(d >> 8), byte(d)}), 80)] = ipvs.Destination{Weight: 1}
		}
		t[key] = e
	}
	return t
}

// An empty kernel is given ten thousand servers: by the applier, from its start to its report; by
// "ipvsadm -R", from its start to its end; by keepalived, from its start until the last one is there
// (s/op), and from when the first one is there (writing-s/op), which leaves out its start and the
// reading of its file.
func BenchmarkProgram(b *testing.B) {
	for _, size := range []struct{ services, destinations int }{{100, 100}, {10000, 1}, {1, 10000}} {
		table := many(size.services, size.destinations)
		for _, by := range []struct {
			name    string
			program func(*testing.B, namespace, ipvs.Table)
		}{{"lvsd", programByApplier}, {"ipvsadm", programByIpvsadm}, {"keepalived", programByKeepalived}} {
			b.Run(fmt.Sprintf("%dx%d/%s", size.services, size.destinations, by.name), func(b *testing.B) {
				for range b.N {
					b.StopTimer()
					ns := newNamespace(b)
					b.StartTimer()
					by.program(b, ns, table)
					b.StopTimer()
					if got := ns.entries(b); got != size.services*(1+size.destinations) {
						b.Errorf("the kernel has %d services and destinations", got)
					}
					ns.ipvsadm(b, "-C")
				}
			})
		}
	}
}

func programByApplier(b *testing.B, ns namespace, table ipvs.Table) {
	s := startIn(b, ns, time.Hour)
	s.applier.Want(1, table.Wanted())
	for r := range s.reports {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
		if r.Generation == 1 {
			return
		}
	}
}

func programByIpvsadm(b *testing.B, ns namespace, table ipvs.Table) {
	b.StopTimer()
	var rules bytes.Buffer
	for _, key := range slices.SortedFunc(maps.Keys(table), ipvs.ServiceKey.Compare) {
		at := netip.AddrPortFrom(key.Addr, key.Port)
		fmt.Fprintf(&rules, "-A -t %s -s rr\n", at)
		for addr := range table[key].Destinations {
			fmt.Fprintf(&rules, "-a -t %s -r %s -m -w 1\n", at, addr)
		}
	}
	b.StartTimer()
	err := ns.do(func() error {
		restore := exec.Command("ipvsadm", "-R")
		restore.Stdin = &rules
		out, err := restore.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func programByKeepalived(b *testing.B, ns namespace, table ipvs.Table) {
	b.StopTimer()
	var config bytes.Buffer
	entries := len(table)
	for _, key := range slices.SortedFunc(maps.Keys(table), ipvs.ServiceKey.Compare) {
		fmt.Fprintf(&config, "virtual_server %s %d {\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n", key.Addr, key.Port)
		for addr := range table[key].Destinations {
			fmt.Fprintf(&config, "  real_server %s %d {\n    weight 1\n  }\n", addr.Addr(), addr.Port())
			entries++
		}
		config.WriteString("}\n")
	}
	dir := b.TempDir()
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	keepalived := exec.Command("keepalived", "--dont-fork", "--log-console", "--check", "--use-file", file,
		"--pid", filepath.Join(dir, "pid"), "--checkers_pid", filepath.Join(dir, "checkers"))
	keepalived.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	b.StartTimer()
	if err := ns.do(keepalived.Start); err != nil {
		b.Fatal(err)
	}
	var first time.Time
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		n := ns.entries(b)
		if n > 0 && first.IsZero() {
			first = time.Now()
		}
		if n == entries {
			break
		}
		if time.Now().After(deadline) {
			b.Fatalf("keepalived has written %d of %d", n, entries)
		}
	}
	b.StopTimer()
	b.ReportMetric(time.Since(first).Seconds(), "writing-s/op")
	if err := syscall.Kill(-keepalived.Process.Pid, syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	var killed *exec.ExitError
	if err := keepalived.Wait(); err != nil && !errors.As(err, &killed) {
		b.Fatal(err)
	}
	b.StartTimer()
}

// entries is how many services and destinations the kernel has.
func (ns namespace) entries(tb testing.TB) int {
	tb.Helper()
	var text []byte
	err := ns.do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/ip_vs")
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return max(strings.Count(string(text), "\n")-3, 0) // the heading
}
