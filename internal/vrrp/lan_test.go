package vrrp

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// lan is a simulated network of machines with an election each: two segments, eth0 and eth1, one
// clock, one thread. All chance comes from one seed.
type lan struct {
	rng      *rand.Rand
	now      time.Time
	events   events
	sequence int
	machines []*machine

	cut   [2][3][3]bool // segment, sender, receiver
	loss  float64
	twice float64
	delay [2]time.Duration // the least and the most

	record bool
	log    []string
	failed string
}

type event struct {
	at       time.Time
	sequence int
	do       func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(a, b int) bool {
	return e[a].at.Before(e[b].at) || e[a].at.Equal(e[b].at) && e[a].sequence < e[b].sequence
}
func (e events) Swap(a, b int) { e[a], e[b] = e[b], e[a] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newLAN(seed uint64) *lan {
	l := &lan{rng: rand.New(rand.NewPCG(seed, 0)), now: epoch}
	l.delay = [2]time.Duration{100 * time.Microsecond, time.Millisecond}
	return l
}

func (l *lan) after(d time.Duration, do func()) {
	l.sequence++
	heap.Push(&l.events, event{l.now.Add(d), l.sequence, do})
}

// run lets time pass until end, or until something failed.
func (l *lan) run(end time.Time, observe func()) {
	for len(l.events) > 0 && !l.events[0].at.After(end) && l.failed == "" {
		e := heap.Pop(&l.events).(event)
		l.now = e.at
		e.do()
		observe()
	}
	if l.failed == "" {
		l.now = end
		observe()
	}
}

func (l *lan) between(low, high time.Duration) time.Duration {
	return low + time.Duration(l.rng.Int64N(int64(high-low)+1))
}

func (l *lan) fail(format string, args ...any) {
	if l.failed == "" {
		l.failed = fmt.Sprintf("at %v: ", l.now.Sub(epoch)) + fmt.Sprintf(format, args...)
	}
}

func (l *lan) note(format string, args ...any) {
	if !l.record {
		return
	}
	l.log = append(l.log, fmt.Sprintf("%12v ", l.now.Sub(epoch))+fmt.Sprintf(format, args...))
}

// packet is an advert on its way.
type packet struct {
	segment int
	advert  Advert
}

// machine is one node of a lan: what a Runner does, without its sockets.
type machine struct {
	l       *lan
	index   int
	e       *Election // nil while it does not run
	configs []Config
	groups  []SyncGroup
	down    [2]bool // its links
	asleep  bool
	slept   time.Time // when it fell asleep
	forgets bool      // while asleep: packets are lost, as a paused virtual machine's
	queue   []packet  // while asleep
	timer   time.Time
	stopped func() // called when a resignation is over
	out     Output
	booked  int // transitions of out that are in the maps below

	announced map[Key]time.Time
	heard     map[Key]time.Time // last accepted advert, or begin of BACKUP
	zero      map[Key]bool      // priority 0 was heard since
	lesser    map[Key]time.Time // last advert of a lesser master
}

func (l *lan) add(configs []Config, groups []SyncGroup) *machine {
	m := &machine{l: l, index: len(l.machines), configs: configs, groups: groups}
	l.machines = append(l.machines, m)
	return m
}

func (m *machine) links() map[string]Link {
	links := map[string]Link{}
	for s := range 2 {
		links[fmt.Sprintf("eth%d", s)] = Link{Index: s + 1, Up: !m.down[s],
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(s), byte(m.index + 1)})}}
	}
	return links
}

func (m *machine) boot() {
	m.e, m.asleep, m.queue, m.timer = NewElection(), false, nil, time.Time{}
	m.announced, m.heard = map[Key]time.Time{}, map[Key]time.Time{}
	m.zero, m.lesser = map[Key]bool{}, map[Key]time.Time{}
	m.step("boots", func(now time.Time, out *Output) {
		m.e.Configure(now, m.configs, m.groups, out)
		m.e.SetLinks(now, m.links(), out)
	})
}

func (m *machine) crash() {
	m.l.note("%d crashes", m.index+1)
	m.e, m.asleep, m.queue = nil, false, nil
}

// resign stops the machine in order; stopped is called at the end.
func (m *machine) resign(stopped func()) {
	m.stopped = stopped
	m.step("resigns", m.resignStep)
}

func (m *machine) resignStep(now time.Time, out *Output) { m.e.Resign(now, out) }

func (m *machine) reload(configs []Config, groups []SyncGroup) {
	m.configs, m.groups = configs, groups
	m.step("reloads", func(now time.Time, out *Output) { m.e.Configure(now, configs, groups, out) })
}

func (m *machine) setLink(segment int, up bool) {
	m.down[segment] = !up
	m.step(fmt.Sprintf("eth%d up: %v", segment, up), func(now time.Time, out *Output) { m.e.SetLinks(now, m.links(), out) })
}

func (m *machine) sleep(forgets bool) {
	m.l.note("%d falls asleep", m.index+1)
	m.asleep, m.forgets, m.slept = true, forgets, m.l.now
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
			m.receive(now, p, out)
		}
	})
	m.checkWake()
}

// checkWake: after a gap longer than the down timer, and an interval, nobody comes back shouting.
func (m *machine) checkWake() {
	for _, s := range m.out.Sends {
		i := m.e.instances[s.Key]
		if gap := m.l.now.Sub(m.slept); !s.Until.IsZero() && gap >= i.down()+i.cfg.Interval {
			m.l.fail("machine %d slept for %v and claims %v at once", m.index+1, gap, s.Key)
		}
	}
}

// step is one turn of the Runner's loop.
func (m *machine) step(what string, do func(time.Time, *Output)) {
	if m.e == nil || m.asleep {
		return
	}
	was := map[Key]bool{outside: m.isMaster(outside), inside: m.isMaster(inside)}
	m.out.Reset()
	m.booked = 0
	do(m.l.now, &m.out)
	m.e.Tick(m.l.now, &m.out)
	if what != "" {
		m.l.note("%d %s", m.index+1, what)
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
		m.l.after(max(d.Sub(m.l.now), 0), func() {
			if m.e == e && m.timer.Equal(d) {
				m.timer = time.Time{}
				m.step("", func(time.Time, *Output) {})
			}
		})
	}
}

// act does what a step said; was are the instances that were master before.
func (m *machine) act(was map[Key]bool) {
	if m.l.record {
		for _, line := range m.out.lines() {
			m.l.note("%d   %s", m.index+1, line)
		}
	}
	m.book()
	for _, k := range m.out.Announces {
		m.announced[k] = m.l.now
	}
	for _, s := range m.out.Sends {
		if !s.Until.IsZero() && !was[s.Key] && !m.isMaster(s.Key) {
			m.l.fail("machine %d sends priority %d of %v in a state that is not entitled to it", m.index+1, s.Advert.Priority, s.Key)
		}
		m.send(s)
	}
	m.checkGroups()
}

// book remembers the transitions since the last call in this step.
func (m *machine) book() {
	for ; m.booked < len(m.out.Transitions); m.booked++ {
		t := m.out.Transitions[m.booked]
		switch {
		case t.To == Master:
			m.checkTakeover(t)
			m.announced[t.Key] = m.l.now
		case t.To == Backup:
			m.heard[t.Key], m.zero[t.Key] = m.l.now, false
		}
		delete(m.lesser, t.Key)
	}
}

// checkTakeover: nobody is deposed before 3 intervals of silence, or without having said so.
func (m *machine) checkTakeover(t Transition) {
	if silence := m.l.now.Sub(m.heard[t.Key]); t.From == Backup && !m.zero[t.Key] && silence < 3*m.e.instances[t.Key].cfg.Interval {
		m.l.fail("machine %d takes %v over after only %v of silence", m.index+1, t.Key, silence)
	}
}

// checkGroups: the members of a group are master together or not at all. (A file that groups
// instances while they stop finds them at different points of that.)
func (m *machine) checkGroups() {
	if m.e.resigned {
		return
	}
	for _, g := range m.e.groups {
		for _, i := range g.members {
			if (i.state == Master) != (g.members[0].state == Master) {
				m.l.fail("machine %d: %v is %v, %v is %v", m.index+1, i.cfg.Key, i.state, g.members[0].cfg.Key, g.members[0].state)
			}
		}
	}
}

func (m *machine) send(s Send) {
	segment := int(s.Key.Interface[3] - '0')
	if m.down[segment] {
		return
	}
	for _, to := range m.l.machines {
		if to == m || m.l.cut[segment][m.index][to.index] || m.l.rng.Float64() < m.l.loss {
			continue
		}
		copies := 1
		if m.l.rng.Float64() < m.l.twice {
			copies = 2
		}
		for range copies {
			p := packet{segment, s.Advert}
			m.l.after(m.l.between(m.l.delay[0], m.l.delay[1]), func() { to.arrive(p) })
		}
	}
}

func (m *machine) arrive(p packet) {
	switch {
	case m.e == nil || m.down[p.segment]:
	case m.asleep:
		if !m.forgets && len(m.queue) < 256 {
			m.queue = append(m.queue, p)
		}
	default:
		m.step("", func(now time.Time, out *Output) { m.receive(now, p, out) })
	}
}

func (m *machine) receive(now time.Time, p packet, out *Output) {
	a := p.advert
	key := Key{Interface: fmt.Sprintf("eth%d", p.segment), VRID: a.VRID}
	if i := m.e.instances[key]; i != nil {
		switch {
		case i.state == Backup && a.Priority == 0:
			m.zero[key] = true
		case i.state == Backup && (!i.cfg.Preempt || a.Priority >= i.cfg.Priority):
			m.heard[key], m.zero[key] = now, false
		case i.state == Master && a.Priority != 0 && !i.resigning && !i.listening && !i.overdue(now):
			m.lesser[key] = now // or a better one, and then we leave MASTER
		}
	}
	m.e.Receive(now, key.Interface, &a, nil, out)
	m.book()
}

func (m *machine) isMaster(key Key) bool {
	i := m.e.instances[key]
	return i != nil && i.state == Master
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
