package conf

import (
	"fmt"
	"slices"
	"strconv"

	"lvsd/internal/conf/keepalived"
)

// maxTrackWeight is the largest weight of what is tracked, either way: the distance between the
// priorities 1 and 254.
const maxTrackWeight = 253

// bound is the largest weight of a kind, as keepalived has it.
func (k TrackKind) bound() int {
	if k == TrackFile || k == TrackProcess {
		return maxTrackWeight + 1
	}
	return maxTrackWeight
}

// trackBlock reads a block of what an instance or a group tracks, behind what it tracks already. It
// is false for other blocks.
func (d *decoder) trackBlock(n *keepalived.Node, to *[]Tracked) bool {
	keyword, known := trackedBy()[TrackKind(n.Name)]
	if !known {
		return false
	}
	for _, c := range n.Children {
		t := Tracked{Kind: TrackKind(n.Name), Range: c.Range}
		sound := !c.Broken
		switch {
		case !sound:
		case keyword == "":
			sound = d.interfaceName(n.Name, c.Keyword, &t.Name)
		default:
			sound = d.named(keyword, c.Keyword, &t)
		}
		if !sound || !d.trackOptions(n, c, &t) {
			continue
		}
		if slices.ContainsFunc(*to, func(o Tracked) bool { return o.Kind == t.Kind && o.Name == t.Name }) {
			d.warnf(c.Range, "%s %s is tracked twice; the first one counts", n.Keyword.Text, t.Name)
			continue
		}
		*to = append(*to, t)
	}
	return true
}

// trackedBy are the blocks of what is tracked, each with the keyword that defines its names; the
// names of interfaces are defined by nobody.
func trackedBy() map[TrackKind]string {
	return map[TrackKind]string{TrackInterface: "", TrackScript: "vrrp_script", TrackFile: "track_file",
		TrackProcess: "vrrp_track_process", TrackPing: "vrrp_track_ping", TrackService: "vrrp_track_service"}
}

func isTrackBlock(name string) bool {
	_, is := trackedBy()[TrackKind(name)]
	return is
}

// trackOptions reads the words behind the name of what is tracked.
func (d *decoder) trackOptions(n, c *keepalived.Node, t *Tracked) bool {
	given := map[string]bool{}
	for _, w := range c.Args { // a weight of its own comes without the other's sign
		if w.Text == "weight" {
			t.Reverse = false
		}
	}
	for rest := c.Args; len(rest) > 0; rest = rest[1:] {
		w := rest[0]
		if given[w.Text] {
			d.errorf(w.Range, "%q is given twice; remove one", w.Text)
			return false
		}
		given[w.Text] = true
		switch w.Text {
		case "reverse":
			t.Reverse = true
		case "noreverse", "no_reverse":
			t.Reverse = false
		case "weight":
			if len(rest) == 1 {
				d.errorf(w.Range, "%q needs a value behind it", w.Text)
				return false
			}
			rest = rest[1:]
			if !d.trackWeight(rest[0], t.Kind.bound(), &t.Weight) {
				return false
			}
		default:
			hint := ""
			if near := keepalived.Nearest(w.Text, []string{"weight", "reverse"}); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(w.Range, "Unknown keyword %q in %s%s", w.Text, n.Keyword.Text, hint)
			return false
		}
	}
	return true
}

func (d *decoder) trackWeight(w keepalived.Word, bound int, to *int) bool {
	v, err := strconv.Atoi(w.Text)
	if err != nil || v < -bound || v > bound {
		d.errorf(w.Range, "weight takes a whole number from -%d to %d, not %q", bound, bound, w.Text)
		return false
	}
	*to = v
	return true
}

// validateGroupWeights drops what would make members of a group differ in their priorities, as
// keepalived does: the group could not move as one.
func (d *decoder) validateGroupWeights() {
	for _, g := range d.cfg.SyncGroups {
		if g.TrackingWeight {
			continue
		}
		for k := range d.cfg.Instances {
			if i := &d.cfg.Instances[k]; g.has(i.Name) {
				d.dropWeights(i, &g)
			}
		}
	}
}

func (d *decoder) dropWeights(i *Instance, g *SyncGroup) {
	var kept []Tracked
	for _, t := range i.Track {
		if t.Weight == 0 {
			kept = append(kept, t)
			continue
		}
		d.warnf(t.Range, "%s %s has a weight, and vrrp_instance %q is in vrrp_sync_group %q: it is ignored, by keepalived too; write it in the group, or sync_group_tracking_weight there",
			t.Kind, t.Name, i.Name, g.Name)
	}
	i.Track = kept
}
