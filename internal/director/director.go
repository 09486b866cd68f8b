package director

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/elector"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/script"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// Options are what a director is made of, beside its configuration.
type Options struct {
	// Path is the configuration file that a reload reads, with Load saying how and what else.
	Path string
	Load conf.Options
	// Seal is that of the configuration which New is given; a reload of the same files changes nothing.
	Seal conf.Seal
	// RunDir is an existing directory for what a restart should remember.
	RunDir  string
	Version string
	// Elector is the program, with its arguments, that runs election and addresses in a process of
	// their own (elector.Serve); where it is empty they are part of this one.
	Elector []string
	// Asker is the program, with its arguments, that asks the kernel for its helper for FTP (ipvs.AskForFTP); where it is empty
	// nobody does.
	Asker []string
	// Silence is how long that process, or this one, may be silent before the other takes it for hung;
	// 0 is elector.DefaultSilence.
	Silence time.Duration
	Log     *zap.Logger
	// Processors is told whether the process has work for several processors at once; nil is nobody.
	Processors func(several bool)
	// LinesLost is how many lines of Log found no room so far; nil where none is ever lost.
	LinesLost func() uint64
}

// files are the names of the configuration's files, for people.
func (o *Options) files() string {
	return strings.Join(append([]string{o.Path}, o.Load.Also...), " ")
}

// Director is one running node. Run owns everything in it; the other methods may be called from
// any goroutine.
type Director struct {
	options  Options
	journal  journal
	inbox    *inbox
	elector  mastership
	services *ipvs.Applier
	packets  *netif.PacketApplier
	checks   *check.Set
	programs *script.Queue
	trackers *track.Set
	states   *script.Latest
	started  time.Time

	// The rest belongs to Run.
	cfg        *conf.Config
	compiled   *compiled
	want       want
	rollout    rollout
	drains     map[serverKey]drain
	counting   *time.Timer // until the connections of drains are counted; nil for never
	health     health
	doubt      suspicion   // about our own uplink
	due        *time.Timer // the next recomputation for which nothing has to happen; nil is none
	empty      map[string]bool
	healing    healing
	healed     *time.Timer // until repairs are told that wait; nil for none
	roles      map[vrrp.Key]role
	readings   map[vrrp.Tracker]vrrp.Reading // what the election knows; not changed once it does
	readSince  map[vrrp.Tracker]time.Time    // since when readings are what they are
	ipvsErr    error                         // why IPVS cannot be used; nil while it can
	ipvsMissed bool                          // that it cannot was told
	packetsErr error                         // why the rules of nftables are not as wanted; nil while they are
	stopping   bool                          // the election was asked to resign
	ended      bool                          // the election is over: addresses go, then services
	failure    error                         // the first part that broke, and why
	linesLost  uint64                        // of the log, as last told
	lost       error                         // why the process of the election has ended

	statesTold statesTold

	turned atomic.Int64 // when the loop last came round, in nanoseconds
}

// role is what the election last said of an instance.
type role struct {
	state  vrrp.State
	since  time.Time
	reason string
	master string // the node that is master, as far as it was heard; empty for ourselves
	// priority is the effective one.
	priority uint8
}

// New prepares a director for a configuration that conf.Load found right. It touches nothing of
// the host but descriptors.
func New(o Options, cfg *conf.Config) (*Director, error) {
	return newDirector(o, cfg, host{ipvs: ipvs.OpenAsking(o.Asker...), packets: netif.HostPackets()})
}

// host is what the appliers make equal.
type host struct {
	ipvs    func() (ipvs.Kernel, error)
	network netif.Kernel // nil for the real one
	packets netif.PacketKernel
}

func newDirector(o Options, cfg *conf.Config, h host) (*Director, error) {
	if o.Processors == nil {
		o.Processors = func(bool) {}
	}
	d := &Director{options: o, journal: newJournal(o.Log), inbox: newInbox(), cfg: cfg, started: time.Now(),
		empty: map[string]bool{}, healing: healing{}, roles: map[vrrp.Key]role{},
		statesTold: statesTold{map[vrrp.Key]departed{}, map[string]vrrp.State{}},
		health:     health{down: map[check.Spec]bool{}}}
	var err error
	d.elector, err = newMastership(o, elector.Options{StateFile: filepath.Join(o.RunDir, "addresses.json"),
		RecordFile: filepath.Join(o.RunDir, "mastership.json"), Kernel: h.network, Silence: o.Silence, Alive: d.alive,
		Report: func(r elector.Report) { d.inbox.post(r) }})
	if err != nil {
		return nil, err
	}
	d.services = ipvs.NewApplier(ipvs.Options{
		Open:      h.ipvs,
		StateFile: filepath.Join(o.RunDir, "services.json"),
		Leftover:  leftover(cfg),
		Report:    func(r ipvs.Report) { d.inbox.post(r) },
	})
	d.packets = netif.NewPacketApplier(h.packets, func(r netif.PacketReport) { d.inbox.post(r) })
	d.programs = script.NewQueue(toldWithin, func(subject string, c script.Command, err error) {
		d.inbox.post(programFailed{subject, c, err})
	})
	d.checks = check.NewSet(check.Options{
		Report:     func(c check.Change) { d.inbox.post(c) },
		Failed:     func(s check.Spec, v check.Verdict) { d.inbox.post(checkFailed{s, v}) },
		Expiring:   func(s check.Spec, at time.Time) { d.inbox.post(certificate{s, at}) },
		StateFile:  filepath.Join(o.RunDir, "verdicts.json"),
		StateLost:  func(err error) { d.inbox.post(stateLost{"verdicts", err}) },
		LocalError: func(s check.Spec, err error) { d.inbox.post(checkFault{s, err}) },
	})
	d.trackers = track.NewSet(func(c track.Change) { d.inbox.post(c) })
	d.states = script.NewLatest(notifyPatience, func(r script.Ran) { d.inbox.post(r) })
	if d.health.orders, err = readOrders(o.ordersPath()); err != nil {
		d.inbox.post(stateLost{"orders", err})
	}
	if d.drains, err = readDrains(o.drainsPath()); err != nil {
		d.inbox.post(stateLost{"drains", err})
	}
	return d, nil
}

// Reload asks for the configuration to be read again. A configuration with an error changes
// nothing.
func (d *Director) Reload() { d.inbox.post(reload{}) }

// Stop asks for an end in order: priority 0, serve until a successor is heard or 1 s has passed,
// then addresses off, then services.
func (d *Director) Stop() { d.inbox.post(stop{}) }

// lastSteps bounds how long a stop waits for the appliers after the election is over.
const lastSteps = 3 * time.Second

// Run works until a Stop is carried out, or ctx ends: then at once, leaving the kernel as it is.
// The error says which part of the director broke, which leads to the same end in order: what is
// left cannot do a director's work, and another node can. It is nil after a Stop.
func (d *Director) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer d.once(context.WithoutCancel(ctx), "shutdown_script")
	defer wait(&parts, lastSteps)
	defer cancel()
	defer d.finishTelling(lastSteps)
	defer d.stopCounting()
	defer d.checks.Close()
	defer d.trackers.Close()
	defer d.lastPrograms(ctx)
	d.once(ctx, "startup_script")
	d.turned.Store(time.Now().UnixNano())
	d.start(ctx, &parts)
	d.journal.event(Started, zap.String("version", d.options.Version), zap.String("node", d.cfg.RouterID),
		zap.String("file", d.options.files()), zap.Int("pid", os.Getpid()))

	d.adopt(d.cfg)
	d.allot()
	var giveUp <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-giveUp:
			d.stopped(false)
			return d.failure
		case <-d.inbox.posted:
		}
		happened := d.inbox.take()
		d.noteLost()
		if ctx.Err() != nil {
			return nil // the parts ended with it, and say so
		}
		over := d.handle(happened)
		if d.lost != nil {
			return d.lost // whatever it held is as after a crash, and the rest is left so too
		}
		if over && giveUp == nil { // addresses may go now, then services
			giveUp = time.After(lastSteps)
			d.tellOfTheEnd()
			d.ended, d.want = true, want{memory: d.want.memory} // of which Status still tells
			if len(d.drains) > 0 {
				d.drains = nil // with the services
				d.saveDrains()
			}
			d.checks.Save()
			d.checks.Apply(nil)
			d.trackers.Apply(nil)
			d.services.Configure(ipvs.Settings{})
			d.advance()
		}
		if giveUp != nil && d.rollout.done(&d.want) {
			d.stopped(true)
			return d.failure
		}
	}
}

// wait waits for the parts, but not for one that the kernel holds: the process must end.
func wait(parts *sync.WaitGroup, within time.Duration) {
	ended := make(chan struct{})
	go func() {
		parts.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(within):
	}
}

// noteLost tells of lines of the log that nobody read in time.
func (d *Director) noteLost() {
	if d.options.LinesLost == nil {
		return
	}
	if n := d.options.LinesLost(); n > d.linesLost {
		d.linesLost = n
		d.journal.event(LogLost, zap.Int("lines", int(n)))
	}
}

// start starts every part of the director; each ends with ctx.
func (d *Director) start(ctx context.Context, parts *sync.WaitGroup) {
	parts.Go(func() { d.elector.Run(ctx) })
	parts.Go(func() { d.inbox.post(broken{"services", d.services.Run(ctx)}) })
	parts.Go(func() { d.packets.Run(ctx) })
}

// handle takes what happened, in order. over is true when the election has ended.
func (d *Director) handle(list []any) (over bool) {
	verdicts, moved := false, false
	for _, happened := range list {
		switch h := happened.(type) {
		case reload:
			d.reload()
		case stop:
			d.stop()
		case elector.Resigned:
			over = true
			d.broke("the election", h.Err)
		case elector.Broken:
			d.broke(h.Part, h.Err)
		case elector.Lost:
			d.lose(h.Err)
		case broken:
			d.broke(h.part, h.err)
		case check.Change:
			verdicts = true // what it says is in the set's verdicts, and may be newer there
		case script.Ran:
			d.ran(h)
		case track.Change:
			d.noteTrackFault(h)
			d.tell()
		case statusRequest:
			h.reply <- d.snapshot()
		case planRequest:
			h.reply <- d.running()
		case orderRequest:
			answer, err := d.obey(h.request, h.uid)
			h.reply <- orderReply{answer, err}
		case ipvs.Report:
			d.servicesReport(h)
		case netif.Report:
			d.networkReport(h)
		case netif.PacketReport:
			d.packetReport(h)
		case vrrp.Transition:
			d.transition(h)
			moved = true
		case vrrp.Note:
			d.note(h)
		case stateLost:
			d.journal.event(HostTrouble, zap.String("part", h.part), zap.Error(h.err))
		case due:
			verdicts = true
		case counted:
			d.endDrains(h)
		case healedDue:
			d.healedLater()
		case programFailed:
			d.programFailed(h)
		case checkFault:
			d.checkFault(h)
		case certificate:
			d.certificate(h)
		case checkFailed:
			d.checkFailed(h)
		case turn:
			d.turned.Store(time.Now().UnixNano())
		case elector.DirectorBack:
			d.journal.event(DirectorBack, zap.Duration("silent", h.Silent))
		case elector.ElectionSilent:
			d.journal.event(ElectionSilent, zap.Duration("silent", h.Silent))
		case elector.RealtimeRefused:
			d.journal.event(RealtimeRefused, zap.Error(h.Err))
		}
	}
	if moved && !over && !d.ended {
		d.services.Configure(settings(d.cfg, d.roles))
	}
	if verdicts && !over && !d.ended {
		d.judge()
	}
	return over
}

// stop asks the election to end in order; the rest follows when it has.
func (d *Director) stop() {
	if !d.stopping {
		d.stopping = true
		d.journal.event(Stopping)
		d.elector.Resign()
	}
}

// broke ends the director in order because a part of it ended with an error; nil is none.
func (d *Director) broke(part string, err error) {
	if err == nil {
		return
	}
	d.journal.event(HostTrouble, zap.String("part", part), zap.Error(err))
	if d.failure == nil {
		d.failure = fmt.Errorf("run %s: %w", part, err)
	}
	d.stop()
}

// lose ends the director without another word to the kernel because the process of the election has
// ended: what that held is as after a crash.
func (d *Director) lose(err error) {
	d.journal.event(HostTrouble, zap.String("part", "the election"), zap.Error(err))
	d.lost = fmt.Errorf("run the election: %w", err)
}

// reload reads the configuration again and adopts it, whole or not at all.
func (d *Director) reload() {
	if d.stopping {
		return
	}
	cfg := d.cfg
	d.options.Processors(true) // what is read must not keep the checks waiting
	defer d.allot()
	if !d.options.Seal.Unchanged(d.options.Path, d.options.Load) {
		result := conf.Load(d.options.Path, d.options.Load)
		d.warn(result)
		if result.Config == nil {
			d.refuse(result)
			return
		}
		cfg, d.options.Seal = result.Config, result.Seal
	}
	d.services.Refresh() // a reload compares with the kernel, not with what was there before
	d.adopt(cfg)
	d.journal.event(Reloaded, zap.String("file", d.options.files()))
}

// allot says how many processors there is work for.
func (d *Director) allot() { d.options.Processors(several(d.compiled.fixed.checks)) }

// adopt makes cfg the configuration: checks and instances that are in the old one too go on
// undisturbed.
func (d *Director) adopt(cfg *conf.Config) {
	old := d.want.services
	if d.compiled == nil { // the first one
		old = draining(d.drains)
	}
	before := d.want
	promised := d.forgetOrders(cfg)
	again := d.compiled != nil && d.compiled.cfg == cfg
	if !again {
		d.cfg, d.compiled = cfg, compile(cfg, os.Getegid())
	}
	d.checks.Apply(d.compiled.fixed.checks)
	d.retimed(d.checks.Verdicts())
	d.recompute()
	d.startDrains(old, promised)
	d.elector.Configure(elector.Configuration{Instances: d.want.instances, Groups: d.want.groups, Delays: d.want.delays,
		Readings: d.watch(), Hold: d.hold()})
	known := map[vrrp.Key]bool{}
	for _, i := range d.want.instances {
		known[i.Key] = true
	}
	d.depart(before, known)
	maps.DeleteFunc(d.roles, func(k vrrp.Key, _ role) bool { return !known[k] })
	d.services.Configure(settings(d.cfg, d.roles))
	d.advance()
	if !again {
		// Reading a configuration takes several times the memory that it keeps.
		debug.FreeOSMemory()
	}
}

// advance gives the appliers what they may have now.
func (d *Director) advance() {
	services, packets, network := d.rollout.next(&d.want)
	if services != nil {
		d.services.Want(d.rollout.services.sent, *services)
	}
	if packets != nil {
		d.packets.Want(d.rollout.packets.sent, *packets)
	}
	if network != nil {
		d.elector.Want(elector.Network{Generation: d.rollout.network.sent, Want: *network})
	}
}
