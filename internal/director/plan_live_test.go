package director

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
	"lvsd/internal/vrrp"
)

// planFile asks the node what a reload with a configuration would change.
func (n *node) planFile(t *testing.T, config string) PlanAnswer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "new.hcl")
	must(t, os.WriteFile(file, []byte(config), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err := n.PlanFile(ctx, PlanRequest{Path: file})
	if err != nil {
		t.Fatalf("plan: %v\n%s", err, n.transcript())
	}
	return a
}

// plannedWrites are the destinations that a plan says are written, as opText writes them.
func plannedWrites(p *Plan) []string {
	var list []string
	for _, e := range p.RealServers {
		key := e.key.(serverKey)
		kind, writes := destinationOp(e)
		for _, c := range e.Changes {
			if c.Attribute == "health" && c.To == "down" {
				kind, writes = ipvs.DeleteDestination, true
			} else if c.Attribute == "health" {
				kind, writes = ipvs.AddDestination, true
			}
		}
		if writes && e.Note == "" {
			list = append(list, opText(ipvs.Op{Kind: kind, Key: key.service, Address: key.address}))
		}
	}
	slices.Sort(list)
	return list
}

// TestPlanThenReload: a director that runs says beforehand what its reload then does, of servers
// that are up and down, and changes nothing by saying so.
func TestPlanThenReload(t *testing.T) {
	up, gone := listen(t, "127.0.0.1:0").Addr().String(), listen(t, "127.0.0.2:0")
	lost := gone.Addr().String()
	slow := func(address string) string { return strings.Replace(checked(address), "50ms", "60ms", 1) }
	weight := func(text string) string {
		return strings.Replace(text, "    TCP_CHECK", "    weight = 7\n    TCP_CHECK", 1)
	}

	n := startNode(t, serviceText("192.0.2.1", checked(up)+checked(lost)+twoServers)+serviceText("192.0.2.2", twoServers))
	must(t, gone.Close())
	n.wait(t, ServerLost)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1 "+up+"=1", "TCP 192.0.2.2:80 10.0.0.1:80=1 10.0.0.2:80=1")
	for _, c := range []struct{ name, config string }{
		{"nothing", serviceText("192.0.2.1", checked(up)+checked(lost)+twoServers) + serviceText("192.0.2.2", twoServers)},
		{"other times", serviceText("192.0.2.1", slow(up)+slow(lost)+twoServers) + serviceText("192.0.2.2", twoServers)},
		{"another weight", serviceText("192.0.2.1", weight(slow(up))+weight(slow(lost))+twoServers) + serviceText("192.0.2.2", twoServers)},
		{"a check that fails already", serviceText("192.0.2.1", weight(slow(up))+weight(slow(lost))+twoServers) +
			serviceText("192.0.2.2", twoServers+slow(lost))},
		{"one server less, one more", serviceText("192.0.2.1", slow(up)+slow(lost)+"  real_server \"10.0.0.3\" \"80\" {}\n") +
			serviceText("192.0.2.2", twoServers)},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := n.ipvs.Table()
			n.takeWrites()
			a := n.planFile(t, c.config)
			if !a.Valid || a.Plan == nil || len(n.takeWrites()) > 0 || !equal(before.Wanted(), n.ipvs.Table().Wanted()) {
				t.Fatalf("%+v", a)
			}
			n.write(t, c.config)
			n.Reload()
			n.wait(t, Reloaded)
			waitFor(t, "the reload", func() bool { return n.planFile(t, c.config).Plan.Empty() })
			n.kernelSettles(t)
			var done []string
			for _, op := range ipvs.Plan(n.ipvs.Table().Wanted(), before, nil) {
				done = append(done, opText(op))
			}
			slices.Sort(done)
			if diff := gocmp.Diff(done, plannedWrites(a.Plan)); diff != "" {
				t.Errorf("(-done +planned):\n%s\n%+v", diff, a.Plan)
			}
			if (c.name == "nothing") != a.Plan.Empty() {
				t.Errorf("%+v", a.Plan)
			}
		})
	}
}

// kernelSettles waits until the kernel has what the director wants.
func (n *node) kernelSettles(t *testing.T) {
	t.Helper()
	waitFor(t, "the kernel", func() bool {
		reply := make(chan running, 1)
		n.inbox.post(planRequest{reply})
		now := <-reply
		return equal(desire(now.cfg, now.facts.health).services, n.ipvs.Table().Wanted())
	})
}

// TestPlanKnowsTheNode: roles and connections are those of the node.
func TestPlanKnowsTheNode(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
	n.takeOver(t)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.inbox.post(vrrp.Transition{Key: vrrp.Key{Interface: "vip0", VRID: 51}, Name: "web", From: vrrp.Fault, To: vrrp.Master})
	n.wait(t, RoleChanged)
	a := n.planFile(t, serviceText("192.0.2.1", twoServers))
	var kinds []string
	for _, c := range a.Plan.Consequences {
		kinds = append(kinds, string(c.Severity)+" "+c.Kind)
	}
	// No connection is on any server, so that none is lost.
	if diff := gocmp.Diff([]string{"disruption leaves_master", "warning service_without_address"}, kinds); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// loaded is a kernel in which every destination has connections.
type loaded struct{ ipvs.Kernel }

func (k loaded) Stats() ([]ipvs.ServiceStats, error) {
	services, err := k.Kernel.Stats()
	for i := range services {
		for j := range services[i].Destinations {
			services[i].Destinations[j].Active = 3
		}
	}
	return services, err
}

// TestPlanCountsConnections: those of a server that is removed, as the kernel has them.
func TestPlanCountsConnections(t *testing.T) {
	kernel := ipvstest.NewKernel()
	open := func() (ipvs.Kernel, error) {
		k, err := kernel.Open()
		return loaded{k}, err
	}
	d, err := newDirector(Options{Path: "none", RunDir: t.TempDir(), Log: zap.NewNop()},
		planSide(t, serviceText("192.0.2.1", twoServers)),
		host{ipvs: open, network: newNetworkKernel(func(string) {}, "vip0"), packets: &packetKernel{wrote: func(string) {}}})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		cancel()
		must(t, <-ended)
	}()
	waitFor(t, "the services", func() bool { return len(kernel.Table()) == 1 && len(kernel.Writes()) == 3 })
	p, err := d.Plan(ctx, planSide(t, serviceText("192.0.2.1", "  real_server \"10.0.0.2\" \"80\" {}\n")))
	must(t, err)
	want := []Consequence{{Severity: Disruption, Kind: "connections_lost", Connections: 3,
		Subject: "real_server 10.0.0.1:80 of virtual_server TCP 192.0.2.1:80",
		Text:    "3 active connections are lost; set its weight to 0 first, and remove it when none is left"}}
	if diff := gocmp.Diff(want, p.Consequences); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlanOfAFileWithErrors: the answer says what is wrong as check does, and does not wait for the
// director.
func TestPlanOfAFileWithErrors(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	busy := make(chan Status) // the director waits until it is read
	n.inbox.post(statusRequest{busy})
	a := n.planFile(t, "virtual_server \"192.0.2.1\" \"80\" {\n  lb_algi = \"rr\"\n}\n")
	<-busy
	told := slices.ContainsFunc(a.Diagnostics, func(p Problem) bool { return p.Line == 2 && p.Column == 3 && p.Severity == "error" })
	if a.Valid || a.Plan != nil || !told ||
		!strings.Contains(a.Text, "new.hcl:2:3: error: Unsupported argument") || !strings.Contains(a.Text, "^^^^^^^") {
		t.Errorf("%+v", a)
	}
}

func TestPlanRequests(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	for _, q := range []PlanRequest{{}, {Path: "lvsd.hcl"}, {Path: n.file, Format: "yaml"}} {
		if _, err := n.PlanFile(t.Context(), q); !errors.Is(err, ErrRequest) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	a, err := n.PlanFile(t.Context(), PlanRequest{Path: n.file, Format: "keepalived"})
	if err != nil || a.Valid {
		t.Errorf("HCL read as keepalived.conf: %+v, %v", a, err)
	}
	a, err = n.PlanFile(t.Context(), PlanRequest{Path: n.file, Hostname: "lb2"})
	if err != nil || len(a.Plan.Global) != 1 || a.Plan.Global[0].Changes[0] != (Change{"router_id", "lb1", "lb2"}) {
		t.Errorf("for another node: %+v, %v", a, err)
	}
}

// TestPlanEndsWithItsContext: also when nobody runs the director; one that stops has no plan.
func TestPlanEndsWithItsContext(t *testing.T) {
	d, _ := silentDirector(twoServices())
	d.inbox = newInbox()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := d.Plan(ctx, twoServices()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	n := startNode(t, instance("192.0.2.1/24"))
	n.wait(t, Started)
	busy := make(chan Status)
	n.inbox.post(statusRequest{busy})
	queued := func(what func(any) bool) bool {
		n.inbox.mu.Lock()
		defer n.inbox.mu.Unlock()
		return slices.ContainsFunc(n.inbox.list, what)
	}
	waitFor(t, "the director to be busy", func() bool {
		return !queued(func(h any) bool { _, is := h.(statusRequest); return is })
	})
	n.Stop()
	failed := make(chan error, 1)
	go func() {
		_, err := n.Plan(t.Context(), twoServices())
		failed <- err
	}()
	waitFor(t, "the request", func() bool {
		return queued(func(h any) bool { _, is := h.(planRequest); return is })
	})
	<-busy
	if err := <-failed; !errors.Is(err, errStopping) {
		t.Errorf("%v", err)
	}
}
