package director

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
	"lvsd/internal/netif"
)

// networkKernel is a host's network in memory. It never changes by itself.
type networkKernel struct {
	changed int
	openErr error
	record  func(string)

	mu        sync.Mutex
	links     map[string]int
	addresses map[netif.Address]struct{}
	sysctls   map[string]string
	routing
}

func newNetworkKernel(record func(string), links ...string) *networkKernel {
	k := &networkKernel{changed: -1, record: record, links: map[string]int{},
		addresses: map[netif.Address]struct{}{}, sysctls: map[string]string{}}
	for i, name := range links {
		k.links[name] = i + 1
	}
	return k
}

func (k *networkKernel) Open() (err error) {
	if k.openErr != nil {
		return k.openErr
	}
	k.changed, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return err
}

func (k *networkKernel) Close() error         { return unix.Close(k.changed) }
func (k *networkKernel) Changed() int         { return k.changed }
func (k *networkKernel) Drain() (bool, error) { return false, nil }

func (k *networkKernel) Dump() (netif.Table, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return netif.Table{Links: maps.Clone(k.links), Addresses: maps.Clone(k.addresses)}, nil
}

func (k *networkKernel) Renew(leases []netif.Lease) []error { return make([]error, len(leases)) }

func (k *networkKernel) Add(l netif.Lease) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := l.Address
	if _, there := k.addresses[a]; there {
		return unix.EEXIST
	}
	k.addresses[a] = struct{}{}
	k.record("add address " + a.String())
	return nil
}

func (k *networkKernel) Delete(a netif.Address) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.addresses[a]; !there {
		return unix.EADDRNOTAVAIL
	}
	delete(k.addresses, a)
	k.record("delete address " + a.String())
	return nil
}

func (k *networkKernel) Announce(netif.Address) error { return nil }

func (k *networkKernel) Sysctl(name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if name == "net.ipv4.ping_group_range" && k.sysctls[name] == "" {
		return "1 0", nil
	}
	return k.sysctls[name], nil
}

func (k *networkKernel) SetSysctl(name, value string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sysctls[name] = value
	return nil
}

// node is a director that runs, on a host in memory.
type node struct {
	*Director
	file    string
	runDir  string
	ipvs    *ipvstest.Kernel
	through func(ipvs.Kernel) ipvs.Kernel // what the director has before ipvs; nil for nothing
	network *networkKernel
	packets *packetKernel
	ended   chan error
	cancel  context.CancelFunc

	*eventLog
	mu     sync.Mutex
	writes []string // to both kernels, in order
	allots []bool   // whether there was work for several processors
}

// nodeOption changes a node before it runs.
type nodeOption func(*node)

// startNode runs a director with a configuration until the test ends.
func startNode(t testing.TB, config string, options ...nodeOption) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{file: filepath.Join(dir, "lvsd.hcl"), runDir: dir, ipvs: ipvstest.NewKernel(),
		ended: make(chan error, 1), eventLog: newEventLog()}
	n.network = newNetworkKernel(n.wrote, "vip0", "vip1")
	n.packets = &packetKernel{wrote: n.wrote}
	for _, change := range options {
		change(n)
	}
	n.ipvs.Watch(func(op ipvs.Op, _ ipvs.Table) { n.wrote(op.String()) })
	n.write(t, config)
	result := conf.Load(n.file, conf.Options{Hostname: "lb1"})
	if result.Config == nil {
		t.Fatal(result.Diags)
	}
	var err error
	n.Director, err = newDirector(Options{Path: n.file, Load: conf.Options{Hostname: "lb1"}, Seal: result.Seal, RunDir: n.runDir,
		Processors: func(several bool) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.allots = append(n.allots, several)
		},
		Version: "test", Log: zap.New(recorder{log: n.eventLog, LevelEnabler: zapcore.DebugLevel})}, result.Config,
		host{ipvs: n.open, network: n.network, packets: n.packets})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n.cancel = cancel
	go func() { n.ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		n.end(t)
		n.ipvs.CheckClosed(t)
	})
	return n
}

// open opens the node's IPVS for the director.
func (n *node) open() (ipvs.Kernel, error) {
	k, err := n.ipvs.Open()
	if err == nil && n.through != nil {
		k = n.through(k)
	}
	return k, err
}

// end waits for the end of Run and returns its error; it may be called again.
func (n *node) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-n.ended:
		n.ended <- err
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("the director does not end\n%s", n.transcript())
		return nil
	}
}

func (n *node) write(t testing.TB, config string) {
	t.Helper()
	if err := os.WriteFile(n.file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wrote books a write to one of the kernels.
func (n *node) wrote(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes = append(n.writes, what)
}

// takeWrites returns the writes since it was last called.
func (n *node) takeWrites() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.writes
	n.writes = nil
	return list
}

// status is the director's answer.
func (n *node) status(t *testing.T) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := n.Status(ctx)
	if err != nil {
		t.Fatalf("status: %v\n%s", err, n.transcript())
	}
	return s
}

// kernelHas waits until the IPVS table is as wanted: each service with its destinations and
// their weights, as render writes them.
func (n *node) kernelHas(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("the kernel has %q, want %q\n%s", got, want, n.transcript())
		}
	}()
	waitFor(t, "the kernel's table", func() bool {
		got = nil
		table := n.ipvs.Table()
		for _, key := range slices.SortedFunc(maps.Keys(table), ipvs.ServiceKey.Compare) {
			line := key.String()
			for _, address := range sortedAddresses(table[key].Destinations) {
				line += fmt.Sprintf(" %s=%d", address, table[key].Destinations[address].Weight)
			}
			got = append(got, line)
		}
		return slices.Equal(got, want)
	})
}
