package netif

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// part is what a loop knows of routes, or of rules.
type part[E entry[E]] struct {
	of    map[string][]E // what each instance wants
	have  table[E]
	owned map[E]struct{} // put there by us, or by the process before, and not seen gone

	holder map[E]string // what is due, and to whom, as of the last pass
	on     map[E]E      // due, and seen there since it became due: as it was last seen
	lost   map[E]bool   // of those, what may have gone with its interface and was not seen since
	ops    tries[Change[E]]
	before []Change[E] // of the last plan
	after  []Change[E]
	add    func(E) error
	delete func(E) error
}

func newPart[E entry[E]](add, remove func(E) error) part[E] {
	return part[E]{
		have: make(table[E]), owned: make(map[E]struct{}), holder: make(map[E]string), on: make(map[E]E), lost: make(map[E]bool),
		ops: tries[Change[E]]{first: 50 * time.Millisecond, most: 5 * time.Second},
		add: add, delete: remove,
	}
}

// idle reports that there is nothing to look after.
func (p *part[E]) idle() bool { return len(p.of) == 0 && len(p.owned) == 0 }

// origins adds the protocols of what is looked after.
func (p *part[E]) origins(to map[uint8]bool) {
	if p.idle() {
		return
	}
	to[Protocol] = true
	for _, list := range p.of {
		for _, e := range list {
			to[e.origin()] = true
		}
	}
	for e := range p.owned {
		to[e.origin()] = true
	}
}

// plan finds out what is to be done, and keeps the books about what was seen there.
func (p *part[E]) plan(l *loop) {
	now := time.Now()
	due, idle := claims(l.want, l.roles, now, p.of)
	clear(p.holder)
	for _, c := range due {
		p.holder[c.entry.key()] = c.instance
		if h, there := p.have.find(c.entry); there {
			p.on[c.entry.key()] = h
			delete(p.lost, c.entry.key())
		}
	}
	maps.DeleteFunc(p.on, func(e, _ E) bool {
		_, due := p.holder[e]
		return !due
	})
	maps.DeleteFunc(p.lost, func(e E, _ bool) bool { return !p.seen(e) })
	p.before, p.after = planEntries(due, idle, p.have, p.owned)
	p.after = slices.DeleteFunc(p.after, p.staysAway)
	p.ops.only(slices.Concat(p.before, p.after), now)
}

// staysAway says that somebody has removed what need not be put back.
func (p *part[E]) staysAway(c Change[E]) bool {
	key := c.Entry.key()
	return c.Kind == Add && c.Entry.mayStayAway() && p.seen(key) && !p.lost[key]
}

// todo is how many changes the last plan has.
func (p *part[E]) todo() int { return len(p.before) + len(p.after) }

// seen says that an entry was there since it became due.
func (p *part[E]) seen(key E) bool {
	_, seen := p.on[key]
	return seen
}

// run carries out changes and returns how many are left to be done.
func (p *part[E]) run(l *loop, changes []Change[E]) (left int) {
	for _, c := range changes {
		if !p.ops.ready(c, time.Now()) || !p.do(l, c) {
			left++
		}
	}
	return left
}

// do carries out one change, books its outcome, and says whether it is done.
func (p *part[E]) do(l *loop, c Change[E]) bool {
	var err error
	switch c.Kind {
	case Add:
		// The plan may be old: this thread may have slept since.
		if !l.want.Instances[c.Instance].Static && !l.roles[c.Instance].holds(time.Now()) {
			return false
		}
		e := c.Entry
		if len(p.have[e.slot()]) > 0 {
			e = e.beside()
		}
		err = p.add(e)
	case Delete:
		err = p.delete(c.Entry)
	}
	now := time.Now()
	if err != nil {
		l.stale = l.stale || !errors.Is(err, errNoDevice)
	}
	if err != nil && (c.Kind == Add || !gone(err)) {
		if p.ops.failed(c, now, err) {
			l.say(RoutingFailed{Change: said(c, ""), Err: fmt.Errorf("%s %s: %w", c.Kind, c.Entry, err)})
		}
		return false
	}
	p.booked(l, c, now)
	return true
}

// gone reports whether the error of a deletion says that there was nothing to delete.
func gone(err error) bool {
	return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, errNoDevice)
}

func (p *part[E]) booked(l *loop, c Change[E], now time.Time) {
	l.unsaved = true
	key := c.Entry.key()
	switch c.Kind {
	case Add:
		why := Configured
		switch {
		case p.seen(key):
			why = Healed
		case l.fresh[c.Instance]:
			why = Takeover
		}
		p.ops.done(c, now, why == Healed)
		p.on[key] = key
		p.owned[key] = struct{}{}
		p.have.put(key)
		l.routed = append(l.routed, said(c, string(why)))
	case Delete:
		p.ops.done(c, now, false)
		p.have.drop(c.Entry)
		l.routed = append(l.routed, said(c, string(p.whyGone(l, c))))
	}
}

func (p *part[E]) whyGone(l *loop, c Change[E]) RemoveReason {
	_, mine := p.owned[c.Entry.key()]
	switch {
	case c.Replace:
		return Replaced
	case !mine && c.Instance != "":
		return LeftOver
	case c.Instance == "":
		return Unconfigured
	case l.roles[c.Instance].Master:
		return Expired
	}
	return Released
}

func said[E entry[E]](c Change[E], why string) RoutingChange {
	return RoutingChange{Kind: c.Kind, What: kind[E](), Entry: c.Entry.String(), Instance: c.Instance, Why: why}
}

// disown forgets the entries that are gone: who makes one next is not known. Of those that are there
// it keeps what the kernel has made of them, which is like no other one's.
func (p *part[E]) disown() {
	for e := range maps.Clone(p.owned) {
		h, there := p.have.find(e)
		if h != e || !there {
			delete(p.owned, e)
		}
		if there {
			p.owned[h] = struct{}{}
		}
	}
}

// planRouting plans routes and rules, and returns 1 if it cannot. They are read here, and not with
// the addresses: a takeover does not wait for it.
func (l *loop) planRouting() (left int) {
	l.routes.before, l.routes.after, l.rules.before, l.rules.after = nil, nil, nil, nil
	if l.routes.idle() && l.rules.idle() {
		return 0
	}
	if !l.dumped {
		return 1
	}
	if l.unread {
		if err := l.readRouting(); err != nil {
			l.stale = true
			l.dumps.failed(struct{}{}, time.Now(), err)
			l.complain("routing", err)
			return 1
		}
		l.complain("routing", nil)
		l.unread, l.settled = false, false
	}
	// The election renews its word with every advert: nothing is planned anew for that alone.
	holding := l.holders()
	if l.settled && maps.Equal(holding, l.holding) {
		return 0
	}
	l.routes.plan(l)
	l.rules.plan(l)
	l.holding, l.settled = holding, l.routes.todo()+l.rules.todo() == 0
	return 0
}

// holders are the instances that hold their places now.
func (l *loop) holders() map[string]bool {
	now := time.Now()
	holding := make(map[string]bool, len(l.want.Instances))
	for name, in := range l.want.Instances {
		holding[name] = in.Static || l.roles[name].holds(now)
	}
	return holding
}

// leaveRouting takes off what is not due any more, the rules that lead to routes first.
func (l *loop) leaveRouting() (left int) {
	left = l.rules.run(l, l.rules.before)
	return left + l.routes.run(l, l.routes.before)
}

// enterRouting makes what is due, and says what was done.
func (l *loop) enterRouting() (left int) {
	left = l.routes.run(l, l.routes.after)
	left += l.rules.run(l, l.rules.after)
	if len(l.routed) > 0 {
		l.say(Routed{Done: l.routed})
		l.routed = nil
	}
	return left
}

// readRouting reads routes and rules again.
func (l *loop) readRouting() error {
	origins := make(map[uint8]bool)
	l.routes.origins(origins)
	l.rules.origins(origins)
	routes, rules, err := l.kernel.Routing(origins)
	if err != nil {
		return err
	}
	l.routes.have, l.rules.have = newTable(routes), newTable(rules)
	return nil
}

// follow notes what happened to interfaces: what is gone because of it was removed by nobody, and what
// is owned has to be known again under another name.
func (p *part[E]) follow(before, now Table) {
	if maps.Equal(before.Links, now.Links) && maps.Equal(before.Up, now.Up) {
		return
	}
	for key, last := range p.on {
		// It need not be missed yet: routes are read after interfaces.
		if slices.ContainsFunc(last.interfaces(), func(dev string) bool {
			return before.Links[dev] != now.Links[dev] || before.Up[dev] != now.Up[dev]
		}) {
			p.lost[key] = true
		}
	}
	names := make(map[int]string, len(now.Links))
	for name, index := range now.Links {
		names[index] = name
	}
	renamed := make(map[string]string)
	for name, index := range before.Links {
		if other, there := names[index]; there && now.Links[name] != index {
			renamed[name] = other
		}
	}
	if len(renamed) == 0 {
		return
	}
	for e := range maps.Clone(p.owned) {
		p.owned[e.renamed(renamed)] = struct{}{}
	}
}

// recall takes over what the process before put there.
func (p *part[E]) recall(entries []E) {
	for _, e := range entries {
		for _, one := range e.parts() {
			p.owned[one.key()] = struct{}{}
		}
	}
}

// ours lists what is owned, sorted.
func (p *part[E]) ours() []E {
	type named struct {
		entry E
		name  string
	}
	var all []named
	for e := range p.owned {
		all = append(all, named{e, e.String()})
	}
	slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	var entries []E
	for _, n := range all {
		entries = append(entries, n.entry)
	}
	return entries
}

// maxMissing bounds how many entries that are missing are named.
const maxMissing = 20

// present adds what there is of an instance's entries.
func (p *part[E]) present(instance string, to *Presence) {
	to.Wanted += len(p.of[instance])
	for _, e := range p.of[instance] {
		if _, there := p.have.find(e); there {
			to.Routes++
		} else if p.holder[e.key()] == instance && len(to.Missing) < maxMissing {
			to.Missing = append(to.Missing, kind[E]()+" "+e.String())
		}
	}
}

// kind is what an entry is called.
func kind[E entry[E]]() string {
	var e E
	if _, rule := any(e).(Rule); rule {
		return "rule"
	}
	return "route"
}
