package director

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// tell has the node do what user 7 says of a server.
func (n *node) tell(t *testing.T, q OrderRequest) OrderAnswer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err := n.Order(ctx, 7, q)
	if err != nil {
		t.Fatalf("%+v: %v\n%s", q, err, n.transcript())
	}
	return a
}

// busy has every destination have as many connections as active says.
func busy(active *atomic.Uint32) nodeOption {
	return func(n *node) {
		n.ipvs.Count(func(ipvs.ServiceKey, netip.AddrPort) ipvstest.Connections {
			return ipvstest.Connections{Active: active.Load()}
		})
	}
}

// server is what the status says of a server of the first service.
func (n *node) server(t *testing.T, address string) RealServerStatus {
	t.Helper()
	for _, r := range n.status(t).Services[0].RealServers {
		if r.Address.String() == address {
			return r
		}
	}
	t.Fatalf("%s is not in the status", address)
	return RealServerStatus{}
}

func drainRequest(server string) OrderRequest {
	return OrderRequest{Verb: Drain, Service: "192.0.2.1:80", Server: server}
}

// TestDrainOverReloadAndRestart: a server that is drained has weight 0 at once, stays out of new connections
// over a reload and a restart, leaves the kernel with its last connection, and comes back when it is told.
func TestDrainOverReloadAndRestart(t *testing.T) {
	var active atomic.Uint32
	active.Store(3)
	n := startNode(t, serviceText("192.0.2.1", twoServers), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.takeWrites()
	a := n.tell(t, drainRequest("10.0.0.1"))
	if s := a.Servers[0]; len(a.Servers) != 1 || !s.Changed || !s.Draining || s.Drained || s.Active != 3 || s.DrainUntil != nil ||
		s.EffectiveWeight != 0 || *s.OrderedBy != 7 || len(a.Warnings) > 0 {
		t.Errorf("%+v", a)
	}
	if e := n.wait(t, ServerDraining); e.fields["uid"] != int64(7) || e.fields["why"] != "an operator" || e.fields["service"] != "TCP 192.0.2.1:80" {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=0 10.0.0.2:80=1")
	if w := n.takeWrites(); len(w) != 1 {
		t.Errorf("written: %q", w)
	}
	if s := n.server(t, "10.0.0.1:80"); !s.Draining || s.Drained || !s.Healthy || !s.InKernel || s.Active != 3 {
		t.Errorf("%+v", s)
	}
	if a := n.tell(t, drainRequest("10.0.0.1:80")); a.Servers[0].Changed || !a.Servers[0].Draining {
		t.Errorf("again: %+v", a)
	}
	if p := n.planFile(t, serviceText("192.0.2.1", twoServers)); !p.Plan.Empty() {
		t.Errorf("a drain is planned: %+v", p.Plan)
	}
	n.Reload()
	n.wait(t, Reloaded)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=0 10.0.0.2:80=1")
	n.cancel() // as a crash: the kernel keeps all
	must(t, n.end(t))

	same := func(other *node) { other.runDir, other.ipvs = n.runDir, n.ipvs }
	n2 := startNode(t, serviceText("192.0.2.1", twoServers), same)
	n2.wait(t, Started)
	if s := n2.server(t, "10.0.0.1:80"); !s.Draining || *s.OrderedBy != 7 {
		t.Errorf("after a restart: %+v", s)
	}
	n2.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=0 10.0.0.2:80=1")
	active.Store(0)
	if e := n2.wait(t, ServerDrained); e.fields["in_time"] != true {
		t.Errorf("%v", e)
	}
	n2.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
	if s := n2.server(t, "10.0.0.1:80"); s.Draining || !s.Drained || s.InKernel || !s.Healthy {
		t.Errorf("%+v", s)
	}
	n2.cancel()
	must(t, n2.end(t))

	n3 := startNode(t, serviceText("192.0.2.1", twoServers), same)
	n3.wait(t, Started)
	if a := n3.tell(t, drainRequest("10.0.0.1")); a.Servers[0].Changed || !a.Servers[0].Drained {
		t.Errorf("after another restart: %+v", a)
	}
	n3.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
	a = n3.tell(t, OrderRequest{Verb: Undrain, Service: "TCP 192.0.2.1:80", Server: "10.0.0.1"})
	if s := a.Servers[0]; !s.Changed || s.Drained || s.EffectiveWeight != 1 || s.OrderedBy != nil {
		t.Errorf("%+v", a)
	}
	n3.wait(t, ServerUndrained)
	n3.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
}

// TestDrainInTime: a drain ends when its time does, whatever connections are left.
func TestDrainInTime(t *testing.T) {
	var active atomic.Uint32
	active.Store(1)
	n := startNode(t, strings.Replace(serviceText("192.0.2.1", twoServers), "{\n", "{\n  drain_timeout = \"1h\"\n", 1), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	if a := n.tell(t, drainRequest("10.0.0.1")); a.Servers[0].DrainUntil == nil || time.Until(*a.Servers[0].DrainUntil) > time.Hour {
		t.Errorf("%+v", a)
	}
	seconds := 0.5
	q := drainRequest("10.0.0.1")
	q.Timeout = &seconds
	n.tell(t, q)
	if e := n.wait(t, ServerDrained); e.fields["in_time"] != false {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
	q = drainRequest("10.0.0.2")
	seconds = 0
	q.Timeout = &seconds
	a := n.tell(t, q)
	if want := "TCP 192.0.2.1:80: has no server left that takes connections: every new one is refused"; len(a.Warnings) != 1 || a.Warnings[0] != want || !a.Servers[0].Drained {
		t.Errorf("%+v", a)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80")
	n.wait(t, ServiceEmpty)
	n.tell(t, OrderRequest{Verb: Undrain, Service: "*", Server: "10.0.0.2"})
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
}

// TestDrainOfAHost: an address in all services.
func TestDrainOfAHost(t *testing.T) {
	var active atomic.Uint32
	active.Store(1)
	n := startNode(t, serviceText("192.0.2.1", twoServers)+serviceText("192.0.2.2", twoServers), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1", "TCP 192.0.2.2:80 10.0.0.1:80=1 10.0.0.2:80=1")
	if a := n.tell(t, OrderRequest{Verb: Drain, Service: "*", Server: "10.0.0.2"}); len(a.Servers) != 2 {
		t.Errorf("%+v", a)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=0", "TCP 192.0.2.2:80 10.0.0.1:80=1 10.0.0.2:80=0")
	n.tell(t, OrderRequest{Verb: Undrain, Service: "192.0.2.2:80", Server: "10.0.0.2"})
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=0", "TCP 192.0.2.2:80 10.0.0.1:80=1 10.0.0.2:80=1")
}

// TestDrainIsForgotten: a server that a reload removes while it drains has its time to the end, and is as
// configured when it comes back.
func TestDrainIsForgotten(t *testing.T) {
	var active atomic.Uint32
	active.Store(1)
	n := startNode(t, serviceText("192.0.2.1", twoServers), busy(&active))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.tell(t, drainRequest("10.0.0.2"))
	n.tell(t, OrderRequest{Verb: SetWeight, Service: "*", Server: "10.0.0.1", Weight: 9})
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=9 10.0.0.2:80=0")
	one := serviceText("192.0.2.1", "  real_server \"10.0.0.1\" \"80\" {}\n")
	if p := n.planFile(t, one); len(p.Plan.Consequences) != 1 || p.Plan.Consequences[0].Kind != "drains" {
		t.Errorf("%+v", p.Plan)
	}
	n.write(t, one)
	n.Reload()
	if e := n.wait(t, ServerOrderForgotten); e.fields["real_server"] != "10.0.0.2:80" {
		t.Errorf("%v", e)
	}
	n.wait(t, ServerDraining)
	n.wait(t, Reloaded)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=9 10.0.0.2:80=0")
	if s := n.server(t, "10.0.0.2:80"); !s.Removed || !s.Draining {
		t.Errorf("%+v", s)
	}
	active.Store(0)
	n.wait(t, ServerDrained)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=9")
	n.write(t, serviceText("192.0.2.1", twoServers))
	n.Reload()
	n.wait(t, Reloaded)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=9 10.0.0.2:80=1")
}

// TestWeightOfAnOperator stands until it is reset.
func TestWeightOfAnOperator(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	q := OrderRequest{Verb: SetWeight, Service: "192.0.2.1:80", Server: "10.0.0.1", Weight: 5}
	if a := n.tell(t, q); *a.Servers[0].OperatorWeight != 5 || a.Servers[0].EffectiveWeight != 5 {
		t.Errorf("%+v", a)
	}
	if e := n.wait(t, ServerWeightSet); e.fields["weight"] != int64(5) || e.fields["uid"] != int64(7) {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=5 10.0.0.2:80=1")
	if s := n.server(t, "10.0.0.1:80"); s.Weight != 1 || s.EffectiveWeight != 5 || *s.OperatorWeight != 5 {
		t.Errorf("%+v", s)
	}
	q.Verb, q.Weight = ResetWeight, 0
	n.tell(t, q)
	n.wait(t, ServerWeightReset)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	if got := n.count(ServerWeight); got != 0 {
		t.Errorf("%d events say that checks did it", got)
	}
}

// TestRefusedOrders change nothing and are no event.
func TestRefusedOrders(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.takeWrites()
	minus, long, one := -1.0, float64(maxDrain+1), 1.0
	for _, c := range []struct {
		q    OrderRequest
		want error
	}{
		{OrderRequest{Service: "*", Server: "10.0.0.1"}, ErrRequest},
		{OrderRequest{Verb: "stop", Service: "*", Server: "10.0.0.1"}, ErrRequest},
		{OrderRequest{Verb: Drain, Service: "*", Server: "10.0.0.1", Timeout: &minus}, ErrRequest},
		{OrderRequest{Verb: Drain, Service: "*", Server: "10.0.0.1", Timeout: &long}, ErrRequest},
		{OrderRequest{Verb: Undrain, Service: "*", Server: "10.0.0.1", Timeout: &one}, ErrRequest},
		{OrderRequest{Verb: SetWeight, Service: "*", Server: "10.0.0.1", Weight: -1}, ErrRequest},
		{OrderRequest{Verb: SetWeight, Service: "*", Server: "10.0.0.1", Weight: 65536}, ErrRequest},
		{OrderRequest{Verb: Drain, Service: "*", Server: "10.0.0.1", Weight: 1}, ErrRequest},
		{OrderRequest{Verb: Drain, Service: "*", Server: "10.0.0.3"}, ErrRefused},
		{OrderRequest{Verb: Drain, Service: "192.0.2.9:80", Server: "10.0.0.1"}, ErrRefused},
	} {
		if a, err := n.Order(t.Context(), 7, c.q); !errors.Is(err, c.want) || len(a.Servers) > 0 {
			t.Errorf("%+v: %+v, %v", c.q, a, err)
		}
	}
	if w := n.takeWrites(); len(w) > 0 || n.count(ServerDraining) > 0 {
		t.Errorf("written: %q\n%s", w, n.transcript())
	}
	n.Stop()
	n.wait(t, Stopping)
	if _, err := n.Order(t.Context(), 7, drainRequest("10.0.0.1")); err != nil && !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
}

// TestOrdersThatCannotBeKept: a run directory that takes no file is a warning, and no reason not to obey;
// a file that says nothing is told of.
func TestOrdersThatCannotBeKept(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers), func(n *node) {
		must(t, os.Mkdir(filepath.Join(n.runDir, "orders.json"), 0o755))
	})
	if e := n.wait(t, HostTrouble); e.fields["part"] != "orders" || !strings.Contains(e.fields["error"].(string), "not a regular file") {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	a := n.tell(t, drainRequest("10.0.0.1"))
	if len(a.Warnings) != 1 || !strings.HasPrefix(a.Warnings[0], "a restart of lvsd will know nothing of it: ") {
		t.Errorf("%+v", a)
	}
	n.wait(t, HostTrouble)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
}
