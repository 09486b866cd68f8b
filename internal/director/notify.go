package director

import (
	"context"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// This file tells programs of the operator what becomes of the services: those of one virtual server
// in the order in which it happened.

// toldWithin is how long a program may take that is told of something.
const toldWithin = time.Minute

// programFailed is a program that did not do what it was to do.
type programFailed struct {
	subject string
	command script.Command
	err     error
}

// notify has a program run; one without words is none.
func (d *Director) notify(subject string, p conf.Program) {
	if len(p.Words) > 0 {
		d.programs.Add(subject, command(d.cfg, p))
	}
}

// tellAtStart tells of the servers of a service that is new, where rs_init_notifies asks for that.
func (d *Director) tellAtStart(service int) {
	if !d.cfg.LVS.InitNotifies {
		return
	}
	s := &d.compiled.services[service]
	for j := range s.RealServers {
		if d.want.memory.at(service, j).up {
			d.notify(s.name, s.RealServers[j].NotifyUp)
		}
	}
}

// tellOfTheEnd tells that nothing is served any more, of virtual servers with omega.
func (d *Director) tellOfTheEnd() {
	for i := range d.compiled.services {
		s := &d.compiled.services[i]
		if !s.Omega {
			continue
		}
		for j := range s.RealServers {
			if d.want.memory.at(i, j).up {
				d.notify(s.name, s.RealServers[j].NotifyDown)
			}
		}
		if d.want.memory.quorums[i].has {
			d.notify(s.name, s.QuorumDown)
		}
	}
}

// finishTelling waits for programs that run, for so long.
func (d *Director) finishTelling(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	d.programs.Close(ctx)
}

func (d *Director) programFailed(f programFailed) {
	d.journal.event(ProgramFailed, zap.String("subject", f.subject), zap.Stringer("program", f.command.Line), zap.Error(f.err))
}
