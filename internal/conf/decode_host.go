package conf

import (
	"slices"
	"time"

	"lvsd/internal/conf/keepalived"
)

const maxLinkDelay = 255 * time.Second // keepalived.conf(5)

// linkDelays reads the lines of interface_up_down_delays: an interface, its delay down, and its
// delay up, which is the same where it is not said.
func (d *decoder) linkDelays(n *keepalived.Node) {
	for _, line := range n.Children {
		l := LinkDelay{Range: line.Range}
		switch {
		case line.Broken || !d.interfaceName(n.Keyword.Text, line.Keyword, &l.Interface):
		case len(line.Args) == 0:
			d.errorf(line.Range, "%s needs a time behind %s: how long it has been down when instances act on it", n.Keyword.Text, l.Interface)
		case len(line.Args) > 2:
			d.errorf(line.Args[2].Range, "%s takes two times behind %s at most: down and up", n.Keyword.Text, l.Interface)
		case d.wordDuration(n.Keyword.Text, line.Args[0], 0, maxLinkDelay, &l.Down) &&
			d.wordDuration(n.Keyword.Text, line.Args[len(line.Args)-1], 0, maxLinkDelay, &l.Up):
			d.linkDelay(l)
		}
	}
}

func (d *decoder) linkDelay(l LinkDelay) {
	at := slices.IndexFunc(d.cfg.LinkDelays, func(o LinkDelay) bool { return o.Interface == l.Interface })
	if at >= 0 {
		d.errorf(l.Range, "interface_up_down_delays has %s twice; remove one", l.Interface)
		d.relate(d.cfg.LinkDelays[at].Range, "first here")
		return
	}
	d.cfg.LinkDelays = append(d.cfg.LinkDelays, l)
}

// validateLinkDelays looks for instances that stay master of a link that is down for so long that
// another node is master too.
func (d *decoder) validateLinkDelays() {
	for _, l := range d.cfg.LinkDelays {
		for k := range d.cfg.Instances {
			i := &d.cfg.Instances[k]
			bound := time.Duration(i.DownTimerAdverts-1) * i.AdvertInterval
			if l.Interface == i.Interface && l.Down > 0 && l.Down >= bound && !i.DontTrackPrimary {
				d.warnf(l.Range, "vrrp_instance %q acts %s s after %s went down, and another node may be master by then; write less than %s", i.Name, seconds(l.Down), l.Interface, seconds(bound))
			}
		}
	}
}

// garpGroup reads a garp_group, whose words interface and interfaces both name interfaces.
func (d *decoder) garpGroup(n *keepalived.Node) {
	g := GARPGroup{Range: n.Range}
	sound := !n.Broken
	name := func(w keepalived.Word) {
		dev := ""
		switch {
		case !d.interfaceName("garp_group", w, &dev):
			sound = false
		case d.grouped[dev]:
			d.errorf(w.Range, "%s is in a garp_group already; remove one", dev)
			sound = false
		default:
			d.grouped[dev] = true
			g.Interfaces = append(g.Interfaces, dev)
		}
	}
	d.singles(n, never, func(c *keepalived.Node) {
		switch c.Name {
		case "garp_interval":
			d.duration(c, 0, maxDuration, &g.ARP)
		case "gna_interval":
			d.duration(c, 0, maxDuration, &g.NA)
		case "interface":
			if w, ok := first(c); ok {
				name(w)
			}
		case "interfaces":
			sound = sound && !c.Broken
			for _, line := range c.Children {
				name(line.Keyword)
			}
		}
	})
	if len(g.Interfaces) > 0 {
		d.cfg.GARPGroups = append(d.cfg.GARPGroups, g)
	} else if sound {
		d.errorf(n.Range, "garp_group has no interface; name those whose announcements wait for one another in interfaces")
	}
}
