package conf

import (
	"fmt"
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// maxAddresses is what the count field of an advert holds (RFC 9568 §5.2.5).
const maxAddresses = 255

// validateInstances looks for what no two instances may share.
func (d *decoder) validateInstances() {
	type router struct {
		dev string
		id  uint8
		six bool
	}
	names := map[string]*Instance{}
	routers := map[router]*Instance{}
	owners := map[netip.Addr]*Instance{}
	for k := range d.cfg.Instances {
		i := &d.cfg.Instances[k]
		if other := names[i.Name]; other != nil {
			d.errorf(i.Range, "vrrp_instance %q stands at %s already; give it another name", i.Name, place(other.Range))
			d.relate(other.Range, "first defined here")
		} else {
			names[i.Name] = i
		}
		id := router{i.Interface, i.VirtualRouterID, i.Transport.IPv6}
		if other := routers[id]; other != nil && id.id != 0 && id.dev != "" {
			d.errorf(i.Range, "virtual_router_id %d on %s is taken by vrrp_instance %q at %s; use another one", id.id, id.dev, other.Name, place(other.Range))
			d.relate(other.Range, "taken here")
		} else {
			routers[id] = i
		}
		d.validateAddresses(i, owners)
	}
}

func (d *decoder) validateAddresses(i *Instance, owners map[netip.Addr]*Instance) {
	i.Addresses = d.unclaimed(i, i.Addresses, owners)
	i.Excluded = d.unclaimed(i, i.Excluded, owners)
}

// unclaimed are the addresses that nobody has claimed before.
func (d *decoder) unclaimed(i *Instance, addresses []VirtualAddress, owners map[netip.Addr]*Instance) []VirtualAddress {
	var kept []VirtualAddress
	for _, a := range addresses {
		switch other := owners[a.Prefix.Addr()]; {
		case other == nil:
			owners[a.Prefix.Addr()] = i
		case other == i:
			mistake := fmt.Sprintf("%s is in vrrp_instance %q twice", a.Prefix.Addr(), i.Name)
			d.repairs(a.Range, mistake, "the first one counts", "remove one")
			continue
		default:
			d.errorf(a.Range, "%s is in vrrp_instance %q at %s too; an address belongs to one instance", a.Prefix.Addr(), other.Name, place(other.Range))
			d.relate(other.Range, "also in this one")
		}
		kept = append(kept, a)
	}
	return kept
}

func (d *decoder) validateGroups() {
	instances := map[string]bool{}
	var names []string
	for _, i := range d.cfg.Instances {
		instances[i.Name] = true
		names = append(names, i.Name)
	}
	groups := map[string]hcl.Range{}
	member := map[string]string{}
	for k, g := range d.cfg.SyncGroups {
		if other, twice := groups[g.Name]; twice {
			d.errorf(g.Range, "vrrp_sync_group %q stands at %s already; give it another name", g.Name, place(other))
			d.relate(other, "first defined here")
		} else {
			groups[g.Name] = g.Range
		}
		for _, w := range d.members[k] {
			switch other, taken := member[w.Text]; {
			case !instances[w.Text]:
				hint := ""
				if near := keepalived.Nearest(w.Text, names); near != "" {
					hint = fmt.Sprintf("; did you mean %q?", near)
				}
				d.errorf(w.Range, "There is no vrrp_instance %q%s", w.Text, hint)
			case taken && other == g.Name:
				d.errorf(w.Range, "vrrp_instance %q is in this group twice; remove one", w.Text)
			case taken:
				d.errorf(w.Range, "vrrp_instance %q is in vrrp_sync_group %q too; an instance is in one group at most", w.Text, other)
			}
			member[w.Text] = g.Name
		}
	}
}
