package vrrp

import "time"

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
		if m.state != Master && !m.wants {
			i.wants = true
			i.deadline = now.Add(i.down())
			return
		}
	}
	i.becomeMaster(now, i.vacancy(now), out)
	for _, m := range i.peers() {
		if m.state != Master {
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

// startsMaster tells whether an instance that enters the election does so as master: the owner
// of the addresses (RFC 9568 §6.4.1) in a group of owners, or a new member of a group that is
// master already.
func (i *instance) startsMaster() bool {
	owners, masters, others := i.cfg.StartMaster, false, false
	for _, m := range i.peers() {
		owners = owners && m.cfg.StartMaster
		masters = masters || m.state == Master
		others = others || m.state == Backup
	}
	return owners || masters && !others
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
