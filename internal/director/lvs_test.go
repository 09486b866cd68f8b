package director

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// TestSyncFollowsTheRole: the master sends, every other node receives, and without an instance both
// is done always.
func TestSyncFollowsTheRole(t *testing.T) {
	cfg := &conf.Config{Instances: []conf.Instance{{Name: "web", Interface: "eth0", VirtualRouterID: 51}}}
	cfg.LVS.Timeouts.TCP = time.Minute
	timeouts := ipvs.Timeouts{TCP: 60}
	if got := settings(cfg, nil); got != (ipvs.Settings{Timeouts: timeouts}) {
		t.Errorf("without a daemon: %+v", got)
	}
	cfg.LVS.Sync = conf.SyncDaemon{Interface: "eth1", Instance: "web", ID: 51, Port: 8848, TTL: 1, Group: netip.MustParseAddr("224.0.0.81")}
	d := ipvs.Daemon{Interface: "eth1", ID: 51, Port: 8848, TTL: 1, Group: netip.MustParseAddr("224.0.0.81")}
	for state, want := range map[vrrp.State]ipvs.Settings{
		vrrp.Init: {Receiver: d}, vrrp.Fault: {Receiver: d}, vrrp.Backup: {Receiver: d}, vrrp.Master: {Sender: d},
	} {
		want.Timeouts = timeouts
		roles := map[vrrp.Key]role{instanceKey(&cfg.Instances[0]): {state: state}}
		if got := settings(cfg, roles); got != want {
			t.Errorf("%s: %+v", state, got)
		}
	}
	cfg.LVS.Sync.Instance = ""
	if got := settings(cfg, nil); got != (ipvs.Settings{Timeouts: timeouts, Sender: d, Receiver: d}) {
		t.Errorf("without an instance: %+v", got)
	}
}

// TestLeftovers: with lvs_flush what is at our addresses is ours, and nothing else.
func TestLeftovers(t *testing.T) {
	cfg := load(t, "testdata/services.hcl")
	at := func(addr string, port uint16) ipvs.ServiceKey {
		return ipvs.ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.MustParseAddr(addr), Port: port}
	}
	ours := leftover(cfg)
	for key, want := range map[ipvs.ServiceKey]bool{
		at("192.168.2.11", 99): true, at("192.168.2.20", 80): true, at("192.168.2.22", 1): true,
		at("192.168.2.23", 80): false, at("10.10.10.11", 80): false, {Family: 4, FWMark: 7}: false, {Family: 4, FWMark: 9}: false,
	} {
		if got := ours(key); got != want {
			t.Errorf("%s is ours: %t", key, got)
		}
	}
	cfg.LVS.Flush = false
	if leftover(cfg) != nil {
		t.Error("without lvs_flush something is taken")
	}
}

// With NAT redirects are turned off where answers come in by the interface by which they leave.
func TestRedirectsOfNATWithOneArm(t *testing.T) {
	for _, c := range []struct {
		server string
		off    bool
	}{{"192.0.2.31", true}, {"10.0.0.1", false}} {
		cfg := planSide(t, `
vrrp_instance "a" {
  interface         = "vip0"
  virtual_router_id = 1
  priority          = 100
  virtual_ipaddress = ["192.0.2.1/24", "10.0.0.9/24 dev vip1"]
}
virtual_server "192.0.2.1" "80" {
  real_server "`+c.server+`" "80" {}
}
`)
		var off []string
		for _, s := range desire(cfg, health{}).network.Sysctls {
			if strings.HasSuffix(s.Name, ".send_redirects") && s.Value == "0" {
				off = append(off, s.Name)
			}
		}
		if (len(off) > 0) != c.off {
			t.Errorf("with the server %s redirects are off for %v", c.server, off)
		}
	}
}
