package director

import (
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"lvsd/internal/conf"
	"lvsd/internal/vrrp"
)

// somePair draws two configurations: of which parts are the same, or that differ in one place.
func somePair(t *rapid.T) (from, to *conf.Config) {
	from, to = someNode(t), someNode(t)
	oneChanged := rapid.Bool().Draw(t, "one change")
	if oneChanged || rapid.Bool().Draw(t, "same programs and trackers") {
		to.Lifetime, to.ScriptSecurity = from.Lifetime, from.ScriptSecurity
		to.Scripts, to.Files, to.Processes, to.Pings = from.Scripts, from.Files, from.Processes, from.Pings
	}
	if oneChanged {
		to.Instances, to.SyncGroups, to.Services = slices.Clone(from.Instances), from.SyncGroups, deepServices(from.Services)
		to.StaticRoutes, to.StaticRules = from.StaticRoutes, from.StaticRules
		oneChange(t, to)
		return from, to
	}
	if rapid.Bool().Draw(t, "same instances") {
		to.Instances, to.SyncGroups = slices.Clone(from.Instances), from.SyncGroups
		slices.Reverse(to.Instances)
	}
	if rapid.Bool().Draw(t, "same services") {
		to.Services = deepServices(from.Services)
		slices.Reverse(to.Services)
	}
	return from, to
}

// oneChange changes one word of a configuration, maybe to what it was.
func oneChange(t *rapid.T, cfg *conf.Config) {
	if n := len(cfg.Instances); n > 0 && rapid.Bool().Draw(t, "of an instance") {
		i := &cfg.Instances[rapid.IntRange(0, n-1).Draw(t, "which")]
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 6:
			i.PreemptDelay, i.DownTimerAdverts = 5*time.Second, 4
		case 7:
			i.LowerPrioNoAdvert, i.OwnerIgnoreAdverts, i.NoAccept = !i.LowerPrioNoAdvert, !i.OwnerIgnoreAdverts, !i.NoAccept
		case 8:
			i.HigherPrioSendAdvert, i.DontTrackPrimary = true, true
		case 9:
			i.GARPLowerPrioRepeat, i.GARPLowerPrioDelay = 2, time.Second
		case 10:
			i.GARPMasterRefresh, i.GARPMasterRefreshRepeat = time.Minute, 2
		case 11:
			cfg.Spacing, cfg.LinkDelays = conf.Spacing{ARP: time.Second}, []conf.LinkDelay{{Interface: "eth0", Up: time.Second}}
			cfg.GARPGroups = []conf.GARPGroup{{Interfaces: []string{"eth1"}, Spacing: conf.Spacing{NA: time.Second}}}
		case 5:
			i.AuthPass, i.HMAC = "another", someHMAC(t)
		case 0:
			i.Name = "e"
			cfg.SyncGroups = nil
		case 1:
			i.Priority ^= 1
		case 2:
			i.Addresses = slices.Clone(i.Addresses)
			slices.Reverse(i.Addresses)
		case 3:
			i.Addresses = nil
		case 4:
			i.State, i.Priority = conf.Master, 255
		}
		return
	}
	n := len(cfg.Services)
	if n == 0 {
		cfg.StaticRules = cfg.StaticRules[:len(cfg.StaticRules)/2]
		return
	}
	s := &cfg.Services[rapid.IntRange(0, n-1).Draw(t, "service")]
	if n = len(s.RealServers); n == 0 {
		s.Scheduler = "lc"
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "of the quorum") == 0 {
		s.Sorry.Inhibit = !s.Sorry.Inhibit
		s.Quorum++
		return
	}
	r := &s.RealServers[rapid.IntRange(0, n-1).Draw(t, "server")]
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		r.Weight ^= 1
	case 1:
		r.InhibitOnFailure = !r.InhibitOnFailure
	case 2:
		r.Checks = r.Checks[:len(r.Checks)/2]
	case 3: // those that it has in another service, so that no check starts
		for _, other := range cfg.Services {
			for _, same := range other.RealServers {
				if same.Address == r.Address && other.Address != s.Address {
					r.Checks = slices.Concat(r.Checks, same.Checks)
				}
			}
		}
	case 4:
		r.Checks = rapid.SliceOfN(rapid.Custom(someCheck), 0, 2).Draw(t, "other checks")
	}
}

func someHMAC(t *rapid.T) conf.HMAC {
	if !rapid.Bool().Draw(t, "HMAC") {
		return conf.HMAC{}
	}
	return conf.HMAC{Keys: []conf.HMACKey{{ID: 1, Value: rapid.SampledFrom([]conf.Secret{"a", "b"}).Draw(t, "key 1")}, {ID: 2, Value: "c"}},
		ActiveKey: uint8(rapid.IntRange(1, 2).Draw(t, "active")), TimeWindow: 5 * time.Second,
		Mode: rapid.SampledFrom([]conf.HMACMode{conf.Enforce, conf.Permissive, conf.ReceiveOnly}).Draw(t, "mode")}
}

func deepServices(list []conf.VirtualServer) []conf.VirtualServer {
	list = slices.Clone(list)
	for i := range list {
		list[i].RealServers = slices.Clone(list[i].RealServers)
	}
	return list
}

// someNode draws services, and instances that share the few interfaces and addresses there are.
func someNode(t *rapid.T) *conf.Config {
	cfg := someConfig(t)
	for i := range cfg.Services {
		cfg.Services[i].Scheduler = rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler")
		cfg.Services[i].PersistenceTimeout = time.Duration(rapid.IntRange(0, 1).Draw(t, "persistence")) * time.Minute
	}
	someTrackers(t, cfg)
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]vrrp.Key{{Interface: "eth0", VRID: 51}, {Interface: "eth0", VRID: 52},
		{Interface: "eth1", VRID: 51}, {Interface: "eth1", VRID: 52}}), 0, 4, rapid.ID[vrrp.Key]).Draw(t, "instances")
	names := rapid.Permutation([]string{"a", "b", "c", "d"}).Draw(t, "names")
	for n, key := range keys {
		cfg.Instances = append(cfg.Instances, conf.Instance{Name: names[n], Interface: key.Interface, VirtualRouterID: key.VRID,
			Priority:       uint8(rapid.IntRange(100, 101).Draw(t, "priority")),
			AdvertInterval: time.Duration(rapid.IntRange(1, 2).Draw(t, "advert_int")) * time.Second,
			Version:        uint8(rapid.IntRange(2, 3).Draw(t, "version")), Preempt: rapid.Bool().Draw(t, "preempt"), DownTimerAdverts: 3,
			AuthPass:         rapid.SampledFrom([]conf.Secret{"", "secret"}).Draw(t, "password"),
			Transport:        rapid.Custom(someTransport).Draw(t, "transport"),
			HMAC:             someHMAC(t),
			GARPMasterRepeat: rapid.IntRange(1, 2).Draw(t, "repeat"),
			GARPMasterDelay:  time.Duration(rapid.IntRange(0, 1).Draw(t, "delay")) * time.Second,
			Routes:           rapid.SliceOfNDistinct(rapid.Custom(someRoute), 0, 3, routeText).Draw(t, "routes"), Rules: rapid.SliceOfNDistinct(rapid.Custom(someRule), 0, 2, rapid.ID[conf.Rule]).Draw(t, "rules"),
			Track: someTracked(t)})
	}
	if rapid.Bool().Draw(t, "static") {
		cfg.StaticRoutes = rapid.SliceOfNDistinct(rapid.Custom(someRoute), 0, 2, routeText).Draw(t, "static routes")
		cfg.StaticRules = rapid.SliceOfNDistinct(rapid.Custom(someRule), 0, 2, rapid.ID[conf.Rule]).Draw(t, "static rules")
	}
	someNotify(t, cfg)
	if len(keys) == 0 {
		return cfg
	}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 5, rapid.ID[int]).Draw(t, "addresses") {
		i := &cfg.Instances[rapid.IntRange(0, len(keys)-1).Draw(t, "holder")]
		to := &i.Addresses
		if rapid.Bool().Draw(t, "excluded") {
			to = &i.Excluded
		}
		*to = append(*to, conf.VirtualAddress{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), rapid.SampledFrom([]int{24, 32}).Draw(t, "length")),
			Dev:    rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "dev"),
			Label:  rapid.SampledFrom([]string{"", "eth0:1"}).Draw(t, "label"),
			Scope:  rapid.SampledFrom([]uint8{0, 253}).Draw(t, "scope"),

			Broadcast:     rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("192.0.2.255")}).Draw(t, "broadcast"),
			NoPrefixRoute: rapid.Bool().Draw(t, "noprefixroute"), NoTrack: rapid.Bool().Draw(t, "no_track")})
	}
	if size := rapid.IntRange(0, len(keys)).Draw(t, "grouped"); size > 0 {
		cfg.SyncGroups = []conf.SyncGroup{{Name: rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group"), Members: names[:size],
			Track: someTracked(t)}}
	}
	return cfg
}

// someNotify draws what is run when something happens.
func someNotify(t *rapid.T, cfg *conf.Config) {
	program := func() conf.Program {
		return rapid.SampledFrom([]conf.Program{{}, {Words: []string{"/bin/a"}}, {Words: []string{"/bin/a"}, User: "nobody"}, {Words: []string{"/bin/b", ""}}}).Draw(t, "program")
	}
	for i := range cfg.Instances {
		cfg.Instances[i].Notify = conf.Notify{Master: program(), Any: program(), TellDeleted: rapid.Bool().Draw(t, "notify_deleted")}
	}
	cfg.Lifetime = conf.Lifetime{Startup: program(), StartupTimeout: time.Duration(rapid.IntRange(1, 2).Draw(t, "timeout")) * time.Second}
}

// someTrackers draws two of everything that may be tracked.
func someTrackers(t *rapid.T, cfg *conf.Config) {
	cfg.ScriptSecurity = rapid.Bool().Draw(t, "script security")
	few := func(what string) int { return rapid.IntRange(1, 2).Draw(t, what) }
	for _, name := range []string{"x", "y"} {
		word := rapid.SampledFrom([]string{"/bin/a", "/bin/b"}).Draw(t, "word")
		cfg.Scripts = append(cfg.Scripts, conf.Script{Name: name,
			Command:  conf.Program{Words: []string{word}, User: rapid.SampledFrom([]string{"", "nobody"}).Draw(t, "user")},
			Interval: time.Duration(few("interval")) * time.Second, Timeout: time.Second, Rise: few("rise"), Fall: 1,
			InitFail: rapid.Bool().Draw(t, "init_fail")})
		cfg.Files = append(cfg.Files, conf.File{Name: name, Path: word, Init: true, InitValue: few("value")})
		cfg.Processes = append(cfg.Processes, conf.Process{Name: name, Words: []string{word}, Quorum: few("quorum"), QuorumMax: 2})
		cfg.Pings = append(cfg.Pings, conf.Ping{Name: name, Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(few("address"))}),
			Interval: time.Second, Timeout: time.Second, Rise: few("rise"), Fall: few("fall")})
	}
}

func someTracked(t *rapid.T) []conf.Tracked {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) conf.Tracked {
		kind, names := conf.TrackInterface, []string{"eth0", "eth1", "eth2"}
		if rapid.Bool().Draw(t, "no interface") {
			kind, names = rapid.SampledFrom([]conf.TrackKind{conf.TrackScript, conf.TrackFile, conf.TrackProcess, conf.TrackPing}).Draw(t, "kind"),
				[]string{"x", "y"}
		}
		return conf.Tracked{Kind: kind, Name: rapid.SampledFrom(names).Draw(t, "tracked"),
			Weight: rapid.SampledFrom([]int{0, 10, -10}).Draw(t, "weight")}
	}), 0, 2, func(t conf.Tracked) string { return t.Name }).Draw(t, "track")
}

func someTransport(t *rapid.T) conf.Transport {
	v := conf.Transport{UnicastTTL: 255, V3ChecksumAsV2: rapid.Bool().Draw(t, "v3_checksum_as_v2")}
	peer := conf.UnicastPeer{Address: netip.MustParseAddr("198.51.100.9"), MaxTTL: 255}
	switch rapid.IntRange(0, 4).Draw(t, "way") {
	case 0:
		v.Group = netip.MustParseAddr("224.0.0.99")
	case 1:
		v.UnicastPeers = []conf.UnicastPeer{peer}
	case 2:
		v.UnicastPeers, v.CheckUnicastSource, v.NoOldUnicastChecksum = []conf.UnicastPeer{peer}, true, true
	case 3:
		peer.MinTTL = 7
		v.UnicastPeers, v.UnicastTTL = []conf.UnicastPeer{peer}, 7
	}
	return v
}
