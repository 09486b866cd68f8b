package netif

import (
	"slices"

	"golang.org/x/sys/unix"
)

// The fake kernel keeps routes in the order of their slots, and rules; a gateway without an interface
// is on eth0.

func (k *fakeKernel) Routing(origins map[uint8]bool) ([]Route, []Rule, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.injected("routing"); err != nil {
		return nil, nil, err
	}
	var routes []Route
	for _, r := range k.routes {
		if origins[r.Protocol] {
			routes = append(routes, r)
		}
	}
	var rules []Rule
	for _, r := range k.rules {
		if origins[r.Protocol] {
			rules = append(rules, r)
		}
	}
	return routes, rules, nil
}

// resolved is the route as the kernel would keep it; false for one with an interface that is not
// there, or down.
func (k *fakeKernel) resolved(r Route) (Route, bool) {
	r = r.key()
	hops := r.Nexthops.List()
	for i := range hops {
		if hops[i].Dev == "" {
			hops[i].Dev = "eth0"
		}
		if k.links[hops[i].Dev] == 0 || k.down[hops[i].Dev] {
			return r, false
		}
	}
	r.Nexthops = Hops(hops...)
	return r, true
}

func (k *fakeKernel) AddRoute(r Route) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "add route " + r.String()
	if err := k.injected(call); err != nil {
		return err
	}
	made, ok := k.resolved(r)
	if !ok {
		return unix.ENETDOWN
	}
	at := len(k.routes)
	for i, have := range slices.Backward(k.routes) {
		switch {
		case have == made, made.excludes(have), made.To.Addr().Is6() && have.slot() == made.slot() && !r.Append:
			return unix.EEXIST
		case have.slot() == made.slot() && !r.Append:
			at = i
		}
	}
	k.routes = slices.Insert(k.routes, at, made)
	k.log = append(k.log, call)
	k.changed()
	return nil
}

func (k *fakeKernel) DeleteRoute(r Route) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "delete route " + r.String()
	if err := k.injected(call); err != nil {
		return err
	}
	at := slices.Index(k.routes, r.key())
	if at < 0 {
		return unix.ESRCH
	}
	k.routes = slices.Delete(k.routes, at, at+1)
	k.log = append(k.log, call)
	k.changed()
	return nil
}

func (k *fakeKernel) AddRule(r Rule) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "add rule " + r.String()
	if err := k.injected(call); err != nil {
		return err
	}
	if slices.ContainsFunc(k.rules, r.excludes) {
		return unix.EEXIST
	}
	k.rules = append(k.rules, r.key())
	k.log = append(k.log, call)
	k.changed()
	return nil
}

func (k *fakeKernel) DeleteRule(r Rule) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	call := "delete rule " + r.String()
	if err := k.injected(call); err != nil {
		return err
	}
	at := slices.Index(k.rules, r)
	if at < 0 {
		return unix.ENOENT
	}
	k.rules = slices.Delete(k.rules, at, at+1)
	k.log = append(k.log, call)
	k.changed()
	return nil
}

// flush takes off the routes of an interface, as the kernel does when it goes or goes down.
func (k *fakeKernel) flush(dev string) {
	k.routes = slices.DeleteFunc(k.routes, func(r Route) bool {
		return slices.ContainsFunc(r.Nexthops.List(), func(h Nexthop) bool { return h.Dev == dev })
	})
}

func (k *fakeKernel) strangerRoutes(change func([]Route) []Route) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.routes = change(k.routes)
	k.changed()
}

func (k *fakeKernel) strangerRules(change func([]Rule) []Rule) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rules = change(k.rules)
	k.changed()
}

func (k *fakeKernel) setUp(dev string, up bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down[dev] = !up
	if !up {
		k.flush(dev)
	}
	k.changed()
}

// routing lists the routes and rules as ip(8) would.
func (k *fakeKernel) routing() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, r := range k.routes {
		all = append(all, r.String())
	}
	for _, r := range k.rules {
		all = append(all, r.String())
	}
	return all
}
