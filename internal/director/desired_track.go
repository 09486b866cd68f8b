package director

import (
	"slices"

	"lvsd/internal/conf"
	"lvsd/internal/vrrp"
)

// tracks are what an instance depends on: the interfaces of its addresses, what it tracks itself,
// and what its group tracks.
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
	lines := func(kind vrrp.TrackerKind, lines []conf.Tracked) {
		for _, l := range lines {
			t := vrrp.Track{Tracker: vrrp.Tracker{Kind: kind, Name: l.Name}, Weight: l.Weight, Reverse: l.Reverse}
			if l.Weight == 0 && !l.Reverse && kind == vrrp.TrackInterface && l.Name == i.Interface {
				continue // without which it never takes part
			}
			add(t)
		}
	}
	lines(vrrp.TrackInterface, i.TrackInterfaces)
	if g != nil {
		lines(vrrp.TrackInterface, g.TrackInterfaces)
	}
	return list
}
