package conf

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// syntax is how a language spells the words that both have.
type syntax interface {
	word(name, value string) string
	flag(name string, value bool) string
	groupLines(addresses, marks []string) string
	args(name string, values ...string) string
	open(name string, labels ...string) string
	addresses(name string, list []VirtualAddress) string
	track(list []Tracked) string
	script(name string, words []string) string
	process(words []string) string
	notification(name string, p Program) string
	lines(name string, lines []string) string
	// keys are those of auth_hmac.
	keys(lines []string) string
	url(u URL, words []string) string
	// command is a word with a command line of one word.
	command(name, text string) string
}

// write spells every value of a configuration out.
func write(c *Config, s syntax) string {
	var b strings.Builder
	put := func(texts ...string) {
		for _, text := range texts {
			b.WriteString(text + "\n")
		}
	}
	put(s.open("global_defs"), lvsWords(&c.LVS, s), s.word("router_id", c.RouterID),
		s.word("vrrp_startup_delay", seconds(c.StartupDelay)), s.word("vrrp_delay_after_boot", seconds(c.DelayAfterBoot)),
		s.word("vrrp_garp_interval", seconds(c.Spacing.ARP)), s.word("vrrp_gna_interval", seconds(c.Spacing.NA)),
		s.flag("enable_script_security", c.ScriptSecurity))
	if g := c.UplinkGuard; g.Address.IsValid() {
		put(s.args("uplink_guard", strings.Fields(g.Address.String()+" "+g.Interface)...))
	}
	put(masqueradeWords(c.Masquerade, s))
	writeLifetime(s, put, c)
	put("}")
	for _, g := range c.GARPGroups {
		put(s.open("garp_group"), s.word("garp_interval", seconds(g.ARP)), s.word("gna_interval", seconds(g.NA)),
			s.lines("interfaces", g.Interfaces), "}")
	}
	var delays []string
	for _, l := range c.LinkDelays {
		delays = append(delays, l.Interface+" "+seconds(l.Down)+" "+seconds(l.Up))
	}
	put(s.lines("interface_up_down_delays", delays))
	writeTrackers(c, s, put)
	put(s.addresses("static_ipaddress", c.StaticAddresses))
	put(writeRouting("static", c.StaticRoutes, c.StaticRules, s)...)
	for _, i := range c.Instances {
		put(s.open("vrrp_instance", i.Name),
			s.word("state", string(i.State)), s.word("interface", i.Interface),
			s.word("virtual_router_id", fmt.Sprint(i.VirtualRouterID)), s.word("priority", fmt.Sprint(i.Priority)),
			s.word("advert_int", seconds(i.AdvertInterval)), s.word("version", fmt.Sprint(i.Version)),
			s.flag("nopreempt", !i.Preempt), s.flag("no_accept", i.NoAccept), s.word("preempt_delay", seconds(i.PreemptDelay)),
			s.word("down_timer_adverts", fmt.Sprint(i.DownTimerAdverts)), s.flag("lower_prio_no_advert", i.LowerPrioNoAdvert),
			s.flag("higher_prio_send_advert", i.HigherPrioSendAdvert), s.flag("owner_ignore_adverts", i.OwnerIgnoreAdverts),
			s.flag("dont_track_primary", i.DontTrackPrimary), s.flag("no_virtual_ipaddress", len(i.Addresses) == 0),
			s.word("garp_master_refresh", seconds(i.GARPMasterRefresh)), s.word("garp_master_refresh_repeat", fmt.Sprint(i.GARPMasterRefreshRepeat)),
			s.word("garp_lower_prio_delay", seconds(i.GARPLowerPrioDelay)), s.word("garp_lower_prio_repeat", fmt.Sprint(i.GARPLowerPrioRepeat)),
			s.addresses("virtual_ipaddress", i.Addresses), s.track(i.Track))
		if len(i.Excluded) > 0 {
			put(s.addresses("virtual_ipaddress_excluded", i.Excluded))
		}
		put(writeTransport(&i.Transport, s)...)
		if i.AuthPass != "" {
			put(s.open("authentication"), s.word("auth_type", "PASS"), s.word("auth_pass", string(i.AuthPass)), "}")
		}
		put(writeHMAC(&i.HMAC, s)...)
		writeNotify(s, put, &i.Notify)
		put(writeRouting("virtual", i.Routes, i.Rules, s)...)
		put(
			s.word("garp_master_delay", seconds(i.GARPMasterDelay)), s.word("garp_master_repeat", fmt.Sprint(i.GARPMasterRepeat)), "}")
	}
	for _, g := range c.SyncGroups {
		put(s.open("vrrp_sync_group", g.Name), s.lines("group", g.Members),
			s.track(g.Track), s.flag("sync_group_tracking_weight", g.TrackingWeight))
		writeNotify(s, put, &g.Notify)
		put("}")
	}
	for i := range c.ServerGroups {
		writeServerGroup(&c.ServerGroups[i], s, put)
	}
	put(writeSSL(c.SSL, s)...)
	for i := range c.Services {
		writeService(&c.Services[i], s, put)
	}
	return b.String()
}

func codes(u URL) []string {
	var all []string
	for _, r := range u.StatusCodes {
		all = append(all, fmt.Sprintf("%d-%d", r.First, r.Last))
	}
	return all
}

type keepalivedSyntax struct{}

func (keepalivedSyntax) word(name, value string) string { return name + ` "` + value + `"` }

func (keepalivedSyntax) flag(name string, value bool) string {
	return fmt.Sprintf("%s %t", name, value)
}

func (keepalivedSyntax) args(name string, values ...string) string {
	return name + " " + strings.Join(values, " ")
}

func (keepalivedSyntax) open(name string, labels ...string) string {
	return name + " " + strings.Join(labels, " ") + "{"
}

func (keepalivedSyntax) addresses(name string, list []VirtualAddress) string {
	text := name + " {"
	for _, a := range list {
		text += "\n" + a.Prefix.String()
		for _, w := range addressLine(a) {
			text += " " + w[0] + " " + w[1]
		}
	}
	return text + "}"
}

func (keepalivedSyntax) track(list []Tracked) string {
	var text strings.Builder
	for _, t := range list {
		fmt.Fprintf(&text, "%s {\n%s weight %d", t.Kind, t.Name, t.Weight)
		if t.Reverse {
			text.WriteString(" reverse")
		}
		text.WriteString("\n}\n")
	}
	return text.String()
}

func (s keepalivedSyntax) script(name string, words []string) string {
	return name + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(commandLine(words)) + `"`
}

// commandLine is a command line as a shell would read it.
func commandLine(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, "'"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(w)+"'")
	}
	return strings.Join(all, " ")
}

// addressLine are the words behind an address; the value of a flag is empty.
func addressLine(a VirtualAddress) [][2]string {
	line := [][2]string{{"dev", a.Dev}, {"scope", fmt.Sprint(a.Scope)}}
	if a.Label != "" {
		line = append(line, [2]string{"label", a.Label})
	}
	if a.Peer.IsValid() {
		line = append(line, [2]string{"peer", fmt.Sprintf("%s/%d", a.Peer, a.Prefix.Bits())})
	}
	if a.Broadcast.IsValid() {
		line = append(line, [2]string{"broadcast", a.Broadcast.String()})
	}
	switch {
	case a.Prefix.Addr().Is4():
	case a.PreferredLft == Forever:
		line = append(line, [2]string{"preferred_lft", "forever"})
	default:
		line = append(line, [2]string{"preferred_lft", seconds(a.PreferredLft)})
	}
	for word, set := range map[string]bool{"-nodad": a.DAD, "home": a.Home, "mngtmpaddr": a.ManageTempAddr,
		"noprefixroute": a.NoPrefixRoute, "autojoin": a.AutoJoin, "no_track": a.NoTrack} {
		if set {
			line = append(line, [2]string{word, ""})
		}
	}
	return line
}

func (keepalivedSyntax) lines(name string, lines []string) string {
	return name + " {" + strings.Join(lines, "\n") + "}"
}

func (keepalivedSyntax) url(u URL, words []string) string {
	return fmt.Sprintf("url {\npath \"%s\"\n%s\n}", u.Path, strings.Join(words, "\n"))
}

func (keepalivedSyntax) command(name, text string) string {
	return name + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`).Replace(text) + `"`
}

type hclSyntax struct{}

// quoted is a string as HCL writes it, with its template signs escaped.
func quoted(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

func list(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, quoted(text))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (hclSyntax) word(name, value string) string { return name + " = " + quoted(value) }

func (hclSyntax) flag(name string, value bool) string { return fmt.Sprintf("%s = %t", name, value) }

func (hclSyntax) args(name string, values ...string) string { return name + " = " + list(values) }

func (hclSyntax) open(name string, labels ...string) string {
	for _, l := range labels {
		name += " " + quoted(l)
	}
	return name + " {"
}

func (hclSyntax) addresses(name string, list []VirtualAddress) string {
	text := name + " = ["
	for _, a := range list {
		text += fmt.Sprintf("{ address = %q, nodad = null", a.Prefix)
		for _, w := range addressLine(a) {
			value := "true"
			if w[1] != "" {
				value = quoted(w[1])
			}
			text += fmt.Sprintf(", %q = %s", w[0], value)
		}
		text += " },"
	}
	return text + "]"
}

func (hclSyntax) track(list []Tracked) string {
	var all []string
	for _, t := range list {
		all = append(all, fmt.Sprintf("%s %s {\nweight = %d\nreverse = %t\n}", t.Kind, quoted(t.Name), t.Weight, t.Reverse))
	}
	return strings.Join(all, "\n")
}

func (hclSyntax) script(name string, words []string) string {
	if len(words)%2 == 0 {
		return name + " = " + quoted(commandLine(words))
	}
	return name + " = " + list(words)
}

func (hclSyntax) lines(name string, lines []string) string { return name + " = " + list(lines) }

func (hclSyntax) url(u URL, words []string) string {
	return fmt.Sprintf("url %s {\n%s\n}", quoted(u.Path), strings.Join(words, "\n"))
}

func (hclSyntax) command(name, text string) string { return name + " = " + quoted(text) }

func writeHMAC(h *HMAC, s syntax) []string {
	if len(h.Keys) == 0 {
		return nil
	}
	replay := "time"
	if h.Monotonic {
		replay = "monotonic"
	}
	var keys []string
	for _, k := range h.Keys {
		keys = append(keys, fmt.Sprintf("%d hex:%x", k.ID, string(k.Value)))
	}
	return []string{s.open("auth_hmac"), s.keys(keys), s.word("active_key", fmt.Sprint(h.ActiveKey)), s.word("anti_replay", replay),
		s.word("time_window", seconds(h.TimeWindow)), s.word("mode", string(h.Mode)), "}"}
}

func (keepalivedSyntax) keys(lines []string) string {
	return "key " + strings.Join(lines, "\nkey ")
}

func (hclSyntax) keys(lines []string) string { return "key = " + list(lines) }
