package elector

import (
	"context"
	"maps"
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
	// RecordFile remembers across a crash which instances are master, and until when: started again
	// before that, they go on. Empty for none.
	RecordFile string
	// Kernel is what addresses are put on; nil for the host's.
	Kernel netif.Kernel
	// Silence is how long director and election, as two processes, may be silent before the other takes
	// them for hung; 0 is DefaultSilence.
	Silence time.Duration
	// Alive tells whether the director is well; it is asked once a second, on any goroutine. Nil is
	// always.
	Alive func() bool
	// Report is told what happens, on any goroutine. It must not block.
	Report func(Report)
}

// Elector is the election with its addresses. Run owns it; the other methods may be called from
// any goroutine, and none of them waits but Present.
type Elector struct {
	election *vrrp.Runner
	network  *netif.Applier
	conflict *netif.ConflictWatch
	record   *record
	gate     *gate
	report   func(Report)

	mu   sync.Mutex
	keys map[string]vrrp.Key // of the instances, by what the addresses call them
}

// New returns an elector that waits for Run.
func New(o Options) (*Elector, error) {
	e := &Elector{record: newRecord(o.RecordFile), report: o.Report}
	masters, err := e.record.recall()
	if err != nil {
		o.Report(netif.Trouble{Err: err})
	}
	if e.network, err = netif.NewApplier(netif.Options{StateFile: o.StateFile, Kernel: o.Kernel, Report: e.addresses}); err != nil {
		return nil, err
	}
	e.conflict = netif.NewConflictWatch(func(r netif.Report) { o.Report(r) }, e.network.Announce)
	e.gate = newGate(masters, func(n Network) {
		e.network.Want(n.Generation, n.Want)
		e.conflict.Want(n.Want.Instances)
	})
	if e.election, err = vrrp.NewRunner(observer{e}); err != nil {
		return nil, err
	}
	if len(masters) > 0 {
		e.election.Resume(maps.Clone(masters))
	}
	return e, nil
}

// addresses is told what happens to them. An instance whose addresses cannot be kept on is no
// master.
func (e *Elector) addresses(r netif.Report) {
	if failed, is := r.(netif.LeaseFailed); is {
		e.mu.Lock()
		key, known := e.keys[failed.Instance]
		e.mu.Unlock()
		if known {
			e.election.Fail(key, failed.Err.Error())
		}
	}
	e.report(r)
}

// Configure makes c the whole of the election.
func (e *Elector) Configure(c Configuration) {
	if c.Hold > 0 {
		e.election.Hold(time.Now().Add(c.Hold))
	}
	e.election.DelayLinks(c.Delays)
	e.election.Configure(c.Instances, c.Groups, c.Readings)
	e.gate.configured(c.Instances)
	keys := make(map[string]vrrp.Key, len(c.Instances))
	for i := range c.Instances {
		keys[c.Instances[i].Key.String()] = c.Instances[i].Key
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys = keys
}

// SetReadings makes readings all that is known of what instances track, apart from interfaces.
func (e *Elector) SetReadings(readings map[vrrp.Tracker]vrrp.Reading) {
	e.election.SetReadings(readings)
}

// Want makes n what the addresses should be, by their instances' roles.
func (e *Elector) Want(n Network) { e.gate.want(n) }

// Resign ends the election in order; Resigned is reported when it is over. Addresses are put on
// and taken off for as long as Run goes on.
func (e *Elector) Resign() {
	e.record.end()
	e.election.Resign()
}

// Demote gives every instance the least priority, or its own again: see vrrp.Election.Demote.
func (e *Elector) Demote(on bool) { e.election.Demote(on) }

// Echo has the election's thread call reply, which must not wait: a sign that it lives.
func (e *Elector) Echo(reply func()) { e.election.Echo(reply) }

// Present returns what is in the kernel of each wanted instance, and what adverts each had. Alone of all methods it waits, for
// the election to say so.
func (e *Elector) Present() Presence { return Presence{e.network.Present(), e.election.Counters()} }

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
	parts.Go(func() { e.record.run(ctx, func(err error) { e.report(netif.Trouble{Err: err}) }) })
	parts.Wait()
	e.gate.close()
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
type observer struct{ e *Elector }

func (o observer) Transition(t vrrp.Transition) {
	o.e.network.Role(t.Key.String(), netif.Role{Master: t.To == vrrp.Master, Until: t.Until})
	o.e.conflict.Role(t.Key.String(), t.To == vrrp.Master)
	o.e.gate.told(t.Key)
	if t.To != vrrp.Master { // else its advert vouches for it, if that was sent
		o.e.record.forget(t.Key)
	}
	o.e.report(t)
}

func (o observer) Imminent(takeover time.Time) { o.e.network.Rouse(takeover) }

func (o observer) Vouch(key vrrp.Key, until time.Time) {
	o.e.network.Role(key.String(), netif.Role{Master: true, Until: until})
	o.e.record.vouch(key, until)
}

func (o observer) Announce(key vrrp.Key) { o.e.network.Announce(key.String()) }

func (o observer) Note(n vrrp.Note) { o.e.report(n) }
