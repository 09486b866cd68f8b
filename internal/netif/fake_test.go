package netif

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeKernel behaves like the host's as far as an Applier can see: one address per slot, no
// address without an interface, a notification for every change. Failures are injected by call.
type fakeKernel struct {
	notify int // eventfd

	mu      sync.Mutex
	links   map[string]int
	table   map[Address]struct{}
	down    map[string]bool
	routes  []Route
	rules   []Rule
	sysctls map[string]string
	fail    map[string][]error // by call, as logged: what its next executions return
	log     []string           // successful changes and frames, in order
	frames  map[Address]int
	leases  map[Address]Lease
	renewed int
}

func newFakeKernel(t testing.TB, links ...string) *fakeKernel {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	k := &fakeKernel{
		notify: fd, links: make(map[string]int), table: make(map[Address]struct{}), down: make(map[string]bool),
		sysctls: make(map[string]string), fail: make(map[string][]error), frames: make(map[Address]int),
		leases: make(map[Address]Lease),
	}
	for _, name := range links {
		k.links[name] = len(k.links) + 1
	}
	return k
}

func (k *fakeKernel) changed() {
	_, _ = unix.Write(k.notify, binary.NativeEndian.AppendUint64(nil, 1))
}

// injected returns what the next execution of a call is to return.
func (k *fakeKernel) injected(call string) error {
	if f := k.fail[call]; len(f) > 0 {
		k.fail[call] = f[1:]
		return f[0]
	}
	return nil
}

func (k *fakeKernel) Open() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.injected("open")
}

func (k *fakeKernel) Close() error { return nil }
func (k *fakeKernel) Changed() int { return k.notify }

func (k *fakeKernel) Drain() (bool, error) {
	var b [8]byte
	n, _ := unix.Read(k.notify, b[:])
	return n > 0, nil
}

func (k *fakeKernel) Dump() (Table, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.injected("dump"); err != nil {
		return Table{}, err
	}
	up := make(map[string]bool)
	for name := range k.links {
		up[name] = !k.down[name]
	}
	told := make(map[Address]struct{}, len(k.table))
	for a := range k.table {
		told[a.bare()] = struct{}{}
	}
	return Table{maps.Clone(k.links), up, told}, nil
}

func (k *fakeKernel) Add(l Lease) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := l.Address
	call := "add " + a.String()
	if err := k.injected(call); err != nil {
		return err
	}
	if k.links[a.Dev] == 0 {
		return unix.ENODEV
	}
	for have := range k.table {
		if have.shares(a) {
			return unix.EEXIST
		}
	}
	k.table[a] = struct{}{}
	k.leases[a] = l
	k.log = append(k.log, call)
	k.changed()
	return nil
}

func (k *fakeKernel) Renew(leases []Lease) []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	errs := make([]error, len(leases))
	for i, l := range leases {
		if errs[i] = k.injected("renew " + l.Address.String()); errs[i] != nil {
			continue
		}
		if k.links[l.Address.Dev] == 0 {
			errs[i] = unix.ENODEV
			continue
		}
		k.table[l.Address] = struct{}{}
		k.leases[l.Address] = l
		k.renewed++
	}
	return errs
}

func (k *fakeKernel) Delete(a Address) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "delete " + a.String()
	if err := k.injected(call); err != nil {
		return err
	}
	if k.links[a.Dev] == 0 {
		return unix.ENODEV
	}
	before := len(k.table)
	maps.DeleteFunc(k.table, func(have Address, _ struct{}) bool { return have.bare() == a.bare() })
	if len(k.table) == before {
		return unix.EADDRNOTAVAIL
	}
	k.log = append(k.log, call)
	k.changed()
	return nil
}

func (k *fakeKernel) Announce(a Address) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "announce " + a.String()
	if err := k.injected(call); err != nil {
		return err
	}
	k.log = append(k.log, call)
	k.frames[a]++
	return nil
}

func (k *fakeKernel) Sysctl(name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.injected("read " + name); err != nil {
		return "", err
	}
	v, ok := k.sysctls[name]
	if !ok {
		return "", fmt.Errorf("open %s: %w", name, unix.ENOENT)
	}
	return v, nil
}

func (k *fakeKernel) SetSysctl(name, value string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.injected("set " + name); err != nil {
		return err
	}
	k.sysctls[name] = value
	k.log = append(k.log, "set "+name+" "+value)
	return nil
}

// The rest is what somebody else on the host does, and what a test asks.

func (k *fakeKernel) strangerAdds(a Address) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.table[a] = struct{}{}
	k.changed()
}

func (k *fakeKernel) strangerDeletes(a Address) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.table, a)
	k.changed()
}

func (k *fakeKernel) linkAppears(name string, sysctls map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.links[name] = 1000 + len(k.links)
	maps.Copy(k.sysctls, sysctls)
	k.changed()
}

func (k *fakeKernel) linkGoes(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.links, name)
	maps.DeleteFunc(k.table, func(a Address, _ struct{}) bool { return a.Dev == name })
	k.flush(name)
	k.changed()
}

func (k *fakeKernel) linkRenamed(from, to string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.links[to] = k.links[from]
	delete(k.links, from)
	for a := range maps.Clone(k.table) {
		if a.Dev == from {
			delete(k.table, a)
			a.Dev = to
			k.table[a] = struct{}{}
		}
	}
	for i := range k.routes {
		k.routes[i] = k.routes[i].renamed(map[string]string{from: to})
	}
	k.changed()
}

func (k *fakeKernel) failNext(call string, err ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail[call] = err
}

func (k *fakeKernel) addresses() []Address {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.SortedFunc(maps.Keys(k.table), compareAddress)
}

func (k *fakeKernel) sysctl(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sysctls[name]
}

// take returns the log and empties it.
func (k *fakeKernel) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	log := k.log
	k.log = nil
	return log
}
