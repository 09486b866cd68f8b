package director

import (
	"slices"

	"lvsd/internal/conf"
	"lvsd/internal/script"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// trackerKinds are what the election calls what the configuration tracks.
func trackerKinds() map[conf.TrackKind]vrrp.TrackerKind {
	return map[conf.TrackKind]vrrp.TrackerKind{conf.TrackInterface: vrrp.TrackInterface, conf.TrackScript: vrrp.TrackScript}
}

// tracks are what an instance depends on: the interfaces of its addresses, routes and rules, what it
// tracks itself, and what its group tracks.
func tracks(i *conf.Instance, g *conf.SyncGroup) []vrrp.Track {
	var list []vrrp.Track
	add := func(t vrrp.Track) {
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	for _, a := range i.Moving() {
		if a.Dev != i.Interface {
			add(vrrp.Track{Tracker: vrrp.Tracker{Kind: vrrp.TrackInterface, Name: a.Dev}})
		}
	}
	for _, name := range ways(i) {
		if name != "" && name != "lo" && name != i.Interface {
			add(vrrp.Track{Tracker: vrrp.Tracker{Kind: vrrp.TrackInterface, Name: name}})
		}
	}
	lines := i.Track
	if g != nil {
		lines = slices.Concat(lines, g.Track)
	}
	for _, l := range lines {
		if l.Kind == conf.TrackInterface && l.Name == i.Interface && !i.DontTrackPrimary && l.Weight == 0 && !l.Reverse {
			continue // without which it never takes part
		}
		add(vrrp.Track{Tracker: vrrp.Tracker{Kind: trackerKinds()[l.Kind], Name: l.Name}, Weight: l.Weight, Reverse: l.Reverse})
	}
	return list
}

// trackers are what has to be watched for the instances.
func trackers(cfg *conf.Config, instances []vrrp.Config) map[vrrp.Tracker]track.Spec {
	used := map[vrrp.Tracker]bool{}
	for i := range instances {
		for _, t := range instances[i].Track {
			used[t.Tracker] = true
		}
	}
	specs := map[vrrp.Tracker]track.Spec{}
	for i := range cfg.Scripts {
		s := &cfg.Scripts[i]
		if t := (vrrp.Tracker{Kind: vrrp.TrackScript, Name: s.Name}); used[t] {
			specs[t] = track.Script{Command: command(cfg, s.Command), Interval: s.Interval, Timeout: s.Timeout,
				Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail}
		}
	}
	return specs
}

// command is a program as it is run.
func command(cfg *conf.Config, c conf.Program) script.Command {
	return script.Command{Line: script.NewLine(c.Words...), User: c.User, Group: c.Group, Secure: cfg.ScriptSecurity}
}

// readings are what the election is to know of the trackers. Before is what it knew: where a reload
// lets a name stand for something else, the name means what it did until that is known.
func readings(trackers map[vrrp.Tracker]track.Spec, seen map[track.Spec]track.Reading,
	before map[vrrp.Tracker]vrrp.Reading) map[vrrp.Tracker]vrrp.Reading {
	known := map[vrrp.Tracker]vrrp.Reading{}
	for t, spec := range trackers {
		r := seen[spec]
		last, had := before[t]
		switch {
		case r.State != track.Unknown:
			known[t] = vrrp.Reading{Up: r.State == track.Up, Value: r.Value, Why: r.Why}
		case had:
			known[t] = last
		case r.Fault != nil:
			known[t] = vrrp.Reading{Void: true}
		}
	}
	return known
}
