package director

import (
	"context"
	"maps"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

// This file lets servers that a reload removes finish their connections: they stay in the kernel with
// weight 0 until they have none, or their drain_timeout is over.

// drain is a server that finishes its connections.
type drain struct {
	destination ipvs.Destination // with weight 0
	until       time.Time
}

// drainInterval is how often the connections of such servers are counted.
const drainInterval = time.Second

// counted are the kernel's connections, for the drains.
type counted struct {
	stats ipvs.Stats
	err   error
}

// drains are those after a reload: what drained before, and the servers that the old configuration
// had in the kernel and the new one has not, of services with a drain_timeout that stay. A server
// that is configured again drains no more.
func drains(running map[serverKey]drain, old ipvs.Table, cfg *conf.Config, now time.Time) map[serverKey]drain {
	list := map[serverKey]drain{}
	for _, s := range services(cfg) {
		configured := map[serverKey]bool{}
		for i := range s.RealServers {
			configured[s.server(&s.RealServers[i])] = true
		}
		if sorry := s.Sorry; sorry.Address.IsValid() {
			configured[serverKey{s.key, s.at(sorry.Address, sorry.Forwarding)}] = true
		}
		for address, d := range old[s.key].Destinations {
			key := serverKey{s.key, address}
			was, drains := running[key]
			switch {
			case configured[key]:
			case drains:
				list[key] = was
			case s.DrainTimeout > 0:
				d.Weight = 0
				list[key] = drain{d, now.Add(s.DrainTimeout)}
			}
		}
	}
	return list
}

// withDrains is a table with the servers that drain.
func withDrains(t ipvs.Table, list map[serverKey]drain) ipvs.Table {
	if len(list) == 0 {
		return t
	}
	t = maps.Clone(t)
	cloned := map[ipvs.ServiceKey]bool{}
	for key, d := range list {
		e, there := t[key.service]
		if !there {
			continue
		}
		if !cloned[key.service] {
			e.Destinations, cloned[key.service] = maps.Clone(e.Destinations), true
			t[key.service] = e
		}
		if _, wanted := e.Destinations[key.address]; !wanted {
			e.Destinations[key.address] = d.destination
		}
	}
	return t
}

// drained are those of the drains that are over, and whether they are so because their time is. The
// kernel calls connections inactive that are being closed, and all of a protocol that has no end of
// them; a client that is to stay with its server comes back to it as long as the kernel remembers it.
func drained(list map[serverKey]drain, stats ipvs.Stats, now time.Time) map[serverKey]bool {
	over := map[serverKey]bool{}
	for key, d := range list {
		if !now.Before(d.until) {
			over[key] = true
		}
	}
	for _, s := range stats.Services {
		for _, d := range s.Destinations {
			key := serverKey{s.Key, d.Address}
			_, drains := list[key]
			if !drains || over[key] || d.Destination.Weight > 0 || d.Active > 0 || d.Persistent > 0 {
				continue
			}
			if d.Inactive == 0 || s.Key.Protocol == unix.IPPROTO_TCP {
				over[key] = false
			}
		}
	}
	return over
}

// startDrains takes over what a reload removed, from the table that was wanted before it.
func (d *Director) startDrains(old ipvs.Table) {
	before := d.drains
	d.drains = drains(before, old, d.cfg, time.Now())
	for key, drain := range d.drains {
		if _, known := before[key]; !known {
			d.journal.event(ServerDraining, zap.Stringer("service", key.service), zap.Stringer("real_server", key.address),
				zap.Time("until", drain.until))
		}
	}
	d.want.services = withDrains(d.want.services, d.drains)
	if len(before) == 0 {
		d.countLater()
	}
}

// countLater has the connections counted as long as a server drains.
func (d *Director) countLater() {
	if len(d.drains) == 0 || d.ended {
		return
	}
	d.counting = time.AfterFunc(drainInterval, func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainInterval)
		defer cancel()
		stats, err := d.services.Stats(ctx)
		d.inbox.post(counted{stats, err})
	})
}

// endDrains lets go of the servers that have drained.
func (d *Director) endDrains(c counted) {
	if d.ended {
		return
	}
	over := drained(d.drains, c.stats, time.Now()) // of an error nothing but the time is known
	for key, late := range over {
		delete(d.drains, key)
		d.journal.event(ServerDrained, zap.Stringer("service", key.service), zap.Stringer("real_server", key.address),
			zap.Bool("in_time", !late))
	}
	if len(over) > 0 {
		d.judge()
	}
	d.countLater()
}

func (d *Director) stopCounting() {
	if d.counting != nil {
		d.counting.Stop()
	}
}
