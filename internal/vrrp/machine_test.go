package vrrp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// packet is an advert on its way.
type packet struct {
	segment int
	advert  Advert
	from    *machine
	at      time.Time // when it arrived
}

// machine is one node of a lan: what a Runner does, without its sockets.
type machine struct {
	l        *lan
	index    int
	e        *Election // nil while it does not run
	configs  []Config
	groups   []SyncGroup
	delays   map[string]LinkDelay
	readings map[Tracker]Reading
	demoted  bool              // the director is silent
	blind    bool              // the readings are not known yet
	hosts    [maxSegments]byte // its host number on each segment
	down     [maxSegments]bool // its links
	upSince  [maxSegments]time.Time
	asleep   bool
	slept    time.Time             // when it fell asleep
	bounds   map[Key]time.Duration // from which on others may have taken over from it meanwhile
	forgets  bool                  // while asleep: packets are lost, as a paused virtual machine's
	queue    []packet              // while asleep
	inbox    []packet              // what has arrived, and waits for the next step
	unread   bool                  // it was told something while it slept
	timer    time.Time
	stopped  func()    // called when a resignation is over
	stopping time.Time // when it began
	relieved bool      // a successor was heard since
	out      Output

	announced map[Key]time.Time
	failing   map[Key]time.Time // until when an instance is out whose addresses could not be kept on
	claimed   map[Key]claim     // what was said last as master, in this life or one before
	spoke     map[Key]time.Time // when anything was said last
	vouched   map[Key]time.Time // what a record in the run directory says: who is master, and until when
}

// claim is the last advert of a master, and how long others wait for another one.
type claim struct {
	at    time.Time
	bound time.Duration
}

func (l *lan) add(configs []Config, groups []SyncGroup) *machine {
	n := byte(len(l.machines) + 1)
	m := &machine{l: l, index: len(l.machines), configs: configs, groups: groups, claimed: map[Key]claim{}, spoke: map[Key]time.Time{}, hosts: [maxSegments]byte{n, n, n}}
	l.machines = append(l.machines, m)
	return m
}

func (m *machine) links() map[string]Link {
	links := map[string]Link{}
	for s := range maxSegments {
		links[fmt.Sprintf("eth%d", s)] = Link{Index: s + 1, Up: !m.down[s],
			Addresses: []netip.Addr{m.address(s)}}
	}
	return links
}

func (m *machine) boot() {
	m.e, m.asleep, m.queue, m.inbox, m.timer = NewElection(), false, nil, nil, time.Time{}
	m.failing = map[Key]time.Time{}
	m.demoted = false // the two processes start together
	m.announced = map[Key]time.Time{}
	resumed := map[Key]time.Time{}
	for key, until := range m.vouched {
		resumed[key] = until.Add(m.l.defect.overdue)
	}
	m.vouched = map[Key]time.Time{}
	m.e.Resume(resumed)
	m.step("boots", func(now time.Time, out *Output) {
		m.e.DelayLinks(m.delays)
		m.e.SetReadings(now, m.known(), out)
		m.e.SetLinks(now, m.links(), out)
		m.e.Configure(now, m.configs, m.groups, out)
	})
}

func (m *machine) crash() {
	m.l.note("%d crashes", m.index+1)
	m.e, m.asleep, m.queue, m.inbox = nil, false, nil, nil
}

// resign stops the machine in order; stopped is called at the end.
func (m *machine) resign(stopped func()) {
	m.stopped, m.stopping, m.relieved = stopped, m.l.now, false
	clear(m.vouched)
	m.step("resigns", m.resignStep)
}

func (m *machine) resignStep(now time.Time, out *Output) { m.e.Resign(now, out) }

func (m *machine) reload(configs []Config, groups []SyncGroup) {
	grows := m.grows(configs, groups)
	m.configs, m.groups, m.unread = configs, groups, true
	m.step("reloads", func(now time.Time, out *Output) { m.e.Configure(now, configs, groups, out) })
	if grows {
		m.checkGrowth()
	}
}

// read makes a tracker read so.
func (m *machine) read(t Tracker, r Reading) {
	readings := maps.Clone(m.readings) // an election keeps what it is given
	if readings == nil {
		readings = map[Tracker]Reading{}
	}
	readings[t] = r
	m.readings, m.unread = readings, true
	m.tell("reads its trackers")
}

// see ends a time in which the readings were not known.
func (m *machine) see() {
	if m.blind {
		m.blind, m.unread = false, true
		m.tell("knows its trackers")
	}
}

func (m *machine) tell(what string) {
	m.step(what, func(now time.Time, out *Output) { m.e.SetReadings(now, m.known(), out) })
}

// known is what the election is told of the trackers.
func (m *machine) known() map[Tracker]Reading {
	if m.blind {
		return nil
	}
	return m.readings
}

// fail takes the role from an instance, as addresses do that cannot be kept on.
func (m *machine) fail(key Key) {
	if m.e != nil && !m.asleep && !m.e.resigned && m.isMaster(key) {
		m.failing[key] = m.l.now.Add(failureHold)
	}
	m.step("cannot keep addresses", func(now time.Time, out *Output) { m.e.Fail(now, key, "addresses", out) })
}

func (m *machine) setLink(segment int, up bool) {
	m.down[segment], m.upSince[segment], m.unread = !up, m.l.now, true
	m.step(fmt.Sprintf("eth%d up: %v", segment, up), func(now time.Time, out *Output) { m.e.SetLinks(now, m.links(), out) })
}

func (m *machine) sleep(forgets bool) {
	if m.asleep {
		return
	}
	m.l.note("%d falls asleep", m.index+1)
	m.bounds = map[Key]time.Duration{}
	if m.e != nil {
		for _, i := range m.e.order {
			if i.state == Master || i.state == Backup { // an owner that enters the election may claim at once
				m.bounds[i.cfg.Key] = i.down() + max(i.cfg.Interval, i.masterInterval)
			}
		}
	}
	m.asleep, m.forgets, m.slept, m.unread = true, forgets, m.l.now, false
	m.queue, m.inbox = m.inbox, nil
}

// wake does what the Runner does: the queue is read before a timer is served.
func (m *machine) wake() {
	if m.e == nil || !m.asleep {
		return
	}
	m.asleep = false
	queue := m.queue
	m.queue = nil
	m.step("wakes", func(now time.Time, out *Output) {
		for _, p := range queue {
			p.at = now // it counts as it is read, after a stall
			m.receive(now, p, out)
			if p.advert.Priority == 0 {
				delete(m.bounds, Key{Interface: linkName(p.segment), VRID: p.advert.VRID}) // it is free to take
			}
		}
		m.e.Demote(now, m.demoted, out)
		m.e.SetLinks(now, m.links(), out)
		if m.unread && !m.e.resigned {
			m.e.readings = m.known()
			m.e.Configure(now, m.configs, m.groups, out)
		} else {
			m.e.SetReadings(now, m.known(), out)
		}
	})
	m.checkWake()
}

// step is one turn of the Runner's loop.
func (m *machine) step(what string, do func(time.Time, *Output)) {
	if m.e == nil || m.asleep {
		return
	}
	var was [maxSegments]bool // which instances were master before, by segment
	for _, i := range m.e.order {
		was[segmentOf(i.cfg.Key)] = i.state == Master
	}
	m.out.Reset()
	for _, p := range m.inbox {
		m.receive(p.at, p, &m.out)
	}
	m.inbox = m.inbox[:0]
	do(m.l.now, &m.out)
	m.l.defect.decides(m)
	m.e.Tick(m.l.now, &m.out)
	m.l.defect.decided(m)
	if what != "" {
		m.l.note("%d %s", m.index+1, what)
	}
	if m.l.stepped != nil { // before the adverts of before are forgotten
		m.l.stepped(m)
	}
	m.act(was)
	if m.e.resigned && m.e.Done() {
		m.e = nil
		m.stopped()
		return
	}
	if d := m.e.Deadline(); !d.IsZero() && !d.Equal(m.timer) {
		m.timer = d
		e := m.e
		m.l.after(max(d.Sub(m.l.now), 0)+m.l.between(0, m.l.late), func() {
			if m.e == e && m.timer.Equal(d) {
				m.timer = time.Time{}
				m.step("", func(time.Time, *Output) {})
			}
		})
	}
}

// act does what a step said; was are the instances that were master before, by segment.
func (m *machine) act(was [maxSegments]bool) {
	if m.l.record {
		for _, line := range m.out.lines() {
			m.l.note("%d   %s", m.index+1, line)
		}
	}
	for _, t := range m.out.Transitions {
		if t.To == Master {
			m.announced[t.Key] = m.l.now
		}
	}
	for _, k := range m.out.Announces {
		m.announced[k] = m.l.now
	}
	for _, s := range m.out.Sends {
		if !was[segmentOf(s.Key)] && !m.isMaster(s.Key) && !m.left(segmentOf(s.Key)) {
			m.l.fail("machine %d sends priority %d of %v in a state that is not entitled to it", m.index+1, s.Advert.Priority, s.Key)
		}
		if up := s.Regardless || !m.down[segmentOf(s.Key)]; up {
			m.spoke[s.Key] = m.l.now
			if i := m.e.instances[s.Key]; !s.Until.IsZero() && !m.e.resigned && i != nil {
				m.vouched[s.Key], m.claimed[s.Key] = s.Until, claim{m.l.now, time.Duration(i.cfg.DownTimerAdverts) * s.Advert.Interval}
			}
		}
		m.send(s)
	}
	for _, t := range m.out.Transitions {
		if t.To != Master {
			delete(m.vouched, t.Key)
		}
	}
	for _, i := range m.e.order {
		was[segmentOf(i.cfg.Key)] = false
	}
	for segment, master := range was {
		moved := func(t Transition) bool { return segmentOf(t.Key) == segment && t.From == Master }
		if master && !slices.ContainsFunc(m.out.Transitions, moved) {
			m.l.fail("machine %d: the master of segment %d is gone without a word", m.index+1, segment)
		}
	}
	m.checkGroups()
	m.checkFaults()
	m.checkPriorities()
}

func (m *machine) send(s Send) {
	segment := segmentOf(s.Key)
	if m.down[segment] {
		return
	}
	for _, to := range m.l.machines {
		a := s.Advert
		if !s.To[0].IsMulticast() {
			if a.Destination = to.address(segment); !slices.Contains(s.To, a.Destination) {
				continue
			}
		}
		if to == m || m.l.cut[segment][m.index][to.index] || m.l.loss > 0 && m.l.rng.Float64() < m.l.loss {
			continue
		}
		copies := 1
		if m.l.twice > 0 && m.l.rng.Float64() < m.l.twice {
			copies = 2
		}
		for range copies {
			p := packet{segment: segment, advert: m.wire(a), from: m}
			m.l.after(m.l.between(m.l.delay[0], m.l.delay[1]), func() { to.arrive(p) })
		}
	}
}

// wire is an advert as others read it: the signed ones as bytes.
func (m *machine) wire(a Advert) Advert {
	if a.signer == nil {
		return a
	}
	read, err := a.decoded(a.AppendTo(nil))
	if err != nil {
		m.l.fail("machine %d sends what nobody can read: %v", m.index+1, err)
	}
	return read
}

// arrive has a packet read when the machine has been woken for it, and before anything else is done.
func (m *machine) arrive(p packet) {
	p.at = m.l.now
	switch {
	case m.e == nil || m.down[p.segment]:
	case m.asleep:
		if !m.forgets && len(m.queue) < 256 {
			m.queue = append(m.queue, p)
		}
	case m.l.woken == 0:
		m.inbox = append(m.inbox, p)
		m.step("", func(time.Time, *Output) {})
	default:
		m.inbox = append(m.inbox, p)
		m.l.after(m.l.between(0, m.l.woken), func() {
			if len(m.inbox) > 0 {
				m.step("", func(time.Time, *Output) {})
			}
		})
	}
}

func (m *machine) receive(now time.Time, p packet, out *Output) {
	a := p.advert
	if m.l.received != nil {
		m.l.received(m, p, true)
	}
	if m.l.defect.deaf && m.isMaster(Key{Interface: linkName(p.segment), VRID: a.VRID}) {
		a.Priority = 1
	}
	m.e.Receive(now, fmt.Sprintf("eth%d", p.segment), &a, nil, out)
	if m.l.received != nil {
		m.l.received(m, p, false)
	}
}

// left tells whether an instance went from MASTER out of the election in this step, be it that it was
// MASTER for a moment.
func (m *machine) left(segment int) bool {
	return slices.ContainsFunc(m.out.Transitions, func(t Transition) bool {
		return segmentOf(t.Key) == segment && t.From == Master && t.To != Backup
	})
}

func (m *machine) isMaster(key Key) bool {
	for _, i := range m.e.order {
		if i.cfg.Key == key {
			return i.state == Master
		}
	}
	return false
}

// masters are the machines that hold key, as a set of bits.
func (l *lan) masters(key Key) (set, count int) {
	for _, m := range l.machines {
		if m.e != nil && m.isMaster(key) {
			set |= 1 << m.index
			count++
		}
	}
	return set, count
}
