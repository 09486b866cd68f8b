package conf

import (
	"fmt"
	"strings"
	"time"
)

func family(n uint8) string { return map[uint8]string{4: "inet", 6: "inet6"}[n] }

// writeServerGroup spells every member as a range.
func writeServerGroup(g *ServerGroup, s syntax, put func(...string)) {
	var addresses, marks []string
	for _, m := range g.Members {
		if m.FWMark == 0 {
			addresses = append(addresses, fmt.Sprintf("%s-%s %d", m.First, m.Last, m.Port))
		} else {
			marks = append(marks, strings.TrimSpace(fmt.Sprint(m.FWMark, " ", family(m.Family))))
		}
	}
	put(s.open("virtual_server_group", g.Name), s.groupLines(addresses, marks), "}")
}

func (keepalivedSyntax) groupLines(addresses, marks []string) string {
	for _, m := range marks {
		addresses = append(addresses, "fwmark "+m)
	}
	return strings.Join(addresses, "\n")
}

func (hclSyntax) groupLines(addresses, marks []string) string {
	return "address = " + list(addresses) + "\nfwmark = " + list(marks)
}

func writeService(v *VirtualServer, s syntax, put func(...string)) {
	switch {
	case v.Group != "":
		put(s.open("virtual_server", "group", v.Group))
	case v.FWMark != 0:
		put(s.open("virtual_server", "fwmark", fmt.Sprint(v.FWMark)))
	default:
		put(s.open("virtual_server", v.Address.Addr().String(), fmt.Sprint(v.Address.Port())))
	}
	if v.Protocol != "" {
		put(s.word("protocol", strings.ToUpper(string(v.Protocol))))
	}
	if v.Family != 0 {
		put(s.word("ip_family", family(v.Family)))
	}
	put(markWords(v.Marks, s))
	fallback, port := "flag-1", "flag-2"
	if v.Scheduler == "sh" || v.Scheduler == "mh" {
		fallback, port = v.Scheduler+"-fallback", v.Scheduler+"-port"
	}
	put(s.word("lb_algo", v.Scheduler), s.args("lb_kind", method(v.Forwarding, v.Tunnel)...),
		s.flag(fallback, v.Fallback), s.flag(port, v.HashPort), s.flag("flag-3", v.Flag3), s.flag("ops", v.OnePacket))
	if v.PersistenceTimeout != 0 {
		put(s.word("persistence_timeout", seconds(v.PersistenceTimeout)))
	}
	if v.PersistencePrefix != 0 {
		put(s.word("persistence_granularity", fmt.Sprint(v.PersistencePrefix)))
	}
	if v.PersistenceEngine != "" {
		put(s.word("persistence_engine", v.PersistenceEngine))
	}
	put(s.word("panic_threshold", fmt.Sprint(v.PanicThreshold)), s.word("drain_timeout", seconds(v.DrainTimeout)))
	put(s.word("quorum", fmt.Sprint(v.Quorum)), s.word("hysteresis", fmt.Sprint(v.Hysteresis)), s.flag("omega", v.Omega),
		s.notification("quorum_up", v.QuorumUp), s.notification("quorum_down", v.QuorumDown))
	if a := v.Sorry.Address; a.IsValid() {
		put(s.args("sorry_server", a.Addr().String(), fmt.Sprint(a.Port())), s.flag("sorry_server_inhibit", v.Sorry.Inhibit),
			s.args("sorry_server_lvs_method", method(v.Sorry.Forwarding, v.Sorry.Tunnel)...))
	}
	for i := range v.RealServers {
		writeServer(&v.RealServers[i], s, put)
	}
	put("}")
}

func writeServer(r *RealServer, s syntax, put func(...string)) {
	put(s.open("real_server", r.Address.Addr().String(), fmt.Sprint(r.Address.Port())),
		s.word("weight", fmt.Sprint(r.Weight)), s.flag("inhibit_on_failure", r.InhibitOnFailure), s.word("slow_start", seconds(r.SlowStart)),
		s.args("lvs_method", method(r.Forwarding, r.Tunnel)...), s.word("uthreshold", fmt.Sprint(r.UpperThreshold)),
		s.word("lthreshold", fmt.Sprint(r.LowerThreshold)),
		s.notification("notify_up", r.NotifyUp), s.notification("notify_down", r.NotifyDown))
	for i := range r.Checks {
		writeCheck(&r.Checks[i], s, put)
	}
	put("}")
}

// method are the words behind lb_kind.
func method(f Forwarding, t Tunnel) []string {
	words := []string{string(f)}
	if f != TUN {
		return words
	}
	words = append(words, "type", string(t.Type))
	if t.Port != 0 {
		words = append(words, "port", fmt.Sprint(t.Port))
	}
	if t.Type != IPIP && t.Checksum == "" {
		words = append(words, "nocsum")
	}
	if t.Checksum != "" {
		words = append(words, string(t.Checksum))
	}
	return words
}

// lvsWords spells what global_defs says of IPVS.
func lvsWords(l *LVS, s syntax) string {
	words := []string{s.flag("lvs_flush", l.Flush), s.flag("manage_sysctls", l.ManageSysctls), s.flag("rs_init_notifies", l.InitNotifies)}
	var timeouts []string
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"udp", l.Timeouts.UDP}, {"tcp", l.Timeouts.TCP}, {"tcpfin", l.Timeouts.TCPFin}} {
		if t.d != 0 {
			timeouts = append(timeouts, t.name, seconds(t.d))
		}
	}
	if len(timeouts) > 0 {
		words = append(words, s.args("lvs_timeouts", timeouts...))
	}
	if d := l.Sync; d.Interface != "" {
		sync := []string{d.Interface}
		if d.Instance != "" {
			sync = append(sync, "inst", d.Instance)
		}
		sync = append(sync, "id", fmt.Sprint(d.ID), "port", fmt.Sprint(d.Port), "ttl", fmt.Sprint(d.TTL), "group", d.Group.String())
		if d.MaxLen != 0 {
			sync = append(sync, "maxlen", fmt.Sprint(d.MaxLen))
		}
		words = append(words, s.args("lvs_sync_daemon", sync...))
	}
	return strings.Join(words, "\n")
}

func (s keepalivedSyntax) notification(name string, p Program) string {
	if len(p.Words) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.Join([]string{s.script(name, p.Words), p.User, p.Group}, " "))
}

func (hclSyntax) notification(name string, p Program) string {
	switch {
	case len(p.Words) == 0:
		return ""
	case p.User == "":
		return hclSyntax{}.script(name, p.Words)
	case p.Group == "":
		return fmt.Sprintf("%s = { command = %s, user = %s }", name, quoted(commandLine(p.Words)), quoted(p.User))
	}
	return fmt.Sprintf("%s = { command = %s, user = %s, group = %s }", name, quoted(commandLine(p.Words)), quoted(p.User), quoted(p.Group))
}
