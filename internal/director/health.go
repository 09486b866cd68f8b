package director

import (
	"maps"

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
}

// flips are the real servers whose health differs between two times, in the order of the
// configuration; untold are the specs that changed without changing a server. What is not known yet
// changes nothing.
func flips(cfg *conf.Config, before, after *health) (list []flip, untold map[check.Spec]bool) {
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
	for i := range cfg.Services {
		s := &cfg.Services[i]
		name := serviceName(s)
		for j := range s.RealServers {
			r := &s.RealServers[j]
			was, is := before.up(name, r), after.up(name, r)
			if was == is {
				continue
			}
			for _, spec := range after.specs(r) {
				if changed[spec] {
					list = append(list, flip{name, r, spec, is})
					delete(untold, spec)
					break
				}
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
	list, untold := flips(d.cfg, &before, &d.health)
	for _, f := range list {
		if !f.up && d.want.memory.kept[member{f.service, f.server.Address}] {
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
		d.journal.event(UplinkSuspected, zap.Stringer("guard", g.Address), zap.String("interface", g.Interface),
			zap.Int("failing", now.fails), zap.Int("targets", now.of))
	case !before.since.IsZero() && now.since.IsZero():
		d.journal.event(UplinkCleared, zap.Duration("after", d.health.now.Sub(before.since)))
	}
}

// noteKept tells which servers fail and stay because too few are left, and which of those left when
// others came back.
func (d *Director) noteKept(before memory) {
	for i := range d.cfg.Services {
		s := &d.cfg.Services[i]
		name := serviceName(s)
		for j := range s.RealServers {
			key := member{name, s.RealServers[j].Address}
			was, is := before.kept[key], d.want.memory.kept[key]
			switch {
			case is && !was:
				d.journal.event(ServerKept, zap.String("service", name), zap.Stringer("real_server", key.address),
					zap.Int("panic_threshold", s.PanicThreshold))
			case was && !is && !d.want.memory.up[key]:
				d.notify(name, s.RealServers[j].NotifyDown)
				d.journal.event(ServerLost, zap.String("service", name), zap.Stringer("real_server", key.address),
					zap.String("from", "kept"), zap.String("to", "down"))
			}
		}
	}
}

// noteWeights tells which servers came to have another weight because of what their checks found.
func (d *Director) noteWeights(before memory) {
	for i := range d.cfg.Services {
		s := &d.cfg.Services[i]
		name := serviceName(s)
		for j := range s.RealServers {
			r := &s.RealServers[j]
			key := member{name, r.Address}
			was, is := before.weightOf(name, r), d.want.memory.weightOf(name, r)
			if before.orders[key].weight.ordered || d.want.memory.orders[key].weight.ordered {
				continue // the operator's word was told
			}
			if was != is && before.up[key] && d.want.memory.up[key] {
				d.journal.event(ServerWeight, zap.String("service", name), zap.Stringer("real_server", r.Address),
					zap.Int("from", was), zap.Int("to", is))
			}
		}
	}
}

// noteQuorum tells which virtual servers lost their quorum or gained it. Where a quorum is no more
// than one server, and there is none for the time without, that is what noteEmpty tells.
func (d *Director) noteQuorum(before memory) {
	for i := range d.cfg.Services {
		s := &d.cfg.Services[i]
		name := serviceName(s)
		had, known := before.quorate[name]
		has := d.want.memory.quorate[name]
		sorry := s.Sorry.Address.IsValid()
		if !known {
			d.tellAtStart(s)
		}
		switch {
		case known && had == has:
			continue
		case has:
			d.notify(name, s.QuorumUp)
		case known || sorry:
			d.notify(name, s.QuorumDown)
		}
		if s.Quorum <= 1 && !sorry || has && !known {
			continue
		}
		weight := 0
		for j := range s.RealServers {
			weight += d.want.memory.counts(name, &s.RealServers[j])
		}
		e := QuorumLost
		if has {
			e = QuorumGained
		}
		fields := []zap.Field{zap.String("service", name), zap.Int("weight", weight), zap.Int("quorum", s.Quorum),
			zap.Int("hysteresis", s.Hysteresis)}
		if sorry {
			fields = append(fields, zap.Stringer("sorry_server", s.Sorry.Address))
		}
		d.journal.event(e, fields...)
	}
}

// noteEmpty tells which virtual servers came to have no server that takes connections, or have one
// again. All services of a group have the same.
func (d *Director) noteEmpty() {
	empty := map[string]bool{}
	for _, s := range services(d.cfg) {
		name := serviceName(s.VirtualServer)
		if _, known := empty[name]; known {
			continue
		}
		empty[name] = !serves(d.want.services, s.key)
		if empty[name] && !d.empty[name] {
			d.journal.event(ServiceEmpty, zap.String("service", name))
		}
		if !empty[name] && d.empty[name] {
			d.journal.event(ServiceServed, zap.String("service", name))
		}
	}
	d.empty = empty
}
