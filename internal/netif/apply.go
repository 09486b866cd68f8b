package netif

import (
	"errors"
	"fmt"
	"maps"
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
		if !l.ops.ready(op, now) || !l.do(op) {
			left++
		}
	}
	return left
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
			err = l.kernel.Add(op.Address)
		}
		if err == nil {
			l.own(op.Address)
		}
	case Delete:
		err = l.kernel.Delete(op.Address)
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

// announce sends the bursts that are due: all addresses of an instance that has become master,
// was asked to, or has its second burst now; else those addresses that were just added.
func (l *loop) announce(taken map[string]bool) {
	added := make(map[string][]Address)
	for _, a := range l.added {
		added[l.holder[a]] = append(added[l.holder[a]], a)
	}
	l.added = l.added[:0]
	for _, name := range slices.Sorted(maps.Keys(l.state)) {
		st, in, o, now := l.state[name], l.want.Instances[name], l.orders[name], time.Now()
		if !o.role.holds(now) {
			st.again, st.announces = time.Time{}, o.announces
			continue
		}
		burst := added[name]
		asked := taken[name] || o.announces != st.announces
		second := !st.again.IsZero() && !st.again.After(now)
		if asked || second {
			burst = l.there(in)
		}
		if second {
			st.again = time.Time{}
		}
		if len(burst) > 0 {
			l.burst(name, burst, in.Repeat)
		}
		if in.Delay > 0 && (asked || len(added[name]) > 0) {
			st.again = now.Add(in.Delay)
		}
		st.takeovers, st.announces = o.takeovers, o.announces
	}
}

// burst sends repeat gratuitous ARPs per address, a round of all addresses at a time. An address
// that fails is left out of the rounds to come.
func (l *loop) burst(instance string, addresses []Address, repeat int) {
	todo := slices.DeleteFunc(slices.Clone(addresses), func(a Address) bool { return !a.Prefix.Addr().Is4() })
	if len(todo) == 0 || repeat <= 0 {
		return
	}
	report := Announced{Instance: instance}
	for range repeat {
		todo = slices.DeleteFunc(todo, func(a Address) bool {
			if err := l.kernel.Announce(a); err != nil {
				if report.Err == nil {
					report.Err = fmt.Errorf("announce %s: %w", a, err)
				}
				return true
			}
			report.Frames++
			return false
		})
	}
	l.say(report)
}

// acknowledge reports how far the Want is carried out.
func (l *loop) acknowledge(left int) {
	if l.acknowledged != l.generation || l.pending != left || !l.acked {
		l.acknowledged, l.pending, l.acked = l.generation, left, true
		l.say(Applied{Generation: l.generation, Pending: left})
	}
}
