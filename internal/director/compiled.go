package director

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sort"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/overlay"
	"lvsd/internal/vrrp"
)

// compiled is what a configuration comes to whatever is known of the servers, which is most of what should
// be. It is made once for a configuration that does not change any more: finding it anew for 10,000 servers
// takes many times as long as all that a verdict changes.
type compiled struct {
	cfg *conf.Config
	// fixed is what should be, without services and memory.
	fixed want
	// ordinary are the services as they are while every server stands as an ordinary one does, and those of probes, which no
	// verdict changes.
	ordinary ipvs.Wanted
	services compiledServices
	// named has the places in services by their names.
	named map[string]int
	// servers is how many real servers there are, of all services.
	servers int
	// checked and members have the places of real servers by their checks and by their names.
	checked placeIndex[check.Spec]
	members placeIndex[member]
}

// compiledService is a virtual server with what it comes to.
type compiledService struct {
	*conf.VirtualServer
	name   string
	first  int            // the place of its first real server among all
	specs  [][]check.Spec // the checks of each real server
	weight int            // of all real servers
	keys   []served       // in the kernel
	// apart tells that the kernel has each of its servers, and the sorry server, for itself.
	apart bool
}

// compiledServices are in the order of the configuration.
type compiledServices []compiledService

// of are those that have one of the places of real servers, which are in order, with those that are theirs; and those that also
// names, all in order. It looks into no others: there may be 10,000.
func (list compiledServices) of(places []int, also func(service int) bool) iter.Seq2[int, []int] {
	return func(yield func(int, []int) bool) {
		next := list.at(places)
		for service := range list {
			n := 0
			if service == next {
				n, _ = slices.BinarySearch(places, list[service].first+len(list[service].RealServers))
			}
			if (n > 0 || also(service)) && !yield(service, places[:n]) {
				return
			}
			if n > 0 {
				places = places[n:]
				next = list.at(places)
			}
		}
	}
}

// at is the virtual server that has the first one of the places, -1 where there is none.
func (list compiledServices) at(places []int) int {
	if len(places) == 0 {
		return -1
	}
	return sort.Search(len(list), func(i int) bool { return list[i].first > places[0] }) - 1
}

// compile finds what a configuration comes to. gid is the group under which ping sockets are opened.
func compile(cfg *conf.Config, gid int) *compiled {
	c := &compiled{cfg: cfg, checked: newPlaceIndex[check.Spec](), members: newPlaceIndex[member](),
		named: make(map[string]int, len(cfg.Services))}
	checks := map[check.Spec]struct{}{}
	table := map[ipvs.ServiceKey]ipvs.WantedService{}
	for i := range cfg.Services {
		s := compiledService{VirtualServer: &cfg.Services[i], name: serviceName(&cfg.Services[i]), first: c.servers}
		for a := range cfg.Addresses(s.VirtualServer) {
			key := served{s.VirtualServer, serviceKey(s.VirtualServer, a)}
			s.keys = append(s.keys, key)
			maps.Copy(table, throughServices(key))
			table[key.key] = key.entry(func(server int) standing { return ordinary(&s.RealServers[server]) }, false)
		}
		s.specs = make([][]check.Spec, len(s.RealServers))
		for j := range s.RealServers {
			s.specs[j] = specs(&s.RealServers[j])
			for _, spec := range s.specs[j] {
				checks[spec] = struct{}{}
				c.checked.add(spec, c.servers+j)
			}
			c.members.add(member{s.name, s.RealServers[j].Address}, c.servers+j)
			s.weight += s.RealServers[j].Weight
		}
		s.apart = distinct(s.RealServers, s.Sorry.Address.Addr())
		c.servers += len(s.RealServers)
		c.named[s.name] = i
		c.services = append(c.services, s)
	}
	c.ordinary = overlay.Of(table)
	c.checked.sort()
	c.members.sort()
	c.fixed = fixed(cfg, checks, gid)
	return c
}

// distinct tells whether real servers are different ones in the kernel, in every service of a group: without NAT
// the kernel has them at the port of the service, which may be that of another one with NAT. None of them is at the
// address of the sorry server.
func distinct(list []conf.RealServer, sorry netip.Addr) bool {
	moves := map[netip.Addr]bool{} // by address whether the port of one of its servers is that of the service
	for i := range list {
		address, without := list[i].Address.Addr(), list[i].Forwarding != conf.NAT
		if other, seen := moves[address]; address == sorry || seen && (other || without) {
			return false
		}
		moves[address] = without
	}
	return true
}

// fixed is what should be, whatever is known of the servers; checks are theirs.
func fixed(cfg *conf.Config, checks map[check.Spec]struct{}, gid int) want {
	w := want{checks: checks, delays: map[string]vrrp.LinkDelay{}}
	w.network.Instances = map[string]netif.Instance{}
	keys := map[string]vrrp.Key{}
	for i := range cfg.Instances {
		c := election(&cfg.Instances[i], groupOf(cfg, cfg.Instances[i].Name))
		keys[c.Name] = c.Key
		w.instances = append(w.instances, c)
		w.network.Instances[c.Key.String()] = addresses(&cfg.Instances[i])
	}
	if s := static(cfg); len(s.Addresses)+len(s.Routes)+len(s.Rules) > 0 {
		w.network.Instances[staticKey] = s
	}
	for _, g := range cfg.SyncGroups {
		group := vrrp.SyncGroup{Name: g.Name}
		for _, name := range g.Members {
			group.Members = append(group.Members, keys[name])
		}
		w.groups = append(w.groups, group)
	}
	for _, l := range cfg.LinkDelays {
		w.delays[l.Interface] = vrrp.LinkDelay{Down: l.Down, Up: l.Up}
	}
	w.network.Spacing = netif.Spacing(cfg.Spacing)
	for _, g := range cfg.GARPGroups {
		w.network.SpacingGroups = append(w.network.SpacingGroups,
			netif.SpacingGroup{Interfaces: g.Interfaces, Spacing: netif.Spacing(g.Spacing)})
	}
	w.trackers, w.programs = trackers(cfg, w.instances), programs(cfg)
	for _, t := range w.trackers {
		if spec, ok := t.(check.Spec); ok {
			w.checks[spec] = struct{}{}
		}
	}
	if spec, guarded := guardSpec(cfg); guarded {
		w.checks[spec] = struct{}{}
	}
	w.packets = packets(cfg)
	w.network.Sysctls = sysctls(cfg, w.checks, gid)
	return w
}

// table are the services as they should be: those of the last time, with what has changed.
func (c *compiled) table(before, now *memory) ipvs.Wanted {
	t := before.table
	if !before.settled {
		t = c.ordinary
	}
	changes := map[ipvs.ServiceKey]overlay.Change[ipvs.WantedService]{}
	for _, changed := range now.changed {
		s := &c.services[changed.service]
		for _, key := range s.keys {
			changes[key.key] = c.entry(t, before, now, changed, key)
		}
	}
	return t.With(changes)
}

// entry is what becomes of a virtual server, at one of its addresses, in the table of the last time.
func (c *compiled) entry(t ipvs.Wanted, before, now *memory, changed changedService, key served) overlay.Change[ipvs.WantedService] {
	s := &c.services[changed.service]
	if sorry := s.sorryServes(now.quorums[changed.service]); sorry || !s.apart {
		return overlay.Change[ipvs.WantedService]{Value: key.entry(func(server int) standing { return now.at(changed.service, server) }, sorry)}
	}
	ordinary, _ := c.ordinary.Get(key.key)
	e, _ := t.Get(key.key)
	places := changed.places
	if !before.settled || s.sorryServes(before.quorums[changed.service]) {
		e, places = ordinary, now.places(changed.service)
	}
	changes := make(map[netip.AddrPort]overlay.Change[ipvs.Destination], len(places))
	for _, place := range places {
		r := &s.RealServers[place-s.first]
		is, other := now.others[place]
		changes[key.at(r.Address, r.Forwarding)] = overlay.Change[ipvs.Destination]{Value: is.destination(r, false), Gone: !is.inKernel(r, false), Back: !other}
	}
	e.Destinations = e.Destinations.With(changes)
	return overlay.Change[ipvs.WantedService]{Value: e, Back: e == ordinary}
}

// sorryServes tells whether the virtual server has a sorry server, and that serves.
func (s *compiledService) sorryServes(q quorum) bool { return s.Sorry.Address.IsValid() && !q.has }
