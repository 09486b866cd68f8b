//go:build vm

package ipvs_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// namespace is a network namespace of the test's own: IPVS tables are per namespace.
type namespace struct{ handle netns.NsHandle }

// newNamespace makes one with lo up: with lo down the kernel takes no IPv4 destination.
func newNamespace(t testing.TB) namespace {
	t.Helper()
	ns := emptyNamespace(t)
	ns.loUp(t)
	return ns
}

func emptyNamespace(t testing.TB) namespace {
	t.Helper()
	var ns namespace
	err := onThread(func() error {
		var err error
		ns.handle, err = netns.New()
		return err
	})
	if err != nil {
		t.Fatalf("new network namespace: %v", err)
	}
	t.Cleanup(func() {
		if err := ns.handle.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns
}

func (ns namespace) loUp(t testing.TB) {
	t.Helper()
	err := ns.do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		t.Fatalf("set lo up: %v", err)
	}
}

// address puts an address on lo.
func (ns namespace) address(t *testing.T, a netip.Addr) {
	t.Helper()
	ns.ip(t, "address", "add", netip.PrefixFrom(a, a.BitLen()).String(), "dev", "lo")
}

// loMulticast makes lo an interface that a sync daemon takes.
func (ns namespace) loMulticast(t *testing.T) {
	t.Helper()
	ns.ip(t, "link", "set", "lo", "multicast", "on")
	ns.ip(t, "route", "add", "224.0.0.0/4", "dev", "lo")
}

func (ns namespace) ip(t *testing.T, args ...string) {
	t.Helper()
	err := ns.do(func() error {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("ip %s: %v", strings.Join(args, " "), err)
	}
}

// accept takes connections at an address of the namespace, and closes each.
func (ns namespace) accept(t *testing.T, address string) {
	t.Helper()
	var l net.Listener
	if err := ns.do(func() (err error) {
		l, err = net.Listen("tcp4", address)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_ = conn.Close()
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
}

// onThread runs f on a thread of its own, which ends with it: its namespace is not for others.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

func (ns namespace) do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(ns.handle); err != nil {
			return err
		}
		return f()
	})
}

func (ns namespace) open() (ipvs.Kernel, error) {
	var k ipvs.Kernel
	err := ns.do(func() error {
		var err error
		k, err = ipvs.Open()
		return err
	})
	return k, err
}

// ipvsadm runs it in the namespace.
func (ns namespace) ipvsadm(t testing.TB, args ...string) string {
	t.Helper()
	return ns.run(t, append([]string{"ipvsadm"}, args...)...)
}

// run runs a program in the namespace, and returns what it printed.
func (ns namespace) run(t testing.TB, args ...string) string {
	t.Helper()
	var out []byte
	err := ns.do(func() error {
		var err error
		out, err = exec.Command(args[0], args[1:]...).CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestRoundTripInTheKernel(t *testing.T) { roundTrip(t, newNamespace(t).open) }

func TestErrnosInTheKernel(t *testing.T) { errnos(t, newNamespace(t).open) }

// apply writes a table into an empty kernel.
func apply(t *testing.T, ns namespace, table ipvs.Table) {
	t.Helper()
	kernel, err := ns.open()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	ops := ipvs.Plan(table.Wanted(), nil, nil)
	for i, err := range kernel.Apply(ops) {
		if err != nil {
			t.Fatalf("%s: %v", ops[i], err)
		}
	}
}

func lines(s string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(s) {
		out[strings.TrimSpace(line)] = true
	}
	return out
}

// What ipvsadm shows of the table, in its own words.
func TestIpvsadmShowsTheSame(t *testing.T) {
	ns := newNamespace(t)
	apply(t, ns, everything())
	want := `
-A -t 192.168.2.11:80 -s wrr
-a -t 192.168.2.11:80 -r 10.10.10.11:8000 -m -w 2
-a -t 192.168.2.11:80 -r 10.10.10.12:8000 -m -w 100000
-a -t 192.168.2.11:80 -r 10.10.10.13:80 -m -w 0
-A -t 192.168.2.11:0 -s rr -p 300 -M 255.255.255.0
-a -t 192.168.2.11:0 -r 10.10.10.11:0 -g -w 1
-A -u 192.168.2.11:53 -s rr -o
-a -u 192.168.2.11:53 -r 10.10.10.11:53 -m -w 1
-A -u 192.168.2.11:5060 -s wlc -p 60 --pe sip
-a -u 192.168.2.11:5060 -r 10.10.10.11:5060 -m -w 1
-A --sctp-service 192.168.2.11:2905 -s sh -b sh-fallback,sh-port
-a --sctp-service 192.168.2.11:2905 -r 10.10.10.11:2905 -m -w 1
-A -t 192.168.2.12:443 -s mh -b mh-port
-a -t 192.168.2.12:443 -r 10.10.10.11:443 -i -w 1 --tun-type ipip
-a -t 192.168.2.12:443 -r 10.10.10.12:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 192.168.2.12:443 -r 10.10.10.13:443 -i -w 1 --tun-type gre --tun-nocsum
-a -t 192.168.2.12:443 -r [2001:db8:10::13]:443 -i -w 1 --tun-type ipip
-A -t [2001:db8::11]:80 -s lc -p 360 -M 64
-a -t [2001:db8::11]:80 -r [2001:db8:10::11]:8000 -m -w 1
-a -t [2001:db8::11]:80 -r [2001:db8:10::12]:80 -g -w 1
-a -t [2001:db8::11]:80 -r 10.10.10.12:80 -i -w 1 --tun-type ipip
-A -f 100 -s rr
-a -f 100 -r 10.10.10.11:0 -g -w 1
-A -f 100 -6 -s rr
-a -f 100 -6 -r [2001:db8:10::11]:0 -g -w 1
-A -t 192.168.2.13:80 -s rr
`
	if d := cmp.Diff(lines(strings.TrimSpace(want)), lines(strings.TrimSpace(ns.ipvsadm(t, "-Sn")))); d != "" {
		t.Errorf("ipvsadm -Sn (-want +got):\n%s", d)
	}
	// -S leaves the thresholds out.
	thresholds := ns.ipvsadm(t, "-Ln", "--thresholds", "-u", "192.168.2.11:53")
	if f := strings.Fields(thresholds[strings.Index(thresholds, "10.10.10.11:53"):]); !slices.Equal(f[:4], []string{"10.10.10.11:53", "100", "50", "0"}) {
		t.Errorf("ipvsadm -Ln --thresholds:\n%s", thresholds)
	}
	ns.ipvsadm(t, "-C")
}

// started is an applier at work on the real kernel.
type started struct {
	t       testing.TB
	applier *ipvs.Applier
	reports chan ipvs.Report
}

func startIn(t testing.TB, ns namespace, resync time.Duration) *started {
	t.Helper()
	return startWith(t, ns.open, resync)
}

// startWith is startIn with a connection of the test's own.
func startWith(t testing.TB, open func() (ipvs.Kernel, error), resync time.Duration) *started {
	t.Helper()
	s := &started{t: t, reports: make(chan ipvs.Report, 1000)}
	s.applier = ipvs.NewApplier(ipvs.Options{
		Open:      open,
		StateFile: filepath.Join(t.TempDir(), "services.json"),
		Resync:    resync,
		Report:    func(r ipvs.Report) { s.reports <- r },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.applier.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// until waits for a report that is as it should be.
func (s *started) until(what string, ok func(ipvs.Report) bool) ipvs.Report {
	s.t.Helper()
	deadline := time.After(2 * ipvs.MaxResync)
	for {
		select {
		case r := <-s.reports:
			said := r
			said.Applied = r.Applied[:min(len(r.Applied), 20)]
			s.t.Logf("%s: %d operations, report %+v", what, len(r.Applied), said)
			if ok(r) {
				return r
			}
		case <-deadline:
			s.t.Fatalf("%s: no such report", what)
		}
	}
}

func TestApplierInTheKernel(t *testing.T) {
	ns := newNamespace(t)
	ns.ipvsadm(t, "-A", "-t", "192.168.2.99:99", "-s", "sh", "-b", "sh-port")
	ns.ipvsadm(t, "-a", "-t", "192.168.2.99:99", "-r", "10.9.9.9:99", "-m", "-w", "3")
	ns.ipvsadm(t, "-A", "-t", "192.168.2.11:80", "-s", "sh", "-p", "10") // adopted
	ns.ipvsadm(t, "-a", "-t", "192.168.2.11:80", "-r", "10.0.0.9:80", "-g")
	foreign := "-A -t 192.168.2.99:99 -s sh -b sh-port\n-a -t 192.168.2.99:99 -r 10.9.9.9:99 -m -w 3\n"
	ours := "-A -t 192.168.2.11:80 -s rr\n-a -t 192.168.2.11:80 -r 10.0.0.1:80 -m -w 1\n"
	shows := func(want string) {
		t.Helper()
		if d := cmp.Diff(lines(want), lines(ns.ipvsadm(t, "-Sn"))); d != "" {
			t.Errorf("ipvsadm -Sn (-want +got):\n%s", d)
		}
	}

	s := startIn(t, ns, 200*time.Millisecond)
	s.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
	if r := s.until("adopt", func(r ipvs.Report) bool { return r.Generation == 1 }); r.Err != nil || r.Healed {
		t.Errorf("report %+v", r)
	}
	shows(foreign + ours)
	for _, args := range [][]string{
		{"-D", "-t", "192.168.2.11:80"},
		{"-E", "-t", "192.168.2.11:80", "-s", "wlc", "-p", "77"},
		{"-d", "-t", "192.168.2.11:80", "-r", "10.0.0.1:80"},
		{"-e", "-t", "192.168.2.11:80", "-r", "10.0.0.1:80", "-i", "-w", "0"},
		{"-a", "-t", "192.168.2.11:80", "-r", "10.0.0.7:80", "-m"},
	} {
		ns.ipvsadm(t, args...)
		if r := s.until(strings.Join(args, " "), func(r ipvs.Report) bool { return r.Healed }); r.Err != nil {
			t.Errorf("report %+v", r)
		}
		shows(foreign + ours)
	}
	stats, err := s.applier.Stats(t.Context())
	if err != nil || len(stats.Services) != 2 || !stats.Services[0].Owned || stats.Services[1].Owned {
		t.Errorf("Stats: %+v, %v", stats, err)
	}
	s.applier.Want(2, ipvs.Table{}.Wanted())
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 })
	shows(foreign)
	ns.ipvsadm(t, "-C")
}

func TestUnknownSchedulerInTheKernel(t *testing.T) {
	s := startIn(t, newNamespace(t), time.Minute)
	s.applier.Want(1, ipvs.Table{web: entry("nosuch", 1, "10.0.0.1:80"), mail: entry("rr", 1, "10.0.0.1:25")}.Wanted())
	r := s.until("refused", func(r ipvs.Report) bool { return r.Generation == 1 })
	if !errors.Is(r.Err, unix.ENOENT) || r.Pending != 2 || len(r.Applied) != 2 {
		t.Errorf("report %+v", r)
	}
	s.applier.Want(2, ipvs.Table{}.Wanted())
	if r := s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 }); r.Err != nil {
		t.Errorf("report %+v", r)
	}
}

// With lo down the kernel refuses IPv4 destinations; when it is up they appear by themselves.
func TestLoopbackDownInTheKernel(t *testing.T) {
	ns := emptyNamespace(t)
	s := startIn(t, ns, time.Minute)
	s.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
	if r := s.until("refused", func(r ipvs.Report) bool { return r.Generation == 1 }); !errors.Is(r.Err, unix.EINVAL) || r.Pending != 1 {
		t.Errorf("report %+v", r)
	}
	ns.loUp(t)
	s.until("done", func(r ipvs.Report) bool { return len(r.Applied) == 1 && r.Pending == 0 })
	s.applier.Want(2, ipvs.Table{}.Wanted())
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 })
}

// The counters are those of real connections.
func TestCountersInTheKernel(t *testing.T) {
	ns := newNamespace(t)
	server := netip.MustParseAddrPort("127.0.0.2:8000")
	vip := service("127.0.0.9:80")
	apply(t, ns, ipvs.Table{vip: entry("rr", 1, server.String())})
	err := ns.do(func() error {
		l, err := net.Listen("tcp4", server.String())
		if err != nil {
			return err
		}
		defer l.Close()
		for range 3 {
			c, err := net.DialTimeout("tcp4", "127.0.0.9:80", 5*time.Second)
			if err != nil {
				return err
			}
			defer c.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := ns.open()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	counted := func(c ipvs.Counters) bool {
		return c.Connections == 3 && c.PacketsIn >= 6 && c.PacketsOut >= 3 && c.BytesIn >= 6*40 && c.BytesOut >= 3*40
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		stats, err := kernel.Stats()
		if err != nil || len(stats) != 1 || len(stats[0].Destinations) != 1 {
			t.Fatalf("Stats: %+v, %v", stats, err)
		}
		d := stats[0].Destinations[0]
		if d.Active+d.Inactive != 3 {
			t.Fatalf("connections: %+v", d)
		}
		if counted(stats[0].Counters) && counted(d.Counters) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("counters: %+v", stats)
		}
	}
	ns.ipvsadm(t, "-C")
}
