package director

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
)

func TestWishes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*conf.VirtualServer)
		want   ipvs.Sysctls
	}{
		{"a server with a check", func(*conf.VirtualServer) {}, ipvs.Sysctls{1, 0, 1}},
		{"no check", func(s *conf.VirtualServer) { s.RealServers[0].Checks = nil }, ipvs.Sysctls{0, 0, 1}},
		{"no check, and a drain", func(s *conf.VirtualServer) { s.RealServers[0].Checks, s.DrainTimeout = nil, time.Second }, ipvs.Sysctls{1, 0, 1}},
		{"inhibited", func(s *conf.VirtualServer) { s.RealServers[0].InhibitOnFailure = true }, ipvs.Sysctls{0, 0, 1}},
		{"inhibited without a check", func(s *conf.VirtualServer) {
			s.RealServers[0].InhibitOnFailure, s.RealServers[0].Checks, s.PersistenceTimeout = true, nil, time.Minute
		}, ipvs.Sysctls{0, 0, 1}},
		{"persistent", func(s *conf.VirtualServer) { s.PersistenceTimeout = time.Minute }, ipvs.Sysctls{1, 0, 1}},
		{"persistent and inhibited", func(s *conf.VirtualServer) {
			s.RealServers[0].InhibitOnFailure, s.PersistenceTimeout = true, time.Minute
		}, ipvs.Sysctls{0, 1, 1}},
		{"persistent with an inhibited sorry server", func(s *conf.VirtualServer) {
			s.Sorry = conf.SorryServer{Address: netip.MustParseAddrPort("10.0.0.9:80"), Inhibit: true}
			s.PersistenceTimeout = time.Minute
		}, ipvs.Sysctls{1, 1, 1}},
		{"persistent, inhibited sorry server without an address", func(s *conf.VirtualServer) {
			s.Sorry.Inhibit, s.PersistenceTimeout = true, time.Minute
		}, ipvs.Sysctls{1, 0, 1}},
		{"UDP", func(s *conf.VirtualServer) { s.Protocol = conf.UDP }, ipvs.Sysctls{1, 0, 0}},
		{"a mark", func(s *conf.VirtualServer) { s.Protocol, s.FWMark = "", 1 }, ipvs.Sysctls{1, 0, 1}},
	} {
		cfg, _ := pool(1, c.change)
		if got := wishes(cfg); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := wishes(&conf.Config{}); got != (ipvs.Sysctls{}) {
		t.Errorf("without services: %v", got)
	}
}

// TestSysctlsOfIPVS: without manage_sysctls they are told with what to do, with it they are set, and a plan
// says so beforehand.
func TestSysctlsOfIPVS(t *testing.T) {
	address := listen(t, "127.0.0.1:0").Addr().String()
	text := serviceText("192.0.2.1", checked(address))
	n := startNode(t, text)
	e := n.wait(t, SysctlDiffers)
	if e.fields["name"] != "net.ipv4.vs.expire_nodest_conn" || e.fields["value"] != int64(0) || e.fields["wanted"] != int64(1) ||
		e.fields["write"] == nil || e.fields["why"] == "" {
		t.Errorf("%v", e)
	}
	managed := "global_defs {\n  manage_sysctls = true\n}\n" + text
	if p := n.planFile(t, managed).Plan; len(p.Sysctls) != 2 || p.Sysctls[0].Name != "net.ipv4.vs.expire_nodest_conn" {
		t.Errorf("%+v", p.Sysctls)
	}
	n.write(t, managed)
	n.Reload()
	n.wait(t, Reloaded)
	waitFor(t, "the parameter", func() bool { return n.ipvs.Settings().Sysctls[ipvs.ExpireNodestConn] == 1 })
	waitFor(t, "its event", func() bool {
		for _, e := range n.all(SysctlSet) {
			if e.fields["name"] == "net.ipv4.vs.expire_nodest_conn" && e.fields["value"] == "1" && e.fields["was"] == "0" {
				return true
			}
		}
		return false
	})
	if got := n.count(SysctlDiffers); got != 1 {
		t.Errorf("told %d times\n%s", got, n.transcript())
	}
}

// TestSysctlOfIPVSIsRefused, as in a container: one event for it, and the services stand.
func TestSysctlOfIPVSIsRefused(t *testing.T) {
	address := listen(t, "127.0.0.1:0").Addr().String()
	n := startNode(t, "global_defs {\n  manage_sysctls = true\n}\n"+serviceText("192.0.2.1", checked(address)), func(n *node) {
		n.ipvs.Fail(func(_ int, op ipvs.Op) error {
			if op.Kind == ipvs.SetSysctl {
				return unix.EROFS
			}
			return nil
		})
	})
	if e := n.wait(t, SysctlFailed); e.fields["name"] != "net.ipv4.vs.expire_nodest_conn" || e.fields["value"] != "1" {
		t.Errorf("%v", e)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 "+address+"=1")
}
