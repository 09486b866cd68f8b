package director

import (
	"net/netip"
	"slices"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/script"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// trackerKinds are what the election calls what the configuration tracks.
func trackerKinds() map[conf.TrackKind]vrrp.TrackerKind {
	return map[conf.TrackKind]vrrp.TrackerKind{conf.TrackInterface: vrrp.TrackInterface, conf.TrackScript: vrrp.TrackScript,
		conf.TrackFile: vrrp.TrackFile, conf.TrackProcess: vrrp.TrackProcess, conf.TrackPing: vrrp.TrackPing, conf.TrackService: vrrp.TrackService}
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

// watched is what a tracker stands for: a track.Spec, the check.Spec of a ping, or a quorumOf.
type watched any

// quorumOf is the name of a virtual server.
type quorumOf string

// trackers are what has to be watched for the instances.
func trackers(cfg *conf.Config, instances []vrrp.Config) map[vrrp.Tracker]watched {
	used := map[vrrp.Tracker]bool{}
	for i := range instances {
		for _, t := range instances[i].Track {
			used[t.Tracker] = true
		}
	}
	for name := range checkedFiles(cfg) { // whose init_file counts too
		used[vrrp.Tracker{Kind: vrrp.TrackFile, Name: name}] = true
	}
	all := map[vrrp.Tracker]watched{}
	put := func(kind vrrp.TrackerKind, name string, w watched) {
		if t := (vrrp.Tracker{Kind: kind, Name: name}); used[t] {
			all[t] = w
		}
	}
	for i := range cfg.Scripts {
		s := &cfg.Scripts[i]
		put(vrrp.TrackScript, s.Name, track.Script{Command: command(cfg, s.Command), Interval: s.Interval, Timeout: s.Timeout,
			Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail})
	}
	for _, f := range cfg.Files {
		put(vrrp.TrackFile, f.Name, track.File{Path: f.Path, Init: f.Init, Overwrite: f.Overwrite, InitValue: f.InitValue})
	}
	for i := range cfg.Processes {
		p := &cfg.Processes[i]
		put(vrrp.TrackProcess, p.Name, track.Process{Command: script.NewLine(p.Words...), Full: p.FullCommand, Match: match(p.ParamMatch),
			Quorum: p.Quorum, QuorumMax: p.QuorumMax, ForkDelay: p.ForkDelay, TerminateDelay: p.TerminateDelay})
	}
	for _, p := range cfg.Pings {
		put(vrrp.TrackPing, p.Name, check.Spec{Kind: check.ICMP, Addr: netip.AddrPortFrom(p.Address, 0),
			Timing: check.Timing{Interval: p.Interval, Timeout: p.Timeout, Rise: p.Rise, Retry: p.Fall - 1, DelayBeforeRetry: p.Interval,
				Alpha: true}}) // so that its first answer is told
	}
	for _, s := range cfg.ServiceTrackers {
		put(vrrp.TrackService, s.Name, quorumOf(serviceName(trackedService(cfg, &s))))
	}
	return all
}

func match(m conf.ParamMatch) track.Match {
	return map[conf.ParamMatch]track.Match{conf.ExactParameters: track.Exact, conf.InitialParameters: track.Initial,
		conf.PartialParameters: track.Partial}[m]
}

// trackedService is the virtual server that a tracker is about.
func trackedService(cfg *conf.Config, t *conf.ServiceTracker) *conf.VirtualServer {
	for i := range cfg.Services {
		if s := &cfg.Services[i]; s.Address == t.Address && s.FWMark == t.FWMark && s.Group == t.Group && s.Protocol == t.Protocol {
			return s
		}
	}
	return &conf.VirtualServer{} // conf refuses a file without it
}

// command is a program as it is run.
func command(cfg *conf.Config, c conf.Program) script.Command {
	return script.Command{Line: script.NewLine(c.Words...), User: c.User, Group: c.Group, Secure: cfg.ScriptSecurity}
}

// seen is what is known of what is watched.
type seen struct {
	tracked  map[track.Spec]track.Reading
	verdicts map[check.Spec]check.Verdict
	quorate  map[string]bool
}

// readings are what the election is to know of the trackers. Before is what it knew: where a reload
// lets a name stand for something else, the name means what it did until that is known.
func readings(trackers map[vrrp.Tracker]watched, now seen, before map[vrrp.Tracker]vrrp.Reading) map[vrrp.Tracker]vrrp.Reading {
	known := map[vrrp.Tracker]vrrp.Reading{}
	for t, w := range trackers {
		r, is := now.of(w)
		if last, had := before[t]; had && (!is || r.Void) {
			r, is = last, true
		}
		if is {
			known[t] = r
		}
	}
	return known
}

// of is what is known of one thing; false is nothing.
func (s seen) of(w watched) (vrrp.Reading, bool) {
	switch w := w.(type) {
	case track.Spec:
		r := s.tracked[w]
		if r.State == track.Unknown {
			return vrrp.Reading{Void: true}, r.Fault != nil
		}
		return vrrp.Reading{Up: r.State == track.Up, Value: r.Value, Why: r.Why}, true
	case check.Spec:
		v := s.verdicts[w]
		if !v.Known {
			return vrrp.Reading{Void: true}, v.Fault != nil
		}
		return vrrp.Reading{Up: v.Healthy, Why: unless(v.Healthy, "does not answer")}, true
	case quorumOf:
		has, known := s.quorate[string(w)]
		return vrrp.Reading{Up: has, Why: unless(has, "has lost its quorum")}, known
	}
	return vrrp.Reading{}, false
}

func unless(good bool, why string) string {
	if good {
		return ""
	}
	return why
}
