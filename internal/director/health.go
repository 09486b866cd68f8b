package director

import (
	"cmp"
	"maps"
	"slices"

	"go.uber.org/zap"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// flip is a real server whose health changed, and the check that changed it.
type flip struct {
	service string
	server  *conf.RealServer
	spec    check.Spec
	up      bool
	kept    bool // though it is not up
}

// flips are the real servers whose health differs between two times, in the order of the
// configuration; untold are the specs that changed without changing a server. What is not known yet
// changes nothing.
func flips(c *compiled, before, after *health) (list []flip, untold map[check.Spec]bool) {
	untold = map[check.Spec]bool{}
	for spec := range before.down {
		if !after.down[spec] || before.untried[spec] && !after.untried[spec] {
			untold[spec] = true
		}
	}
	for spec := range after.down {
		if !before.down[spec] && !after.untried[spec] {
			untold[spec] = true
		}
	}
	if len(untold) == 0 {
		return nil, untold
	}
	changed := maps.Clone(untold)
	stood, stand := before.memory.in(c), after.memory.in(c)
	for _, moved := range stand.changed {
		i := moved.service
		s := &c.services[i]
		for _, place := range moved.places {
			j := place - s.first
			at := slices.IndexFunc(s.specs[j], func(spec check.Spec) bool { return changed[spec] })
			if at < 0 {
				continue
			}
			was, is := before.up(s.specs[j], stood.at(i, j)), after.up(s.specs[j], stand.at(i, j))
			if was != is {
				list = append(list, flip{s.name, &s.RealServers[j], s.specs[j][at], is, stand.at(i, j).kept})
				delete(untold, s.specs[j][at])
			}
		}
	}
	return list, untold
}

// noteHealth tells which real servers were lost or restored since before, and why.
func (d *Director) noteHealth(before health, verdicts map[check.Spec]check.Verdict) {
	states := func(spec check.Spec, up bool) []zap.Field {
		from, to := "up", "down"
		if up {
			from, to = to, from
		}
		if before.untried[spec] {
			from = "unknown"
		}
		return []zap.Field{zap.String("from", from), zap.String("to", to)}
	}
	list, untold := flips(d.compiled, &before, &d.health)
	for _, f := range list {
		if !f.up && f.kept {
			continue // noteKept tells it
		}
		e, program := ServerLost, f.server.NotifyDown
		if f.up {
			e, program = ServerRestored, f.server.NotifyUp
		}
		d.notify(f.service, program)
		fields := append([]zap.Field{zap.String("service", f.service), zap.Stringer("real_server", f.server.Address),
			zap.Stringer("check", f.spec)}, states(f.spec, f.up)...)
		if err := verdicts[f.spec].Err; err != nil {
			fields = append(fields, zap.Error(err))
		}
		if !f.up && f.server.InhibitOnFailure {
			fields = append(fields, zap.Bool("inhibited", true))
		}
		d.journal.event(e, fields...)
	}
	for spec := range untold {
		if _, known := d.want.checks[spec]; !known {
			continue // a reload took the check away
		}
		if d.onlyTracked(spec) {
			continue
		}
		fields := append([]zap.Field{zap.Stringer("check", spec)}, states(spec, !d.health.down[spec])...)
		if err := verdicts[spec].Err; err != nil {
			fields = append(fields, zap.Error(err))
		}
		d.journal.event(CheckChanged, fields...)
	}
}

// noteUplink tells that our own uplink is suspected, and that it no longer is.
func (d *Director) noteUplink(before, now suspicion) {
	g := d.cfg.UplinkGuard
	switch {
	case before.since.IsZero() && !now.since.IsZero():
		fields := []zap.Field{zap.Stringer("guard", g.Address)}
		if name := cmp.Or(g.Interface, wayOut(g.Address)); name != "" {
			fields = append(fields, zap.String("interface", name))
		}
		d.journal.event(UplinkSuspected, append(fields, zap.Int("failing", now.fails), zap.Int("targets", now.of))...)
	case !before.since.IsZero() && now.since.IsZero():
		d.journal.event(UplinkCleared, zap.Duration("after", d.health.now.Sub(before.since)))
	}
}

// noteKept tells which servers fail and stay because too few are left, and which of those left when
// others came back.
func (d *Director) noteKept(before *memory) {
	for _, changed := range d.want.memory.changed {
		i := changed.service
		s := &d.compiled.services[i]
		for _, place := range changed.places {
			j := place - s.first
			r, was, is := &s.RealServers[j], before.at(i, j), d.want.memory.at(i, j)
			switch {
			case is.kept && !was.kept:
				d.journal.event(ServerKept, zap.String("service", s.name), zap.Stringer("real_server", r.Address),
					zap.Int("panic_threshold", s.PanicThreshold))
			case was.kept && !is.kept && !is.up:
				d.notify(s.name, r.NotifyDown)
				d.journal.event(ServerLost, zap.String("service", s.name), zap.Stringer("real_server", r.Address),
					zap.String("from", "kept"), zap.String("to", "down"))
			}
		}
	}
}

// noteWeights tells which servers came to have another weight because of what their checks found.
func (d *Director) noteWeights(before *memory) {
	for _, changed := range d.want.memory.changed {
		i := changed.service
		s := &d.compiled.services[i]
		for _, place := range changed.places {
			j := place - s.first
			was, is := before.at(i, j), d.want.memory.at(i, j)
			if was.weighs || is.weighs {
				continue // the operator's word was told
			}
			if was.weight != is.weight && was.up && is.up {
				d.journal.event(ServerWeight, zap.String("service", s.name), zap.Stringer("real_server", s.RealServers[j].Address),
					zap.Int("from", int(was.weight)), zap.Int("to", int(is.weight)))
			}
		}
	}
}

// noteQuorum tells which virtual servers lost their quorum or gained it. Where a quorum is no more
// than one server, and there is none for the time without, that is what noteEmpty tells.
func (d *Director) noteQuorum(before *memory) {
	for i := range d.compiled.services {
		known, had, has := before.quorums[i].judged, before.quorums[i].has, d.want.memory.quorums[i].has
		if known && had == has {
			continue
		}
		if !known {
			d.tellAtStart(i)
		}
		s := &d.compiled.services[i]
		sorry := s.Sorry.Address.IsValid()
		switch {
		case has:
			d.notify(s.name, s.QuorumUp)
		case known || sorry:
			d.notify(s.name, s.QuorumDown)
		}
		if s.Quorum <= 1 && !sorry || has && !known {
			continue
		}
		e := QuorumLost
		if has {
			e = QuorumGained
		}
		fields := []zap.Field{zap.String("service", s.name), zap.Int("weight", d.want.memory.weight(i)), zap.Int("quorum", s.Quorum),
			zap.Int("hysteresis", s.Hysteresis)}
		if sorry {
			fields = append(fields, zap.Stringer("sorry_server", s.Sorry.Address))
		}
		d.journal.event(e, fields...)
	}
}

// noteEmpty tells which virtual servers came to have no server that takes connections, or have one
// again. All services of a group have the same.
func (d *Director) noteEmpty(before *memory) {
	was := d.empty
	d.empty = map[string]bool{}
	if before.settled {
		d.empty = maps.Clone(was)
	}
	for _, changed := range d.want.memory.changed {
		s := &d.compiled.services[changed.service]
		if len(s.keys) == 0 {
			continue // a group without an address
		}
		if serves(d.want.services, s.keys[0].key) {
			delete(d.empty, s.name)
		} else {
			d.empty[s.name] = true
		}
		switch is := d.empty[s.name]; {
		case is && !was[s.name]:
			d.journal.event(ServiceEmpty, zap.String("service", s.name))
		case !is && was[s.name]:
			d.journal.event(ServiceServed, zap.String("service", s.name))
		}
	}
}
