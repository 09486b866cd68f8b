package director

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"lvsd/internal/elector"
	"lvsd/internal/ipvs"
)

// TestIPVSMissing: everything but services works, and these come when IPVS does.
func TestIPVSMissing(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers), func(n *node) { n.ipvs.Unload() })
	n.takeOver(t)
	s := n.status(t)
	if !strings.Contains(s.IPVSError, "ip_vs") || !s.Instances[0].Addresses[0].Present || s.Services[0].InKernel {
		t.Errorf("status without IPVS: %+v", s)
	}
	n.ipvs.Load()
	n.wait(t, IPVSPresent)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	if s := n.status(t); s.IPVSError != "" || !s.Services[0].InKernel {
		t.Errorf("status with IPVS: %+v", s)
	}
	if n.count(IPVSMissing) != 1 || n.count(IPVSPresent) != 1 || n.count(HostTrouble) != 0 {
		t.Errorf("an event too many:\n%s", n.transcript())
	}
}

// TestServicesRefused: what the kernel refuses is told once, with what is missing.
func TestServicesRefused(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", "  weight = 1\n")+
		"virtual_server \"192.0.2.2\" \"80\" {\n  lb_algo = \"twos\"\n}\n")
	e := n.wait(t, ServicesFailed)
	if text, _ := e.fields["error"].(string); !strings.Contains(text, "ip_vs_twos") {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80")
}

// TestStateThatCannotBeWritten: one event for each of the three files, however often it fails, and
// the director works.
func TestStateThatCannotBeWritten(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers),
		func(n *node) { n.runDir = filepath.Join(n.runDir, "missing") })
	n.takeOver(t)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.write(t, instance("192.0.2.1/24", "192.0.2.2/24")+serviceText("192.0.2.2", twoServers))
	n.Reload()
	n.wait(t, AddressAdded)
	n.kernelHas(t, "TCP 192.0.2.2:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.Stop()
	n.wait(t, Stopped)
	var parts []string
	for _, e := range n.all(HostTrouble) {
		parts = append(parts, fmt.Sprint(e.fields["part"]))
		if text, _ := e.fields["error"].(string); !strings.Contains(text, "state file") {
			t.Errorf("%v", e)
		}
	}
	slices.Sort(parts)
	// The record of mastership fails at the stop, and may be too late to be told.
	if len(parts) == 3 {
		parts = slices.Compact(parts)
	}
	if diff := gocmp.Diff([]string{"addresses", "services"}, parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBrokenPart: a director of which a part broke ends, in order as far as it can, and says
// which.
func TestBrokenPart(t *testing.T) {
	broken := errors.New("no netlink")
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers),
		func(n *node) { n.network.openErr = broken })
	e := n.wait(t, HostTrouble)
	if e.fields["part"] != "addresses" || e.fields["error"] != "no netlink" {
		t.Errorf("%v", e)
	}
	if e := n.wait(t, Stopped); e.fields["in_order"] != false {
		t.Errorf("%v", e)
	}
	if err := n.end(t); !errors.Is(err, broken) || err.Error() != "run addresses: no netlink" {
		t.Errorf("Run: %v", err)
	}
}

// TestBrokenElection: without an election nobody knows that the addresses may stay.
func TestBrokenElection(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
	n.takeOver(t)
	n.takeWrites()
	broken := errors.New("no timer")
	n.inbox.post(elector.Resigned{Err: broken})
	if err := n.end(t); !errors.Is(err, broken) {
		t.Errorf("Run: %v", err)
	}
	want := []string{"delete address 192.0.2.1/24 dev vip0", "delete service TCP 192.0.2.1:80"}
	if diff := gocmp.Diff(want, n.takeWrites()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLostElection: what the process of the election held is as after a crash, so that nothing else
// is touched either, and a director that is started again finds all of it.
func TestLostElection(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
	n.takeOver(t)
	n.takeWrites()
	lost := errors.New("killed")
	n.inbox.post(elector.Lost{Err: lost})
	if err := n.end(t); !errors.Is(err, lost) {
		t.Errorf("Run: %v", err)
	}
	if diff := gocmp.Diff([]string(nil), n.takeWrites()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := n.wait(t, HostTrouble); e.fields["part"] != "the election" {
		t.Errorf("%v", e)
	}
}

// A node without services does without IPVS, and says so only when it gets one.
func TestIPVSMissingWithoutServices(t *testing.T) {
	n := startNode(t, instance("192.0.2.1/24"), func(n *node) { n.ipvs.Unload() })
	n.takeOver(t)
	if s := n.status(t); s.IPVSError != "" || n.count(IPVSMissing) != 0 {
		t.Errorf("a node without services misses IPVS: %q", s.IPVSError)
	}
	n.write(t, instance("192.0.2.1/24")+serviceText("192.0.2.1", twoServers))
	n.Reload()
	n.wait(t, IPVSMissing)
	if s := n.status(t); s.IPVSError == "" {
		t.Error("a node with services does not miss IPVS")
	}
}

// TestManyServicesFail: what the kernel refuses of each of many services does not fill the log.
func TestManyServicesFail(t *testing.T) {
	var config strings.Builder
	for i := range maxOps + 15 {
		config.WriteString(serviceText(fmt.Sprintf("192.0.2.%d", i+1), twoServers))
	}
	n := startNode(t, config.String(), func(n *node) {
		n.ipvs.Fail(func(int, ipvs.Op) error { return unix.EPERM })
	})
	for range maxOps {
		n.wait(t, ServicesFailed)
	}
	n.Stop()
	n.wait(t, Stopped)
	lines := n.all(ServicesFailed)
	if len(lines) != maxOps {
		t.Errorf("%d lines", len(lines))
	}
	last := lines[maxOps-1].fields
	if last["more"] != int64(15) || last["pending"] != int64(3*(maxOps+15)) {
		t.Errorf("the last one: %v", last)
	}
}
