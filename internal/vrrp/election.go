package vrrp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Election holds all instances of a node. It is pure: it has no clock and no socket, and is used
// by one goroutine. Each method appends what is to be done to out.
type Election struct {
	instances map[Key]*instance
	order     []*instance // as configured
	groups    []*group
	links     map[string]Link // as the instances see them; nil until they are known
	actual    map[string]Link // as they are
	delays    map[string]LinkDelay
	turning   map[string]time.Time // when instances see that a link went down or up
	hold      time.Time            // no instance starts before
	readings  map[Tracker]Reading  // of what is no interface
	virtual   map[netip.Addr]bool  // the addresses of all instances
	deaf      map[Key]error        // by Key.socket: why an interface cannot be listened to
	failed    map[Key]failure
	resumed   map[Key]time.Time // until when an instance may start as the master that it was
	refused   map[refusal]time.Time
	pruned    time.Time // when refused was last rid of old ones
	resigned  bool
	demoted   bool // every priority is the least one
	postponed bool // an instance starts when its group has listened
}

// NewElection returns an election without instances.
func NewElection() *Election {
	return &Election{instances: map[Key]*instance{}, virtual: map[netip.Addr]bool{},
		deaf: map[Key]error{}, failed: map[Key]failure{}, turning: map[string]time.Time{}, refused: map[refusal]time.Time{}}
}

// Configure makes configs and groups the whole of the election. Instances are recognised by
// their Key and keep their state; one that is gone says priority 0 if it was master. Groups name
// keys of configs only, and each key once.
func (e *Election) Configure(now time.Time, configs []Config, groups []SyncGroup, out *Output) {
	keep := make(map[Key]bool, len(configs))
	clear(e.virtual)
	for _, c := range configs {
		keep[c.Key] = true
		for _, a := range slices.Concat(c.Addresses, c.Excluded) {
			e.virtual[a] = true
		}
	}
	for _, i := range e.order {
		if !keep[i.cfg.Key] {
			i.leave(now, Init, "removed from the configuration", out)
			delete(e.instances, i.cfg.Key)
		}
	}
	e.order = e.order[:0]
	for _, c := range configs {
		i, base := e.instances[c.Key], c.Priority
		c.Priority = e.weigh(&c)
		if i == nil {
			i = &instance{masterInterval: c.Interval, resume: e.resumed[c.Key]}
			i.configure(c)
			e.instances[c.Key] = i
			e.notePriority(i, base, out)
		} else {
			i.source = e.source(i, &c)
			was := i.cfg.Priority
			i.update(now, c, out)
			e.notePriority(i, was, out)
		}
		i.base, i.group = base, nil
		e.order = append(e.order, i)
	}
	e.groups = e.groups[:0]
	for _, g := range groups {
		made := &group{name: g.Name}
		for _, key := range g.Members {
			m := e.instances[key]
			m.group = made
			made.members = append(made.members, m)
		}
		e.groups = append(e.groups, made)
	}
	for _, i := range e.order {
		if i.wants && !i.oversleeps(now) {
			i.deadline = now // another group may not hold it back
		}
	}
	e.settle(now, out)
	for _, g := range e.groups {
		g.unite(now, out)
	}
}

// settle looks at the interfaces of every instance, and starts or stops it accordingly.
func (e *Election) settle(now time.Time, out *Output) {
	if !now.Before(e.hold) {
		e.hold = time.Time{}
	}
	if e.links == nil {
		return
	}
	for _, i := range e.order {
		i.source, i.up = e.source(i, &i.cfg), e.links[i.cfg.Interface].Up
		i.fault, i.waits = e.fault(now, i)
	}
	for _, i := range e.order { // before one of them starts, which may say its priority
		was, c := i.cfg.Priority, i.cfg
		c.Priority = i.base
		i.weighted(now, e.weigh(&c), out)
		e.notePriority(i, was, out)
	}
	var starters []*instance
	e.postponed = false
	for _, i := range e.order {
		fault := i.groupFault()
		switch {
		case fault != "" && i.state != Fault && !(e.resigned && i.state == Init):
			i.leave(now, Fault, fault, out)
		case fault != "" || i.groupWaits() || e.resigned || i.state == Backup || i.state == Master:
		case now.Before(e.hold) && !i.resumes(now):
		case i.groupListens(now):
			e.postponed = true
		default:
			starters = append(starters, i)
		}
	}
	reasons := make([]string, len(starters))
	for n, i := range starters { // before the first of them has moved
		reasons[n] = i.startsMaster(now)
	}
	for n, i := range starters {
		i.masterInterval = i.cfg.Interval
		if reasons[n] != "" {
			i.becomeMaster(now, reasons[n], out)
		} else {
			i.becomeBackup(now, "started", out)
		}
	}
}

// source is the address that adverts with the configuration c come from: what it says, or one of the
// interface that is never a virtual one, which the next master would have too (the one in use for as
// long as it stands).
func (e *Election) source(i *instance, c *Config) netip.Addr {
	if c.Transport.Source.IsValid() {
		return c.Transport.Source
	}
	addresses := e.links[c.Interface].Addresses
	if c.suits(i.source) && !e.virtual[i.source] && slices.Contains(addresses, i.source) {
		return i.source
	}
	for _, a := range addresses {
		if c.suits(a) && !e.virtual[a] {
			return a
		}
	}
	return netip.Addr{}
}

// fault is why an instance may not take part, and waits for what it waits where that is not known.
func (e *Election) fault(now time.Time, i *instance) (fault, waits string) {
	own := Track{Tracker: Tracker{TrackInterface, i.cfg.Interface}}
	_, there := e.links[i.cfg.Interface]
	if r, _ := e.read(own.Tracker); !r.Up && !(there && i.cfg.DontTrackPrimary) {
		return own.fault(r), ""
	}
	if _, fault, waits = weigh(i.base, i.cfg.Track, e.read); fault != "" {
		return fault, ""
	}
	if err := e.deaf[i.cfg.socket()]; err != nil {
		return err.Error(), "" // it would hear no master, and be a second one
	}
	if fault = i.mute(e.links[i.cfg.Interface].Addresses); fault != "" {
		return fault, ""
	}
	if f := e.failed[i.cfg.Key]; now.Before(f.until) {
		return f.reason, ""
	}
	return "", waits
}

// Receive applies one packet from an interface; err is what Decode said of it.
func (e *Election) Receive(now time.Time, ifname string, a *Advert, err error, out *Output) {
	i := e.instances[Key{Interface: ifname, VRID: a.VRID, IPv6: a.Source.Is6()}]
	if i == nil {
		return // another virtual router of the segment
	}
	if err == nil {
		err = i.refuse(now, a)
	}
	if err != nil {
		i.tally.refuse(err)
		e.noteRefusal(now, i, a, err, out)
		return
	}
	i.tally.heard++
	i.receive(now, a, out)
}

// refuse says why an advert that is in itself right does not count here (RFC 9568 §7.1).
func (i *instance) refuse(now time.Time, a *Advert) error {
	if a.Version != i.cfg.Version {
		return fmt.Errorf("version %d, ours is %d: %w", a.Version, i.cfg.Version, ErrVersion)
	}
	if err := i.travels(a); err != nil {
		return err
	}
	if err := i.verify(a); err != nil {
		return err
	}
	switch {
	case a.Version == 2 && a.Interval != i.cfg.Interval:
		return fmt.Errorf("advert_int %v, ours is %v: %w", a.Interval, i.cfg.Interval, ErrInterval)
	case a.Version == 3 && a.Interval == 0:
		return fmt.Errorf("advert_int 0: %w", ErrInterval)
	case a.Source == i.source:
		return fmt.Errorf("source %s: %w", a.Source, ErrOwnSource)
	}
	return i.unseal(now, a)
}

// A refused sender is named once a minute for each reason; what is remembered of it is bounded.
const (
	refusalSilence = time.Minute
	refusalPrune   = time.Second // a flood must not have the whole of it looked at for each packet
	maxRefusals    = 256
)

type refusal struct {
	key    Key
	source netip.Addr
	reason error
}

func (e *Election) noteRefusal(now time.Time, i *instance, a *Advert, err error, out *Output) {
	r := refusal{i.cfg.Key, a.Source, reasonOf(err)}
	if last, ok := e.refused[r]; ok && now.Sub(last) < refusalSilence {
		return
	}
	if len(e.refused) >= maxRefusals && now.Sub(e.pruned) >= refusalPrune {
		e.pruned = now
		maps.DeleteFunc(e.refused, func(_ refusal, last time.Time) bool { return now.Sub(last) >= refusalSilence })
	}
	if len(e.refused) >= maxRefusals {
		return // a flood from invented sources; those named already tell of it
	}
	e.refused[r] = now
	out.Notes = append(out.Notes, Note{Kind: NoteRefused, Key: i.cfg.Key, Name: i.cfg.Name,
		Peer: a.Source, Priority: a.Priority, Err: err})
}

// Tick serves every timer that is due. Packets that arrived before now must have gone through
// Receive first: a timer that is served late must not depose a living master.
func (e *Election) Tick(now time.Time, out *Output) {
	if e.turned(now) || e.mended(now) || !e.hold.IsZero() && !now.Before(e.hold) {
		e.settle(now, out)
	}
	for _, i := range e.order {
		i.tick(now, out)
	}
	if e.postponed {
		e.settle(now, out)
	}
}

// Resign starts the end of every instance: priority 0 at once, addresses kept until a successor
// is heard, 1 s at most. Done tells when it is over.
func (e *Election) Resign(now time.Time, out *Output) {
	e.resigned = true
	for _, i := range e.order {
		i.resign(now, out)
	}
}

// Done tells whether no instance is in the election any more.
func (e *Election) Done() bool {
	for _, i := range e.order {
		if i.state == Backup || i.state == Master {
			return false
		}
	}
	return true
}

// Takeover returns the earliest time at which a backup becomes master if no advert comes before; the
// zero time if there is no backup. It is not before the Deadline.
func (e *Election) Takeover() (first time.Time) {
	for _, i := range e.order {
		if i.state == Backup && !i.deadline.IsZero() && (first.IsZero() || i.deadline.Before(first)) {
			first = i.deadline
		}
	}
	return first
}

// Deadline is when Tick has something to do; the zero time when no timer runs.
func (e *Election) Deadline() time.Time {
	first := e.hold
	sooner := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, i := range e.order {
		sooner(i.deadline)
	}
	for _, at := range e.turning {
		sooner(at)
	}
	for _, f := range e.failed {
		sooner(f.until)
	}
	return first
}
