// Package director makes one node of a pair of directors: it reads the configuration, runs the
// election, the checks, and the appliers that make the kernel equal to what should be.
//
// The page to read first is this one: desired says what should be. Everything else either tells
// it what happened, or makes the kernel equal to what it says.
package director

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// want is what should be, for every part that makes it so. Addresses are what each instance
// should have while it is master: which is master, the election tells the netif applier itself,
// so that a takeover does not wait for this package.
type want struct {
	instances []vrrp.Config
	groups    []vrrp.SyncGroup
	delays    map[string]vrrp.LinkDelay
	network   netif.Want
	services  ipvs.Wanted
	packets   []netif.PacketRule
	checks    map[check.Spec]struct{}
	trackers  map[vrrp.Tracker]watched
	programs  map[call]program
	// memory is what health is to have as its memory the next time.
	memory memory
}

// desired is what should be while the configuration is c's and the servers are as h says.
func desired(c *compiled, h health) want {
	w := c.fixed
	before := h.memory.in(c)
	w.memory = judge(c, &h, &before)
	w.memory.table = c.table(&before, &w.memory)
	w.services = w.memory.table
	return w
}

// groupOf is the sync group of an instance; nil is none.
func groupOf(cfg *conf.Config, instance string) *conf.SyncGroup {
	for i := range cfg.SyncGroups {
		if slices.Contains(cfg.SyncGroups[i].Members, instance) {
			return &cfg.SyncGroups[i]
		}
	}
	return nil
}

func instanceKey(i *conf.Instance) vrrp.Key {
	return vrrp.Key{Interface: i.Interface, VRID: i.VirtualRouterID, IPv6: i.Transport.IPv6}
}

func election(i *conf.Instance, g *conf.SyncGroup) vrrp.Config {
	c := vrrp.Config{
		Key:      instanceKey(i),
		Name:     i.Name,
		Version:  i.Version,
		Priority: i.Priority,
		Interval: i.AdvertInterval,
		Preempt:  i.Preempt,

		DownTimerAdverts:     i.DownTimerAdverts,
		PreemptDelay:         i.PreemptDelay,
		LowerPrioNoAdvert:    i.LowerPrioNoAdvert,
		HigherPrioSendAdvert: i.HigherPrioSendAdvert,
		OwnerIgnoreAdverts:   i.OwnerIgnoreAdverts,
		DontTrackPrimary:     i.DontTrackPrimary,
		StartMaster:          i.State == conf.Master && i.Priority == 255,
	}
	copy(c.Password[:], i.AuthPass)
	c.Transport, c.HMAC = transport(&i.Transport), authentication(&i.HMAC)
	for _, a := range i.Addresses {
		c.Addresses = append(c.Addresses, a.Prefix.Addr())
	}
	for _, a := range i.Excluded {
		c.Excluded = append(c.Excluded, a.Prefix.Addr())
	}
	c.Track = tracks(i, g)
	return c
}

func transport(t *conf.Transport) vrrp.Transport {
	v := vrrp.Transport{Source: t.SourceIP, TrackSource: t.TrackSourceIP && t.SourceIP.IsValid(), Group: t.Group, Unicast: t.Unicast()}
	if !v.Unicast {
		return checksummed(v, t)
	}
	v.TTL, v.CheckSource, v.NoOldChecksum = t.UnicastTTL, t.CheckUnicastSource, t.NoOldUnicastChecksum
	for _, p := range t.UnicastPeers {
		v.Peers = append(v.Peers, vrrp.Peer{Addr: p.Address, Ranged: p.MinTTL > 0 || p.MaxTTL < 255, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
	}
	return checksummed(v, t)
}

func authentication(h *conf.HMAC) vrrp.HMAC {
	v := vrrp.HMAC{Active: h.ActiveKey, Monotonic: h.Monotonic, Window: h.TimeWindow,
		Permissive: h.Mode == conf.Permissive || h.Mode == conf.ReceiveOnly, Silent: h.Mode == conf.ReceiveOnly}
	for _, k := range h.Keys {
		v.Keys = append(v.Keys, vrrp.HMACKey{ID: k.ID, Key: vrrp.Secret(k.Value)})
	}
	return v
}

// checksummed has the checksum that adverts are sent with.
func checksummed(v vrrp.Transport, t *conf.Transport) vrrp.Transport {
	switch {
	case t.V3ChecksumAsV2:
		v.Checksum = vrrp.ChecksumPlain
	case t.OldUnicastChecksum && v.Unicast:
		v.Checksum = vrrp.ChecksumGroup
	}
	return v
}

func addresses(i *conf.Instance) netif.Instance {
	n := netif.Instance{
		Repeat: i.GARPMasterRepeat, Delay: i.GARPMasterDelay,
		LowerPrioRepeat: i.GARPLowerPrioRepeat, LowerPrioDelay: i.GARPLowerPrioDelay,
		Refresh: i.GARPMasterRefresh, RefreshRepeat: i.GARPMasterRefreshRepeat,
	}
	n.Addresses, n.NoTrack = placed(i.Moving())
	n.Routes, n.Rules = routes(i.Routes), rules(i.Rules)
	return n
}

// placed are addresses, and those of them that stay away when somebody removes them.
func placed(list []conf.VirtualAddress) (all, noTrack []netif.Address) {
	for _, a := range list {
		at := address(&a)
		all = append(all, at)
		if a.NoTrack {
			noTrack = append(noTrack, at)
		}
	}
	return all, noTrack
}

func address(a *conf.VirtualAddress) netif.Address {
	at := netif.Address{Prefix: a.Prefix, Dev: a.Dev, Label: a.Label, Scope: a.Scope, Peer: a.Peer, Broadcast: a.Broadcast}
	for flag, set := range map[netif.Flags]bool{netif.DAD: a.DAD, netif.Home: a.Home, netif.ManageTempAddr: a.ManageTempAddr,
		netif.NoPrefixRoute: a.NoPrefixRoute, netif.AutoJoin: a.AutoJoin} {
		if set {
			at.Flags |= flag
		}
	}
	switch {
	case a.Prefix.Addr().Is4() || a.PreferredLft == conf.Forever:
	case a.PreferredLft == 0:
		at.Preferred = netif.Deprecated
	default:
		at.Preferred = netif.Lifetime(a.PreferredLft / time.Second)
	}
	return at
}

// sysctls are the director's own kernel parameters without which its services do not work.
func sysctls(cfg *conf.Config, checks map[check.Spec]struct{}, gid int) []netif.Sysctl {
	var forward4, forward6, redirects bool
	for _, s := range services(cfg) {
		forward4 = forward4 || s.key.Family == 4
		forward6 = forward6 || s.key.Family == 6
		// A packet that DR or TUN forwards leaves the way it came, as do the answers of NAT with one
		// arm: the kernel would tell its sender to go there directly, past the service.
		redirects = redirects || !onlyNAT(s.VirtualServer)
	}
	redirects = redirects || oneArm(cfg)
	var list []netif.Sysctl
	if forward4 {
		list = append(list, netif.Sysctl{Name: "net.ipv4.ip_forward", Value: "1"})
	}
	if forward6 {
		list = append(list, netif.Sysctl{Name: "net.ipv6.conf.all.forwarding", Value: "1"})
	}
	if redirects {
		for _, name := range append([]string{"all"}, interfaces(cfg)...) {
			list = append(list, netif.Sysctl{Value: "0",
				// sysctl(8) writes a dot in an interface's name as a slash
				Name: "net.ipv4.conf." + strings.ReplaceAll(name, ".", "/") + ".send_redirects"})
		}
	}
	if answeredThrough(cfg) {
		list = append(list, netif.Sysctl{Name: "net.ipv4.conf.all.accept_local", Value: "1"})
	}
	for _, name := range subnets(cfg) {
		// Without it the kernel removes every address of a subnet with the first one of it that
		// goes (ip-sysctl), and with the VIP what others put beside it.
		list = append(list, netif.Sysctl{Value: "1",
			Name: "net.ipv4.conf." + strings.ReplaceAll(name, ".", "/") + ".promote_secondaries"})
	}
	for spec := range checks {
		if spec.Kind == check.ICMP {
			list = append(list, netif.Sysctl{Name: "net.ipv4.ping_group_range",
				Value: fmt.Sprintf("%d %d", gid, gid)})
			break
		}
	}
	return list
}

// subnets are the names of the interfaces with an IPv4 address of lvsd's that has a subnet, sorted.
func subnets(cfg *conf.Config) []string {
	var names []string
	look := func(addresses []conf.VirtualAddress) {
		for _, a := range addresses {
			if a.Prefix.Addr().Is4() && !a.Prefix.IsSingleIP() {
				names = append(names, a.Dev)
			}
		}
	}
	look(cfg.StaticAddresses)
	for i := range cfg.Instances {
		look(cfg.Instances[i].Moving())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// interfaces are the names of the interfaces that the configuration knows, sorted.
func interfaces(cfg *conf.Config) []string {
	var names []string
	for i := range cfg.Instances {
		names = append(names, cfg.Instances[i].Interface)
		for _, a := range cfg.Instances[i].Moving() {
			names = append(names, a.Dev)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
