package director

import (
	"iter"
	"maps"
	"net/netip"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// compiled is what a configuration comes to whatever is known of the servers, which is most of what should
// be. It is made once for a configuration that does not change any more: finding it anew for 10,000 servers
// takes many times as long as all that a verdict changes.
type compiled struct {
	cfg *conf.Config
	// fixed is what should be, without services and memory.
	fixed want
	// through are the services of probes, which no verdict changes.
	through  ipvs.Table
	services []compiledService
	// named has the places in services by their names.
	named map[string]int
	// servers is how many real servers there are, of all services.
	servers int
	checked checkedServers
}

// compiledService is a virtual server with what it comes to.
type compiledService struct {
	*conf.VirtualServer
	name   string
	first  int            // the place of its first real server among all
	specs  [][]check.Spec // the checks of each real server
	weight int            // of all real servers
	keys   []served       // in the kernel
	// apart tells that its servers have nothing to do with one another: the kernel has each for itself, and
	// there is no sorry server.
	apart bool
}

// compile finds what a configuration comes to. gid is the group under which ping sockets are opened.
func compile(cfg *conf.Config, gid int) *compiled {
	c := &compiled{cfg: cfg, checked: newCheckedServers(), through: ipvs.Table{}, named: make(map[string]int, len(cfg.Services))}
	checks := map[check.Spec]struct{}{}
	for i := range cfg.Services {
		s := compiledService{VirtualServer: &cfg.Services[i], name: serviceName(&cfg.Services[i]), first: c.servers}
		for a := range cfg.Addresses(s.VirtualServer) {
			key := served{s.VirtualServer, serviceKey(s.VirtualServer, a)}
			s.keys = append(s.keys, key)
			maps.Copy(c.through, throughServices(key))
		}
		s.specs = make([][]check.Spec, len(s.RealServers))
		for j := range s.RealServers {
			s.specs[j] = specs(&s.RealServers[j])
			for _, spec := range s.specs[j] {
				checks[spec] = struct{}{}
				c.checked.add(spec, c.servers+j)
			}
			s.weight += s.RealServers[j].Weight
		}
		s.apart = !s.Sorry.Address.IsValid() && distinct(s.RealServers)
		c.servers += len(s.RealServers)
		c.named[s.name] = i
		c.services = append(c.services, s)
	}
	c.checked.sort()
	c.fixed = fixed(cfg, checks, gid)
	return c
}

// distinct tells whether real servers are different ones in the kernel, in every service of a group: without NAT
// the kernel has them at the port of the service, which may be that of another one with NAT.
func distinct(list []conf.RealServer) bool {
	moves := map[netip.Addr]bool{} // by address whether the port of one of its servers is that of the service
	for i := range list {
		address, without := list[i].Address.Addr(), list[i].Forwarding != conf.NAT
		if other, seen := moves[address]; seen && (other || without) {
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

// table are the services with the servers that now has up, of which before has the last ones: a service of
// which nothing has changed is that of before.
func (c *compiled) table(before, now *memory) ipvs.Table {
	if before.table == nil {
		t := maps.Clone(c.through)
		for i := range c.services {
			c.enter(t, now, i)
		}
		return t
	}
	var t ipvs.Table
	for i, places := range c.changed(before, now) {
		if t == nil {
			t = maps.Clone(before.table)
		}
		if s := &c.services[i]; s.apart {
			for _, key := range s.keys {
				t[key.key] = key.changed(t[key.key], s.first, places, now)
			}
			continue
		}
		c.enter(t, now, i)
	}
	if t == nil {
		return before.table
	}
	return t
}

// enter makes the entries of a virtual server.
func (c *compiled) enter(t ipvs.Table, now *memory, service int) {
	s := &c.services[service]
	for _, key := range s.keys {
		t[key.key] = key.entry(func(server int) standing { return now.at(service, server) }, s.Sorry.Address.IsValid() && !now.quorums[service].has)
	}
}

// changed are the virtual servers of which two memories have not the same, in order, with the places of the real
// servers that stand otherwise.
func (c *compiled) changed(before, now *memory) iter.Seq2[int, []int] {
	places := now.changed(before)
	return func(yield func(int, []int) bool) {
		for i := range c.services {
			s, n := &c.services[i], 0
			for n < len(places) && places[n] < s.first+len(s.RealServers) {
				n++
			}
			if (n > 0 || before.quorums[i] != now.quorums[i]) && !yield(i, places[:n]) {
				return
			}
			places = places[n:]
		}
	}
}
