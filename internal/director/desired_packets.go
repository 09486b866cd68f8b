package director

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/netif"
)

// packets are the rules of nftables that a configuration comes to, sorted.
func packets(cfg *conf.Config) []netif.PacketRule {
	var rules []netif.PacketRule
	for i := range cfg.Services {
		v := &cfg.Services[i]
		for _, m := range v.Marks {
			r := netif.Marking{To: m.Address, Protocol: ipProtocol(m.Protocol), Mark: v.FWMark}
			if len(m.Ports) == 0 {
				rules = append(rules, r)
			}
			for _, p := range m.Ports {
				r.First, r.Last = p.First, p.Last
				rules = append(rules, r)
			}
		}
	}
	for i := range cfg.Instances {
		if !cfg.Instances[i].NoAccept {
			continue
		}
		for _, a := range cfg.Instances[i].Moving() {
			rules = append(rules, netif.Refusal{To: a.Prefix.Addr()})
		}
	}
	for _, m := range cfg.Masquerade {
		rules = append(rules, netif.Masquerade{From: m.Source, Out: m.Out})
	}
	return netif.SortPackets(rules)
}

// ipProtocol is a protocol by its number in IP; 0 for none.
func ipProtocol(p conf.Protocol) uint8 {
	return map[conf.Protocol]uint8{conf.TCP: unix.IPPROTO_TCP, conf.UDP: unix.IPPROTO_UDP, conf.SCTP: unix.IPPROTO_SCTP}[p]
}

// marksText and masqueradeText write what keepalived.conf has in the block.
func marksText(marks []conf.Mark) string {
	lines := make([]string, 0, len(marks))
	for _, m := range marks {
		var ports []string
		for _, p := range m.Ports {
			text := fmt.Sprint(p.First)
			if p.Last != p.First {
				text += fmt.Sprint("-", p.Last)
			}
			ports = append(ports, text)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprint(m.Address, " ", m.Protocol, " ", strings.Join(ports, ","))))
	}
	return strings.Join(lines, "; ")
}

func masqueradeText(list []conf.Masquerade) string {
	lines := make([]string, 0, len(list))
	for _, m := range list {
		lines = append(lines, netif.Masquerade{From: m.Source, Out: m.Out}.String())
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), "masquerade ", "")
}
