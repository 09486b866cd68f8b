package director

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lvsd/internal/elector"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
)

// instance is an instance on an interface that no host has, so that the election keeps it in
// FAULT and opens no socket: takeOver speaks for the election.
func instance(addresses ...string) string {
	return fmt.Sprintf(`vrrp_instance "web" {
  interface         = "vip0"
  virtual_router_id = 51
  virtual_ipaddress = ["%s"]
}
`, strings.Join(addresses, `", "`))
}

func serviceText(address, body string) string {
	return fmt.Sprintf("virtual_server %q \"80\" {\n  lb_algo = \"rr\"\n%s}\n", address, body)
}

const twoServers = `
  real_server "10.0.0.1" "80" {}
  real_server "10.0.0.2" "80" {}
`

// takeOver makes the instance master, as the election would.
func (n *node) takeOver(t *testing.T) {
	t.Helper()
	if e := n.wait(t, RoleChanged); e.fields["to"] != "FAULT" {
		t.Fatalf("%v: the interface is not there", e)
	}
	n.elector.(*elector.Elector).Addresses().Role("vip0/51", netif.Role{Master: true, Until: time.Now().Add(time.Hour)})
	n.wait(t, AddressAdded)
}

// TestStartAndStop: services before addresses, and addresses off before services.
func TestStartAndStop(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
	if e := n.wait(t, Started); e.fields["node"] != "lb1" || e.fields["version"] != "test" {
		t.Errorf("%v", e)
	}
	n.takeOver(t)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	want := []string{
		"add service TCP 192.0.2.1:80 (scheduler rr)",
		"add destination 10.0.0.1:80 to TCP 192.0.2.1:80 (NAT weight 1)",
		"add destination 10.0.0.2:80 to TCP 192.0.2.1:80 (NAT weight 1)",
		"add address 192.0.2.1/24 dev vip0",
	}
	if diff := gocmp.Diff(want, n.takeWrites()); diff != "" {
		t.Errorf("start (-want +got):\n%s", diff)
	}
	waitFor(t, "ip_forward", func() bool {
		value, err := n.network.Sysctl("net.ipv4.ip_forward")
		return err == nil && value == "1"
	})

	n.Stop()
	n.Stop() // changes nothing
	n.Reload()
	n.wait(t, Stopping)
	if e := n.wait(t, Stopped); e.fields["in_order"] != true {
		t.Errorf("%v", e)
	}
	if err := n.end(t); err != nil {
		t.Errorf("Run: %v", err)
	}
	want = []string{"delete address 192.0.2.1/24 dev vip0", "delete service TCP 192.0.2.1:80"}
	if diff := gocmp.Diff(want, n.takeWrites()); diff != "" {
		t.Errorf("stop (-want +got):\n%s", diff)
	}
	if n.count(Stopping) != 1 || n.count(Reloaded) != 0 {
		t.Errorf("a second Stop or a Reload had an effect:\n%s", n.transcript())
	}
}

// TestReload: what comes is served before it has an address, what goes has no address before it
// is served no more, and what stays is not touched.
func TestReload(t *testing.T) {
	one := instance("192.0.2.1/24") + serviceText("192.0.2.1", twoServers)
	two := instance("192.0.2.1/24", "192.0.2.2/24") + serviceText("192.0.2.1", twoServers) +
		serviceText("192.0.2.2", twoServers)
	n := startNode(t, one)
	n.takeOver(t)
	n.takeWrites()

	reload := func(config string, ready Event) []string {
		t.Helper()
		n.write(t, config)
		n.Reload()
		if ready != Reloaded {
			n.wait(t, ready)
		}
		return n.takeWrites()
	}
	want := []string{
		"add service TCP 192.0.2.2:80 (scheduler rr)",
		"add destination 10.0.0.1:80 to TCP 192.0.2.2:80 (NAT weight 1)",
		"add destination 10.0.0.2:80 to TCP 192.0.2.2:80 (NAT weight 1)",
		"add address 192.0.2.2/24 dev vip0",
	}
	if diff := gocmp.Diff(want, reload(two, AddressAdded)); diff != "" {
		t.Errorf("one more (-want +got):\n%s", diff)
	}
	want = []string{"delete address 192.0.2.2/24 dev vip0", "delete service TCP 192.0.2.2:80"}
	if diff := gocmp.Diff(want, reload(one, ServicesSet)); diff != "" {
		t.Errorf("one less (-want +got):\n%s", diff)
	}
	// A file with an error, and an unchanged one, cause no write at all: what follows them in
	// both mailboxes, the stop, comes first.
	reload(one+"\nbogus = 1\n", ReloadRefused)
	n.write(t, one)
	n.Reload()
	n.wait(t, Reloaded)
	n.Stop()
	n.wait(t, Stopped)
	want = []string{"delete address 192.0.2.1/24 dev vip0", "delete service TCP 192.0.2.1:80"}
	if diff := gocmp.Diff(want, n.takeWrites()); diff != "" {
		t.Errorf("unchanged (-want +got):\n%s", diff)
	}
	if got := n.count(RoleChanged); got != 2 { // to FAULT at start, to INIT at the end
		t.Errorf("%d changes of role:\n%s", got, n.transcript())
	}
}

// TestReloadRefused: a file with errors changes nothing and is one event, which says where.
func TestReloadRefused(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	before := n.status(t)
	for _, c := range []struct {
		name    string
		spoil   func()
		problem string
	}{
		{"an unknown word", func() { n.write(t, "virtual_server \"192.0.2.9\" \"80\" {\n  lb_algi = \"rr\"\n}\n") },
			n.file + ":2:3: "},
		{"two errors, the first one counts", func() { n.write(t, "\n\nx = 1\ny = 2\n") }, n.file + ":3:1: "},
		{"no file", func() { must(t, os.Remove(n.file)) }, n.file + ":1:1: "},
		{"a directory", func() { must(t, os.Mkdir(n.file, 0o755)) }, n.file + ":1:1: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			count := n.count(ReloadRefused)
			c.spoil()
			n.Reload()
			e := n.wait(t, ReloadRefused)
			if text, _ := e.fields["error"].(string); !strings.HasPrefix(text, c.problem) {
				t.Errorf("error %q does not begin with %q", text, c.problem)
			}
			if e.fields["file"] != n.file {
				t.Errorf("%v", e)
			}
			after := n.status(t)
			if diff := gocmp.Diff(before, after, cmpopts.IgnoreUnexported(ServiceStatus{}),
				cmpopts.EquateComparable(netip.AddrPort{}, netip.Prefix{})); diff != "" {
				t.Errorf("the status changed:\n%s", diff)
			}
			if got := n.count(ReloadRefused) - count; got != 1 {
				t.Errorf("%d events", got)
			}
		})
	}
	must(t, os.Remove(n.file))
	n.write(t, serviceText("192.0.2.1", "  real_server \"10.0.0.3\" \"80\" {}\n"))
	n.Reload()
	n.wait(t, Reloaded)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.3:80=1")
}

// TestReloadComparesWithTheKernel: what somebody took out of the kernel is back with a reload, of an
// unchanged file too.
func TestReloadComparesWithTheKernel(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.ipvs.Edit(func(table ipvs.Table) { clear(table) })
	n.Reload()
	n.wait(t, ServicesHealed)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
}

// TestForeignServices are shown, left alone at a reload, and at the end.
func TestForeignServices(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers), func(n *node) {
		key := ipvs.ServiceKey{Family: 4, FWMark: 9}
		n.ipvs.Edit(func(table ipvs.Table) { table[key] = ipvs.Entry{Service: ipvs.Service{Scheduler: "sh"}} })
	})
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1", "FWM 9")
	if s := n.status(t); !slices.Equal(s.Foreign, []string{"FWM 9"}) {
		t.Errorf("foreign services: %q", s.Foreign)
	}
	n.Stop()
	n.wait(t, Stopped)
	n.kernelHas(t, "FWM 9")
}

// TestContextEnds: the kernel stays as it is, and nothing is said to be broken.
func TestContextEnds(t *testing.T) {
	for range 20 {
		n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
		n.takeOver(t)
		n.takeWrites()
		n.cancel()
		if err := n.end(t); err != nil {
			t.Fatalf("Run: %v", err)
		}
		if got := n.takeWrites(); len(got) != 0 {
			t.Fatalf("written: %q", got)
		}
		if n.count(HostTrouble) != 0 {
			t.Fatal(n.transcript())
		}
		n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	}
}

// TestStatus shows every part of a status.
func TestStatus(t *testing.T) {
	n := startNode(t, `global_defs {
  router_id = "left"
}
vrrp_sync_group "both" {
  group = ["web", "other"]
}
vrrp_instance "other" {
  interface         = "vip1"
  virtual_router_id = 52
  virtual_ipaddress = ["198.51.100.1/24"]
}
virtual_server "fwmark" "7" {
  lb_kind             = "DR"
  persistence_timeout = "5m"
  real_server "10.0.0.7" "0" { weight = 3 }
}
`+instance("192.0.2.1/24"))
	n.takeOver(t)
	n.kernelHas(t, "FWM 7 10.0.0.7:0=3")
	s := n.status(t)
	if s.Node != "left" || s.Version != "test" || s.File != n.file || s.IPVSError != "" || s.Started.IsZero() {
		t.Errorf("%+v", s)
	}
	web := s.Instances[1]
	if web.Name != "web" || web.State != "FAULT" || web.SyncGroup != "both" || web.Priority != 100 ||
		web.EffectivePriority != 100 || web.Version != 3 || web.VirtualRouterID != 51 || web.Since.IsZero() ||
		!strings.Contains(web.Reason, "vip1") && !strings.Contains(web.Reason, "vip0") || len(web.Addresses) != 1 || !web.Addresses[0].Present {
		t.Errorf("%+v", web)
	}
	if other := s.Instances[0]; other.Addresses[0].Present {
		t.Errorf("%+v", other)
	}
	v := s.Services[0]
	if v.Address != "fwmark 7" || v.Protocol != "" || v.Forwarding != "DR" || v.PersistenceTimeout != 300 || v.Quorum != 1 ||
		!v.InKernel || len(v.RealServers) != 1 || !v.RealServers[0].InKernel || v.RealServers[0].EffectiveWeight != 3 {
		t.Errorf("%+v", v)
	}
}

// TestStatusEndsWithItsContext: also when nobody runs the director.
func TestStatusEndsWithItsContext(t *testing.T) {
	d, _ := silentDirector(twoServices())
	d.inbox = newInbox()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := d.Status(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// checked is a real server with a fast TCP check.
func checked(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf(`
  real_server %q %q {
    TCP_CHECK {
      delay_loop         = "50ms"
      connect_timeout    = "2s"
      retry              = 0
      delay_before_retry = 0
    }
  }
`, host, port)
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func waitFor(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// heldBack is a kernel that deletes a service when it is told to.
type heldBack struct {
	ipvs.Kernel
	asked, told chan struct{}
}

func (k heldBack) Apply(ops []ipvs.Op) []error {
	if ops[0].Kind == ipvs.DeleteService {
		close(k.asked)
		<-k.told
	}
	return k.Kernel.Apply(ops)
}

// Status has an answer to the very end, also while the services are being taken away.
func TestStatusAtTheEnd(t *testing.T) {
	asked, told := make(chan struct{}), make(chan struct{})
	n := startNode(t, `virtual_server "192.0.2.1" "80" {
  real_server "10.0.0.1" "80" {
  }
}`, func(n *node) {
		n.through = func(k ipvs.Kernel) ipvs.Kernel { return heldBack{k, asked, told} }
	})
	n.wait(t, ServicesSet)
	n.Stop()
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Fatalf("the service is not deleted\n%s", n.transcript())
	}
	reply := make(chan Status, 1)
	n.inbox.post(statusRequest{reply})
	select {
	case s := <-reply:
		if len(s.Services) != 1 || len(s.Services[0].RealServers) != 1 || s.Services[0].RealServers[0].EffectiveWeight != 0 {
			t.Errorf("%+v", s.Services)
		}
	case <-time.After(10 * time.Second):
		t.Error("no answer")
	}
	close(told)
	n.wait(t, Stopped)
}
