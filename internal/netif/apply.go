package netif

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// apply does what Plan says and returns how many operations are left to be done.
func (l *loop) apply() (left int) {
	now := time.Now()
	plan, spared := compare(l.want, l.roles, l.have.Addresses, l.owned, now)
	l.spare(spared)
	l.ops.only(plan, now)
	for _, op := range plan {
		if l.leaves(op) {
			continue
		}
		if !l.ops.ready(op, now) || !l.do(op) {
			left++
		}
	}
	return left
}

// leaves reports whether an address stays away that somebody removed.
func (l *loop) leaves(op Op) bool {
	return op.Kind == Add && l.on[op.Address] && slices.ContainsFunc(l.want.Instances[op.Instance].NoTrack,
		func(a Address) bool { return a.canonical() == op.Address })
}

// spare reports the addresses that are left alone although they should be off, each once.
func (l *loop) spare(addresses []Address) {
	still := make(map[Address]bool, len(addresses))
	for _, a := range addresses {
		if still[a] = true; !l.spared[a] {
			l.say(Trouble{Err: fmt.Errorf("leave %s on: lvsd did not put it there, and %s has no address of its own beside it: give it one", a, a.Dev)})
		}
	}
	l.spared = still
}

// do carries out one operation, books its outcome, and says whether it is done.
func (l *loop) do(op Op) bool {
	var err error
	switch op.Kind {
	case Add:
		// The plan may be old: this thread may have slept since.
		if !l.want.Instances[op.Instance].Static && !l.roles[op.Instance].holds(time.Now()) {
			return false
		}
		if err = errNoDevice; l.have.Links[op.Address.Dev] != 0 {
			err = l.kernel.Add(l.lease(op.Instance, op.Address))
		}
		if err == nil {
			l.own(op.Address)
		}
	case Delete:
		if err = l.kernel.Delete(op.Address); err == nil {
			delete(l.owned, op.Address)
			delete(l.index, op.Address)
		}
	}
	now := time.Now()
	if err != nil {
		// Whatever the error says, the kernel is not what it was thought to be.
		l.stale = l.stale || !errors.Is(err, errNoDevice)
	}
	if err != nil && !moot(op.Kind, err) {
		if l.ops.failed(op, now, err) {
			l.say(OpFailed{Op: op, Err: fmt.Errorf("%s %s: %w", op.Kind, op.Address, err)})
		}
		return false
	}
	l.booked(op, now)
	return true
}

// moot reports whether the error of an operation says that there was nothing to do.
func moot(k OpKind, err error) bool {
	if k == Add {
		return errors.Is(err, unix.EEXIST)
	}
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) || errors.Is(err, errNoDevice)
}

// booked keeps the cached table and the books equal to what a successful operation made of the
// kernel; its notification makes sure by reading the table again.
func (l *loop) booked(op Op, now time.Time) {
	a := op.Address
	l.unsaved = true
	switch op.Kind {
	case Add:
		l.ops.done(op, now, l.why[a] == Healed)
		l.have.Addresses[a] = struct{}{}
		l.say(Added{Instance: op.Instance, Address: a, Why: l.why[a]})
		l.added = append(l.added, a)
		l.on[a] = true
		delete(l.why, a)
	case Delete:
		l.ops.done(op, now, !l.on[a])
		delete(l.have.Addresses, a)
		delete(l.born, a)
		l.say(Removed{Instance: op.Instance, Address: a, Why: l.whyGone(op)})
		delete(l.on, a)
	}
}

func (l *loop) whyGone(op Op) RemoveReason {
	switch {
	case op.Replace:
		return Replaced
	case !l.on[op.Address]:
		return LeftOver
	case op.Instance == "":
		return Unconfigured
	case l.roles[op.Instance].Master:
		return Expired
	}
	return Released
}

// acknowledge reports how far the Want is carried out.
func (l *loop) acknowledge(left int) {
	if l.acknowledged != l.generation || l.pending != left || !l.acked {
		l.acknowledged, l.pending, l.acked = l.generation, left, true
		l.say(Applied{Generation: l.generation, Pending: left})
	}
}
