package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// instance is the state machine of RFC 9568 §6.4 for one virtual router. What it does to its
// sync group is in group.go.
type instance struct {
	cfg    Config // with the effective priority, which its trackers make of base
	base   uint8
	group  *group // nil outside a sync group
	state  State
	to     []netip.Addr // where adverts go
	keyed  keyed
	tally  tally
	source netip.Addr // ours; the zero value while the interface has none
	up     bool       // the interface that adverts leave by
	fault  string     // why the instance may not take part; empty when it may
	waits  string     // the tracker that must be known before it may start; empty when it may

	// masterInterval is Active_Adver_Interval: learned from the master in version 3.
	masterInterval time.Duration
	master         netip.Addr // the last accepted master; ourselves are the zero value
	heard          netip.Addr // who sent the last advert since the state began, accepted or not
	heardPriority  uint8
	deadline       time.Time // Adver_Timer as master, Active_Down_Timer as backup
	sent           time.Time // the last advert of ours
	wants          bool      // the down timer expired, and the group held us back
	preemptAt      time.Time // a lesser master is left to serve until then; zero while none is heard
	listening      bool      // after a stall: a master that first hears who else is there
	resigning      bool      // priority 0 is sent, and a successor not heard yet
	mismatched     bool      // the master's addresses differ, and that was said
	outpaced       bool      // the master's interval differs, and that was said
	announced      time.Time // the last announcement
	owes           bool      // another master was heard since, too soon for one more
	won            time.Time // as master: the last advert of a lesser one
	doubted        time.Time // as master: when the doubt about a better one began; zero for none
	resume         time.Time // until when it may start as the master that it was; zero once it has started
}

// skew is Skew_Time: RFC 9568 §6.1, and RFC 3768 §6.1 where it does not depend on the interval.
func (i *instance) skew() time.Duration {
	interval := i.masterInterval
	if i.cfg.Version == 2 {
		interval = time.Second
	}
	return time.Duration(256-int(i.cfg.Priority)) * interval / 256
}

// down is Active_Down_Interval (RFC 9568 §6.1), Master_Down_Interval in RFC 3768.
func (i *instance) down() time.Duration {
	return time.Duration(i.cfg.DownTimerAdverts)*i.masterInterval + i.skew()
}

// until is when the best backup there can be gives us up: its skew may be nearly nothing.
func (i *instance) until(now time.Time) time.Time {
	return now.Add(time.Duration(i.cfg.DownTimerAdverts) * i.cfg.Interval)
}

func (i *instance) send(now time.Time, priority uint8, out *Output) {
	s := Send{Key: i.cfg.Key, Advert: i.advert(now, priority, i.cfg.Interval), To: i.to}
	if priority != 0 {
		s.Until, s.Regardless = i.until(now), i.cfg.DontTrackPrimary
	}
	i.sent = now
	out.Sends = append(out.Sends, s)
}

// advert is what the instance says of itself.
func (i *instance) advert(now time.Time, priority uint8, interval time.Duration) Advert {
	i.tally.sent++
	a := Advert{Source: i.source, HopLimit: hopLimit, Version: i.cfg.Version, VRID: i.cfg.VRID,
		Priority: priority, Interval: interval, Addresses: i.cfg.Addresses, Checksum: i.cfg.Transport.Checksum}
	if len(i.to) > 0 {
		a.Destination = i.to[0]
	}
	if i.cfg.Transport.Unicast {
		a.HopLimit = i.cfg.Transport.TTL
	}
	i.authenticate(&a)
	i.seal(now, &a)
	return a
}

func (i *instance) move(now time.Time, to State, reason string, out *Output) {
	t := Transition{Key: i.cfg.Key, Name: i.cfg.Name, From: i.state, To: to, Reason: reason, Priority: i.cfg.Priority}
	if to == Master {
		t.Until = i.until(now)
	}
	i.state, i.wants, i.listening, i.resigning, i.owes = to, false, false, false, false
	i.heard, i.preemptAt = netip.Addr{}, time.Time{}
	i.won, i.doubted, i.resume = time.Time{}, time.Time{}, time.Time{}
	out.Transitions = append(out.Transitions, t)
}

func (i *instance) becomeMaster(now time.Time, reason string, out *Output) {
	i.send(now, i.cfg.Priority, out)
	i.deadline = now.Add(i.cfg.Interval)
	i.masterInterval, i.master, i.mismatched, i.outpaced = i.cfg.Interval, netip.Addr{}, false, false
	i.announced = now // by the transition
	i.move(now, Master, reason, out)
}

func (i *instance) becomeBackup(now time.Time, reason string, out *Output) {
	i.deadline = now.Add(i.down())
	i.move(now, Backup, reason, out)
}

// leave ends the instance's part in the election; a master says so with priority 0
// (RFC 9568 §6.4.3, the shutdown event) where there is an interface to say it on.
func (i *instance) leave(now time.Time, to State, reason string, out *Output) {
	if i.state == Master && !i.resigning && i.source.IsValid() && i.up {
		i.send(now, 0, out)
	}
	i.deadline, i.master = time.Time{}, netip.Addr{}
	if i.state != to {
		i.move(now, to, reason, out)
	}
}

// receive applies an advert that is addressed to this instance.
func (i *instance) receive(now time.Time, a *Advert, out *Output) {
	if i.cfg.OwnerIgnoreAdverts && i.cfg.Priority == 255 && !i.resigning {
		return
	}
	switch i.state {
	case Backup:
		i.receiveBackup(now, a, out)
	case Master:
		i.receiveMaster(now, a, out)
	case Init, Fault:
		// RFC 9568 §6.4.1: an instance that is not started has no timers to set.
	}
}

// receiveBackup is RFC 9568 §6.4.2, "If an ADVERTISEMENT is received".
func (i *instance) receiveBackup(now time.Time, a *Advert, out *Output) {
	i.heard, i.heardPriority = a.Source, a.Priority
	switch {
	case a.Priority == 0:
		i.deadline = now.Add(i.skew())
	case !i.cfg.Preempt || a.Priority >= i.cfg.Priority || i.spares(now):
		if a.Priority >= i.cfg.Priority {
			i.preemptAt = time.Time{}
		}
		i.accept(a, out)
		i.deadline = now.Add(i.down())
		i.wants = false
	}
	// A lesser master is not listened to: the timer runs down and we preempt it.
}

// spares tells whether preempt_delay leaves a lesser master to serve for now. It counts from the
// first advert of a lesser one, whoever sends those that follow.
func (i *instance) spares(now time.Time) bool {
	if i.preemptAt.IsZero() {
		i.preemptAt = now.Add(i.cfg.PreemptDelay)
	}
	return now.Before(i.preemptAt)
}

// receiveMaster is RFC 9568 §6.4.3, "If an ADVERTISEMENT is received".
func (i *instance) receiveMaster(now time.Time, a *Advert, out *Output) {
	stalled := i.stalled(now)
	wins := a.Priority > i.cfg.Priority || a.Priority == i.cfg.Priority && i.source.Less(a.Source)
	switch {
	case i.resigning:
		if a.Priority != 0 {
			i.releaseGroup(now, "successor "+a.Source.String()+" is master", out)
		}
	case a.Priority == 0 && stalled:
		// It took over and stopped; whoever came after it may be in the queue too.
	case a.Priority == 0:
		i.send(now, i.cfg.Priority, out)
		i.deadline = now.Add(i.cfg.Interval)
		i.reclaim(now, out) // it was master beside us
	case wins && !stalled && i.doubts(now, a, out):
		// The first member of the group decides, on its own segment.
	case wins:
		i.accept(a, out)
		if i.cfg.HigherPrioSendAdvert {
			i.lastWord(now, out)
		}
		i.yield(now, "advert from "+a.Source.String()+" with higher priority", out)
	case stalled:
		// It took over while we were stalled. It serves; whether we preempt it is for the timers.
		if !i.listening {
			i.note(NoteStall, now.Sub(i.deadline), out)
		}
		i.send(now, 0, out) // so that it knows that we were master too, and announces again
		i.yield(now, "stalled, and "+a.Source.String()+" took over", out)
	default:
		i.won = now
		i.assert(now, a, out)
	}
}

// lastWord tells a better master that there were two: without it, one that was heard first would
// not learn that it has to announce its addresses again. It is not a claim of ours: its interval
// is the better master's.
func (i *instance) lastWord(now time.Time, out *Output) {
	out.Sends = append(out.Sends, Send{Key: i.cfg.Key, Advert: i.advert(now, i.cfg.Priority, i.masterInterval), To: i.to})
}

// assert answers a lesser master: it must hear us (RFC 9568 §6.4.3), once an interval, so that
// two shouting nodes stay quiet. The addresses are announced again in any case.
func (i *instance) assert(now time.Time, a *Advert, out *Output) {
	if !i.reclaim(now, out) {
		return
	}
	if !i.cfg.LowerPrioNoAdvert {
		i.send(now, i.cfg.Priority, out)
		i.deadline = now.Add(i.cfg.Interval)
	}
	out.Notes = append(out.Notes, Note{Kind: NoteDuplicate, Key: i.cfg.Key, Name: i.cfg.Name,
		Peer: a.Source, Priority: a.Priority})
}

// reclaim announces the addresses after another master had them: whoever believed it must hear
// where they are. Within an interval of the last time it is left to the next advert.
func (i *instance) reclaim(now time.Time, out *Output) bool {
	if now.Sub(i.announced) < i.cfg.Interval {
		i.owes = true
		return false
	}
	i.owes, i.announced = false, now
	i.announceGroup(out)
	return true
}

// tick serves the instance's timer if it is due.
func (i *instance) tick(now time.Time, out *Output) {
	if i.deadline.IsZero() || now.Before(i.deadline) {
		return
	}
	switch i.state {
	case Backup:
		if i.oversleeps(now) {
			i.listenBackup(now, out)
			return
		}
		i.elect(now, out)
	case Master:
		i.tickMaster(now, out)
	case Init, Fault:
	}
}

// oversleeps tells whether a backup's timer is an interval late. What was queued has been read
// before; but we may have slept through adverts that no queue kept: a paused virtual machine loses
// them.
func (i *instance) oversleeps(now time.Time) bool { return now.Sub(i.deadline) >= i.masterInterval }

// listenBackup has a backup that was stalled hear for one more advert before it takes over.
func (i *instance) listenBackup(now time.Time, out *Output) {
	i.note(NoteStall, now.Sub(i.deadline), out)
	i.deadline = now.Add(i.masterInterval + i.skew())
	i.wants = false // the group waits until it has listened
}

func (i *instance) tickMaster(now time.Time, out *Output) {
	switch {
	case i.resigning:
		i.releaseGroup(now, "stopped, no successor heard", out)
	case i.listening && !i.dozes(now):
		i.listening = false
		i.send(now, i.cfg.Priority, out)
		i.deadline = now.Add(i.cfg.Interval)
		i.announced = now
		i.announce(out)
	case i.listening, i.overdue(now):
		i.listen(now, out)
	default:
		i.send(now, i.cfg.Priority, out)
		i.deadline = i.deadline.Add(i.cfg.Interval)
		if !i.deadline.After(now) {
			i.deadline = now.Add(i.cfg.Interval)
		}
		if i.owes {
			i.owes, i.announced = false, now
			i.announceGroup(out)
		}
	}
}

// dozes tells whether a master slept when it should have listened.
func (i *instance) dozes(now time.Time) bool {
	return i.listening && now.Sub(i.deadline) >= i.cfg.Interval
}

// listen has a master that was stalled hear who else is there before it speaks.
func (i *instance) listen(now time.Time, out *Output) {
	i.note(NoteStall, now.Sub(i.deadline), out)
	i.listening = true
	i.deadline = now.Add(i.cfg.Interval + i.skew())
}

// overdue tells whether a backup may have given us up since our last advert.
func (i *instance) overdue(now time.Time) bool { return !now.Before(i.until(i.sent)) }

// stalled tells whether a master must not speak before it has listened.
func (i *instance) stalled(now time.Time) bool { return i.listening || i.overdue(now) }

func (i *instance) announce(out *Output) {
	if !slices.Contains(out.Announces, i.cfg.Key) {
		out.Announces = append(out.Announces, i.cfg.Key)
	}
}

func (i *instance) note(kind NoteKind, late time.Duration, out *Output) {
	out.Notes = append(out.Notes, Note{Kind: kind, Key: i.cfg.Key, Name: i.cfg.Name, Late: late})
}

// resignBound is how long a stopping master serves on without hearing a successor.
const resignBound = time.Second

// resign is a stop that leaves no gap: priority 0 now, and the addresses stay until a successor
// is heard or resignBound is over.
func (i *instance) resign(now time.Time, out *Output) {
	if i.state != Master {
		i.leave(now, Init, "stopped", out)
		return
	}
	if i.resigning {
		return
	}
	vouched := i.until(i.sent)
	i.send(now, 0, out)
	// An interval more, so that it is the release at the deadline that takes the addresses off. One
	// that was stalled has none any more.
	if bound := now.Add(resignBound + i.cfg.Interval); vouched.After(now) && bound.After(vouched) {
		out.Sends[len(out.Sends)-1].Until = bound
	}
	i.resigning, i.listening = true, false
	i.deadline = now.Add(resignBound)
}

// configure makes c the configuration, and nothing of it.
func (i *instance) configure(c Config) {
	i.cfg, i.to = c, c.destinations(nil)
	i.keyed.rekey(&c.HMAC)
}

// update takes a new configuration without a change of state.
func (i *instance) update(now time.Time, c Config, out *Output) {
	old := i.cfg
	if old.equal(&c) {
		return
	}
	down, skew := i.down(), i.skew()
	stalled, overslept := i.overdue(now) && !i.listening || i.dozes(now), i.oversleeps(now)
	i.configure(c)
	if i.master == (netip.Addr{}) || c.Version == 2 {
		i.masterInterval = c.Interval
	}
	i.mismatched, i.outpaced = false, false
	switch i.state {
	case Backup:
		i.updateBackup(now, down, skew, overslept, out)
	case Master:
		if stalled && !i.resigning {
			i.listen(now, out)
		}
		// Neighbours must know a new priority or interval before the old interval has passed.
		if !i.resigning && !i.listening && i.source.IsValid() && (old.Priority != c.Priority || old.Interval != c.Interval ||
			old.Version != c.Version || old.Password != c.Password || !old.Transport.equal(&c.Transport) || !old.HMAC.equal(&c.HMAC) || !slices.Equal(old.Addresses, c.Addresses)) {
			i.send(now, c.Priority, out)
			i.deadline = now.Add(c.Interval)
		}
	case Init, Fault:
	}
}

// updateBackup moves the down timer by what its length has changed from down, with skew in it.
func (i *instance) updateBackup(now time.Time, down, skew time.Duration, overslept bool, out *Output) {
	if overslept {
		i.listenBackup(now, out)
		return
	}
	due := i.deadline
	switch i.deadline = due.Add(i.down() - down); {
	case !i.deadline.Before(now):
	case due.After(now) && i.down()-i.skew() < down-skew:
		// It is the interval that is shorter: a master with the old one may live that was not heard
		// in the time which counts already.
		i.deadline = now.Add(i.down())
	case i.oversleeps(now):
		i.deadline = now.Add(1 - i.masterInterval) // that is no stall
	}
	// Else it is over, and stays so as long as no other change moves it on.
}
