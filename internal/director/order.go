package director

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lvsd/internal/conf"
)

// This file is what an operator says of real servers (drain, undrain, weight), as data: it is an input
// of desired, like what the checks say, and stands until the operator says otherwise.

// order is what an operator said of a real server of a virtual server. The zero value is nothing.
type order struct {
	drain  drainOrder
	weight weightOrder
}

// drainOrder keeps a server from new connections.
type drainOrder struct {
	ordered bool
	since   time.Time
	until   time.Time // when its connections have to be over; the zero value for never
	drained bool      // they are over, or their time is: the kernel has it no more
	uid     uint32    // of who said so
}

// runs tells whether the server finishes its connections.
func (d drainOrder) runs() bool { return d.ordered && !d.drained }

// weightOrder is a weight in the place of the configured one, and of what checks say of it.
type weightOrder struct {
	ordered bool
	weight  int // 0 to maxWeight
	since   time.Time
	uid     uint32
}

// orders are those that stand. They are never changed, but replaced: health and memory share them.
type orders map[member]order

// with is the same with another order of one server.
func (o orders) with(key member, is order) orders {
	next := maps.Clone(o)
	if next == nil {
		next = orders{}
	}
	if is == (order{}) {
		delete(next, key)
	} else {
		next[key] = is
	}
	return next
}

// after is the order that a request leads to. limit is how long a drain may take where the request does
// not say, 0 for as long as it needs; inKernel tells whether the kernel is to have the server now.
func (o order) after(q OrderRequest, uid uint32, now time.Time, limit time.Duration, inKernel bool) order {
	if q.Timeout != nil {
		limit = time.Duration(*q.Timeout * float64(time.Second))
	}
	switch q.Verb {
	case Drain:
		if o.drain.drained || o.drain.ordered && q.Timeout == nil {
			return o
		}
		if !o.drain.ordered {
			o.drain.ordered, o.drain.since = true, now
		}
		o.drain.uid, o.drain.until = uid, time.Time{}
		if q.Timeout != nil || limit > 0 {
			o.drain.until = now.Add(limit)
		}
		o.drain.drained = !inKernel || q.Timeout != nil && limit <= 0
	case Undrain:
		o.drain = drainOrder{}
	case SetWeight:
		if !o.weight.ordered || o.weight.weight != q.Weight {
			o.weight = weightOrder{true, q.Weight, now, uid}
		}
	case ResetWeight:
		o.weight = weightOrder{}
	}
	return o
}

// configured are the orders of servers that a configuration has, and the others, in order.
func (o orders) configured(cfg *conf.Config) (kept orders, forgotten []member) {
	if len(o) == 0 {
		return o, nil
	}
	kept = orders{}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		name := serviceName(s)
		for j := range s.RealServers {
			key := member{name, s.RealServers[j].Address}
			if is, stands := o[key]; stands {
				kept[key] = is
			}
		}
	}
	for key := range o {
		if _, stays := kept[key]; !stays {
			forgotten = append(forgotten, key)
		}
	}
	slices.SortFunc(forgotten, member.compare)
	return kept, forgotten
}

func (m member) compare(o member) int {
	if c := strings.Compare(m.service, o.service); c != 0 {
		return c
	}
	return m.address.Compare(o.address)
}

// finishing are the servers of the kernel whose drain runs, and until when, with whose they are: a server
// of a group is one in each of its services.
func (o orders) finishing(cfg *conf.Config) (until map[serverKey]time.Time, of map[serverKey]member) {
	until, of = map[serverKey]time.Time{}, map[serverKey]member{}
	if len(o) == 0 {
		return until, of
	}
	for _, s := range services(cfg) {
		name := serviceName(s.VirtualServer)
		for i := range s.RealServers {
			r := &s.RealServers[i]
			key := member{name, r.Address}
			if d := o[key].drain; d.runs() {
				until[s.server(r)], of[s.server(r)] = d.until, key
			}
		}
	}
	return until, of
}
