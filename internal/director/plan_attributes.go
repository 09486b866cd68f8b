package director

import (
	"fmt"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// Attributes are what a plan compares, in keepalived's words and in the order of printing. What
// is not set, or is as the kernel has it by itself, is empty.

type attribute struct {
	name, value string
	// secret is part of the value, and never shown.
	secret string
}

// changes are the attributes that differ. Both lists have the same names in the same order.
func changes(from, to []attribute) []Change {
	var list []Change
	for i, a := range to {
		if from[i] == a {
			continue
		}
		c := Change{a.name, from[i].value, a.value}
		if c.From == c.To {
			c.To = "changed"
		}
		list = append(list, c)
	}
	return list
}

// assigned are the attributes of something new.
func assigned(list []attribute) []Change {
	var all []Change
	for _, a := range list {
		if a.value != "" {
			all = append(all, Change{Attribute: a.name, To: a.value})
		}
	}
	return all
}

func instanceAttributes(c *vrrp.Config, n netif.Instance) []attribute {
	state := "BACKUP"
	if c.StartMaster {
		state = "MASTER"
	}
	password := attribute{name: "auth_pass"}
	if c.Password != (vrrp.Password{}) {
		password.value, password.secret = "set", string(c.Password[:])
	}
	return append([]attribute{
		{name: "interface", value: c.Interface},
		{name: "virtual_router_id", value: strconv.Itoa(int(c.VRID))},
		{name: "version", value: strconv.Itoa(int(c.Version))},
		{name: "state", value: state},
		{name: "priority", value: strconv.Itoa(int(c.Priority))},
		{name: "advert_int", value: c.Interval.String()},
		{name: "preempt", value: strconv.FormatBool(c.Preempt)},
		password,
		{name: "track_interface", value: trackText(c.Track, vrrp.TrackInterface)},
		{name: "track_script", value: trackText(c.Track, vrrp.TrackScript)},
		{name: "track_file", value: trackText(c.Track, vrrp.TrackFile)},
		{name: "track_process", value: trackText(c.Track, vrrp.TrackProcess)},
		{name: "track_ping", value: trackText(c.Track, vrrp.TrackPing)},
		{name: "track_service", value: trackText(c.Track, vrrp.TrackService)},
		{name: "virtual_ipaddress_excluded", value: excluded(c, n)},
		{name: "garp_master_repeat", value: strconv.Itoa(n.Repeat)},
		{name: "garp_master_delay", value: n.Delay.String()},
	}, slices.Concat(transportAttributes(c), hmacAttributes(&c.HMAC), unusualAttributes(c, n))...)
}

// transportAttributes are about the way of the adverts; what is usual is empty.
func transportAttributes(c *vrrp.Config) []attribute {
	t := &c.Transport
	var peers []string
	for _, p := range t.Peers {
		peer := p.Addr.String()
		if p.Ranged {
			peer += fmt.Sprintf(" min_ttl %d max_ttl %d", p.MinTTL, p.MaxTTL)
		}
		peers = append(peers, peer)
	}
	slices.Sort(peers)
	if t.Unicast && len(peers) == 0 {
		peers = []string{"none"}
	}
	checksum := map[vrrp.Checksum]string{vrrp.ChecksumPseudo: "", vrrp.ChecksumPlain: "v3_checksum_as_v2", vrrp.ChecksumGroup: "old_unicast_checksum"}
	return []attribute{
		{name: "unicast_peer", value: strings.Join(peers, ", ")},
		{name: "unicast_src_ip", value: known(t.Source)},
		{name: "track_src_ip", value: truth(t.TrackSource)},
		{name: "mcast_dst_ip", value: known(t.Group)},
		{name: "unicast_ttl", value: number(int(t.TTL))},
		{name: "check_unicast_src", value: truth(t.CheckSource)},
		{name: "checksum", value: checksum[t.Checksum]},
		{name: "old_unicast_checksum never", value: truth(t.NoOldChecksum)},
	}
}

// hmacAttributes are about auth_hmac, and empty without.
func hmacAttributes(h *vrrp.HMAC) []attribute {
	keys := attribute{name: "auth_hmac key"}
	for i, k := range h.Keys {
		if i > 0 {
			keys.value += ", "
		}
		keys.value += strconv.Itoa(int(k.ID))
		keys.secret += string(k.Key) + "\n"
	}
	mode, replay, window := "", "", ""
	switch {
	case h.Silent:
		mode = string(conf.ReceiveOnly)
	case h.Permissive:
		mode = string(conf.Permissive)
	case h.Active != 0:
		mode = string(conf.Enforce)
	}
	if h.Monotonic {
		replay = "monotonic"
	}
	if h.Window != 0 {
		window = h.Window.String()
	}
	return []attribute{
		keys,
		{name: "auth_hmac active_key", value: number(int(h.Active))},
		{name: "auth_hmac anti_replay", value: replay},
		{name: "auth_hmac time_window", value: window},
		{name: "auth_hmac mode", value: mode},
	}
}

// known, truth and number write a value; the zero value is empty.
func known(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func truth(set bool) string {
	if !set {
		return ""
	}
	return "true"
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// unusualAttributes are those that few files set: what is usual is empty.
func unusualAttributes(c *vrrp.Config, n netif.Instance) []attribute {
	unless := func(usual bool, value any) string {
		if usual {
			return ""
		}
		return fmt.Sprint(value)
	}
	return []attribute{
		{name: "preempt_delay", value: unless(c.PreemptDelay == 0, c.PreemptDelay)},
		{name: "down_timer_adverts", value: unless(c.DownTimerAdverts == 3, c.DownTimerAdverts)},
		{name: "lower_prio_no_advert", value: unless(!c.LowerPrioNoAdvert, c.LowerPrioNoAdvert)},
		{name: "higher_prio_send_advert", value: unless(c.HigherPrioSendAdvert, c.HigherPrioSendAdvert)},
		{name: "owner_ignore_adverts", value: unless(!c.OwnerIgnoreAdverts, c.OwnerIgnoreAdverts)},
		{name: "dont_track_primary", value: unless(!c.DontTrackPrimary, c.DontTrackPrimary)},
		{name: "garp_lower_prio_repeat", value: unless(n.LowerPrioRepeat == n.Repeat, n.LowerPrioRepeat)},
		{name: "garp_lower_prio_delay", value: unless(n.LowerPrioDelay == n.Delay, n.LowerPrioDelay)},
		{name: "garp_master_refresh", value: unless(n.Refresh == 0, n.Refresh)},
		{name: "garp_master_refresh_repeat", value: unless(n.RefreshRepeat == 1, n.RefreshRepeat)},
	}
}

// globalAttributes are about the whole node.
func globalAttributes(s *side) []attribute {
	guard := ""
	if g := s.cfg.UplinkGuard; g.Address.IsValid() {
		guard = strings.TrimSpace(g.Address.String() + " " + g.Interface)
	}
	spacing := s.want.network.Spacing
	var groups, delays []string
	for _, g := range s.want.network.SpacingGroups {
		devs := slices.Sorted(slices.Values(g.Interfaces))
		groups = append(groups, fmt.Sprintf("%s: garp_interval %s, gna_interval %s", strings.Join(devs, " "), g.ARP, g.NA))
	}
	slices.Sort(groups)
	for _, dev := range slices.Sorted(maps.Keys(s.want.delays)) {
		delays = append(delays, fmt.Sprintf("%s %s %s", dev, s.want.delays[dev].Down, s.want.delays[dev].Up))
	}
	return []attribute{
		{name: "router_id", value: s.cfg.RouterID},
		{name: "uplink_guard", value: guard},
		{name: "vrrp_garp_interval", value: spacing.ARP.String()},
		{name: "vrrp_gna_interval", value: spacing.NA.String()},
		{name: "garp_group", value: strings.Join(groups, "; ")},
		{name: "interface_up_down_delays", value: strings.Join(delays, ", ")},
		{name: "masquerade", value: masqueradeText(s.cfg.Masquerade)},
		{name: startupDelay, value: some(s.cfg.StartupDelay)},
		{name: delayAfterBoot, value: some(s.cfg.DelayAfterBoot)},
		{name: "lvs_timeouts", value: timeoutsText(s.cfg.LVS.Timeouts)},
		{name: "lvs_sync_daemon", value: syncText(&s.cfg.LVS.Sync)},
		{name: "lvs_flush", value: flagText(s.cfg.LVS.Flush)},
		{name: "manage_sysctls", value: flagText(s.cfg.LVS.ManageSysctls)},
		{name: "rs_init_notifies", value: flagText(s.cfg.LVS.InitNotifies)},
	}
}

// excluded are the addresses of the instance that are in no advert.
func excluded(c *vrrp.Config, n netif.Instance) string {
	var list []string
	for _, a := range n.Addresses {
		if !slices.Contains(c.Addresses, a.Prefix.Addr()) {
			list = append(list, a.Prefix.Addr().String())
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func addressAttributes(a held, instance string) []attribute {
	preferred := ""
	if a.Preferred != 0 {
		preferred = strconv.Itoa(max(0, int(a.Preferred)))
	}
	return []attribute{
		{name: "prefix length", value: strconv.Itoa(a.Prefix.Bits())},
		{name: "label", value: a.Label},
		{name: "scope", value: scopeName(a.Scope)},
		{name: "peer", value: known(a.Peer)},
		{name: "brd", value: known(a.Broadcast)},
		{name: "flags", value: a.Flags.String()},
		{name: "preferred_lft", value: preferred},
		{name: "no_track", value: truth(a.noTrack)},
		{name: "vrrp_instance", value: instance},
	}
}

func serviceAttributes(s ipvs.Service, family uint8) []attribute {
	var timeout, mask string
	if s.Flags&ipvs.Persistent != 0 || s.Timeout != 0 {
		timeout = (time.Duration(s.Timeout) * time.Second).String()
	}
	if s.Netmask != ipvs.HostMask(family) {
		mask = fmt.Sprint(s.Netmask)
		if family == 4 {
			mask = fmt.Sprint(bits.OnesCount32(s.Netmask))
		}
	}
	flag := func(bit uint32) string {
		if s.Flags&bit != 0 {
			return "true"
		}
		return ""
	}
	return []attribute{
		{name: "lb_algo", value: s.Scheduler},
		{name: "persistence_timeout", value: timeout},
		{name: "persistence_granularity", value: mask},
		{name: "persistence_engine", value: s.PEName},
		{name: "ops", value: flag(ipvs.OnePacket)},
		{name: "flag-1", value: flag(ipvs.SchedFlag1)}, // sh-fallback, mh-fallback
		{name: "flag-2", value: flag(ipvs.SchedFlag2)}, // sh-port, mh-port
		{name: "flag-3", value: flag(ipvs.SchedFlag3)},
	}
}

// quorumAttributes are those of what a virtual server does when servers fail.
func quorumAttributes(v *conf.VirtualServer) []attribute {
	var quorum, hysteresis, sorry, method, inhibit string
	if v.Quorum > 1 {
		quorum = strconv.Itoa(v.Quorum)
	}
	if v.Hysteresis != 0 {
		hysteresis = strconv.Itoa(v.Hysteresis)
	}
	if v.Sorry.Address.IsValid() {
		sorry, method = v.Sorry.Address.String(), string(v.Sorry.Forwarding)
		if v.Sorry.Inhibit {
			inhibit = "true"
		}
	}
	return []attribute{
		{name: "quorum", value: quorum},
		{name: "hysteresis", value: hysteresis},
		{name: "sorry_server", value: sorry},
		{name: "sorry_server_lvs_method", value: method},
		{name: "sorry_server_inhibit", value: inhibit},
		{name: "panic_threshold", value: number(v.PanicThreshold)},
		{name: "drain_timeout", value: delayText(v.DrainTimeout)},
		{name: "quorum_up", value: programText(v.QuorumUp)},
		{name: "quorum_down", value: programText(v.QuorumDown)},
		{name: "omega", value: flagText(v.Omega)},
		{name: "mark", value: marksText(v.Marks)},
	}
}

// serverAttributes are a destination's. inhibited tells whether it stays, with weight 0, while
// one of its checks fails.
func serverAttributes(d ipvs.Destination, inhibited bool, slow time.Duration) []attribute {
	start := ""
	if slow > 0 {
		start = slow.String()
	}
	inhibit := ""
	if inhibited {
		inhibit = "true"
	}
	kind := map[ipvs.TunnelType]string{ipvs.GUE: "gue", ipvs.GRE: "gre"}[d.TunnelType]
	sum := map[uint16]string{ipvs.TunnelChecksum: "csum", ipvs.TunnelRemoteChecksum: "remcsum"}[d.TunnelFlags]
	return []attribute{
		{name: "lb_kind", value: d.Forward.String()},
		{name: "weight", value: strconv.FormatUint(uint64(d.Weight), 10)},
		{name: "uthreshold", value: number(int(d.UpperThreshold))},
		{name: "lthreshold", value: number(int(d.LowerThreshold))},
		{name: "tunnel type", value: kind},
		{name: "tunnel port", value: number(int(d.TunnelPort))},
		{name: "tunnel checksum", value: sum},
		{name: "inhibit_on_failure", value: inhibit},
		{name: "slow_start", value: start},
	}
}

func checkAttributes(s check.Spec) []attribute {
	var list []attribute
	if r := s.Detail.Request(); r != nil {
		list = worded(r.Words())
	}
	warmup, alpha, log, rise := "", "", "", ""
	if s.Rise != 1 {
		rise = strconv.Itoa(s.Rise)
	}
	if s.Warmup != s.Interval {
		warmup = s.Warmup.String()
	}
	if s.Alpha {
		alpha = "true"
	}
	if s.LogAllFailures {
		log = "true"
	}
	return append(append(list, worded(s.Detail.Socket().Words())...), []attribute{
		{name: "delay_loop", value: s.Interval.String()},
		{name: "connect_timeout", value: s.Timeout.String()},
		{name: "retry", value: strconv.Itoa(s.Retry)},
		{name: "rise", value: rise},
		{name: "delay_before_retry", value: s.DelayBeforeRetry.String()},
		{name: "warmup", value: warmup},
		{name: "alpha", value: alpha},
		{name: "log_all_failures", value: log},
	}...)
}

func worded(words []check.Word) []attribute {
	var list []attribute
	for _, w := range words {
		list = append(list, attribute{name: w.Name, value: w.Value, secret: w.Secret})
	}
	return list
}

func instanceTitle(name string) string { return "vrrp_instance " + name }

func serviceTitle(k ipvs.ServiceKey) string {
	if mark, ok := strings.CutPrefix(k.String(), "FWM "); ok {
		return "virtual_server fwmark " + mark
	}
	return "virtual_server " + k.String()
}

// checkTarget is what a check probes: "10.10.10.11:80/healthz".
func checkTarget(s check.Spec) string {
	return strings.TrimPrefix(s.String(), s.Kind.String()+" ")
}

func checkTitle(s check.Spec) string { return s.Kind.Keyword() + " " + checkTarget(s) }
