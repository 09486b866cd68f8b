package elector

import (
	"context"
	"runtime"
	"sync"
	"time"

	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// Options are what an elector is made of.
type Options struct {
	// StateFile remembers across a crash which addresses may have been put on.
	StateFile string
	// Kernel is what addresses are put on; nil for the host's.
	Kernel netif.Kernel
	// Report is told what happens, on any goroutine. It must not block.
	Report func(Report)
}

// Elector is the election with its addresses. Run owns it; the other methods may be called from
// any goroutine, and none of them waits.
type Elector struct {
	election *vrrp.Runner
	network  *netif.Applier
	conflict *netif.ConflictWatch
	report   func(Report)
}

// New returns an elector that waits for Run.
func New(o Options) (*Elector, error) {
	network, err := netif.NewApplier(netif.Options{StateFile: o.StateFile, Kernel: o.Kernel,
		Report: func(r netif.Report) { o.Report(r) }})
	if err != nil {
		return nil, err
	}
	conflict := netif.NewConflictWatch(func(r netif.Report) { o.Report(r) }, network.Announce)
	election, err := vrrp.NewRunner(observer{network, conflict, o.Report})
	if err != nil {
		return nil, err
	}
	return &Elector{election, network, conflict, o.Report}, nil
}

// Configure makes c the whole of the election.
func (e *Elector) Configure(c Configuration) {
	if c.Hold > 0 {
		e.election.Hold(time.Now().Add(c.Hold))
	}
	e.election.DelayLinks(c.Delays)
	e.election.Configure(c.Instances, c.Groups, c.Readings)
}

// SetReadings makes readings all that is known of what instances track, apart from interfaces.
func (e *Elector) SetReadings(readings map[vrrp.Tracker]vrrp.Reading) {
	e.election.SetReadings(readings)
}

// Want makes n what the addresses should be, by their instances' roles.
func (e *Elector) Want(n Network) {
	e.network.Want(n.Generation, n.Want)
	e.conflict.Want(n.Want.Instances)
}

// Resign ends the election in order; Resigned is reported when it is over. Addresses are put on
// and taken off for as long as Run goes on.
func (e *Elector) Resign() { e.election.Resign() }

// Present returns what is in the kernel of each wanted instance.
func (e *Elector) Present() map[string]netif.Presence { return e.network.Present() }

// Addresses are what roles put on and take off.
func (e *Elector) Addresses() *netif.Applier { return e.network }

// Run works until ctx ends. It is called once.
func (e *Elector) Run(ctx context.Context) {
	var parts sync.WaitGroup
	thread := func(run func()) {
		parts.Go(func() {
			runtime.LockOSThread() // for good: the thread ends with it
			run()
		})
	}
	thread(func() {
		if err := e.network.Run(ctx); err != nil {
			e.report(Broken{"addresses", err})
		}
	})
	thread(func() { e.report(Resigned{e.election.Run(ctx)}) })
	parts.Go(func() { e.conflict.Run(ctx) })
	parts.Go(func() {
		if err := netif.WatchLinks(ctx, func(links map[string]netif.Link) { e.election.SetLinks(known(links)) }); err != nil {
			e.report(Broken{"link watch", err})
		}
	})
	parts.Wait()
}

// known is what the election needs to know of the links.
func known(links map[string]netif.Link) map[string]vrrp.Link {
	known := make(map[string]vrrp.Link, len(links))
	for name, l := range links {
		known[name] = vrrp.Link{Index: l.Index, Up: l.Up, Addresses: l.Addrs}
	}
	return known
}

// observer takes what the election decides: roles straight to the addresses, so that a takeover
// waits for nobody.
type observer struct {
	network  *netif.Applier
	conflict *netif.ConflictWatch
	report   func(Report)
}

func (o observer) Transition(t vrrp.Transition) {
	o.network.Role(t.Key.String(), netif.Role{Master: t.To == vrrp.Master, Until: t.Until})
	o.conflict.Role(t.Key.String(), t.To == vrrp.Master)
	o.report(t)
}

func (o observer) Vouch(key vrrp.Key, until time.Time) {
	o.network.Role(key.String(), netif.Role{Master: true, Until: until})
}

func (o observer) Announce(key vrrp.Key) { o.network.Announce(key.String()) }

func (o observer) Note(n vrrp.Note) { o.report(n) }
