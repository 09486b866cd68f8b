package director

import (
	"lvsd/internal/conf"
	"lvsd/internal/netif"
)

// staticKey is the name under which the netif applier knows what stands whoever is master. No key of
// an instance is like it.
const staticKey = "static"

// static is what the host should have beside its instances.
func static(cfg *conf.Config) netif.Instance {
	n := netif.Instance{Static: true}
	n.Addresses, n.NoTrack = placed(cfg.StaticAddresses)
	n.Routes, n.Rules = routes(cfg.StaticRoutes), rules(cfg.StaticRules)
	return n
}

func routes(list []conf.Route) []netif.Route {
	var all []netif.Route
	for i := range list {
		r := &list[i]
		var hops []netif.Nexthop
		for _, h := range r.Nexthops {
			hops = append(hops, netif.Nexthop(h))
		}
		all = append(all, netif.Route{
			Type: r.Type, To: r.To, Table: r.Table, Metric: r.Metric, TOS: r.TOS, Protocol: r.Protocol, Scope: r.Scope, Src: r.Src,
			Nexthops: netif.Hops(hops...), Metrics: r.Metrics, Congctl: r.Congctl, Pref: r.Pref, Append: r.Append, NoTrack: r.Untracked,
		})
	}
	return all
}

func rules(list []conf.Rule) []netif.Rule {
	var all []netif.Rule
	for i := range list {
		r := &list[i]
		all = append(all, netif.Rule{
			Family: r.Family, Priority: r.Priority, Not: r.Not, From: r.From, To: r.To, Iif: r.Iif, Oif: r.Oif, Mark: r.Mark, Mask: r.Mask,
			TOS: r.TOS, IPProto: r.IPProto, Sport: ports(r.Sport), Dport: ports(r.Dport), UIDs: netif.Range(r.UIDs), UIDRange: !r.AnyUID,
			TunID: r.TunID, L3mdev: r.L3mdev, Action: r.Action, Table: r.Table, Goto: r.Goto,
			SuppressPrefix: uint32(r.SuppressPrefix + 1), SuppressGroup: uint32(r.SuppressGroup + 1), Protocol: r.Protocol, NoTrack: r.Untracked,
		})
	}
	return all
}

func ports(r conf.PortRange) netif.Range {
	return netif.Range{First: uint32(r.First), Last: uint32(r.Last)}
}

// ways are the interfaces without which the routes and rules of an instance do not work: as in
// keepalived, a route with several nexthops needs none of them.
func ways(i *conf.Instance) []string {
	var names []string
	for k := range i.Routes {
		if r := &i.Routes[k]; !r.Untracked && len(r.Nexthops) == 1 {
			names = append(names, r.Nexthops[0].Dev)
		}
	}
	for k := range i.Rules {
		if r := &i.Rules[k]; !r.Untracked {
			names = append(names, r.Iif, r.Oif)
		}
	}
	return names
}
