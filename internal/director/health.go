package director

import (
	"go.uber.org/zap"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// flip is a real server whose health changed, and the check that changed it.
type flip struct {
	service ipvs.ServiceKey
	server  *conf.RealServer
	spec    check.Spec
	up      bool
}

// flips are the real servers whose health differs between two sets of failing specs, in the
// order of the configuration; untold are the specs that changed without changing a server.
func flips(cfg *conf.Config, before, after map[check.Spec]bool) (list []flip, untold map[check.Spec]bool) {
	untold = map[check.Spec]bool{}
	for spec := range before {
		if !after[spec] {
			untold[spec] = true
		}
	}
	for spec := range after {
		if !before[spec] {
			untold[spec] = true
		}
	}
	if len(untold) == 0 {
		return nil, untold
	}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		for j := range s.RealServers {
			r := &s.RealServers[j]
			was, is := healthy(r, before), healthy(r, after)
			if was == is {
				continue
			}
			for _, spec := range specs(r) {
				if before[spec] != after[spec] {
					list = append(list, flip{serviceKey(s), r, spec, is})
					break
				}
			}
		}
	}
	for _, f := range list {
		delete(untold, f.spec)
	}
	return list, untold
}

// noteHealth tells which real servers were lost or restored since the specs in before failed, and
// why.
func (d *Director) noteHealth(before map[check.Spec]bool, verdicts map[check.Spec]check.Verdict) {
	states := func(up bool) []zap.Field {
		if up {
			return []zap.Field{zap.String("from", "down"), zap.String("to", "up")}
		}
		return []zap.Field{zap.String("from", "up"), zap.String("to", "down")}
	}
	list, untold := flips(d.cfg, before, d.down)
	for _, f := range list {
		e := ServerLost
		if f.up {
			e = ServerRestored
		}
		fields := append([]zap.Field{zap.Stringer("service", f.service), zap.Stringer("real_server", f.server.Address),
			zap.Stringer("check", f.spec)}, states(f.up)...)
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
		fields := append([]zap.Field{zap.Stringer("check", spec)}, states(!d.down[spec])...)
		if err := verdicts[spec].Err; err != nil {
			fields = append(fields, zap.Error(err))
		}
		d.journal.event(CheckChanged, fields...)
	}
}

// noteEmpty tells which services came to have no server that takes connections, or have one
// again.
func (d *Director) noteEmpty() {
	empty := map[ipvs.ServiceKey]bool{}
	for key, entry := range d.want.services {
		empty[key] = true
		for _, dest := range entry.Destinations {
			if dest.Weight > 0 {
				empty[key] = false
			}
		}
		if empty[key] && !d.empty[key] {
			d.journal.event(ServiceEmpty, zap.Stringer("service", key))
		}
		if !empty[key] && d.empty[key] {
			d.journal.event(ServiceServed, zap.Stringer("service", key))
		}
	}
	d.empty = empty
}
