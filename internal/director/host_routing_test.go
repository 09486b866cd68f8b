package director

import (
	"slices"

	"golang.org/x/sys/unix"

	"lvsd/internal/netif"
)

// routing is the routes and rules of a networkKernel, in the order in which they came.
type routing struct {
	routes []netif.Route
	rules  []netif.Rule
}

func (k *networkKernel) Routing(origins map[uint8]bool) ([]netif.Route, []netif.Rule, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	foreignRoute := func(r netif.Route) bool { return !origins[r.Protocol] }
	foreignRule := func(r netif.Rule) bool { return !origins[r.Protocol] }
	return slices.DeleteFunc(slices.Clone(k.routes), foreignRoute), slices.DeleteFunc(slices.Clone(k.rules), foreignRule), nil
}

func (k *networkKernel) AddRoute(r netif.Route) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r.Append, r.NoTrack = false, false
	k.routes = append(k.routes, r)
	k.record("add route " + r.String())
	return nil
}

func (k *networkKernel) DeleteRoute(r netif.Route) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := slices.Index(k.routes, r)
	if at < 0 {
		return unix.ESRCH
	}
	k.routes = slices.Delete(k.routes, at, at+1)
	k.record("delete route " + r.String())
	return nil
}

func (k *networkKernel) AddRule(r netif.Rule) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r.NoTrack = false
	k.rules = append(k.rules, r)
	k.record("add rule " + r.String())
	return nil
}

func (k *networkKernel) DeleteRule(r netif.Rule) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := slices.Index(k.rules, r)
	if at < 0 {
		return unix.ENOENT
	}
	k.rules = slices.Delete(k.rules, at, at+1)
	k.record("delete rule " + r.String())
	return nil
}
