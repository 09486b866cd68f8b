package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

func (d *decoder) instance(n *keepalived.Node) {
	i := d.global.instance
	i.Interface, i.Range = d.front.defaults.Interface, n.Range
	d.text(n, &i.Name)
	var state string
	blocks := func(name string) bool { return name == "virtual_ipaddress" || name == "track_interface" }
	var addresses []*keepalived.Node
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
		case "track_interface":
			d.trackInterfaces(c, &i.TrackInterfaces)
		default:
			d.parameter(c.Name, c, &i)
		}
	})
	if given["virtual_router_id"] == nil {
		d.errorf(n.Range, "vrrp_instance %q has no virtual_router_id; write one from 1 to 255, the same on both nodes", i.Name)
	}
	if given["interface"] == nil && i.Interface == "" {
		d.errorf(n.Range, "vrrp_instance %q has no interface; write the one that carries its adverts", i.Name)
	}
	d.initialState(&i, state, given["priority"] != nil)
	d.preemption(&i, given["preempt"], given["nopreempt"], given["preempt_delay"])
	d.advertInterval(given["advert_int"], &i)
	if a := given["authentication"]; a != nil {
		d.authentication(a, &i)
	}
	if strict {
		d.strictness(&i, given)
	}
	for _, c := range addresses {
		if c.Broken {
			continue
		}
		d.virtualAddress(c, &i)
	}
	switch {
	case broken:
	case none && len(addresses) > 0:
		d.errorf(given["no_virtual_ipaddress"].Range, "no_virtual_ipaddress contradicts virtual_ipaddress; remove one")
	case none:
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

// virtualAddress reads one line: an address and pairs of a word and its value.
func (d *decoder) virtualAddress(n *keepalived.Node, i *Instance) {
	a := VirtualAddress{Dev: i.Interface, Range: n.Range}
	sound := d.virtualPrefix(n.Keyword, &a.Prefix)
	given := map[string]bool{}
	for rest := n.Args; len(rest) > 0; {
		w := rest[0]
		words := []string{"dev", "label", "scope"}
		if !slices.Contains(words, w.Text) {
			hint := ""
			if near := keepalived.Nearest(w.Text, words); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(w.Range, "Unknown keyword %q in virtual_ipaddress%s", w.Text, hint)
			return
		}
		if len(rest) == 1 {
			d.errorf(w.Range, "%q needs a value behind it", w.Text)
			return
		}
		if given[w.Text] {
			d.errorf(w.Range, "%q is given twice; remove one", w.Text)
			return
		}
		given[w.Text] = true
		value := rest[1]
		rest = rest[2:]
		switch w.Text {
		case "dev":
			sound = d.interfaceName("dev", value, &a.Dev) && sound
		case "label":
			sound = d.label(value, &a.Label) && sound
		case "scope":
			sound = d.scope(value, &a.Scope) && sound
		}
	}
	if sound {
		i.Addresses = append(i.Addresses, a)
	}
}

// virtualPrefix reads an IPv4 address with or without a prefix length; without, it is a /32.
func (d *decoder) virtualPrefix(w keepalived.Word, to *netip.Prefix) bool {
	text := w.Text
	if !strings.Contains(text, "/") {
		text += "/32"
		if addr, err := netip.ParseAddr(w.Text); err == nil && addr.Is6() {
			text = w.Text + "/128"
		}
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		d.errorf(w.Range, "virtual_ipaddress takes an IPv4 address such as 192.168.2.11/24, not %q", w.Text)
	case prefix.Addr().Is6():
		d.errorf(w.Range, "%s is an IPv6 address; virtual_ipaddress takes IPv4 addresses, VRRP runs over IPv4 here", w.Text)
	case prefix.Addr().IsUnspecified() || prefix.Addr().IsMulticast() || prefix.Addr().IsLoopback() || prefix.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		d.errorf(w.Range, "%s is no address that can move between machines", prefix.Addr())
	case prefix.Bits() == 0:
		d.errorf(w.Range, "The prefix length of %s is 1 to 32", w.Text)
	default:
		*to = prefix
		return true
	}
	return false
}

func (d *decoder) label(w keepalived.Word, to *string) bool {
	if w.Text == "" || len(w.Text) > maxInterface || !graphic(w.Text) {
		d.errorf(w.Range, "A label has 1 to %d printable characters, unlike %q", maxInterface, w.Text)
		return false
	}
	*to = w.Text
	return true
}

// scope reads a scope by its name in iproute2 or by its number, rtnetlink(7).
func (d *decoder) scope(w keepalived.Word, to *uint8) bool {
	switch w.Text {
	case "global":
		*to = 0
	case "site":
		*to = 200
	case "link":
		*to = 253
	case "host":
		*to = 254
	case "nowhere":
		*to = 255
	default:
		v, err := strconv.ParseUint(w.Text, 10, 8)
		if err != nil {
			d.errorf(w.Range, "scope is global, site, link, host, nowhere or a number from 0 to 255, not %q", w.Text)
			return false
		}
		*to = uint8(v)
	}
	return true
}

func (d *decoder) syncGroup(n *keepalived.Node) {
	g := SyncGroup{Range: n.Range}
	d.text(n, &g.Name)
	var words []keepalived.Word
	broken := false
	blocks := func(name string) bool { return name == "group" || name == "track_interface" }
	d.singles(n, blocks, func(c *keepalived.Node) {
		switch c.Name {
		case "group":
			broken = broken || c.Broken
			for _, member := range c.Children {
				g.Members = append(g.Members, member.Keyword.Text)
				words = append(words, member.Keyword)
			}
		case "track_interface":
			d.trackInterfaces(c, &g.TrackInterfaces)
		case "sync_group_tracking_weight":
			d.flag(c, &g.TrackingWeight)
		}
	})
	if len(g.Members) == 0 && !broken {
		d.errorf(g.Range, "vrrp_sync_group %q has no members; write the names of its instances in group", g.Name)
	}
	d.cfg.SyncGroups = append(d.cfg.SyncGroups, g)
	d.members = append(d.members, words)
}
