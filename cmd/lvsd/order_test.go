package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lvsd/internal/director"
)

func TestOrderText(t *testing.T) {
	now := time.Unix(1000, 0)
	until, weight, zero := now.Add(90*time.Second), 7, 0
	type orders = director.ServerOrders
	type server = director.OrderedServer
	for _, c := range []struct {
		verb director.Verb
		s    server
		want string
	}{
		{director.Drain, server{Changed: true, Active: 2, Inactive: 1, ServerOrders: orders{Draining: true}},
			"gets no new connections (2 active, 1 inactive); it leaves the kernel when they are over"},
		{director.Drain, server{Changed: true, Active: 2, Persistent: 4, ServerOrders: orders{Draining: true, DrainUntil: &until}},
			"gets no new connections (2 active, 0 inactive, 4 clients that are to stay with it); it leaves the kernel when they are over, in 1m30s at the latest"},
		{director.Drain, server{ServerOrders: orders{Draining: true}},
			"drains already (0 active, 0 inactive); it leaves the kernel when they are over"},
		{director.Drain, server{Changed: true, ServerOrders: orders{Drained: true}}, "has no connections to finish: drained, out until lvsd undrain"},
		{director.Drain, server{ServerOrders: orders{Drained: true}}, "was drained already, out until lvsd undrain"},
		{director.Undrain, server{Changed: true, Healthy: true, EffectiveWeight: 3}, "gets connections again, weight 3"},
		{director.Undrain, server{Healthy: true, EffectiveWeight: 3}, "was not drained, weight 3"},
		{director.Undrain, server{Changed: true}, "is drained no more; its checks fail, and it stays out until they do not"},
		{director.SetWeight, server{Changed: true, Healthy: true, EffectiveWeight: 7, ServerOrders: orders{OperatorWeight: &weight}},
			"has the weight 7 (7 in the kernel now)"},
		{director.SetWeight, server{Healthy: true, ServerOrders: orders{OperatorWeight: &zero}}, "had the weight 0 already (0 in the kernel now)"},
		{director.SetWeight, server{Changed: true, Healthy: true, ServerOrders: orders{OperatorWeight: &weight, Drained: true}},
			"has the weight 7; it is drained, and has 0 until lvsd undrain"},
		{director.SetWeight, server{Changed: true, ServerOrders: orders{OperatorWeight: &weight}},
			"has the weight 7; its checks fail, and it stays out until they do not"},
		{director.ResetWeight, server{Changed: true, Healthy: true, EffectiveWeight: 1}, "has its own weight again (1 in the kernel now)"},
		{director.ResetWeight, server{Healthy: true, EffectiveWeight: 1}, "had its own weight already (1 in the kernel now)"},
	} {
		c.s.Service, c.s.Address = "FWM 1", netip.MustParseAddrPort("10.0.0.1:80")
		if got := orderText(c.verb, c.s, now); got != "10.0.0.1:80 of FWM 1: "+c.want {
			t.Errorf("%s", got)
		}
	}
}

func TestLongestDrain(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(after time.Duration) *time.Time { u := now.Add(after); return &u }
	drains := func(until *time.Time) director.OrderedServer {
		return director.OrderedServer{ServerOrders: director.ServerOrders{Draining: true, DrainUntil: until}}
	}
	gone := director.OrderedServer{ServerOrders: director.ServerOrders{Drained: true}}
	for _, c := range []struct {
		list []director.OrderedServer
		want time.Duration
	}{
		{nil, drainGrace},
		{[]director.OrderedServer{gone}, drainGrace},
		{[]director.OrderedServer{drains(at(time.Minute)), gone, drains(at(time.Second))}, time.Minute + drainGrace},
		{[]director.OrderedServer{drains(at(time.Minute)), drains(nil)}, 0},
	} {
		if got := longestDrain(director.OrderAnswer{Servers: c.list}, now); got != c.want {
			t.Errorf("%+v: %s, want %s", c.list, got, c.want)
		}
	}
}

// TestLooked: what a status says of the servers that are waited for.
func TestLooked(t *testing.T) {
	a := netip.MustParseAddrPort("10.0.0.1:80")
	list := []director.OrderedServer{{Service: "FWM 1", Address: a, ServerOrders: director.ServerOrders{Draining: true}}}
	shown := func(r director.RealServerStatus) director.Status {
		r.Address = a
		return director.Status{Services: []director.ServiceStatus{{Name: "FWM 2", RealServers: []director.RealServerStatus{{Address: a}}},
			{Name: "FWM 1", RealServers: []director.RealServerStatus{r}}}}
	}
	if now := draining(looked(list, shown(director.RealServerStatus{Active: 3, ServerOrders: director.ServerOrders{Draining: true}}))); len(now) != 1 || now[0].Active != 3 {
		t.Errorf("%+v", now)
	}
	if now := draining(looked(list, shown(director.RealServerStatus{ServerOrders: director.ServerOrders{Drained: true}}))); len(now) != 0 {
		t.Errorf("drained: %+v", now)
	}
	if now := draining(looked(list, director.Status{})); len(now) != 0 {
		t.Errorf("gone: %+v", now)
	}
}

// TestStatusShowsOrders: an operator's words stand beside their server.
func TestStatusShowsOrders(t *testing.T) {
	now := time.Unix(1000, 0)
	since, until, weight, uid := now.Add(-5*time.Second), now.Add(time.Minute), 3, uint32(0)
	address := netip.MustParseAddrPort("10.0.0.1:80")
	for _, c := range []struct {
		r    director.RealServerStatus
		want string
	}{
		{director.RealServerStatus{Healthy: true}, "up   10.0.0.1:80            weight 0/0  active 0  inactive 0\n"},
		{director.RealServerStatus{Healthy: true, Active: 2, ServerOrders: director.ServerOrders{Draining: true, DrainSince: &since, OrderedBy: &uid}},
			"up   10.0.0.1:80            weight 0/0  active 2  inactive 0  draining for 5s (said user 0)\n"},
		{director.RealServerStatus{ServerOrders: director.ServerOrders{Draining: true, DrainSince: &since, DrainUntil: &until, OrderedBy: &uid}},
			"DOWN 10.0.0.1:80            weight 0/0  active 0  inactive 0  draining for 5s, 1m0s at most (said user 0)\n"},
		{director.RealServerStatus{Healthy: true, ServerOrders: director.ServerOrders{Drained: true, DrainSince: &since, OperatorWeight: &weight, OrderedBy: &uid}},
			"up   10.0.0.1:80            weight 0/0  active 0  inactive 0  operator's weight 3  drained, out for 5s (said user 0)\n"},
		{director.RealServerStatus{Removed: true, ServerOrders: director.ServerOrders{Draining: true}},
			"gone 10.0.0.1:80            weight 0/0  active 0  inactive 0\n"},
	} {
		c.r.Address = address
		var out bytes.Buffer
		if err := printStatus(&out, director.Status{Services: []director.ServiceStatus{{RealServers: []director.RealServerStatus{c.r}}}}, now); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), "       "+c.want) {
			t.Errorf("%s, want %s", out.String(), c.want)
		}
	}
}
