//go:build vm

package ipvs_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"lvsd/internal/ipvs"
)

// Timeouts and sync daemons are what ipvsadm and the kernel itself show of them, and what somebody
// else does to them is undone.
func TestSettingsInTheKernel(t *testing.T) {
	ns := newNamespace(t)
	ns.loMulticast(t)
	before := ns.ipvsadm(t, "-L", "--timeout")
	timeouts := func(want string) {
		t.Helper()
		if got := ns.ipvsadm(t, "-L", "--timeout"); !strings.Contains(got, want) {
			t.Errorf("ipvsadm -L --timeout: %q, want %q in it", got, want)
		}
	}
	daemons := func(want ...string) {
		t.Helper()
		got := regexp.MustCompile(`\s+`).ReplaceAllString(ns.ipvsadm(t, "-L", "--daemon"), " ")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("ipvsadm -L --daemon: %q, want %q in it", got, w)
			}
		}
		if n := strings.Count(got, "sync daemon"); n != len(want) {
			t.Errorf("ipvsadm -L --daemon: %q, want %d of them", got, len(want))
		}
	}
	d := ipvs.Daemon{Interface: "lo", ID: 51, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}
	s := startIn(t, ns, 500*time.Millisecond)
	configured := func(what string, c ipvs.Settings, writes int) {
		t.Helper()
		s.applier.Configure(c)
		done := 0
		s.until(what, func(r ipvs.Report) bool {
			if r.Err != nil {
				t.Errorf("%s: %v", what, r.Err)
			}
			done += len(r.Applied)
			return done >= writes
		})
	}
	s.applier.Want(1, ipvs.Table{}.Wanted())
	configured("a receiver", ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1000, UDP: 77}, Receiver: d}, 2)
	timeouts("1000 120 77")
	daemons("backup sync daemon (mcast=lo, syncid=51")
	configured("a master", ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1000, UDP: 77}, Sender: d}, 2)
	daemons("master sync daemon (mcast=lo, syncid=51")
	other := d
	other.ID, other.MaxLen, other.TTL, other.Port, other.Group = 7, 1300, 9, 9999, netip.MustParseAddr("239.1.2.3")
	configured("both, with every parameter", ipvs.Settings{Sender: other, Receiver: other}, 4)
	daemons("master sync daemon (mcast=lo, syncid=7, maxlen=1300, group=239.1.2.3, port=9999, ttl=9)",
		"backup sync daemon (mcast=lo, syncid=7, maxlen=1300, group=239.1.2.3, port=9999, ttl=9)")
	if got := ns.ipvsadm(t, "-L", "--timeout"); got != before {
		t.Errorf("the timeouts became %q, and were %q", got, before)
	}

	ns.ipvsadm(t, "--stop-daemon", "master")
	s.until("repaired", func(r ipvs.Report) bool { return r.Healed })
	daemons("master sync daemon (mcast=lo, syncid=7", "backup sync daemon")
	configured("none", ipvs.Settings{}, 2)
	daemons()
}

// Sysctls are set in the namespace of the applier alone, put back when somebody changes them, and set again
// when the module is loaded anew.
func TestSysctlsInTheKernel(t *testing.T) {
	ns, other := newNamespace(t), newNamespace(t)
	names := []string{"expire_nodest_conn", "expire_quiescent_template", "conn_reuse_mode"}
	has := func(in namespace, want string) {
		t.Helper()
		// The module may be on its way: what unloads it does so again where it was loaded meanwhile.
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			got := strings.Fields(in.run(t, "sh", "-c", "cd /proc/sys/net/ipv4/vs 2>/dev/null && cat "+strings.Join(names, " ")+" || true"))
			if strings.Join(got, " ") == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v are %s, want %s", names, got, want)
			}
		}
	}
	s := startIn(t, ns, 500*time.Millisecond)
	s.applier.Want(1, ipvs.Table{}.Wanted())
	s.until("started", func(r ipvs.Report) bool { return r.Generation == 1 })
	has(ns, "0 0 1")
	s.applier.Configure(ipvs.Settings{Sysctls: ipvs.Sysctls{1, 1, 1}})
	s.until("told", func(r ipvs.Report) bool { return len(r.Differ) == 2 })
	has(ns, "0 0 1")
	s.applier.Configure(ipvs.Settings{Sysctls: ipvs.Sysctls{1, 1, 1}, ManageSysctls: true})
	s.until("set", func(r ipvs.Report) bool { return len(r.Applied) == 2 })
	has(ns, "1 1 1")
	has(other, "0 0 1")
	ns.run(t, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/vs/conn_reuse_mode")
	s.until("put back", func(r ipvs.Report) bool { return r.Healed })
	has(ns, "1 1 1")
	unload(t)
	s.until("set again", func(r ipvs.Report) bool { return len(r.Applied) == 2 })
	has(ns, "1 1 1")
}
