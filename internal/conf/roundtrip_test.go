package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Any valid configuration can be written in both languages, with every value spelled out, and
// both read back as what was written.
func TestBothLanguagesSayAnyConfig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawConfig(t)
		for _, l := range []struct {
			format Format
			syntax syntax
		}{{Keepalived, keepalivedSyntax{}}, {HCL, hclSyntax{}}} {
			src := write(want, l.syntax)
			cfg, diags := load([]source{{"f", []byte(src)}}, Options{Format: l.format}, nil)
			if diags.HasErrors() {
				t.Fatalf("%s\n%s", strings.Join(lines(tidy(diags, nil)), "\n"), src)
			}
			if diff := cmp.Diff(want, cfg, cmpModel); diff != "" {
				t.Fatalf("%s\n%s", diff, src)
			}
		}
	})
}

func drawConfig(t *rapid.T) *Config {
	c := &Config{RouterID: rapid.StringMatching(`[a-zä#! {}"\$%]{0,8}x`).Filter(func(s string) bool { return !strings.Contains(s, `"`) }).Draw(t, "router_id")}
	milliseconds := func(hi int, name string) time.Duration {
		return time.Duration(rapid.IntRange(0, hi).Draw(t, name)) * time.Millisecond
	}
	c.StartupDelay, c.DelayAfterBoot = milliseconds(86400_000, "startup"), milliseconds(86400_000, "boot")
	c.Spacing = Spacing{milliseconds(10_000, "spacing"), milliseconds(10_000, "spacing")}
	for _, dev := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"eth0", "eth1", "bond0.5"}), 0, 3, rapid.ID[string]).Draw(t, "devs") {
		c.LinkDelays = append(c.LinkDelays, LinkDelay{Interface: dev, Down: milliseconds(255_000, "down"), Up: milliseconds(255_000, "up")})
		if rapid.Bool().Draw(t, "garp group") {
			c.GARPGroups = append(c.GARPGroups, GARPGroup{Interfaces: []string{dev, dev + "0"},
				Spacing: Spacing{milliseconds(10_000, "spacing"), milliseconds(10_000, "spacing")}})
		}
	}
	drawTrackers(t, c)
	c.UplinkGuard = rapid.SampledFrom([]UplinkGuard{{}, {Address: netip.MustParseAddr("10.0.0.254")},
		{Address: netip.MustParseAddr("fe80::1"), Interface: "eth1"}}).Draw(t, "uplink_guard")
	c.Lifetime = Lifetime{drawCall(t), drawCall(t), time.Duration(rapid.IntRange(1, 1000).Draw(t, "timeout")) * time.Second, 1000 * time.Second}
	c.Masquerade = drawMasquerade(t)
	c.ScriptSecurity = rapid.Bool().Draw(t, "script security")
	c.StaticAddresses, c.StaticRoutes, c.StaticRules = drawStaticAddresses(t), drawRoutes(t), drawRules(t)
	for k := range rapid.IntRange(0, 3).Draw(t, "instances") {
		c.Instances = append(c.Instances, drawInstance(t, k))
	}
	for k := range rapid.IntRange(0, len(c.Instances)).Draw(t, "groups") {
		c.SyncGroups = append(c.SyncGroups, SyncGroup{Name: fmt.Sprintf("g%d", k), Members: []string{c.Instances[k].Name},
			Track: drawTracked(t), TrackingWeight: true, Notify: drawNotify(t, false)})
	}
	c.SSL = drawSSL(t)
	for k := range rapid.IntRange(0, 3).Draw(t, "services") {
		c.Services = append(c.Services, drawService(t, k, c))
	}
	drawLVS(t, c)
	if n := len(c.Services); n > 0 && rapid.Bool().Draw(t, "group") {
		v := &c.Services[n-1]
		c.ServerGroups = append(c.ServerGroups, drawGroup(t, v.Family))
		intoGroup(v, &c.ServerGroups[0])
	}
	drawServiceTrackers(t, c)
	return c
}

func drawInstance(t *rapid.T, k int) Instance {
	i := Instance{
		Name:             fmt.Sprintf("i%d", k),
		State:            rapid.SampledFrom([]State{Backup, Master}).Draw(t, "state"),
		Interface:        rapid.SampledFrom([]string{"eth0", "bond0.5"}).Draw(t, "interface"),
		VirtualRouterID:  uint8(k + 1),
		Priority:         rapid.Uint8Range(1, 255).Draw(t, "priority"),
		Version:          rapid.Uint8Range(2, 3).Draw(t, "version"),
		Transport:        drawTransport(t),
		Preempt:          true,
		GARPMasterDelay:  time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")) * time.Second,
		GARPMasterRepeat: rapid.IntRange(1, maxRepeat).Draw(t, "repeat"),
	}
	if i.State == Backup {
		if i.Preempt = rapid.Bool().Draw(t, "preempt"); i.Preempt {
			i.PreemptDelay = time.Duration(rapid.IntRange(0, 1000_000).Draw(t, "preempt delay")) * time.Millisecond
		}
	}
	i.DownTimerAdverts = rapid.Uint8Range(1, 100).Draw(t, "adverts")
	i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = rapid.Bool().Draw(t, "no advert"), rapid.Bool().Draw(t, "last advert")
	i.NoAccept = i.Priority != 255 && rapid.Bool().Draw(t, "no_accept")
	i.OwnerIgnoreAdverts, i.DontTrackPrimary = rapid.Bool().Draw(t, "ignore"), rapid.Bool().Draw(t, "dont track")
	i.GARPMasterRefresh = time.Duration(rapid.IntRange(0, 100).Draw(t, "refresh")) * time.Second
	i.GARPMasterRefreshRepeat = rapid.IntRange(1, maxRepeat).Draw(t, "repeat")
	i.GARPLowerPrioDelay = time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")) * time.Second
	i.GARPLowerPrioRepeat = rapid.IntRange(0, maxRepeat).Draw(t, "repeat")
	if i.Transport.IPv6 {
		i.Version = 3
	}
	if i.AdvertInterval = time.Duration(rapid.IntRange(1, 255).Draw(t, "seconds")) * time.Second; i.Version == 3 {
		i.AdvertInterval = time.Duration(rapid.IntRange(1, 4095).Draw(t, "centiseconds")) * 10 * time.Millisecond
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "addresses") {
		ip := netip.AddrFrom4([4]byte{10, 0, byte(k), byte(n + 1)})
		if i.Transport.IPv6 {
			ip = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:1::%x", k, n+1))
		}
		i.Addresses = append(i.Addresses, drawAddress(t, ip))
	}
	for n := range rapid.IntRange(0, 2).Draw(t, "excluded") {
		ip := netip.AddrFrom4([4]byte{10, 1, byte(k), byte(n + 1)})
		if rapid.Bool().Draw(t, "IPv6") {
			ip = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", k, n+1))
		}
		i.Excluded = append(i.Excluded, drawAddress(t, ip))
	}
	if i.Version == 2 {
		i.AuthPass = Secret(rapid.SampledFrom([]string{"", "secret", "12345678", "0", "a{b}#!$c", "größe1"}).Draw(t, "password"))
	}
	if i.AuthPass == "" && rapid.Bool().Draw(t, "HMAC") {
		i.HMAC = drawHMAC(t)
	}
	i.Track, i.Notify = drawTracked(t), drawNotify(t, true)
	i.Routes, i.Rules = drawRoutes(t), drawRules(t)
	return i
}

func drawHMAC(t *rapid.T) HMAC {
	h := HMAC{
		Monotonic:  rapid.Bool().Draw(t, "monotonic"),
		TimeWindow: time.Duration(rapid.IntRange(1, 300).Draw(t, "window")) * time.Second,
		Mode:       rapid.SampledFrom([]HMACMode{Enforce, Permissive, ReceiveOnly}).Draw(t, "mode"),
	}
	ids := rapid.SliceOfNDistinct(rapid.Uint8Min(1), 1, 3, rapid.ID[uint8]).Draw(t, "keys")
	h.ActiveKey = ids[0]
	slices.Sort(ids)
	for _, id := range ids {
		h.Keys = append(h.Keys, HMACKey{ID: id, Value: Secret(rapid.SliceOfN(rapid.Byte(), 32, 64).Draw(t, "key"))})
	}
	return h
}

func drawAddress(t *rapid.T, ip netip.Addr) VirtualAddress {
	a := VirtualAddress{
		Prefix:        netip.PrefixFrom(ip, rapid.IntRange(1, ip.BitLen()).Draw(t, "bits")),
		Dev:           rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "dev"),
		Label:         rapid.SampledFrom([]string{"", "eth0:vip", "größe"}).Draw(t, "label"),
		Scope:         rapid.Uint8().Draw(t, "scope"),
		PreferredLft:  Forever,
		NoPrefixRoute: rapid.Bool().Draw(t, "noprefixroute"),
		NoTrack:       rapid.Bool().Draw(t, "no_track"),
	}
	if rapid.Bool().Draw(t, "peer") {
		a.Peer = ip.Next().Next()
	}
	if ip.Is4() {
		a.Broadcast = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.255.255")}).Draw(t, "broadcast")
		return a
	}
	a.DAD, a.Home = rapid.Bool().Draw(t, "dad"), rapid.Bool().Draw(t, "home")
	a.ManageTempAddr = a.Prefix.Bits() == 64
	a.PreferredLft = rapid.SampledFrom([]time.Duration{0, time.Second, Forever}).Draw(t, "preferred")
	return a
}
