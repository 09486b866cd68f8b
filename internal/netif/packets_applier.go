package netif

import (
	"context"
	"sync"
	"time"
)

// Times of a PacketApplier.
const (
	packetsReread = 60 * time.Second // where nobody told of a change
	packetsPause  = time.Second      // from one reading to the next that others' changes lead to
	packetsRetry  = 3 * time.Second  // after an error
)

// PacketReport says what became of one look at the table.
type PacketReport struct {
	// Generation is the newest one that was attempted as a whole, whether or not it succeeded.
	Generation uint64
	// Done are the operations, Healed says that somebody else had changed what they are about.
	Done   []string
	Healed bool
	// Err says why the table is not as it should be; nil is that it is.
	Err error
}

// PacketApplier makes lvsd's table of nftables what was last wanted, and is the only one to write it. No role
// depends on it, so that no takeover waits for it.
type PacketApplier struct {
	kernel PacketKernel
	report func(PacketReport)
	wake   chan struct{}
	other  chan struct{} // somebody changed a table, we perhaps

	mu         sync.Mutex
	want       []PacketRule
	generation uint64
}

// NewPacketApplier returns one that waits for Run. report is called on Run's goroutine and must not block.
func NewPacketApplier(kernel PacketKernel, report func(PacketReport)) *PacketApplier {
	return &PacketApplier{kernel: kernel, report: report, wake: make(chan struct{}, 1), other: make(chan struct{}, 1)}
}

// Want replaces what is wanted, which must not be changed afterwards; the newest wins. A report acknowledges the generation.
func (a *PacketApplier) Want(generation uint64, rules []PacketRule) {
	a.mu.Lock()
	a.want, a.generation = rules, generation
	a.mu.Unlock()
	poke(a.wake)
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run applies until ctx ends. It does nothing before the first Want. What is in the kernel stays: who wants
// it gone says so by Want first.
func (a *PacketApplier) Run(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-a.wake:
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { a.watch(ctx) })
	p := packetPass{PacketApplier: a}
	for ctx.Err() == nil {
		next := p.pass()
		timer := time.NewTimer(next)
		a.wait(ctx, timer)
		timer.Stop()
	}
}

// watch follows changes of others, as far as the kernel tells them.
func (a *PacketApplier) watch(ctx context.Context) {
	for ctx.Err() == nil {
		// What changed before it looks is found by the pass that its beginning leads to. An error is of a kernel without nftables, which the passes tell, or passes.
		_ = a.kernel.Watch(ctx, func() { poke(a.other) })
		select {
		case <-ctx.Done():
		case <-time.After(packetsReread):
			poke(a.other)
		}
	}
}

// wait returns when there is something to look at.
func (a *PacketApplier) wait(ctx context.Context, timer *time.Timer) {
	select {
	case <-ctx.Done():
	case <-a.wake:
	case <-timer.C:
	case <-a.other:
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-time.After(packetsPause):
		}
	}
}

// packetPass is what Run alone knows.
type packetPass struct {
	*PacketApplier
	settled uint64 // the generation that was made so
	told    string // the error told last
	acked   uint64
	// unsure are the operations of a change that failed: it may have been made all the same.
	unsure []string
}

// pass makes the table what is wanted, and returns how long to wait for the next one.
func (p *packetPass) pass() time.Duration {
	p.mu.Lock()
	want, generation := p.want, p.generation
	p.mu.Unlock()
	change, err := p.apply(want)
	if err != nil {
		// Somebody may have changed the table since it was read, or the answer was lost.
		change, err = p.apply(want)
	}
	r := PacketReport{Generation: generation, Err: err}
	text := ""
	if err != nil {
		text = err.Error()
	} else {
		if r.Done = change.Operations(); len(r.Done) == 0 {
			r.Done = p.unsure
		}
		p.unsure = nil
		r.Healed = p.settled == generation && len(r.Done) > 0
		p.settled = generation
	}
	if generation != p.acked || len(r.Done) > 0 || text != p.told {
		p.report(r)
	}
	p.acked, p.told = generation, text
	if err != nil {
		return packetsRetry
	}
	return packetsReread
}

// apply reads the table and makes it what is wanted.
func (p *packetPass) apply(want []PacketRule) (PacketChange, error) {
	have, err := p.kernel.Dump()
	if err != nil && len(want) == 0 {
		return PacketChange{}, nil // no table can be read, and none is wanted
	}
	if err != nil {
		return PacketChange{}, err
	}
	change := PlanPackets(want, have)
	if change.Empty() {
		return change, nil
	}
	if err := p.kernel.Apply(change); err != nil {
		p.unsure = change.Operations()
		return change, err
	}
	return change, nil
}
