package conf

import (
	"fmt"
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

func drawService(t *rapid.T, k int, cfg *Config) VirtualServer {
	v := VirtualServer{
		Family:             4,
		Scheduler:          rapid.SampledFrom(schedulers()).Draw(t, "scheduler"),
		Fallback:           rapid.Bool().Draw(t, "fallback"),
		HashPort:           rapid.Bool().Draw(t, "hash port"),
		Flag3:              rapid.Bool().Draw(t, "flag-3"),
		PersistenceTimeout: time.Duration(rapid.IntRange(0, 2678400).Draw(t, "persistence")) * time.Second,
	}
	v.Forwarding, v.Tunnel = drawMethod(t)
	server := netip.AddrFrom4([4]byte{10, 1, byte(k), 0})
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		v.FWMark = uint32(k + 1)
	case 1:
		v.FWMark, v.Family, server = uint32(k+1), 6, netip.MustParseAddr("2001:db8::ff00")
	case 2:
		v.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(k + 1)}), rapid.Uint16Range(1, 65535).Draw(t, "port"))
	case 3:
		v.Address = netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", k+1)), rapid.Uint16Range(1, 65535).Draw(t, "port"))
		v.Family, server = 6, netip.MustParseAddr("2001:db8::ff00")
	}
	v.Marks = drawMarks(t, &v)
	if v.FWMark == 0 {
		v.Protocol = rapid.SampledFrom([]Protocol{TCP, UDP, SCTP}).Draw(t, "protocol")
	}
	v.OnePacket = (v.FWMark != 0 || v.Protocol == UDP) && rapid.Bool().Draw(t, "ops")
	if v.PersistenceTimeout > 0 {
		v.PersistencePrefix = rapid.IntRange(0, 31+96*int(v.Family/6)).Draw(t, "granularity")
		if v.FWMark != 0 || v.Protocol == UDP {
			v.PersistenceEngine = rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine")
		}
	}
	sum := 0
	for range rapid.IntRange(0, 3).Draw(t, "servers") {
		server = server.Next()
		r := drawServer(t, &v, server, cfg)
		v.RealServers = append(v.RealServers, r)
		sum += r.Weight
	}
	v.DrainTimeout = time.Duration(rapid.IntRange(0, 86400_000).Draw(t, "drain_timeout")) * time.Millisecond
	v.PanicThreshold = rapid.IntRange(0, 100).Draw(t, "panic_threshold")
	v.Quorum = rapid.IntRange(1, max(sum, 1)).Draw(t, "quorum")
	v.Hysteresis = rapid.IntRange(0, v.Quorum-1).Draw(t, "hysteresis")
	v.QuorumUp, v.QuorumDown, v.Omega = drawNotification(t), drawNotification(t), rapid.Bool().Draw(t, "omega")
	if rapid.Bool().Draw(t, "sorry") {
		v.Sorry = SorryServer{Address: netip.AddrPortFrom(server.Next(), v.Address.Port()), Inhibit: rapid.Bool().Draw(t, "sorry inhibit")}
		v.Sorry.Forwarding, v.Sorry.Tunnel = drawMethod(t)
	}
	return v
}

func drawServer(t *rapid.T, v *VirtualServer, address netip.Addr, cfg *Config) RealServer {
	r := RealServer{
		UpperThreshold:   rapid.IntRange(0, maxThreshold).Draw(t, "uthreshold"),
		Weight:           rapid.IntRange(0, maxWeight).Draw(t, "weight"),
		SlowStart:        time.Duration(rapid.IntRange(0, 86400_000).Draw(t, "slow_start")) * time.Millisecond,
		InhibitOnFailure: rapid.Bool().Draw(t, "inhibit"),
	}
	r.Forwarding, r.Tunnel = drawMethod(t)
	r.NotifyUp, r.NotifyDown = drawNotification(t), drawNotification(t)
	port := v.Address.Port()
	if r.Forwarding == NAT || v.FWMark != 0 {
		port = rapid.Uint16Range(1, 65535).Draw(t, "server port")
	}
	if r.Forwarding == TUN && rapid.Bool().Draw(t, "other family") {
		address = netip.MustParseAddr("fd00::").Next()
		for range len(v.RealServers) {
			address = address.Next()
		}
		if v.Family == 6 {
			address = netip.AddrFrom4([4]byte{10, 2, 0, byte(len(v.RealServers))})
		}
	}
	r.Address = netip.AddrPortFrom(address, port)
	r.LowerThreshold = rapid.IntRange(0, r.UpperThreshold).Draw(t, "lthreshold")
	for range rapid.IntRange(0, 2).Draw(t, "checks") {
		r.Checks = append(r.Checks, drawCheck(t, address, cfg))
	}
	return r
}

// drawGroup draws a group of which no member is another service's.
func drawGroup(t *rapid.T, family uint8) ServerGroup {
	g := ServerGroup{Name: rapid.SampledFrom([]string{"VSG", "1"}).Draw(t, "group name")}
	for k := range rapid.IntRange(0, 3).Draw(t, "ranges") {
		m := GroupMember{First: netip.AddrFrom4([4]byte{10, 3, byte(k), 250}), Family: family, Port: rapid.Uint16Range(1, 65535).Draw(t, "port")}
		if family == 6 {
			m.First = netip.MustParseAddr(fmt.Sprintf("2001:db8:3::%d:fffa", k))
		}
		m.Last = m.First
		for range rapid.IntRange(0, 9).Draw(t, "size") {
			m.Last = m.Last.Next()
		}
		g.Members = append(g.Members, m)
	}
	for k := range rapid.IntRange(0, 2).Draw(t, "marks") {
		g.Members = append(g.Members, GroupMember{FWMark: uint32(900 + k), Family: rapid.SampledFrom([]uint8{0, family}).Draw(t, "mark's family")})
	}
	return g
}

func drawMethod(t *rapid.T) (Forwarding, Tunnel) {
	f := rapid.SampledFrom([]Forwarding{NAT, DR, TUN}).Draw(t, "method")
	if f != TUN {
		return f, Tunnel{}
	}
	u := Tunnel{Type: rapid.SampledFrom([]TunnelType{IPIP, GUE, GRE}).Draw(t, "tunnel")}
	switch u.Type {
	case IPIP:
	case GUE:
		u.Port = rapid.Uint16Range(1, 65535).Draw(t, "tunnel port")
		u.Checksum = rapid.SampledFrom([]Checksum{"", OuterChecksum, RemoteChecksum}).Draw(t, "checksum")
	case GRE:
		u.Checksum = rapid.SampledFrom([]Checksum{"", OuterChecksum}).Draw(t, "checksum")
	}
	return f, u
}

// intoGroup makes a service one of a group.
func intoGroup(v *VirtualServer, g *ServerGroup) {
	v.Group, v.Address, v.FWMark, v.Marks = g.Name, netip.AddrPort{}, 0, nil
	onlyMarks := true
	for _, m := range g.Members {
		onlyMarks = onlyMarks && m.FWMark != 0
	}
	switch {
	case onlyMarks:
		v.Protocol = ""
	case v.Protocol == "":
		v.Protocol = TCP
	}
	v.OnePacket = v.OnePacket && (v.Protocol == UDP || onlyMarks)
	if v.Protocol != UDP && !onlyMarks {
		v.PersistenceEngine = ""
	}
}

func drawLVS(t *rapid.T, c *Config) {
	l := &c.LVS
	timeout := func(name string) time.Duration {
		return time.Duration(max(0, rapid.IntRange(-1000, 2678400).Draw(t, name))) * time.Second
	}
	l.ManageSysctls = rapid.Bool().Draw(t, "manage_sysctls")
	l.Flush, l.InitNotifies = rapid.Bool().Draw(t, "flush"), rapid.Bool().Draw(t, "rs_init_notifies")
	l.Timeouts = LVSTimeouts{timeout("tcp"), timeout("tcpfin"), timeout("udp")}
	for _, v := range c.Services {
		for _, r := range v.RealServers {
			if familyOf(r.Address.Addr()) != v.Family {
				return // which excludes the synchronization
			}
		}
	}
	if !rapid.Bool().Draw(t, "sync") {
		return
	}
	l.Sync = SyncDaemon{Interface: "eth1", ID: rapid.Uint8().Draw(t, "id"), MaxLen: rapid.IntRange(0, maxSyncLen).Draw(t, "maxlen"),
		Port: rapid.Uint16Range(1, 65535).Draw(t, "sync port"), TTL: rapid.Uint8Range(1, 255).Draw(t, "ttl"),
		Group: netip.MustParseAddr(rapid.SampledFrom([]string{"224.0.0.81", "ff02::81"}).Draw(t, "sync group"))}
	if len(c.Instances) > 0 && rapid.Bool().Draw(t, "follows") {
		l.Sync.Instance = c.Instances[0].Name
	}
}

func drawNotification(t *rapid.T) Program {
	var p Program
	if !rapid.Bool().Draw(t, "notification") {
		return p
	}
	p.Words = append([]string{"/bin/x"}, rapid.SliceOfN(rapid.StringMatching(`[a-z '"{}$%\\]{0,4}`), 0, 2).Draw(t, "arguments")...)
	if rapid.Bool().Draw(t, "user") {
		p.User = rapid.SampledFrom([]string{"nobody", "65534"}).Draw(t, "name")
		p.Group = rapid.SampledFrom([]string{"", "nogroup", "0"}).Draw(t, "group's name")
	}
	return p
}
