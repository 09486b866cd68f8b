package director

import (
	"context"
	"maps"
	"net/netip"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/overlay"
)

// This file lets servers finish their connections, those that a reload removes and those that an operator
// drains: they stay in the kernel with weight 0 until they have none, or their time is over.

// drain is a server that a reload removed, while it finishes its connections.
type drain struct {
	destination ipvs.Destination // with weight 0
	until       time.Time        // the zero value for as long as it takes
}

const (
	// minCount and maxCount bound the time from one counting of the connections of such servers to the
	// next, which is countShare times as long as counting takes: the kernel tells all that it has.
	minCount   = time.Second
	maxCount   = 10 * time.Second
	countShare = 100
	// countPatience bounds how long the kernel's answer is waited for.
	countPatience = 10 * time.Second
)

// countAfter is when to count again after a counting that took so long.
func countAfter(took time.Duration) time.Duration {
	return min(max(countShare*min(took, maxCount), minCount), maxCount)
}

// counted are the kernel's connections, for the drains, and how long it took to count them.
type counted struct {
	stats ipvs.Stats
	err   error
	took  time.Duration
}

// drains are those after a reload: what drained before, and the servers that the old configuration
// had in the kernel and the new one has not, of services with a drain_timeout that stay. A server that
// an operator drains has the time that he gave it, which promised has. A server that is configured
// again drains no more.
func drains(running map[serverKey]drain, old ipvs.Wanted, cfg *conf.Config, promised map[serverKey]time.Time, now time.Time) map[serverKey]drain {
	list := map[serverKey]drain{}
	for _, s := range services(cfg) {
		configured := map[serverKey]bool{}
		for i := range s.RealServers {
			configured[s.server(&s.RealServers[i])] = true
		}
		if sorry := s.Sorry; sorry.Address.IsValid() {
			configured[serverKey{s.key, s.at(sorry.Address, sorry.Forwarding)}] = true
		}
		for address, d := range destinations(old, s.key).All() {
			key := serverKey{s.key, address}
			was, drains := running[key]
			until, ordered := promised[key]
			d.Weight = 0
			switch {
			case configured[key]:
			case drains:
				list[key] = was
			case ordered:
				list[key] = drain{d, until}
			case s.DrainTimeout > 0:
				list[key] = drain{d, now.Add(s.DrainTimeout)}
			}
		}
	}
	return list
}

// withDrains is a table with the servers that drain.
func withDrains(t ipvs.Wanted, list map[serverKey]drain) ipvs.Wanted {
	more := map[ipvs.ServiceKey]map[netip.AddrPort]overlay.Change[ipvs.Destination]{}
	for key, d := range list {
		if _, wanted := key.in(t); wanted {
			continue
		}
		if more[key.service] == nil {
			more[key.service] = map[netip.AddrPort]overlay.Change[ipvs.Destination]{}
		}
		more[key.service][key.address] = overlay.Change[ipvs.Destination]{Value: d.destination}
	}
	changes := map[ipvs.ServiceKey]overlay.Change[ipvs.WantedService]{}
	for key, destinations := range more {
		if s, there := t.Get(key); there {
			s.Destinations = s.Destinations.With(destinations)
			changes[key] = overlay.Change[ipvs.WantedService]{Value: s}
		}
	}
	return t.With(changes)
}

// drained are those of the servers that drain whose drain is over, and whether it is because its time
// is; until has that time, the zero value for none. The kernel calls connections inactive that are
// being closed, and all of a protocol that has no end of them; a client that is to stay with its server
// comes back to it as long as the kernel remembers it, unless expire_quiescent_template is set.
func drained(until map[serverKey]time.Time, stats ipvs.Stats, now time.Time) map[serverKey]bool {
	over := map[serverKey]bool{}
	stay := stats.Settings.Sysctls[ipvs.ExpireQuiescentTemplate] != 1
	for key, at := range until {
		if !at.IsZero() && !now.Before(at) {
			over[key] = true
		}
	}
	for _, s := range stats.Services {
		for _, d := range s.Destinations {
			key := serverKey{s.Key, d.Address}
			_, drains := until[key]
			if !drains || over[key] || d.Destination.Weight > 0 || d.Active > 0 || stay && d.Persistent > 0 {
				continue
			}
			if d.Inactive == 0 || s.Key.Protocol == unix.IPPROTO_TCP {
				over[key] = false
			}
		}
	}
	return over
}

// drained are the same with the drains marked that are over in all services of the kernel that their
// server is in: list has those drains, and late whether their time was over.
func (o orders) drained(of map[serverKey]member, over map[serverKey]bool) (next orders, late map[member]bool) {
	next, late = o, map[member]bool{}
	open := map[member]bool{}
	for at, key := range of {
		if _, done := over[at]; !done {
			open[key] = true
		}
	}
	for at, key := range of {
		if open[key] {
			continue
		}
		late[key] = late[key] || over[at]
		is := next[key]
		is.drain.drained = true
		next = next.with(key, is)
	}
	return next, late
}

// startDrains takes over what a reload removed, from the table that was wanted before it.
func (d *Director) startDrains(old ipvs.Wanted, promised map[serverKey]time.Time) {
	before := d.drains
	d.drains = drains(before, old, d.cfg, promised, time.Now())
	for key, drain := range d.drains {
		if _, known := before[key]; known {
			continue
		}
		fields := []zap.Field{zap.Stringer("service", key.service), zap.Stringer("real_server", key.address), zap.String("why", "a reload")}
		if !drain.until.IsZero() {
			fields = append(fields, zap.Time("until", drain.until))
		}
		d.journal.event(ServerDraining, fields...)
	}
	if len(before)+len(d.drains) > 0 && !maps.Equal(before, d.drains) {
		d.saveDrains()
	}
	d.want.services = withDrains(d.want.services, d.drains)
	d.countLater(minCount)
}

// finishing are all servers of the kernel that finish their connections, and until when; of has those
// that an operator drains.
func (d *Director) finishing() (until map[serverKey]time.Time, of map[serverKey]member) {
	until, of = d.health.orders.finishing(d.cfg)
	for key, drain := range d.drains {
		until[key] = drain.until
	}
	return until, of
}

// countLater has the connections counted after a while, as long as a server drains.
func (d *Director) countLater(after time.Duration) {
	if d.counting != nil || d.ended {
		return
	}
	until, _ := d.finishing()
	if len(until) == 0 {
		return
	}
	for _, at := range until {
		if !at.IsZero() {
			after = min(after, max(0, time.Until(at)))
		}
	}
	d.counting = time.AfterFunc(after, func() {
		ctx, cancel := context.WithTimeout(context.Background(), countPatience)
		defer cancel()
		began := time.Now()
		stats, err := d.services.Stats(ctx)
		d.inbox.post(counted{stats, err, time.Since(began)})
	})
}

// endDrains lets go of the servers that have drained.
func (d *Director) endDrains(c counted) {
	d.counting = nil
	if d.ended {
		return
	}
	until, of := d.finishing()
	over := drained(until, c.stats, time.Now()) // of an error nothing but the time is known
	told := func(service, server string, late bool) {
		d.journal.event(ServerDrained, zap.String("service", service), zap.String("real_server", server), zap.Bool("in_time", !late))
	}
	left := len(d.drains)
	for key := range d.drains {
		if late, done := over[key]; done {
			delete(d.drains, key)
			told(key.service.String(), key.address.String(), late)
		}
	}
	if len(d.drains) < left {
		d.saveDrains()
	}
	next, late := d.health.orders.drained(of, over)
	for key, late := range late {
		told(key.service, key.address.String(), late)
	}
	if len(late) > 0 {
		d.health.orders = next
		_ = d.saveOrders() // it has told of an error, and a restart counts again
	}
	if len(over) > 0 {
		d.judge()
	}
	d.countLater(countAfter(c.took))
}

func (d *Director) stopCounting() {
	if d.counting != nil {
		d.counting.Stop()
	}
}
