package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Options configure an Applier.
type Options struct {
	// StateFile remembers across a crash which addresses may have been put on; empty for none.
	StateFile string
	// Report is called on the goroutine of Run. It must not block.
	Report func(Report)
	// Kernel is what to make equal; nil for the host's.
	Kernel Kernel
}

// Applier makes the host's addresses and sysctls equal to what was last wanted. All methods may
// be called from any goroutine and none of them waits for the kernel.
type Applier struct {
	kernel    Kernel
	stateFile string
	report    func(Report)
	wake      int // eventfd: something below has changed

	mu         sync.Mutex // held for copying only: the election waits for it
	ended      bool       // wake is closed
	roused     time.Time  // until when Run does not sleep
	want       *Want      // not yet taken by Run
	generation uint64
	orders     map[string]order
	present    map[string]Presence  // never changed, but replaced
	renewals   map[string]time.Time // from when on a vouching ends Run's wait, to renew leases
}

// order is the role of an instance and what was asked of it, in a form that loses nothing when
// two changes are merged into one look at it.
type order struct {
	role      Role
	takeovers uint64
	announces uint64
}

// NewApplier returns an Applier that waits for Run.
func NewApplier(o Options) (*Applier, error) {
	if o.Report == nil {
		return nil, errors.New("netif: Options.Report is nil")
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create an eventfd: %w", err)
	}
	a := &Applier{
		kernel: o.Kernel, stateFile: o.StateFile, report: o.Report, wake: wake,
		orders: make(map[string]order),
	}
	if a.kernel == nil {
		a.kernel = new(hostKernel)
	}
	return a, nil
}

// Want replaces what is wanted. Where Run has not seen the last Want yet, it never will: the
// newest wins. Applied acknowledges the generation.
func (a *Applier) Want(generation uint64, w Want) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.want, a.generation = &w, generation
	a.poke()
}

// Role tells the role of an instance, whether or not a Want has named it yet; an instance without
// a role is not master, and one that leaves the Want loses its role. Where a Want gives a master
// another name, tell the role under the new name first, or its addresses go and come back.
//
// The election calls it on every change, and to renew Until while it is master: a renewal costs a
// lock and a map write, a change, or a lease that is to be renewed, a system call more. A change to master puts the addresses on,
// announces them and announces them again after Instance.Delay.
func (a *Applier) Role(instance string, r Role) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	o, known := a.orders[instance]
	was := o.role
	o.role = r
	if changed := was.holds(now) != r.holds(now) || was.Master != r.Master; changed || !known {
		if r.holds(now) {
			o.takeovers++
		}
		a.poke()
	} else if at, leased := a.renewals[instance]; r.Until.Before(was.Until) || leased && !now.Before(at) {
		a.poke()
	}
	a.orders[instance] = o
}

// awake is for how long Run stays awake after a takeover that was announced.
const awake = 2 * time.Millisecond

// Rouse has Run not sleep until an instance has become master at a time some milliseconds ahead: to be woken
// then would take the addresses some tenths of a millisecond.
func (a *Applier) Rouse(takeover time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roused = takeover.Add(awake)
	a.poke()
}

// Announce announces the addresses of an instance which is master once more, now and after
// Instance.LowerPrioDelay: another master may have taken its neighbours. Calls that come before Run has
// looked are one burst.
func (a *Applier) Announce(instance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.orders[instance]
	o.announces++
	a.orders[instance] = o
	a.poke()
}

// Presence is what of an instance's wants is in the kernel.
type Presence struct {
	Addresses []Address // those on their interfaces
	// Routes is how many of the kernel's entries for the instance's routes and rules are there, Wanted
	// how many there are to be while it is master.
	Routes, Wanted int
	// Missing are those that should be there now, as ip(8) would be told them: the first 20.
	Missing []string
}

// Present returns what is there of each wanted instance, whatever its role. The result is not to be
// changed.
func (a *Applier) Present() map[string]Presence {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.present
}

// poke ends Run's wait. a.mu is held.
func (a *Applier) poke() {
	if a.ended {
		return
	}
	// The only error of a non-blocking eventfd in use is EAGAIN: its counter is full of pokes.
	_, _ = unix.Write(a.wake, binary.NativeEndian.AppendUint64(nil, 1))
}

// take returns what was ordered: the newest Want, if there is one that was not taken yet, and a
// copy of the orders.
func (a *Applier) take() (want *Want, generation uint64, orders map[string]order) {
	a.mu.Lock()
	defer a.mu.Unlock()
	want, a.want = a.want, nil
	return want, a.generation, maps.Clone(a.orders)
}

// forget drops the order of an instance that is no longer wanted, unless it has changed since.
func (a *Applier) forget(instance string, seen order) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.orders[instance] == seen {
		delete(a.orders, instance)
	}
}

func (a *Applier) show(present map[string]Presence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.present = present
}

// isRoused says whether Rouse was called just now.
func (a *Applier) isRoused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.roused)
}

// wakeFor sets from when on the election's vouching for an instance ends Run's wait.
func (a *Applier) wakeFor(renewals map[string]time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewals = renewals
}
