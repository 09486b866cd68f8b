package director

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lvsd/internal/conf"
	"lvsd/internal/netif"
)

// someRoute draws one of few routes, of which those of IPv6 have a nexthop each.
func someRoute(t *rapid.T) conf.Route {
	r := conf.Route{Type: conf.Unicast, To: netip.MustParsePrefix("198.51.100.0/24"), Table: 254, Protocol: 18}
	if rapid.Bool().Draw(t, "IPv6") {
		r.To, r.Metric = netip.MustParsePrefix("2001:db8::/32"), 1024
	}
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		r.Type = conf.Blackhole
		return r
	}
	r.Metrics[2] = rapid.SampledFrom([]uint32{0, 1400}).Draw(t, "mtu")
	r.Nexthops = []conf.Nexthop{{Dev: rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "dev"), Weight: 1}}
	return r
}

func routeText(r conf.Route) string { return fmt.Sprint(r) }

func someRule(t *rapid.T) conf.Rule {
	return conf.Rule{Family: 4, Priority: uint32(rapid.IntRange(1, 2).Draw(t, "preference")), AnyUID: true, Action: conf.RuleTable,
		Table: uint32(rapid.IntRange(100, 101).Draw(t, "table")), SuppressPrefix: -1, SuppressGroup: -1, Protocol: 18}
}

// TestPlanIsWhatRoutingDoes: the entries are the operations of netif.PlanRoutes and PlanRules, whoever
// is master.
func TestPlanIsWhatRoutingDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		old, now := side{cfg: from, want: desire(from, health{})}, side{cfg: to, want: desire(to, health{})}
		// Each node is one of two: its instances are all masters, or none is.
		roles := map[string]netif.Role{}
		if rapid.Bool().Draw(t, "masters") {
			for _, key := range []string{"eth0/51", "eth0/52", "eth1/51", "eth1/52"} {
				roles[key] = netif.Role{Master: true, Until: time.Unix(1, 0)}
			}
		}
		at := time.Unix(0, 0)
		haveRoutes, haveRules := map[netif.Route]struct{}{}, map[netif.Rule]struct{}{}
		_, routes := netif.PlanRoutes(old.want.network, roles, nil, nil, at)
		for _, c := range routes {
			haveRoutes[c.Entry] = struct{}{}
		}
		_, rules := netif.PlanRules(old.want.network, roles, nil, nil, at)
		for _, c := range rules {
			haveRules[c.Entry] = struct{}{}
		}
		// Those of a configuration of its own, by what is there after it.
		left := func(cfg *conf.Config) (all []string) {
			s := side{cfg: cfg, want: desire(cfg, health{})}
			for _, r := range ownedBy(&s, func(n netif.Instance) []netif.Route { return n.Routes }) {
				if r.instance == staticKey || roles[r.instance].Master {
					all = append(all, "route "+r.entry.String()+" mtu "+metric(r.entry))
				}
			}
			for _, r := range ownedBy(&s, func(n netif.Instance) []netif.Rule { return n.Rules }) {
				if r.instance == staticKey || roles[r.instance].Master {
					all = append(all, "rule "+r.entry.String())
				}
			}
			slices.Sort(all)
			return slices.Compact(all)
		}
		before, after := left(from), left(to)
		var done []string
		add := func(add bool, text string) {
			if add {
				done = append(done, "add "+text)
			} else {
				done = append(done, "delete "+text)
			}
		}
		offRoutes, onRoutes := netif.PlanRoutes(now.want.network, roles, haveRoutes, haveRoutes, at)
		for _, c := range slices.Concat(offRoutes, onRoutes) {
			add(c.Kind == netif.Add, "route "+c.Entry.String()+" mtu "+metric(c.Entry))
		}
		offRules, onRules := netif.PlanRules(now.want.network, roles, haveRules, haveRules, at)
		for _, c := range slices.Concat(offRules, onRules) {
			add(c.Kind == netif.Add, "rule "+c.Entry.String())
		}
		var planned []string
		for _, text := range after {
			if !slices.Contains(before, text) {
				planned = append(planned, "add "+text)
			}
		}
		for _, text := range before {
			if !slices.Contains(after, text) {
				planned = append(planned, "delete "+text)
			}
		}
		slices.Sort(done)
		slices.Sort(planned)
		if diff := gocmp.Diff(done, planned); diff != "" {
			t.Fatalf("(-done +planned):\n%s", diff)
		}
		p := Compare(from, to, groupID)
		if len(done) > 0 && len(p.Routes)+len(p.Rules) == 0 {
			t.Fatalf("the plan has nothing of %v", done)
		}
		named := func(text string) bool {
			for _, e := range slices.Concat(p.Routes, p.Rules) {
				if strings.Contains(text, strings.Fields(e.Name)[1]) {
					return true
				}
			}
			return false
		}
		for _, text := range done {
			if !named(text) {
				t.Fatalf("the plan does not name %s: %+v %+v", text, p.Routes, p.Rules)
			}
		}
	})
}

func metric(r netif.Route) string {
	if r.Metrics[2] != 0 {
		return "1400"
	}
	return "0"
}
