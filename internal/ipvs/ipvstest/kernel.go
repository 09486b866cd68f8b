// Package ipvstest has an IPVS kernel in memory for tests: it keeps a table, answers with the
// real kernel's errors, and fails where it is told to.
package ipvstest

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// Kernel is a kernel that any number of connections can be open to. Its methods may be called
// from every goroutine.
type Kernel struct {
	mu         sync.Mutex
	table      ipvs.Table
	settings   ipvs.Settings
	schedulers map[string]bool
	loaded     bool
	family     int // changes with every loading of the module
	open       int
	dumps      int
	torn       int
	writes     []ipvs.Op
	fail       func(n int, op ipvs.Op) error
	watch      func(ipvs.Op, ipvs.Table)
	count      func(ipvs.ServiceKey, netip.AddrPort) Connections
	dumping    func(n int) (time.Duration, error)
	looking    func() (time.Duration, error)
}

// Connections are what a destination has.
type Connections struct{ Active, Inactive, Persistent uint32 }

// NewKernel returns a kernel with the module loaded and an empty table.
func NewKernel() *Kernel {
	k := &Kernel{table: ipvs.Table{}, loaded: true, schedulers: map[string]bool{}, settings: defaults()}
	for _, name := range []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"} {
		k.schedulers[name] = true
	}
	return k
}

// Open is for ipvs.Options.Open.
func (k *Kernel) Open() (ipvs.Kernel, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.loaded {
		return nil, ipvs.ErrNoIPVS
	}
	k.open++
	return &connection{kernel: k, family: k.family}, nil
}

// Load makes the module appear, with an empty table.
func (k *Kernel) Load() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded = true
}

// Unload removes the module with its table. Connections that are open stay useless after it is
// loaded again.
func (k *Kernel) Unload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded, k.table, k.settings = false, ipvs.Table{}, defaults()
	k.family++
}

// Edit changes the table as another program would.
func (k *Kernel) Edit(edit func(ipvs.Table)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	edit(k.table)
}

// Settings returns what there is beside the table.
func (k *Kernel) Settings() ipvs.Settings {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings
}

// EditSettings changes the settings as another program would.
func (k *Kernel) EditSettings(edit func(*ipvs.Settings)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	edit(&k.settings)
}

// defaults are the settings of a kernel that nobody configured (ip_vs_proto_tcp.c, _udp.c, ip_vs_ctl.c).
func defaults() ipvs.Settings {
	return ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 900, TCPFin: 120, UDP: 300}, Sysctls: ipvs.Sysctls{ipvs.ConnReuseMode: 1}}
}

// Fail makes fail decide on the error of each write, nil to let it through. n counts the writes
// from 1, the failing ones too. The error os.ErrDeadlineExceeded ends the connection. fail may call Unload
// and Load: it is called without a lock.
func (k *Kernel) Fail(fail func(n int, op ipvs.Op) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = fail
}

// Watch calls watch after each write that succeeded, with the table it led to.
func (k *Kernel) Watch(watch func(ipvs.Op, ipvs.Table)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watch = watch
}

// Count makes count decide on the connections of each destination; without it there are none.
func (k *Kernel) Count(count func(ipvs.ServiceKey, netip.AddrPort) Connections) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count = count
}

// TearDumps makes the next n dumps come with ipvs.ErrInconsistent, and without the service that
// is the last in order.
func (k *Kernel) TearDumps(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.torn = n
}

// Dumping makes dumping decide how long each dump takes, and on its error, nil for none. n counts the dumps
// from 1, the failing ones too.
func (k *Kernel) Dumping(dumping func(n int) (took time.Duration, err error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dumping = dumping
}

// Table returns a copy of the table.
func (k *Kernel) Table() ipvs.Table {
	k.mu.Lock()
	defer k.mu.Unlock()
	return clone(k.table)
}

// Writes returns the writes that were tried so far, also those that failed.
func (k *Kernel) Writes() []ipvs.Op {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.writes)
}

// Dumps returns the number of dumps so far.
func (k *Kernel) Dumps() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dumps
}

// CheckClosed fails the test if a connection was left open.
func (k *Kernel) CheckClosed(t testing.TB) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open != 0 {
		t.Errorf("%d connections to the kernel left open", k.open)
	}
}

func clone(t ipvs.Table) ipvs.Table {
	out := make(ipvs.Table, len(t))
	for key, e := range t {
		out[key] = ipvs.Entry{Service: e.Service, Destinations: maps.Clone(e.Destinations)}
		if e.Destinations == nil {
			out[key] = ipvs.Entry{Service: e.Service, Destinations: map[netip.AddrPort]ipvs.Destination{}}
		}
	}
	return out
}

// write makes one change, with the errors of ip_vs_ctl.c.
func (k *Kernel) write(op ipvs.Op) error {
	switch op.Kind {
	case ipvs.SetTimeouts, ipvs.SetSysctl, ipvs.LoadFTP, ipvs.StartDaemon, ipvs.StopDaemon:
		return k.writeSettings(op)
	}
	e, ok := k.table[op.Key]
	if op.Kind == ipvs.AddService {
		if ok {
			return unix.EEXIST
		}
	} else if !ok {
		return unix.ESRCH
	}
	switch op.Kind {
	case ipvs.AddService, ipvs.EditService:
		if !k.schedulers[op.Service.Scheduler] || op.Service.PEName != "" && op.Service.PEName != "sip" {
			return unix.ENOENT
		}
		if op.Key.Family == 6 && (op.Service.Netmask < 1 || op.Service.Netmask > 128) {
			return unix.EINVAL
		}
		if !ok {
			e.Destinations = map[netip.AddrPort]ipvs.Destination{}
		}
		e.Service = op.Service
		k.table[op.Key] = e
		return nil
	case ipvs.DeleteService:
		delete(k.table, op.Key)
		return nil
	}
	_, ok = e.Destinations[op.Address]
	if op.Kind == ipvs.DeleteDestination {
		if !ok {
			return unix.ENOENT
		}
		delete(e.Destinations, op.Address)
		return nil
	}
	d := op.Destination
	if op.Address.Addr().Is6() != (op.Key.Family == 6) && d.Forward != ipvs.Tunnel {
		return unix.EINVAL
	}
	if d.Weight > math.MaxInt32 || d.LowerThreshold > d.UpperThreshold {
		return unix.ERANGE
	}
	if ok && op.Kind == ipvs.AddDestination {
		return unix.EEXIST
	}
	if !ok && op.Kind == ipvs.EditDestination {
		return unix.ENOENT
	}
	if e.Destinations == nil {
		e.Destinations = map[netip.AddrPort]ipvs.Destination{}
		k.table[op.Key] = e
	}
	e.Destinations[op.Address] = d
	return nil
}

// Look implements ipvs.Kernel, in the kernel's format.
func (c *connection) Look(show func(line []byte)) error {
	k := c.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	took, err := time.Duration(0), error(nil)
	if k.looking != nil {
		took, err = k.looking()
	}
	if err == nil && (!k.loaded || c.family != k.family) {
		err = ipvs.ErrNoIPVS
	}
	if err != nil {
		return err
	}
	time.Sleep(took)
	line := func(format string, values ...any) { show(fmt.Appendf(nil, format, values...)) }
	line("IP Virtual Server version 1.2.1 (size=4096)")
	line("Prot LocalAddress:Port Scheduler Flags")
	line("  -> RemoteAddress:Port Forward Weight ActiveConn InActConn")
	for key, e := range k.table {
		flags := ""
		if e.Service.Flags&ipvs.Persistent != 0 {
			flags = fmt.Sprintf("persistent %d %08X", e.Service.Timeout, e.Service.Netmask)
		}
		if key.FWMark != 0 {
			line("FWM  %08X %s  %s", key.FWMark, e.Service.Scheduler, flags)
		} else {
			protocol := map[uint8]string{6: "TCP", 17: "UDP", 132: "SCTP"}[key.Protocol]
			line("%s  %s %s  %s", protocol, shown(netip.AddrPortFrom(key.Addr, key.Port)), e.Service.Scheduler, flags)
		}
		for at, d := range e.Destinations {
			line("  -> %s      %-7s %-6d %-10d %-10d", shown(at), methods[d.Forward], d.Weight, 7, 0)
		}
	}
	return nil
}

// methods are the ways of forwarding as /proc/net/ip_vs has them.
var methods = map[ipvs.Forward]string{ipvs.Masquerade: "Masq", ipvs.Local: "Local", ipvs.Tunnel: "Tunnel", ipvs.Route: "Route", ipvs.Bypass: "Bypass"}

// shown is an address as /proc/net/ip_vs has it.
func shown(at netip.AddrPort) string {
	if at.Addr().Is4() {
		four := at.Addr().As4()
		return fmt.Sprintf("%X:%04X", four[:], at.Port())
	}
	return fmt.Sprintf("[%s]:%04X", at.Addr().StringExpanded(), at.Port())
}

// Looking has looks at the table take so long, or fail.
func (k *Kernel) Looking(looking func() (took time.Duration, err error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looking = looking
}
