package ipvs

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errWaiting is never reported: the kernel was asked a moment ago, and had nothing to offer.
var errWaiting = errors.New("waiting for the kernel")

// rounds is how often a step plans anew when the kernel's table turns out to be another than
// was thought.
const rounds = 3

// loop is what the applier's goroutine knows.
type loop struct {
	opts   Options
	kernel Kernel // nil while there is no connection

	wanted     bool // a table has been wanted at all
	want       Wanted
	settings   Settings
	generation uint64
	reached    uint64 // the newest generation that was attempted as a whole

	// has are the kernel's settings, known since the last dump or write.
	has   Settings
	known Table // the kernel's table as far as it is known; nil before the first dump
	// agreed is the wanted table that known had all of, and nothing else of ours; nil when there is none. Only dump and
	// done change known.
	agreed *Wanted
	torn   bool        // others disturbed the last dump: known may lack what is there
	stale  bool        // something unexpected happened since the last dump
	drift  map[Op]bool // what the last dump made necessary
	// readings is how many dumps there were; readWhole tells that others did not disturb one of them.
	readings  int
	readWhole bool

	owned   ownership
	differ  []SysctlDifference // those that were told
	failing map[Op]failure
	pending int // operations, after the last step

	dumpAt time.Time
	took   time.Duration // by the last dump; 0 before the first
	// dumpCost is the shorter one of the last two.
	dumpCost time.Duration
	// lookAt is when to look at what the kernel shows of its table; the zero value where it shows nothing.
	lookAt time.Time
	looked time.Duration // how long the last look took; 0 before the first
	// lookCost is the shorter one of the last two: the longer one may have waited for a processor.
	lookCost time.Duration
	stirs    bool      // the last look found another table
	paid     time.Time // until when readings out of their turn have used up what readings may cost
	openAt   time.Time
	down     error // why the kernel did not answer the last time, nil if it did
}

// failure is an operation that the kernel refused.
type failure struct {
	at    time.Time     // of the next attempt
	delay time.Duration // 0 until it was refused twice
	seen  string        // the latest error
	told  string        // the error that was reported
}

func (l *loop) start(opts Options) {
	l.opts = opts
	l.stale = true
	l.failing = map[Op]failure{}
	l.owned = loadOwnership(opts.StateFile)
}

// next is the time at which there is something to do without being asked.
func (l *loop) next() time.Time {
	if l.kernel == nil {
		return l.openAt
	}
	at := l.dumpAt
	if !l.lookAt.IsZero() && l.lookAt.Before(at) {
		at = l.lookAt
	}
	for _, f := range l.failing {
		if f.at.Before(at) {
			at = f.at
		}
	}
	return at
}

// step takes over a newly wanted table, or nil for none, and makes the kernel equal to the
// wanted one as far as that is possible now. It says whether there is anything to report.
func (l *loop) step(ctx context.Context, w *wanted, superseded func() bool) (Report, bool) {
	if w != nil {
		l.owned.claim(l.want, w.table)
		l.wanted, l.want, l.generation = true, w.table, w.generation
	}
	var r Report
	wasDown := l.down
	// Saved before anything is written: a service of ours must never be taken for foreign.
	r.State = l.owned.save()
	var errs []error
	whole := true
	for range rounds {
		if err := l.connect(); err != nil {
			if !errors.Is(err, errWaiting) && (wasDown == nil || wasDown.Error() != err.Error()) {
				errs = append(errs, err)
			}
			break
		}
		if !l.wanted {
			break
		}
		whole = l.round(ctx, &r, superseded)
		if !whole || !l.stale {
			break
		}
	}
	if l.wanted && !l.stale && !l.torn {
		l.owned.forget(l.want, l.known, l.readings)
		l.owned.forgetSettings(l.settings, l.has)
		r.State = errors.Join(r.State, l.owned.save())
	}
	for _, f := range r.Failed {
		errs = append(errs, f)
	}
	if whole {
		l.reached = l.generation
	}
	if l.wanted && l.kernel != nil {
		r.Differ = l.sysctls()
	}
	r.Generation = l.reached
	r.Available, r.Down = l.down == nil, l.down
	r.Err = errors.Join(append(errs, r.State)...)
	settled := whole && l.wanted && l.kernel != nil && l.pending > 0 && r.Pending == 0 // also where others did what was pending
	l.pending = r.Pending
	return r, settled || w != nil && whole || len(r.Applied) > 0 || len(r.Differ) > 0 || r.Err != nil || r.Available != (wasDown == nil)
}

// connect makes sure of a connection, and of a table that was read recently enough.
func (l *loop) connect() error {
	now := time.Now()
	if l.kernel == nil && now.Before(l.openAt) {
		return errWaiting
	}
	l.down = l.refresh(now)
	if l.down != nil {
		l.disconnect()
		l.openAt = now.Add(openInterval)
	}
	return l.down
}

// refresh opens and dumps where that is due. When the dump fails on a connection that was there
// before, it is tried on a new one: the module may have been loaded again, with another family
// id.
func (l *loop) refresh(now time.Time) error {
	fresh := l.kernel == nil
	for {
		if l.kernel == nil {
			k, err := l.opts.Open()
			if err != nil {
				return err
			}
			l.kernel = k
		}
		if !l.stale && now.Before(l.dumpAt) && !l.changed(now) {
			return nil
		}
		err := l.dump()
		if err == nil || fresh {
			return err
		}
		l.disconnect()
		fresh = true
	}
}

// dump reads the kernel's table, and notes what is to be written because it is not what it was
// thought to be.
func (l *loop) dump() error {
	began := time.Now()
	var table Table
	var err error
	for range dumpAttempts {
		if table, err = l.kernel.Dump(); !errors.Is(err, ErrInconsistent) {
			break
		}
	}
	l.torn = errors.Is(err, ErrInconsistent)
	if err != nil && !l.torn {
		return err
	}
	has, err := l.kernel.Settings()
	if err != nil {
		return err
	}
	l.readings++
	if !l.readWhole && l.opts.Leftover != nil {
		for key := range table {
			if l.opts.Leftover(key) {
				l.owned.own(key)
			}
		}
	}
	l.readWhole = l.readWhole || !l.torn
	l.drift = map[Op]bool{}
	if l.known != nil && l.wanted {
		if ops := Plan(l.want, table, l.owned.keys); len(ops) > 0 {
			for _, op := range ops {
				l.drift[op] = true
			}
			for _, op := range Plan(l.want, l.known, l.owned.keys) {
				delete(l.drift, op)
			}
		}
		for _, op := range planSettings(l.settings, has, &l.owned) {
			l.drift[op] = true
		}
		for _, op := range planSettings(l.settings, l.has, &l.owned) {
			delete(l.drift, op)
		}
	}
	l.has = has
	l.known, l.agreed, l.stale = table, nil, false
	now := time.Now()
	took, before := now.Sub(began), l.took
	if l.took = took; before > 0 {
		took = min(took, before) // the longer one may have waited for a processor, and cost no more
	}
	l.dumpCost = took
	l.dumpAt = now.Add(l.resync(took))
	if l.opts.Resync <= 0 && !l.torn {
		l.lookAt = now.Add(lookAfter(l.lookCost, took))
		if l.stirs { // somebody who goes on changing it must not make each look cost a reading
			share := resyncShare * took
			l.paid = later(l.paid, now).Add(share)
			l.lookAt = later(l.lookAt, l.paid.Add(-maxStirs*share))
		}
		l.stirs = false
	}
	return nil
}

// changed looks at what the kernel shows of its table, where that is due, and tells whether it is another one than is
// known, or is not shown any more: the module may have been loaded again. Where nothing was shown before either, only
// readings find that.
func (l *loop) changed(now time.Time) bool {
	if l.lookAt.IsZero() || now.Before(l.lookAt) {
		return false
	}
	seen := look{table: l.known}
	if err := l.kernel.Look(seen.line); err != nil {
		l.lookAt = time.Time{}
		l.dumpAt = now.Add(min(l.resync(l.dumpCost), l.dumpAt.Sub(now)))
		l.stirs, l.looked, l.lookCost = l.looked > 0, 0, 0
		return l.stirs
	}
	after := time.Now()
	took := after.Sub(now)
	l.lookCost, l.looked = min(took, l.looked), took // the first is followed by another soon: it is the slowest
	l.lookAt = after.Add(lookAfter(l.lookCost, l.dumpCost))
	l.stirs = seen.changed()
	return l.stirs
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// resync is when to read the table again after a reading that took so long.
func (l *loop) resync(took time.Duration) time.Duration {
	wait := l.opts.Resync
	if wait <= 0 {
		share := time.Duration(resyncShare)
		if !l.lookAt.IsZero() {
			share = seenShare
		}
		wait = resyncAfter(took, share)
	}
	if l.torn {
		wait = min(max(firstRetry, tornShare*took), wait)
	}
	return wait
}

// sysctls are those that came to differ from what is wanted with nothing to be done about it.
func (l *loop) sysctls() (news []SysctlDifference) {
	var list []SysctlDifference
	for _, d := range l.settings.Sysctls.differences(l.has.Sysctls) {
		if l.settings.ManageSysctls && d.Has != NoSysctl {
			continue
		}
		list = append(list, d)
		if !slices.Contains(l.differ, d) {
			news = append(news, d)
		}
	}
	l.differ = list
	return news
}

func (l *loop) disconnect() {
	if l.kernel != nil {
		l.kernel.Close()
		l.kernel = nil
	}
	l.stale = true
}

// stats is Applier.Stats on the applier's goroutine.
func (l *loop) stats() (Stats, error) {
	if l.kernel == nil {
		if l.down != nil {
			return Stats{}, l.down
		}
		return Stats{}, errWaiting
	}
	services, err := l.kernel.Stats()
	if err != nil && !errors.Is(err, ErrInconsistent) {
		l.disconnect()
		return Stats{}, err
	}
	for i := range services {
		services[i].Owned = l.owned.keys[services[i].Key]
	}
	return Stats{Services: services, Settings: l.has}, nil
}
