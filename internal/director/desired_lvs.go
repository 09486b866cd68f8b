package director

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// settings are what IPVS should have beside its table, in these roles.
func settings(cfg *conf.Config, roles map[vrrp.Key]role) ipvs.Settings {
	seconds := func(d time.Duration) uint32 { return uint32(d / time.Second) }
	t := cfg.LVS.Timeouts
	s := ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: seconds(t.TCP), TCPFin: seconds(t.TCPFin), UDP: seconds(t.UDP)},
		Sysctls: wishes(cfg), ManageSysctls: cfg.LVS.ManageSysctls, FTP: ftp(cfg)}
	c := &cfg.LVS.Sync
	if c.Interface == "" {
		return s
	}
	daemon := ipvs.Daemon{Interface: c.Interface, ID: c.ID, MaxLen: uint16(c.MaxLen), Group: c.Group, Port: c.Port, TTL: c.TTL}
	if c.Instance == "" {
		s.Sender, s.Receiver = daemon, daemon
		return s
	}
	for i := range cfg.Instances {
		if cfg.Instances[i].Name != c.Instance {
			continue
		}
		if roles[instanceKey(&cfg.Instances[i])].state == vrrp.Master {
			s.Sender = daemon
			return s
		}
	}
	s.Receiver = daemon
	return s
}

// ftp tells whether a service needs the kernel's helper for FTP: one of TCP at port 21 with NAT. It works at no other, by a mark
// or for every port, where the kernel does not follow the connections that it is to change (__ip_vs_update_dest of
// net/netfilter/ipvs/ip_vs_ctl.c).
func ftp(cfg *conf.Config) bool {
	for _, s := range services(cfg) {
		if s.key.Protocol == unix.IPPROTO_TCP && s.key.Port == 21 && someNAT(s.VirtualServer) {
			return true
		}
	}
	return false
}

// leftover tells which services count as ours though the state file does not know them: with
// lvs_flush those at addresses that the configuration has. It is nil for none.
func leftover(cfg *conf.Config) func(ipvs.ServiceKey) bool {
	if !cfg.LVS.Flush {
		return nil
	}
	ours := map[netip.Addr]bool{}
	for i := range cfg.Instances {
		for _, a := range cfg.Instances[i].Addresses {
			ours[a.Prefix.Addr()] = true
		}
	}
	for _, s := range services(cfg) {
		ours[s.key.Addr] = true
	}
	delete(ours, netip.Addr{}) // of firewall marks
	return func(key ipvs.ServiceKey) bool { return ours[key.Addr] }
}
