package netif

import (
	"maps"
	"time"
)

// loop is what Run alone knows: the last orders, what the kernel had when it was last read, and
// what remains to be done.
type loop struct {
	*Applier
	reports []Report
	began   time.Time // the pass

	wanted     bool // there has been a Want
	want       Want
	generation uint64
	orders     map[string]order
	roles      map[string]Role // out of orders

	have    Table
	stale   bool                 // have must be read again
	dumped  bool                 // have has been read
	owned   map[Address]struct{} // put on by us, or by the process before, and not seen gone
	index   map[Address]int      // of the interface that an owned address is on
	spared  map[Address]bool     // left alone, and told
	routes  part[Route]
	rules   part[Rule]
	routed  []RoutingChange // in this pass
	unread  bool            // routes and rules must be read again
	holding map[string]bool // the instances for which they were planned last
	settled bool            // that plan had nothing to do
	saved   string          // content of the state file
	unsaved bool            // it may have to change

	holder  map[Address]string    // what is due, and to whom, as of the last pass
	on      map[Address]bool      // due, and seen on since it became due
	born    map[Address]time.Time // when an address with a preferred lifetime was put on
	why     map[Address]AddReason // of additions which have not succeeded yet
	added   []Address             // in this pass
	queue   []frame               // announcements, in the order in which they were made
	lanes   map[laneKey]*lane
	state   map[string]*instanceState
	fresh   map[string]bool // instances whose takeover is to be announced whole
	ops     tries[Op]
	sysctls tries[Sysctl]
	trouble map[string]string // by subject: the error last reported
	dumps   tries[struct{}]

	acked        bool   // there has been an Applied
	acknowledged uint64 // its generation
	pending      int    // its Pending
}

// instanceState is how far the orders of an instance are carried out.
type instanceState struct {
	takeovers, announces uint64    // of the order carried out
	again                time.Time // of the second burst; zero for none
	againRepeat          int       // as often as then
	refresh              time.Time // of the next refresh; zero for none
	lease                lease
}

func newLoop(a *Applier) *loop {
	return &loop{
		Applier: a, stale: true, unread: true,
		routes: newPart(a.kernel.AddRoute, a.kernel.DeleteRoute), rules: newPart(a.kernel.AddRule, a.kernel.DeleteRule),
		have:  Table{Links: make(map[string]int), Addresses: make(map[Address]struct{})},
		owned: make(map[Address]struct{}), index: make(map[Address]int), spared: make(map[Address]bool), on: make(map[Address]bool), born: make(map[Address]time.Time), why: make(map[Address]AddReason),
		state: make(map[string]*instanceState), trouble: make(map[string]string),
		dumps:   tries[struct{}]{first: 50 * time.Millisecond, most: 5 * time.Second},
		ops:     tries[Op]{first: 50 * time.Millisecond, most: 5 * time.Second},
		sysctls: tries[Sysctl]{first: 100 * time.Millisecond, most: 30 * time.Second},
	}
}

// pass brings the kernel as near to the orders as it can be brought now, and returns the time of
// the next pass if nothing happens before; zero for none.
func (l *loop) pass() (next time.Time) {
	l.began = time.Now()
	newLinks := l.dump()
	newWant := l.update()
	if !l.wanted {
		// Without a Want nothing can be told from left-overs: wait for the first.
		l.deliver()
		return l.dumps.next(l.began)
	}
	if newLinks {
		l.ops.hurry()
		l.routes.ops.hurry()
		l.rules.ops.hurry()
		l.sysctls.hurry()
	}

	l.fresh = l.due()
	left := l.network()
	l.remember()  // a takeover does not wait for the disk
	if l.dumped { // before, it is not known what there is to remove
		l.acknowledge(left)
	}
	if newWant || newLinks || l.sysctls.due(time.Now()) {
		l.applySysctls()
	}
	l.showPresent()
	l.deliver()
	return l.deadline()
}

// maxBefore is how many routes and rules an address waits for at most: some milliseconds.
const maxBefore = 100

// network makes addresses, routes and rules what they should be, and returns how many operations
// are left to be done. What goes with an address goes before it and comes after it; but where an
// instance has become master, or where there are a great many, addresses are first: another node may
// have them.
func (l *loop) network() (left int) {
	first := len(l.fresh) > 0 || len(l.routes.owned)+len(l.rules.owned) > maxBefore
	if !first {
		left = l.planRouting() + l.leaveRouting()
	}
	left += l.apply()
	l.announce(l.fresh)
	if first {
		left += l.planRouting() + l.leaveRouting()
	}
	left += l.enterRouting()
	l.renew()
	return left
}

// update takes over new orders.
func (l *loop) update() (newWant bool) {
	want, generation, orders := l.take()
	l.orders = orders
	if want != nil {
		for name := range l.want.Instances {
			if _, still := want.Instances[name]; !still {
				l.forget(name, orders[name])
				delete(l.orders, name)
				delete(l.state, name)
			}
		}
		l.wanted, l.want, l.generation = true, *want, generation
		l.lanes = make(map[laneKey]*lane)
		l.routes.of, l.rules.of = routesOf(l.want), rulesOf(l.want)
		l.unsaved, l.unread = true, true
	}
	l.roles = make(map[string]Role, len(l.orders))
	for name, o := range l.orders {
		l.roles[name] = o.role
	}
	for name := range l.want.Instances {
		if l.state[name] == nil {
			l.state[name] = new(instanceState)
		}
	}
	return want != nil
}

// dump reads the kernel's tables again if they are stale, and says whether an interface came,
// went or was re-created.
func (l *loop) dump() (newLinks bool) {
	if !l.stale || !l.dumps.ready(struct{}{}, time.Now()) {
		return false
	}
	table, err := l.kernel.Dump()
	if err != nil {
		l.dumps.failed(struct{}{}, time.Now(), err)
		l.complain("dump", err)
		return false
	}
	l.dumps.done(struct{}{}, time.Now(), false)
	l.complain("dump", nil)
	newLinks = !l.dumped || !maps.Equal(l.have.Links, table.Links)
	if !maps.Equal(l.have.Up, table.Up) || !maps.Equal(l.have.Addresses, table.Addresses) {
		l.routes.ops.hurry() // a gateway may be reached now
	}
	l.routes.follow(l.have, table)
	l.have, l.stale, l.dumped, l.unread = table, false, true, true
	l.unsaved = true
	l.follow()
	l.have.Addresses = l.known(table.Addresses)
	return newLinks
}

// due finds out what is due now and keeps the books about what was seen on. It returns the
// instances whose takeover is to be announced whole.
func (l *loop) due() map[string]bool {
	_, l.holder = desired(l.want, l.roles, time.Now())
	fresh := make(map[string]bool)
	for name, st := range l.state {
		if l.orders[name].takeovers != st.takeovers && l.roles[name].holds(time.Now()) {
			fresh[name] = true
		}
	}
	for a, name := range l.holder {
		_, there := l.have.Addresses[a]
		switch {
		case there:
			l.on[a] = true
		case l.why[a] != "":
		case fresh[name]:
			l.why[a] = Takeover
		case l.on[a]:
			l.why[a] = Healed
		default:
			l.why[a] = Configured
		}
	}
	maps.DeleteFunc(l.why, func(a Address, _ AddReason) bool { return l.holder[a] == "" })
	maps.DeleteFunc(l.on, func(a Address, _ bool) bool {
		_, there := l.have.Addresses[a]
		return !there && l.holder[a] == ""
	})
	return fresh
}

// complain reports an error about a subject unless it was the last one reported; nil ends it.
func (l *loop) complain(subject string, err error) {
	switch {
	case err == nil:
		delete(l.trouble, subject)
	case l.trouble[subject] != err.Error():
		l.trouble[subject] = err.Error()
		l.say(Trouble{Err: err})
	}
}

// say keeps a report until the pass is over.
func (l *loop) say(r Report) { l.reports = append(l.reports, r) }

func (l *loop) deliver() {
	for _, r := range l.reports {
		l.report(r)
	}
	l.reports = nil
}

// showPresent publishes what Present returns.
func (l *loop) showPresent() {
	present := make(map[string]Presence, len(l.want.Instances))
	for name, in := range l.want.Instances {
		p := Presence{Addresses: l.there(in)}
		l.routes.present(name, &p)
		l.rules.present(name, &p)
		present[name] = p
	}
	l.show(present)
}

// there returns the addresses of an instance that are on their interfaces, as they are wanted.
func (l *loop) there(in Instance) []Address {
	var there []Address
	for _, a := range in.Addresses {
		a = a.canonical()
		if _, ok := l.have.Addresses[a]; ok {
			there = append(there, a)
		}
	}
	return there
}

// deadline returns the earliest time at which something becomes due by itself. What has become due
// since the pass began may have been looked at before: it makes the next pass begin at once.
func (l *loop) deadline() (next time.Time) {
	if l.stale && l.dumps.ready(struct{}{}, l.began) {
		return l.began
	}
	sooner := func(t time.Time) {
		if t.After(l.began) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	sooner(l.dumps.next(l.began))
	sooner(l.ops.next(l.began))
	sooner(l.sysctls.next(l.began))
	sooner(l.routes.ops.next(l.began))
	sooner(l.rules.ops.next(l.began))
	for _, f := range l.queue {
		sooner(l.lane(f.address).free)
	}
	for name, st := range l.state {
		sooner(st.again)
		sooner(st.refresh)
		sooner(st.lease.retry)
		if r := l.roles[name]; r.Master {
			sooner(r.Until)
		}
	}
	return next
}
