package director

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/elector"
	"lvsd/internal/netif"
)

const routed = `static_ipaddress = ["198.51.100.2/24 dev vip1"]
static_routes    = ["10.20.0.0/16 via 198.51.100.254 dev vip1"]
vrrp_instance "web" {
  interface         = "vip0"
  virtual_router_id = 51
  virtual_ipaddress = ["192.0.2.1/24"]
  virtual_routes    = ["default via 192.0.2.254 dev vip0 table 100", "2001:db8::/32 nexthop via fe80::1 dev vip0 nexthop via fe80::2 dev vip0"]
  virtual_rules     = ["from 192.0.2.1 table 100 preference 1000"]
}
`

// TestRouting: what is static is there from the start; the rest comes with the instance, behind its
// address; a reload changes what differs; a stop leaves nothing.
func TestRouting(t *testing.T) {
	n := startNode(t, routed)
	waitFor(t, "what is static, and the election", func() bool { return n.count(RoleChanged) == 1 && n.count(RoutesSet) == 1 })
	n.wait(t, RoutesSet)
	expect := func(what string, want ...string) {
		t.Helper()
		if diff := gocmp.Diff(want, n.takeWrites()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	const static = "10.20.0.0/16 via 198.51.100.254 dev vip1"
	const first, second, rule = "2001:db8::/32 via fe80::1 dev vip0", "2001:db8::/32 via fe80::2 dev vip0", "from 192.0.2.1/32 table 100 preference 1000"
	expect("start", "add address 198.51.100.2/24 dev vip1", "add route "+static)
	if s := n.status(t); s.Static == nil || !s.Static.Addresses[0].Present || s.Static.Routing.Present != 1 ||
		s.Instances[0].Routing.Present != 0 || s.Instances[0].Routing.Wanted != 4 || len(s.Instances[0].Routing.Missing) != 0 {
		t.Errorf("%+v %+v", s.Static, s.Instances[0].Routing)
	}

	n.elector.(*elector.Elector).Addresses().Role("vip0/51", netif.Role{Master: true, Until: time.Now().Add(time.Hour)})
	if e := n.wait(t, RoutesSet); e.fields["operations"] != int64(4) {
		t.Errorf("%v", e)
	}
	expect("takeover", "add address 192.0.2.1/24 dev vip0", "add route 0.0.0.0/0 via 192.0.2.254 dev vip0 table 100",
		"add route "+first, "add route "+second, "add rule "+rule)
	if s := n.status(t); s.Instances[0].Routing.Present != 4 {
		t.Errorf("%+v", s.Instances[0].Routing)
	}

	n.write(t, `vrrp_instance "web" {
  interface         = "vip0"
  virtual_router_id = 51
  virtual_ipaddress = ["192.0.2.1/24"]
  virtual_routes    = ["default via 192.0.2.253 dev vip0 table 100", "2001:db8::/32 via fe80::2 dev vip0"]
}
`)
	n.Reload()
	n.wait(t, Reloaded)
	n.wait(t, AddressRemoved)
	n.wait(t, RoutesSet)
	expect("reload", "delete rule "+rule, "delete route "+static, "delete route "+first, "delete address 198.51.100.2/24 dev vip1",
		"add route 0.0.0.0/0 via 192.0.2.253 dev vip0 table 100", "delete route 0.0.0.0/0 via 192.0.2.254 dev vip0 table 100")
	n.Stop()
	n.wait(t, Stopped)
	if err := n.end(t); err != nil {
		t.Errorf("Run: %v", err)
	}
	if len(n.network.routes)+len(n.network.rules)+len(n.network.addresses) > 0 {
		t.Errorf("left: %v %v %v", n.network.routes, n.network.rules, n.network.addresses)
	}
}
