package vrrp

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// group is a sync group at work: its members hold the same state, as keepalived's do.
type group struct {
	name    string
	members []*instance
}

// peers are the other members of the instance's group.
func (i *instance) peers() []*instance {
	if i.group == nil {
		return nil
	}
	peers := make([]*instance, 0, len(i.group.members))
	for _, m := range i.group.members {
		if m != i {
			peers = append(peers, m)
		}
	}
	return peers
}

func (i *instance) follow() string { return "follows sync group " + i.group.name }

// elect is the end of a backup's down timer (RFC 9568 §6.4.2). In a sync group the last member
// whose timer ends takes all of them: an instance that hears its master holds the others back.
func (i *instance) elect(now time.Time, out *Output) {
	for _, m := range i.peers() {
		if m.state == Backup && m.oversleeps(now) {
			m.listenBackup(now, out) // it cannot tell any more
		}
		if m.state != Master && !m.wants {
			i.wants = true
			i.deadline = now.Add(i.down())
			return
		}
	}
	// The first member's advert leaves first: it is the one that decides between two masters.
	for _, m := range slices.SortedFunc(slices.Values(append(i.peers(), i)), compareMembers) {
		switch {
		case m == i:
			m.becomeMaster(now, i.vacancy(now), out)
		case m.state != Master:
			m.becomeMaster(now, m.follow(), out)
		}
	}
}

// vacancy is why a backup takes over.
func (i *instance) vacancy(now time.Time) string {
	switch {
	case i.heard.IsValid() && i.heardPriority == 0:
		return i.heard.String() + " stopped"
	case i.heard.IsValid() && i.cfg.Preempt && i.heardPriority < i.cfg.Priority && !now.Before(i.preemptAt):
		return "preempts " + i.heard.String() + " with lower priority"
	case i.master.IsValid():
		return "no advert heard from " + i.master.String()
	}
	return "no advert heard"
}

// yield makes way for a better master, with the whole group and without priority 0: the better
// one is there already.
func (i *instance) yield(now time.Time, reason string, out *Output) {
	i.becomeBackup(now, reason, out)
	for _, m := range i.peers() {
		if m.state == Master {
			m.becomeBackup(now, m.follow(), out)
		}
	}
}

// releaseGroup ends a resignation.
func (i *instance) releaseGroup(now time.Time, reason string, out *Output) {
	i.leave(now, Init, reason, out)
	for _, m := range i.peers() {
		if m.resigning {
			m.leave(now, Init, m.follow(), out)
		}
	}
}

// announceGroup announces the addresses of every member: who believed a lesser master about one
// of them may have believed it about all.
func (i *instance) announceGroup(out *Output) {
	i.announce(out)
	for _, m := range i.peers() {
		m.announce(out)
	}
}

// groupFault is why the instance may not take part: its own fault, or that of a member.
func (i *instance) groupFault() string {
	if i.fault != "" {
		return i.fault
	}
	for _, m := range i.peers() {
		if m.fault != "" {
			return "sync group " + i.group.name + ": " + m.cfg.Name + ": " + m.fault
		}
	}
	return ""
}

// groupWaits tells whether the instance, or a member of its group, waits to know a tracker.
func (i *instance) groupWaits() bool {
	for _, m := range i.peers() {
		if m.waits != "" {
			return true
		}
	}
	return i.waits != ""
}

// groupListens tells whether the group's masters were stalled, and do not know yet whether they
// are masters still. Who would join them waits.
func (i *instance) groupListens(now time.Time) bool {
	return slices.ContainsFunc(i.peers(), func(m *instance) bool {
		return m.state == Master && m.stalled(now)
	})
}

// startsMaster is why an instance that enters the election does so as master, or "": the owner of
// the addresses (RFC 9568 §6.4.1) in a group of owners none of whom waits, a new member of a group
// that is master already, and a group that was master a moment ago.
func (i *instance) startsMaster(now time.Time) string {
	owners, masters, others := i.cfg.StartMaster, false, false
	for _, m := range i.peers() {
		owners = owners && m.cfg.StartMaster
		masters = masters || m.state == Master
		others = others || m.state == Backup
	}
	switch {
	case i.resumes(now):
		return "resumes: it was master a moment ago"
	case (owners || masters) && !others:
		return "started as master"
	}
	return ""
}

// unite ends a mixed group, which only a new configuration can make: its masters step down and
// say so, so that one node takes all of it.
func (g *group) unite(now time.Time, out *Output) {
	var masters, backups bool
	for _, m := range g.members {
		masters = masters || m.state == Master
		backups = backups || m.state == Backup
	}
	if !masters || !backups {
		return
	}
	for _, m := range g.members {
		if m.state == Master && !m.resigning {
			m.send(now, 0, out)
			m.becomeBackup(now, m.follow(), out)
		}
	}
}

// compareMembers orders the members of a group as every node does, whatever its file: by
// virtual_router_id, then by what they advertise.
func compareMembers(a, b *instance) int {
	return cmp.Or(cmp.Compare(a.cfg.VRID, b.cfg.VRID), slices.CompareFunc(a.cfg.Addresses, b.cfg.Addresses, netip.Addr.Compare))
}

// doubts tells whether a master is not to make way yet for a better one, because a member of its
// group that comes before it may be the better one on its own segment. Who is better is one
// question for the whole group, and its first member answers it: two nodes that make way for one
// another at once, each for what it hears on one segment, leave the addresses to nobody, and may
// do so again and again. keepalived lets every member answer.
//
// The members before ask by an advert. If the other node stays all the same, its next advert here
// finds no doubt: it does not hear us there, or is not heard. Where we hear it there, and are the
// better one, it has an interval more to make way.
func (i *instance) doubts(now time.Time, a *Advert, out *Output) bool {
	before := slices.DeleteFunc(i.peers(), func(m *instance) bool { return compareMembers(m, i) >= 0 })
	if len(before) == 0 || slices.ContainsFunc(before, func(m *instance) bool { return m.stalled(now) }) {
		return false
	}
	i.owes = true // should it make way, it had the addresses until now
	if now.Sub(i.doubted) > 5*a.Interval {
		i.doubted = now
		for _, m := range before {
			m.send(now, m.cfg.Priority, out)
		}
		return true
	}
	patience := a.Interval / 2
	if slices.ContainsFunc(before, func(m *instance) bool { return now.Sub(m.won) < 3*a.Interval/2 }) {
		patience += a.Interval
	}
	return now.Sub(i.doubted) < patience
}
