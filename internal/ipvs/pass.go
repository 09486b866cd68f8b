package ipvs

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// batchSize is how many operations the kernel is given at once. The answers to that many that are
// refused fit into a socket's receive buffer several times over, and a newer table waits for no more
// than that many.
const batchSize = 128

// pass is one attempt at a whole plan.
type pass struct {
	*loop
	report  *Report
	pending map[Op]bool
	missing map[ServiceKey]bool // services that could not be added
	short   map[ServiceKey]bool // services with a destination that could not be added, or given a weight
	batch   []Op
}

// round plans and applies once. It says whether the whole plan was attempted: not when ctx has
// ended or a newer table is wanted.
func (l *loop) round(ctx context.Context, r *Report, superseded func() bool) bool {
	l.owned.claimSettings(l.settings, l.has)
	r.State = errors.Join(r.State, l.owned.save())
	p := pass{loop: l, report: r, pending: map[Op]bool{}, missing: map[ServiceKey]bool{}, short: map[ServiceKey]bool{}}
	for _, ops := range [][]Op{planSettings(l.settings, l.has, &l.owned), l.plan()} {
		written := false
		for _, op := range ops {
			if p.due(op) {
				if ctx.Err() != nil || written && superseded() {
					return false
				}
				p.write()
				written = true
			}
			p.add(op)
		}
		if ctx.Err() != nil {
			return false
		}
		p.write()
	}
	for op := range l.failing {
		if !p.pending[op] {
			delete(l.failing, op)
		}
	}
	r.Pending = len(p.pending)
	if r.Pending == 0 && l.kernel != nil {
		want := l.want
		l.agreed = &want
	}
	return true
}

// plan is what makes the kernel's table, as far as it is known, equal to the wanted one.
func (l *loop) plan() []Op {
	since := l.agreed
	l.agreed = nil // until all of it is done
	if since == nil {
		return Plan(l.want, l.known, l.owned.keys)
	}
	return planSince(*since, l.want, l.known, l.owned.keys)
}

// due says whether what has been collected is to be written before op can be decided on: where there
// is enough of it; and where op takes something away, the answers to what gives come first, and
// where that has failed, each answer.
func (p *pass) due(op Op) bool {
	if len(p.batch) == 0 {
		return false
	}
	last := p.batch[len(p.batch)-1]
	_, again := p.failing[last]
	return again || len(p.batch) == batchSize || op.onSettings() || op.takes() && (!last.takes() || p.short[op.Key])
}

// add collects an operation, unless it cannot succeed or must not be done now.
func (p *pass) add(op Op) {
	switch {
	case op.onDestination() && p.missing[op.Key]:
		delete(p.failing, op) // its time comes with that of its service
		p.pending[op] = true
	case p.short[op.Key] && p.empties(op):
		p.pending[op] = true
	case p.kernel == nil || time.Now().Before(p.failing[op].at):
		p.undone(op)
	default:
		p.batch = append(p.batch, op)
	}
}

// write has the kernel do what has been collected.
func (p *pass) write() {
	if len(p.batch) == 0 {
		return
	}
	for i, err := range p.kernel.Apply(p.batch) {
		op := p.batch[i]
		if err == nil && op.onSettings() {
			err = p.readBack(op)
		}
		switch {
		case err == nil:
			p.done(op)
		case op.onDestination() && p.missing[op.Key]:
			delete(p.failing, op)
			p.pending[op] = true
		default:
			if p.kernel != nil { // else one before it has told why
				p.failed(op, err)
			}
			p.undone(op)
		}
	}
	p.batch = p.batch[:0]
}

// done notes an operation that the kernel has done.
func (p *pass) done(op Op) {
	p.known.apply(op)
	delete(p.failing, op)
	if op.Kind == DeleteService {
		p.owned.disown(op.Key)
	}
	p.report.Applied = append(p.report.Applied, op)
	p.report.Healed = p.report.Healed || p.drift[op]
}

// undone notes an operation that is still to be done.
func (p *pass) undone(op Op) {
	p.pending[op] = true
	if op.Kind == AddService {
		p.missing[op.Key] = true
	}
	if op.onDestination() && op.Destination.Weight > 0 {
		p.short[op.Key] = true
	}
}

// failed notes why the kernel did not do an operation, and when to try again.
func (p *pass) failed(op Op, err error) {
	if op.Kind == DeleteService && errors.Is(err, unix.ESRCH) {
		p.owned.absent[op.Key] = 0 // somebody has deleted it, and one reading more is enough
	}
	f, again := p.failing[op]
	text := err.Error()
	if !again || f.seen != text {
		// Somebody else's change is the most likely reason, and a dump will show it.
		p.stale = true
	}
	f.seen = text
	f.at = time.Now()
	if again {
		f.delay = min(max(2*f.delay, firstRetry), MaxResync)
		f.at = f.at.Add(f.delay)
		if f.told != text && !p.torn {
			f.told = text
			p.report.Failed = append(p.report.Failed, &OpError{Op: op, Err: err})
		}
	}
	p.failing[op] = f
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		p.disconnect()
		if again {
			p.down, p.openAt = err, time.Now().Add(openInterval)
		}
	}
}

// errNotTaken is the error of an operation that the kernel did not refuse, and did not do.
var errNotTaken = errors.New("the kernel took it, and has something else")

// readBack finds what an operation on the settings came to.
func (l *loop) readBack(op Op) error {
	has, err := l.kernel.Settings()
	if err != nil {
		return err
	}
	l.has = has
	if !op.reached(has) {
		return errNotTaken
	}
	return nil
}

// empties says whether an operation would take the last destination that gets connections from a
// service that is to have one.
func (l *loop) empties(op Op) bool {
	if !op.onDestination() || !op.takes() {
		return false
	}
	w, _ := l.want.Get(op.Key)
	has := l.known[op.Key].Destinations
	return serving(w.Destinations.All(), netip.AddrPort{}) && has[op.Address].Weight > 0 && !serving(maps.All(has), op.Address)
}

// serving says whether one of the destinations gets connections, other than one.
func serving(destinations iter.Seq2[netip.AddrPort, Destination], but netip.AddrPort) bool {
	for addr, d := range destinations {
		if d.Weight > 0 && addr != but {
			return true
		}
	}
	return false
}
