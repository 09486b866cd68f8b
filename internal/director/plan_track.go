package director

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lvsd/internal/check"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// This file finds what a plan changes about what instances track.

// trackers compares what is tracked, by its names. What nobody tracks is not watched.
func (p *planner) trackers() {
	title := func(t vrrp.Tracker) string { return trackerKeyword(t.Kind) + " " + t.Name }
	sorted := func(m map[vrrp.Tracker]watched) []vrrp.Tracker {
		var list []vrrp.Tracker
		for t := range m {
			list = append(list, t)
		}
		slices.SortFunc(list, func(a, b vrrp.Tracker) int { return strings.Compare(title(a), title(b)) })
		return list
	}
	old, now := p.old.want.trackers, p.new.want.trackers
	for _, t := range sorted(now) {
		e := Entry{Action: Added, Name: title(t), Changes: assigned(trackerAttributes(now[t]))}
		if before, there := old[t]; there {
			e.Action, e.Changes = Changed, changes(trackerAttributes(before), trackerAttributes(now[t]))
		}
		if len(e.Changes) > 0 {
			p.plan.Trackers = append(p.plan.Trackers, e)
		}
	}
	for _, t := range sorted(old) {
		if _, stays := now[t]; !stays {
			p.plan.Trackers = append(p.plan.Trackers, Entry{Action: Removed, Name: title(t)})
		}
	}
}

// trackerKeyword is the keyword of the block that defines a tracker.
func trackerKeyword(k vrrp.TrackerKind) string {
	return map[vrrp.TrackerKind]string{vrrp.TrackScript: "vrrp_script", vrrp.TrackFile: "track_file", vrrp.TrackProcess: "vrrp_track_process",
		vrrp.TrackPing: "vrrp_track_ping", vrrp.TrackService: "vrrp_track_service"}[k]
}

// trackerAttributes are those of a tracker of any kind; the kind of one name is always the same.
func trackerAttributes(w watched) []attribute {
	switch w := w.(type) {
	case track.Script:
		return scriptAttributes(w)
	case track.File:
		return fileAttributes(w)
	case track.Process:
		return processAttributes(w)
	case check.Spec:
		return []attribute{
			{name: "address", value: w.Addr.Addr().String()},
			{name: "interval", value: w.Interval.String()},
			{name: "timeout", value: w.Timeout.String()},
			{name: "rise", value: strconv.Itoa(w.Rise)},
			{name: "fall", value: strconv.Itoa(w.Retry + 1)},
		}
	case quorumOf:
		return []attribute{{name: "virtual_server", value: string(w)}}
	}
	return nil
}

func fileAttributes(f track.File) []attribute {
	init := ""
	if f.Init {
		init = strconv.Itoa(f.InitValue)
		if f.Overwrite {
			init += " overwrite"
		}
	}
	return []attribute{{name: "file", value: f.Path}, {name: "init_file", value: init}}
}

func processAttributes(p track.Process) []attribute {
	matched := p.Match.String()
	if p.Match == track.Exact {
		matched = "exact"
	}
	return []attribute{
		{name: "process", value: p.Command.String()},
		{name: "full_command", value: yes(p.Full)},
		{name: "param_match", value: matched},
		{name: "quorum", value: strconv.Itoa(p.Quorum)},
		{name: "quorum_max", value: strconv.Itoa(p.QuorumMax)},
		{name: "fork_delay", value: p.ForkDelay.String()},
		{name: "terminate_delay", value: p.TerminateDelay.String()},
	}
}

func scriptAttributes(s track.Script) []attribute {
	return []attribute{
		{name: "script", value: s.Command.Line.String()},
		{name: "interval", value: s.Interval.String()},
		{name: "timeout", value: s.Timeout.String()},
		{name: "rise", value: strconv.Itoa(s.Rise)},
		{name: "fall", value: strconv.Itoa(s.Fall)},
		{name: "init_fail", value: yes(s.InitFail)},
		{name: "user", value: strings.TrimSpace(s.Command.User + " " + s.Command.Group)},
		{name: "enable_script_security", value: yes(s.Command.Secure)},
	}
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// trackText are the trackers of a kind as keepalived.conf has them, sorted.
func trackText(list []vrrp.Track, kind vrrp.TrackerKind) string {
	var lines []string
	for _, t := range list {
		if t.Kind != kind {
			continue
		}
		line := t.Name
		if t.Weight != 0 || t.Reverse {
			line += " weight " + strconv.Itoa(t.Weight)
		}
		if t.Reverse {
			line += " reverse"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// trackEffect is what a tracker does to its instance.
func trackEffect(t vrrp.Track) string {
	name := t.String()
	if t.Kind == vrrp.TrackInterface {
		name = t.Name
	}
	weight, when := t.Weight, "up"
	if t.Reverse {
		weight = -weight
	}
	if t.Weight < 0 || t.Weight == 0 && !t.Reverse {
		when = "down"
	}
	if weight == 0 {
		return fmt.Sprintf("goes to FAULT while %s is %s", name, when)
	}
	return fmt.Sprintf("has %+d priority while %s is %s", weight, name, when)
}
