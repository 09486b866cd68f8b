package director

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/conf"
)

// This file takes what an operator says of real servers, and answers.

// Verb is what an operator wants done with a real server.
type Verb string

// The verbs.
const (
	Drain       Verb = "drain"
	Undrain     Verb = "undrain"
	SetWeight   Verb = "weight"
	ResetWeight Verb = "reset_weight"
)

// OrderRequest is what an operator says of a real server, or of an address in all virtual servers.
type OrderRequest struct {
	Verb Verb `json:"verb"`
	// Service names a virtual server: "192.168.2.11:80", "192.168.2.11:80/udp", "fwmark 100",
	// "group web"; "*" stands for all.
	Service string `json:"service"`
	// Server is the address of a real server, with or without its port.
	Server string `json:"real_server"`
	// Timeout is how many seconds a drain may take, 0 for none at all; nil leaves it to the
	// drain_timeout of the virtual server, and where that is 0 to the connections.
	Timeout *float64 `json:"timeout_seconds,omitempty"`
	// Weight is that of SetWeight, 0 to 65535.
	Weight int `json:"weight,omitempty"`
}

// maxDrain bounds the timeout of a drain, in seconds: 30 days.
const maxDrain = 30 * 86400

// check says what is wrong with a request whatever the configuration has; it is an ErrRequest.
func (q *OrderRequest) check() error {
	switch q.Verb {
	case Drain, Undrain, SetWeight, ResetWeight:
	default:
		return fmt.Errorf("%w: the verb is drain, undrain, weight or reset_weight, not %q", ErrRequest, q.Verb)
	}
	if q.Timeout != nil && (q.Verb != Drain || !(*q.Timeout >= 0 && *q.Timeout <= maxDrain)) {
		return fmt.Errorf("%w: a drain, and nothing else, has a timeout of 0 to %d seconds", ErrRequest, maxDrain)
	}
	if q.Weight != 0 && q.Verb != SetWeight || q.Weight < 0 || q.Weight > maxWeight {
		return fmt.Errorf("%w: the verb weight, and no other, has a weight of 0 to %d", ErrRequest, maxWeight)
	}
	return nil
}

// OrderAnswer says what a request came to.
type OrderAnswer struct {
	Servers []OrderedServer `json:"real_servers"`
	// Warnings are what follows that the operator may not have thought of.
	Warnings []string `json:"warnings"`
}

// OrderedServer is a real server that a request was about, as it is then.
type OrderedServer struct {
	Service string         `json:"service"` // as events name it
	Address netip.AddrPort `json:"address"`
	// Changed is false where it was so already.
	Changed bool `json:"changed"`
	ServerOrders
	Healthy bool `json:"healthy"`
	// EffectiveWeight is what it is to have in the kernel.
	EffectiveWeight uint32 `json:"effective_weight"`
	// Active, Inactive and Persistent are its connections and the clients that are to stay with it; all 0
	// where the kernel did not say.
	Active     uint32 `json:"active_connections"`
	Inactive   uint32 `json:"inactive_connections"`
	Persistent uint32 `json:"persistent_clients"`

	keys []serverKey
}

// ServerOrders are what an operator said of a real server.
type ServerOrders struct {
	// Draining says that it finishes its connections, Drained that it has left the kernel since.
	Draining bool `json:"draining"`
	Drained  bool `json:"drained"`
	// DrainSince and DrainUntil are nil where there is no such time.
	DrainSince *time.Time `json:"drain_since,omitempty"`
	DrainUntil *time.Time `json:"drain_until,omitempty"`
	// OperatorWeight takes the place of the configured one; nil where none was said.
	OperatorWeight *int `json:"operator_weight,omitempty"`
	// OrderedBy is the user id of who said so last, nil where nobody said anything.
	OrderedBy *uint32 `json:"ordered_by_uid,omitempty"`
}

// shown is the order in a status.
func (o order) shown() ServerOrders {
	s := ServerOrders{Draining: o.drain.runs(), Drained: o.drain.drained}
	if o.weight.ordered {
		s.OperatorWeight, s.OrderedBy = &o.weight.weight, &o.weight.uid
	}
	if !o.drain.ordered {
		return s
	}
	s.DrainSince = &o.drain.since
	if !o.drain.until.IsZero() {
		s.DrainUntil = &o.drain.until
	}
	if !o.weight.ordered || o.drain.since.After(o.weight.since) {
		s.OrderedBy = &o.drain.uid
	}
	return s
}

// orderRequest asks the director's goroutine to obey.
type orderRequest struct {
	request OrderRequest
	uid     uint32
	reply   chan<- orderReply
}

type orderReply struct {
	answer OrderAnswer
	err    error
}

// Order does what the user uid says of real servers. It holds when Order returns, and stands until
// another Order, or until the configuration has the server no more. Errors wrap ErrRequest,
// ErrRefused or ctx's; nothing has changed then, but for the last.
func (d *Director) Order(ctx context.Context, uid uint32, q OrderRequest) (OrderAnswer, error) {
	if err := q.check(); err != nil {
		return OrderAnswer{}, err
	}
	reply := make(chan orderReply, 1)
	d.inbox.post(orderRequest{q, uid, reply})
	var r orderReply
	select {
	case r = <-reply:
	case <-ctx.Done():
		return OrderAnswer{}, ctx.Err()
	}
	if r.err != nil {
		return OrderAnswer{}, r.err
	}
	brief, cancel := context.WithTimeout(ctx, connectionsWait)
	defer cancel()
	if stats, err := d.services.Stats(brief); err == nil {
		there := connections(stats)
		for i := range r.answer.Servers {
			s := &r.answer.Servers[i]
			for _, key := range s.keys {
				has := there[key]
				s.Active, s.Inactive, s.Persistent = s.Active+has.Active, s.Inactive+has.Inactive, s.Persistent+has.Persistent
			}
		}
	}
	return r.answer, nil
}

// obey does what an operator says.
func (d *Director) obey(q OrderRequest, uid uint32) (OrderAnswer, error) {
	if d.stopping || d.ended {
		return OrderAnswer{}, refused("lvsd is stopping")
	}
	list, err := meantBy(d.cfg, q.Service, q.Server)
	if err != nil {
		return OrderAnswer{}, err
	}
	before, now := d.want, time.Now()
	next := maps.Clone(d.health.orders)
	if next == nil {
		next = orders{}
	}
	changed := map[member]bool{}
	for _, t := range list {
		key := t.member()
		was := next[key]
		is := was.after(q, uid, now, t.service.DrainTimeout, d.inTable(t))
		if changed[key] = is != was; !changed[key] {
			continue
		}
		if next[key] = is; is == (order{}) {
			delete(next, key)
		}
		d.noteOrder(q.Verb, key, is, uid)
	}
	d.health.orders = next
	a := OrderAnswer{Servers: []OrderedServer{}, Warnings: []string{}}
	if err := d.saveOrders(); err != nil {
		a.Warnings = append(a.Warnings, fmt.Sprintf("a restart of lvsd will know nothing of it: %v", err))
	}
	d.judge()
	d.countLater(minCount)
	for _, t := range list {
		a.Servers = append(a.Servers, d.orderedServer(t, changed[t.member()]))
	}
	a.Warnings = append(a.Warnings, warnings(d.cfg, list, q.Verb, &before, &d.want)...)
	return a, nil
}

// at are the servers of the kernel that a real server is.
func (d *Director) at(t meant) (keys []serverKey) {
	for a := range d.cfg.Addresses(t.service) {
		keys = append(keys, served{t.service, serviceKey(t.service, a)}.server(t.server))
	}
	return keys
}

// inTable tells whether the kernel is to have a real server now.
func (d *Director) inTable(t meant) bool {
	for _, key := range d.at(t) {
		if _, there := key.in(d.want.services); there {
			return true
		}
	}
	return false
}

func (d *Director) orderedServer(t meant, changed bool) OrderedServer {
	key := t.member()
	s := OrderedServer{Service: key.service, Address: key.address, Changed: changed, ServerOrders: d.health.orders[key].shown(),
		keys: d.at(t)}
	is := d.want.memory.server(key)
	s.Healthy = is.up && !is.kept
	if len(s.keys) > 0 { // all of a group have the same
		wanted, _ := s.keys[0].in(d.want.services)
		s.EffectiveWeight = wanted.Weight
	}
	return s
}

// warnings are what follows from an order for the virtual servers that it is about.
func warnings(cfg *conf.Config, list []meant, verb Verb, before, now *want) []string {
	all := []string{}
	told := map[string]bool{}
	for _, t := range list {
		s, name := t.service, serviceName(t.service)
		if told[name] {
			continue
		}
		told[name] = true
		warn := func(format string, values ...any) { all = append(all, name+": "+fmt.Sprintf(format, values...)) }
		serving := func(w *want) bool {
			for a := range cfg.Addresses(s) {
				return serves(w.services, serviceKey(s, a)) // all of a group have the same
			}
			return false
		}
		had, _ := before.memory.quorate(name)
		is, _ := now.memory.quorate(name)
		switch {
		case now.memory.sorryServes(s) && !before.memory.sorryServes(s):
			warn("is without its quorum: the sorry_server %s serves, and no real server gets a new connection", s.Sorry.Address)
		case serving(before) && !serving(now):
			warn("has no server left that takes connections: every new one is refused")
		case had && !is:
			warn("is without its quorum of %d", s.Quorum)
		}
		server := now.memory.server(t.member())
		drains := verb == Drain || verb == SetWeight && server.kernelWeight() == 0
		switch {
		case !drains:
		case s.Scheduler == "dh", s.Scheduler == "sh" && !s.Fallback:
			advice := "write sh-fallback"
			if s.Scheduler == "dh" {
				advice = "take lb_algo mh"
			}
			warn("lb_algo %s has the kernel refuse the clients that it gives to %s as long as that is there with weight 0; %s",
				s.Scheduler, t.server.Address, advice)
		case s.PersistenceTimeout > 0 && verb == Drain:
			warn("clients that came to %s within persistence_timeout (%s) go on coming to it, unless the sysctl net.ipv4.vs.expire_quiescent_template is 1",
				t.server.Address, s.PersistenceTimeout)
		}
	}
	return all
}

// noteOrder tells what an operator said.
func (d *Director) noteOrder(verb Verb, key member, is order, uid uint32) {
	fields := []zap.Field{zap.String("service", key.service), zap.Stringer("real_server", key.address)}
	by := zap.Int("uid", int(uid))
	switch verb {
	case Drain:
		begun := append(fields, zap.String("why", "an operator"), by)
		if !is.drain.until.IsZero() {
			begun = append(begun, zap.Time("until", is.drain.until))
		}
		d.journal.event(ServerDraining, begun...)
		if is.drain.drained {
			d.journal.event(ServerDrained, append(fields, zap.Bool("in_time", true))...)
		}
	case Undrain:
		d.journal.event(ServerUndrained, append(fields, by)...)
	case SetWeight:
		d.journal.event(ServerWeightSet, append(fields, zap.Int("weight", is.weight.weight), by)...)
	case ResetWeight:
		d.journal.event(ServerWeightReset, append(fields, by)...)
	}
}

// forgetOrders drops the orders of servers that a new configuration does not have, and says until when
// those have to finish their connections of which a drain runs.
func (d *Director) forgetOrders(cfg *conf.Config) (promised map[serverKey]time.Time) {
	kept, forgotten := d.health.orders.configured(cfg)
	if len(forgotten) == 0 {
		return nil
	}
	promised = map[serverKey]time.Time{}
	until, of := d.health.orders.finishing(d.cfg)
	for at, key := range of {
		if _, stays := kept[key]; !stays {
			promised[at] = until[at]
		}
	}
	for _, key := range forgotten {
		d.journal.event(ServerOrderForgotten, zap.String("service", key.service), zap.Stringer("real_server", key.address))
	}
	d.health.orders = kept
	_ = d.saveOrders() // it has told of an error, and what the file has too much is forgotten again
	return promised
}
