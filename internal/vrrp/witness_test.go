package vrrp

import (
	"slices"
	"strings"
	"time"
)

// witness holds a lan to what it promises whatever happens to it. It knows the rules by their text,
// and the elections by what goes into them and comes out.
type witness struct {
	l       *lan
	lives   [maxMachines]life
	counted map[string]int
	booked  int // transitions and notes of the step that are counted
	noted   int
}

// life is what a machine has heard since it started, by segment: there is one instance on each.
type life struct {
	e    *Election
	ears [maxSegments]ear
}

type ear struct {
	since   time.Time     // from when on the down timer counts: the last advert that counted, or the beginning of BACKUP
	shorter time.Duration // the interval by which it counts at least, and at most
	longer  time.Duration
	soonest time.Duration // the skew by which it counts at least, and at most
	latest  time.Duration
	own     time.Duration // the interval as configured, when it was last looked at
	version uint8
	changed time.Time // when that became another
	zero    time.Time // the first and the last priority 0 that was heard since
	zeroes  time.Time
	stalled bool      // it has listened since, because it was stalled
	lesser  time.Time // the first of the lesser masters that preempt_delay leaves in place
	other   time.Time // as master: the last advert of another master
	better  time.Time // as master of a group: the first advert of a better one, which was not obeyed yet
}

func watch(l *lan) *witness {
	w := &witness{l: l, counted: map[string]int{}}
	l.received, l.stepped = w.received, w.stepped
	return w
}

func (w *witness) ear(m *machine, key Key) *ear {
	l := &w.lives[m.index]
	if l.e != m.e {
		*l = life{e: m.e}
	}
	ear := &l.ears[segmentOf(key)]
	if ear.since.IsZero() {
		ear.since = w.l.now
	}
	return ear
}

// beats tells whether an advert is better than what the instance says of itself (RFC 9568 §6.4.3).
func beats(a *Advert, i *instance) bool {
	return a.Priority > i.cfg.Priority || a.Priority == i.cfg.Priority && i.source.Less(a.Source)
}

func (w *witness) received(m *machine, p packet, before bool) {
	w.book(m, p.at)
	a := p.advert
	i := m.e.instances[Key{Interface: linkName(p.segment), VRID: a.VRID}]
	if i == nil || refused(p.at, i, a) || i.cfg.OwnerIgnoreAdverts && i.cfg.Priority == 255 && !i.resigning {
		return
	}
	ear := w.ear(m, i.cfg.Key)
	m.relieved = m.relieved || i.resigning && a.Priority != 0
	switch {
	case before && i.state == Backup:
		w.hearBackup(p.at, ear, i, &a)
	case before && i.state == Master && a.Priority != 0 && !i.resigning && !i.listening && !i.overdue(p.at):
		ear.other = p.at // or a better one, and then we leave MASTER
	case !before && i.state == Master && a.Priority != 0 && !i.resigning && beats(&a, i):
		w.disobeyed(m, ear, i, &a)
	}
}

// refused tells whether an advert does not count, and leaves no trace of the question.
func refused(now time.Time, i *instance, a Advert) bool {
	last, known := i.keyed.heard[a.Source]
	err := i.refuse(now, &a)
	if known {
		i.keyed.heard[a.Source] = last
	} else {
		delete(i.keyed.heard, a.Source)
	}
	return err != nil
}

// hearBackup is RFC 9568 §6.4.2 with preempt_delay.
func (w *witness) hearBackup(now time.Time, ear *ear, i *instance, a *Advert) {
	counts := !i.cfg.Preempt || a.Priority >= i.cfg.Priority
	switch {
	case a.Priority == 0:
		if ear.zero.IsZero() {
			ear.zero = now
		}
		ear.zeroes = now
		return
	case a.Priority >= i.cfg.Priority:
		ear.lesser = time.Time{}
	case i.cfg.Preempt && ear.lesser.IsZero():
		ear.lesser = now
	}
	if counts || now.Sub(ear.lesser) < i.cfg.PreemptDelay {
		ear.since, ear.zero, ear.stalled = now, time.Time{}, false
		if i.cfg.Version == 3 {
			ear.shorter, ear.longer = a.Interval, a.Interval
		}
		ear.skew(i, true)
	}
}

// disobeyed: who hears a better master makes way at once; in a group, for a better one on another
// segment than that of its first member, within two adverts and a half.
func (w *witness) disobeyed(m *machine, ear *ear, i *instance, a *Advert) {
	if i.group == nil || slices.MinFunc(i.group.members, compareMembers) == i {
		w.l.fail("machine %d heard a better master of %v, and stays", m.index+1, i.cfg.Key)
		return
	}
	w.counted["doubt"]++
	if ear.better.IsZero() || w.l.now.Sub(ear.better) > 5*a.Interval {
		ear.better = w.l.now
	}
	if since := w.l.now.Sub(ear.better); since > 5*a.Interval/2 {
		w.l.fail("machine %d hears a better master of %v since %v, and stays", m.index+1, i.cfg.Key, since)
	}
}

func (w *witness) stepped(m *machine) {
	w.book(m, w.l.now)
	w.booked, w.noted = 0, 0
	for _, i := range m.e.order {
		ear := w.ear(m, i.cfg.Key)
		if ear.own != i.cfg.Interval || ear.version != i.cfg.Version { // by a reload
			ear.own, ear.version, ear.changed = i.cfg.Interval, i.cfg.Version, w.l.now
			ear.shorter, ear.longer = min(ear.shorter, ear.own), max(ear.longer, ear.own)
		}
		ear.skew(i, false)
	}
}

// book counts what a machine said since the last call in this step, of what was so at a time.
func (w *witness) book(m *machine, at time.Time) {
	for ; w.noted < len(m.out.Notes); w.noted++ {
		switch n := m.out.Notes[w.noted]; n.Kind {
		case NoteDuplicate:
			w.counted["duplicate"]++
		case NoteStall:
			w.counted["stall"]++
			ear := w.ear(m, n.Key)
			ear.since, ear.stalled, ear.zero = at, true, time.Time{}
			if i := m.e.instances[n.Key]; i != nil {
				ear.skew(i, true)
			}
		case NotePriority:
			w.counted["priority"]++
		}
	}
	for ; w.booked < len(m.out.Transitions); w.booked++ {
		w.transition(m, at, m.out.Transitions[w.booked])
	}
}

func (w *witness) transition(m *machine, at time.Time, t Transition) {
	ear := w.ear(m, t.Key)
	i := m.e.instances[t.Key]
	switch {
	case t.To == Master:
		w.counted["takeover"]++
		if strings.HasPrefix(t.Reason, "resumes") {
			w.counted["resumption"]++
			w.checkResumption(m, t.Key)
		}
		if t.From == Backup {
			w.checkTakeover(m, ear, i)
		}
	case t.From == Master && t.To == Backup:
		w.counted["yield"]++
	case t.To == Fault:
		w.counted["fault"]++
	}
	if t.From == Master && t.To != Backup {
		w.checkFarewell(m, t)
	}
	*ear = ear.begin(at, i)
}

// checkFarewell: who leaves the election as master says so, where there is a link to say it on. Who
// stops serves until a successor is heard, or for a while.
func (w *witness) checkFarewell(m *machine, t Transition) {
	if m.e.resigned && t.To == Init && !m.relieved && w.l.now.Sub(m.stopping) < resignBound {
		w.l.fail("machine %d stops and leaves %v to nobody: %s", m.index+1, t.Key, t.Reason)
	}
	if m.e.resigned || m.down[segmentOf(t.Key)] || m.delays != nil {
		return
	}
	for _, s := range m.out.Sends {
		if s.Key == t.Key && s.Advert.Priority == 0 {
			return
		}
	}
	w.l.fail("machine %d is not master of %v any more, and tells nobody: %s", m.index+1, t.Key, t.Reason)
}

// begin is the state of an ear when another state begins.
func (e *ear) begin(now time.Time, i *instance) ear {
	fresh := ear{since: now, own: e.own, version: e.version}
	if i != nil {
		fresh.shorter, fresh.longer = i.masterInterval, i.masterInterval
		fresh.skew(i, true)
	}
	return fresh
}

// checkTakeover: nobody is deposed before he was silent for as long as it takes, or has said that
// he stops.
func (w *witness) checkTakeover(m *machine, ear *ear, i *instance) {
	ear.skew(i, false)
	if !ear.zero.IsZero() && w.l.now.Sub(ear.zero) >= ear.soonest {
		return
	}
	if silence := w.l.now.Sub(ear.since); silence < ear.missed(i)*ear.shorter+ear.soonest {
		w.l.fail("machine %d takes %v over after only %v of silence", m.index+1, i.cfg.Key, silence)
	}
}

// missed is how many adverts a backup misses before it takes over.
func (e *ear) missed(i *instance) time.Duration {
	if e.stalled {
		return 1
	}
	return time.Duration(i.cfg.DownTimerAdverts)
}

// checkResumption: who is started again goes on only while nobody can have taken over.
func (w *witness) checkResumption(m *machine, key Key) {
	c := m.claimed[key]
	if silent := w.l.now.Sub(c.at); silent >= c.bound {
		w.l.fail("machine %d resumes %v after %v of silence, and others wait for %v", m.index+1, key, silent, c.bound)
	}
}

// observe: no machine that is awake waits longer than it has to. In a group it may move when all
// of it may. A master speaks each interval.
func (w *witness) observe() {
	for _, m := range w.l.machines {
		if m.e == nil || m.asleep {
			continue
		}
		for _, i := range m.e.order {
			if i.state == Master {
				w.checkSilence(m, i)
			}
			if i.state != Backup {
				continue
			}
			due := w.due(m, i)
			if i.group != nil {
				if i != i.group.members[0] {
					continue // said for all of them
				}
				for _, peer := range i.group.members[1:] {
					if d := w.due(m, peer); d.After(due) {
						due = d
					}
				}
			}
			if late := w.l.now.Sub(due); late > w.l.late {
				w.l.fail("machine %d waits for %v longer than it has to, to take %v over", m.index+1, late, i.cfg.Key)
			}
		}
	}
}

// checkSilence: a master is heard each interval, but one that was stalled, that stops, or whose link
// is down.
func (w *witness) checkSilence(m *machine, i *instance) {
	if i.listening || m.e.resigned || m.down[segmentOf(i.cfg.Key)] || m.delays != nil {
		return
	}
	said, heard := m.spoke[i.cfg.Key], w.l.now.Add(-i.cfg.Interval-w.l.late)
	if up := m.upSince[segmentOf(i.cfg.Key)]; said.Before(heard) && up.Before(heard) {
		w.l.fail("machine %d is master of %v, and silent since %v", m.index+1, i.cfg.Key, said.Sub(epoch))
	}
}

// due is when the down timer ends at the latest.
func (w *witness) due(m *machine, i *instance) time.Time {
	ear := w.ear(m, i.cfg.Key)
	due := ear.since.Add(ear.missed(i)*ear.longer + ear.latest)
	if !ear.zero.IsZero() {
		due = ear.zeroes.Add(ear.latest)
	}
	// Another interval may begin the time anew. That of a master of the version before counts until one of
	// the new version is heard.
	interval := max(i.cfg.Interval, i.masterInterval)
	if again := ear.changed.Add(time.Duration(i.cfg.DownTimerAdverts)*interval + time.Second); again.After(due) {
		return again
	}
	return due
}

// skew reckons with the instance as it is now (Skew_Time of RFC 9568 §6.1 and RFC 3768 §6.1), afresh
// where the time that counts begins.
func (e *ear) skew(i *instance, afresh bool) {
	shorter, longer := e.shorter, e.longer
	if i.cfg.Version == 2 {
		shorter, longer = time.Second, time.Second
	}
	least, most := skewOf(i.cfg.Priority, shorter), skewOf(i.cfg.Priority, longer)
	if !afresh {
		least, most = min(e.soonest, least), max(e.latest, most)
	}
	e.soonest, e.latest = least, most
}

func segmentOf(key Key) int { return int(key.Interface[3] - '0') }

func linkName(segment int) string { return [maxSegments]string{"eth0", "eth1", "eth2"}[segment] }
