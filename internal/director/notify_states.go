package director

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/script"
	"lvsd/internal/vrrp"
)

// This file runs the programs that are told of the states of instances and groups. They are told, and asked nothing: what they
// do changes nothing here.

// Times of programs that are told of states: how long one may have run when another waits for it, and
// how long a stop waits for the last ones.
const (
	notifyPatience = 30 * time.Second
	notifyLast     = 3 * time.Second
)

// run runs what the configuration has for a call, with arguments behind its own, after what runs for
// the same subject.
func (d *Director) run(in map[call]program, c call, arguments ...string) {
	p, there := in[c]
	if !there || p.Line == "" {
		return
	}
	p.Line = p.Line.With(arguments...)
	queue := c.subject
	switch c.word { // those that tell of something else than the others do not take their place
	case "notify", "notify_master_rx_lower_pri":
		queue += " " + c.word
	}
	d.states.Put(queue, c.subject+" "+c.word, p.Command)
}

// ran tells how a program ended.
func (d *Director) ran(r script.Ran) {
	fields := []zap.Field{zap.String("subject", r.Label), zap.Stringer("program", r.Command.Line), zap.Duration("took", r.Took)}
	switch {
	case errors.Is(r.Err, context.Canceled):
		d.journal.event(ProgramFailed, append(fields, zap.String("error", "ended: the next one waited for it"))...)
	case r.Err != nil:
		d.journal.event(ProgramFailed, append(fields, zap.Error(r.Err))...)
	case r.Status != 0:
		why := "exited with status " + strconv.Itoa(r.Status)
		if r.Said != "" {
			why += ": " + r.Said
		}
		d.journal.event(ProgramFailed, append(fields, zap.String("error", why))...)
	default:
		d.journal.event(ProgramRan, fields...)
	}
}

// statesTold is what has to be known of the states that were told.
type statesTold struct {
	departed map[vrrp.Key]departed
	groups   map[string]vrrp.State // the states that the sync groups were last in as a whole, by name
}

// departed is an instance that a reload removed, until the election has said so.
type departed struct {
	name     string
	programs map[call]program
}

// depart keeps the programs of the instances that a reload removes, for what the election will say of
// them, and forgets the states of groups that are gone.
func (d *Director) depart(before want, known map[vrrp.Key]bool) {
	for _, i := range before.instances {
		if r, elected := d.roles[i.Key]; elected && r.state != vrrp.Init && !known[i.Key] {
			d.statesTold.departed[i.Key] = departed{i.Name, before.programs}
		}
	}
	maps.DeleteFunc(d.statesTold.departed, func(k vrrp.Key, _ departed) bool { return known[k] })
	maps.DeleteFunc(d.statesTold.groups, func(name string, _ vrrp.State) bool {
		return !slices.ContainsFunc(d.want.groups, func(g vrrp.SyncGroup) bool { return g.Name == name })
	})
}

// lastPrograms waits for the programs that are still to be run or to end, but not long.
func (d *Director) lastPrograms(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, notifyLast)
	defer cancel()
	d.states.Close(ctx)
	for _, happened := range d.inbox.take() {
		if r, ok := happened.(script.Ran); ok {
			d.ran(r)
		}
	}
}

// tellState has the programs run that are told of an instance's state, and of its group's.
func (d *Director) tellState(t vrrp.Transition) {
	in, name := d.want.programs, t.Name
	if gone, there := d.statesTold.departed[t.Key]; there && t.To == vrrp.Init {
		in, name = gone.programs, gone.name
		delete(d.statesTold.departed, t.Key)
	}
	subject := instanceTitle(name)
	word, state := stateWord(t.To, d.stopping, in, subject)
	d.run(in, call{subject, word})
	d.run(in, call{subject, "notify"}, "INSTANCE", name, state, strconv.Itoa(int(t.Priority)))
	d.tellGroup(t.Key)
}

// stateWord is keepalived's word for what is run for a state, and its name of the state. An instance
// that is in none any more was stopped with lvsd, or removed.
func stateWord(s vrrp.State, stopping bool, in map[call]program, subject string) (word, state string) {
	switch s {
	case vrrp.Master:
		return "notify_master", "MASTER"
	case vrrp.Backup:
		return "notify_backup", "BACKUP"
	case vrrp.Init:
		if stopping {
			return "notify_stop", "STOP"
		}
		if _, deleted := in[call{subject, "notify_deleted"}]; deleted {
			return "notify_deleted", "DELETED"
		}
	case vrrp.Fault:
	}
	return "notify_fault", "FAULT"
}

// tellGroup has the programs of an instance's group run if the group has come to another state.
func (d *Director) tellGroup(key vrrp.Key) {
	for _, g := range d.want.groups {
		var states []vrrp.State
		ours := false
		for _, m := range g.Members {
			states = append(states, d.roles[m].state)
			ours = ours || m == key
		}
		state, settled := groupState(states)
		if !ours || !settled || d.statesTold.groups[g.Name] == state {
			continue
		}
		d.statesTold.groups[g.Name] = state
		word, name := stateWord(state, false, nil, "")
		d.run(d.want.programs, call{groupTitle(g.Name), word})
		d.run(d.want.programs, call{groupTitle(g.Name), "notify"}, "GROUP", g.Name, name, "0")
	}
}

// groupState is the state that a group is in as a whole. It is false while its members are between
// two, or in none.
func groupState(members []vrrp.State) (state vrrp.State, settled bool) {
	if len(members) == 0 {
		return vrrp.Init, false
	}
	same := true
	for _, s := range members {
		if s == vrrp.Fault {
			return vrrp.Fault, true
		}
		same = same && s == members[0]
	}
	return members[0], same && members[0] != vrrp.Init
}

// once runs startup_script or shutdown_script, and waits for it.
func (d *Director) once(ctx context.Context, word string) {
	p, there := programs(d.cfg)[call{lifetimeTitle, word}]
	if !there {
		return
	}
	var r script.Runner
	begin := time.Now()
	status, err := r.Run(ctx, p.Command, p.Timeout)
	d.ran(script.Ran{Label: word, Command: p.Command, Took: time.Since(begin), Status: status, Err: err})
}
