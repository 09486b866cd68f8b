package conf

import (
	"fmt"
	"slices"
	"time"

	"lvsd/internal/conf/keepalived"
)

func (d *decoder) instance(n *keepalived.Node) {
	i := d.global.instance
	i.Interface, i.Range = d.front.defaults.Interface, n.Range
	d.text(n, &i.Name)
	var state string
	blocks := func(name string) bool {
		return slices.Contains([]string{"virtual_ipaddress", "virtual_ipaddress_excluded", "virtual_routes", "virtual_rules"}, name) || isTrackBlock(name)
	}
	var addresses, excluded []*keepalived.Node
	broken := false
	given := map[string]*keepalived.Node{} // the last of each word
	strict, none := d.global.strict, false
	d.singles(n, blocks, func(c *keepalived.Node) {
		given[c.Name] = c
		switch c.Name {
		case "state":
			d.choice(c, []string{string(Master), string(Backup)}, &state)
		case "interface":
			if w, ok := first(c); ok {
				d.interfaceName(c.Keyword.Text, w, &i.Interface)
			}
		case "virtual_router_id":
			d.octet(c, &i.VirtualRouterID)
		case "priority":
			d.octet(c, &i.Priority)
		case "strict_mode":
			d.flag(c, &strict)
		case "dont_track_primary":
			d.flag(c, &i.DontTrackPrimary)
		case "no_virtual_ipaddress":
			d.flag(c, &none)
		case "virtual_ipaddress":
			broken = broken || c.Broken
			addresses = append(addresses, c.Children...)
		case "virtual_ipaddress_excluded":
			excluded = append(excluded, c.Children...)
		case "virtual_routes":
			d.routes(c, &i.Routes)
		case "virtual_rules":
			d.rules(c, &i.Rules)
		default:
			if !d.trackBlock(c, &i.Track) && !d.notify(c, &i.Notify) {
				d.parameter(c.Name, c, &i)
			}
		}
	})
	if given["virtual_router_id"] == nil {
		d.errorf(n.Range, "vrrp_instance %q has no virtual_router_id; write one from 1 to 255, the same on both nodes", i.Name)
	}
	if given["interface"] == nil && i.Interface == "" {
		d.errorf(n.Range, "vrrp_instance %q has no interface; write the one that carries its adverts", i.Name)
	}
	named := d.virtualAddresses(addresses, "virtual_ipaddress", &i)
	d.transport(&i, given, named)
	i.Addresses, i.Excluded = d.advertised(&i, named)
	i.Excluded = append(i.Excluded, d.virtualAddresses(excluded, "virtual_ipaddress_excluded", &i)...)
	d.initialState(&i, state, given["priority"] != nil)
	d.preemption(&i, given["preempt"], given["nopreempt"], given["preempt_delay"])
	d.acceptance(&i, given["accept"], given["no_accept"])
	d.advertInterval(given["advert_int"], &i)
	d.authenticated(&i, given["authentication"], given["auth_hmac"])
	if strict {
		d.strictness(&i, given)
	}
	switch {
	case broken:
	case none && len(addresses) > 0:
		d.errorf(given["no_virtual_ipaddress"].Range, "no_virtual_ipaddress contradicts virtual_ipaddress; remove one")
	case none:
	case len(addresses) == 0 && len(excluded) > 0:
		d.repairs(n.Range, fmt.Sprintf("vrrp_instance %q has no virtual_ipaddress", i.Name), "its adverts name none", "write no_virtual_ipaddress if that is meant")
	case given["virtual_ipaddress"] == nil:
		d.errorf(n.Range, "vrrp_instance %q has no virtual_ipaddress; write the addresses that it moves, or no_virtual_ipaddress", i.Name)
	case len(addresses) == 0:
		d.errorf(n.Range, "The virtual_ipaddress of vrrp_instance %q is empty; write the addresses that it moves", i.Name)
	}
	d.cfg.Instances = append(d.cfg.Instances, i)
}

// initialState fills in what state and priority say of one another: keepalived's MASTER without a
// priority is the owner of the addresses.
func (d *decoder) initialState(i *Instance, state string, priorityGiven bool) {
	if !priorityGiven {
		i.Priority = uint8(d.front.defaults.Priority)
		if d.front.repair && State(state) == Master {
			i.Priority = 255
		}
	}
	switch {
	case state != "":
		i.State = State(state)
	case i.Priority == 255:
		i.State = Master
	default:
		i.State = Backup
	}
}

// advertInterval reads advert_int in the unit that the version puts on the wire: whole seconds in
// 8 bits (RFC 3768 §5.3.7), hundredths of a second in 12 bits (RFC 9568 §5.2.7).
func (d *decoder) advertInterval(n *keepalived.Node, i *Instance) {
	lo, hi, unit := 10*time.Millisecond, 40950*time.Millisecond, 10*time.Millisecond
	if i.Version == 2 {
		lo, hi, unit = time.Second, 255*time.Second, time.Second
	}
	if n == nil {
		return
	}
	v := i.AdvertInterval
	if !d.duration(n, 10*time.Millisecond, 255*time.Second, &v) {
		return
	}
	if v > hi {
		d.errorf(n.Args[0].Range, "advert_int %s is more than version %d can carry; write at most %s", n.Args[0].Text, i.Version, seconds(hi))
		return
	}
	if near := max(v.Round(unit), lo); near != v {
		mistake := fmt.Sprintf("Version %d cannot carry an advert_int of %s", i.Version, n.Args[0].Text)
		if !d.repairs(n.Args[0].Range, mistake, seconds(near)+" s is taken", fmt.Sprintf("write a multiple of %s s", seconds(unit))) {
			return
		}
		v = near
	}
	i.AdvertInterval = v
}

// virtualAddresses reads the lines of an instance's blocks of one name.
func (d *decoder) virtualAddresses(lines []*keepalived.Node, block string, i *Instance) []VirtualAddress {
	var all []VirtualAddress
	for _, line := range lines {
		if line.Broken {
			continue
		}
		if a, sound := d.virtualAddress(line, block, i.Interface, d.front.defaults.PreferredLft); sound {
			all = append(all, a)
		}
	}
	return all
}

func (d *decoder) syncGroup(n *keepalived.Node) {
	g := SyncGroup{Range: n.Range}
	d.text(n, &g.Name)
	var words []keepalived.Word
	broken := false
	blocks := func(name string) bool { return name == "group" || isTrackBlock(name) }
	d.singles(n, blocks, func(c *keepalived.Node) {
		switch c.Name {
		case "group":
			broken = broken || c.Broken
			for _, member := range c.Children {
				g.Members = append(g.Members, member.Keyword.Text)
				words = append(words, member.Keyword)
			}
		case "sync_group_tracking_weight":
			d.flag(c, &g.TrackingWeight)
		default:
			if !d.trackBlock(c, &g.Track) {
				d.notify(c, &g.Notify)
			}
		}
	})
	if len(g.Members) == 0 && !broken {
		d.errorf(g.Range, "vrrp_sync_group %q has no members; write the names of its instances in group", g.Name)
	}
	d.cfg.SyncGroups = append(d.cfg.SyncGroups, g)
	d.members = append(d.members, words)
}
