package director

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// Attributes are what a plan compares, in keepalived's words and in the order of printing. What
// is not set, or is as the kernel has it by itself, is empty.

type attribute struct{ name, value string }

// changes are the attributes that differ. Both lists have the same names in the same order.
func changes(from, to []attribute) []Change {
	var list []Change
	for i, a := range to {
		if from[i] != a {
			list = append(list, Change{a.name, from[i].value, a.value})
		}
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
	track := slices.Clone(c.Track)
	slices.Sort(track)
	return []attribute{
		{"interface", c.Interface},
		{"virtual_router_id", strconv.Itoa(int(c.VRID))},
		{"version", strconv.Itoa(int(c.Version))},
		{"state", state},
		{"priority", strconv.Itoa(int(c.Priority))},
		{"advert_int", c.Interval.String()},
		{"preempt", strconv.FormatBool(c.Preempt)},
		{"track_interface", strings.Join(track, ", ")},
		{"garp_master_repeat", strconv.Itoa(n.Repeat)},
		{"garp_master_delay", n.Delay.String()},
	}
}

func addressAttributes(a netif.Address, instance string) []attribute {
	scope := map[uint8]string{0: "", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
	text, known := scope[a.Scope]
	if !known {
		text = strconv.Itoa(int(a.Scope))
	}
	return []attribute{
		{"prefix length", strconv.Itoa(a.Prefix.Bits())},
		{"label", a.Label},
		{"scope", text},
		{"vrrp_instance", instance},
	}
}

func serviceAttributes(s ipvs.Service, family uint8) []attribute {
	var timeout, mask, flags, ops string
	if s.Flags&ipvs.Persistent != 0 || s.Timeout != 0 {
		timeout = (time.Duration(s.Timeout) * time.Second).String()
	}
	if s.Netmask != ipvs.HostMask(family) {
		mask = fmt.Sprintf("%#x", s.Netmask)
	}
	if s.Flags&ipvs.OnePacket != 0 {
		ops = "true"
	}
	if other := s.Flags &^ (ipvs.Persistent | ipvs.OnePacket); other != 0 {
		flags = fmt.Sprintf("%#x", other)
	}
	return []attribute{
		{"lb_algo", s.Scheduler},
		{"persistence_timeout", timeout},
		{"persistence_granularity", mask},
		{"persistence_engine", s.PEName},
		{"ops", ops},
		{"flags", flags},
	}
}

// serverAttributes are a destination's. inhibited tells whether it stays, with weight 0, while
// one of its checks fails.
func serverAttributes(d ipvs.Destination, inhibited bool) []attribute {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	inhibit := ""
	if inhibited {
		inhibit = "true"
	}
	return []attribute{
		{"lb_kind", d.Forward.String()},
		{"weight", strconv.FormatUint(uint64(d.Weight), 10)},
		{"uthreshold", number(int(d.UpperThreshold))},
		{"lthreshold", number(int(d.LowerThreshold))},
		{"tunnel_type", number(int(d.TunnelType))},
		{"tunnel_port", number(int(d.TunnelPort))},
		{"tunnel_flags", number(int(d.TunnelFlags))},
		{"inhibit_on_failure", inhibit},
	}
}

func checkAttributes(s check.Spec) []attribute {
	status := ""
	if s.Status != (check.StatusCodes{}) {
		status = s.Status.String()
	}
	return []attribute{
		{"status_code", status},
		{"delay_loop", s.Interval.String()},
		{"connect_timeout", s.Timeout.String()},
		{"retry", strconv.Itoa(s.Retry)},
		{"delay_before_retry", s.DelayBeforeRetry.String()},
	}
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
