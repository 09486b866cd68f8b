package conf

import (
	"fmt"
	"strconv"

	"lvsd/internal/conf/keepalived"
)

// maxTrackWeight is the largest weight of what is tracked, either way: the distance between the
// priorities 1 and 254.
const maxTrackWeight = 253

// tracked reads the lines of track_interface, or of a block like it, behind those that are there.
// name checks a line's first word.
func (d *decoder) tracked(n *keepalived.Node, to *[]Tracked, name func(keepalived.Word, *string) bool) {
	for _, c := range n.Children {
		t := Tracked{Range: c.Range}
		if c.Broken || !name(c.Keyword, &t.Name) || !d.trackOptions(n, c, &t) {
			continue
		}
		for _, other := range *to {
			if other.Name == t.Name {
				d.warnf(c.Range, "%s %s is tracked twice; the first one counts", n.Keyword.Text, t.Name)
				t.Name = ""
				break
			}
		}
		if t.Name != "" {
			*to = append(*to, t)
		}
	}
}

// trackOptions reads the words behind the name of what is tracked.
func (d *decoder) trackOptions(n, c *keepalived.Node, t *Tracked) bool {
	given := map[string]bool{}
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
		case "weight":
			if len(rest) == 1 {
				d.errorf(w.Range, "%q needs a value behind it", w.Text)
				return false
			}
			rest = rest[1:]
			if !d.trackWeight(rest[0], &t.Weight) {
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

func (d *decoder) trackWeight(w keepalived.Word, to *int) bool {
	v, err := strconv.Atoi(w.Text)
	if err != nil || v < -maxTrackWeight || v > maxTrackWeight {
		d.errorf(w.Range, "weight takes a whole number from -%d to %d, not %q", maxTrackWeight, maxTrackWeight, w.Text)
		return false
	}
	*to = v
	return true
}

func (d *decoder) trackInterfaces(n *keepalived.Node, to *[]Tracked) {
	d.tracked(n, to, func(w keepalived.Word, name *string) bool { return d.interfaceName("track_interface", w, name) })
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
				d.dropWeights(i, &g, "track_interface", &i.TrackInterfaces)
			}
		}
	}
}

func (d *decoder) dropWeights(i *Instance, g *SyncGroup, keyword string, list *[]Tracked) {
	var kept []Tracked
	for _, t := range *list {
		if t.Weight == 0 {
			kept = append(kept, t)
			continue
		}
		d.warnf(t.Range, "%s %s has a weight, and vrrp_instance %q is in vrrp_sync_group %q: it is ignored, by keepalived too; write it in the group, or sync_group_tracking_weight there",
			keyword, t.Name, i.Name, g.Name)
	}
	*list = kept
}
