package convert

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
)

// mergeServices puts the services of ipvsadm's rules behind those of keepalived, or into them
// where both are about the same.
func (j *job) mergeServices() {
	written := map[*ipvsService]*item{}
	for _, s := range j.ipvs {
		for _, it := range j.out.items {
			if v := it.service; v != nil && v.Address == s.address && v.FWMark == s.mark && v.Protocol == s.protocol &&
				(s.mark == 0 || v.Family == s.family) {
				written[s] = it
			}
		}
	}
	for _, s := range j.ipvs {
		if it := written[s]; it != nil {
			j.mergeService(it, s)
		} else {
			j.out.items = append(j.out.items, j.serviceOf(s))
		}
	}
}

// mergeService adds to a service what only the rules have. Where they contradict, what keepalived
// says counts: it ran later, and again each time a server changed.
func (j *job) mergeService(it *item, s *ipvsService) {
	v := it.service
	j.report.add(Same, s.at, "ipvsadm", "")
	contradict := func(at hcl.Range, what, theirs, ours string) {
		if theirs != ours {
			j.report.add(Different, at, what, "the rule says %s; %s counts, which keepalived's file says", theirs, ours)
		}
	}
	contradict(s.at, "-s", s.scheduler, v.Scheduler)
	persistence := "none"
	if v.PersistenceTimeout != 0 {
		persistence = strconv.Itoa(int(v.PersistenceTimeout.Seconds()))
	}
	theirs := s.persistence
	if theirs == "" {
		theirs = "none"
	}
	contradict(s.at, "-p", theirs, persistence)
	for _, option := range []struct{ name, theirs string }{
		{"-M", s.netmask}, {"--pe", s.engine}, {"-b", strings.Join(s.flags, ",")}} {
		if option.theirs != "" {
			j.report.add(Different, s.at, option.name, "the rule says %s; what keepalived's file says counts", option.theirs)
		}
	}
	there := map[netip.AddrPort]string{} // the method of each
	for _, r := range v.RealServers {
		there[r.Address] = method(r.Forwarding, r.Tunnel)
	}
	for k := range s.servers {
		r := &s.servers[k]
		ours := method(r.forwarding, r.tunnel)
		if theirs, known := there[r.address]; known {
			contradict(r.at, flagOf(r.forwarding), ours, theirs)
		} else {
			it.block.items = append(it.block.items, r.item(method(v.Forwarding, v.Tunnel)))
			j.report.add(Different, r.at, "-r "+r.address.String(), "only the rules have it: it is added, without a check")
		}
	}
}

func flagOf(f conf.Forwarding) string {
	return map[conf.Forwarding]string{conf.NAT: "-m", conf.DR: "-g", conf.TUN: "-i"}[f]
}

func (j *job) serviceOf(s *ipvsService) *item {
	it := &item{name: "virtual_server", lead: s.lead, block: &body{}}
	b := it.block
	j.report.add(Same, s.at, "ipvsadm", "")
	if s.mark != 0 {
		it.labels = []string{"fwmark", fmt.Sprint(s.mark)}
		if word, said := s.familyWord(); said {
			b.put("ip_family", quote(word))
		}
	} else {
		it.labels = []string{s.address.Addr().String(), fmt.Sprint(s.address.Port())}
		b.put("protocol", quote(strings.ToUpper(string(s.protocol))))
	}
	b.put("lb_algo", quote(s.scheduler))
	first := ""
	if len(s.servers) > 0 {
		first = method(s.servers[0].forwarding, s.servers[0].tunnel)
		b.put("lb_kind", quote(first))
	}
	if s.persistence != "" {
		if d, ok := seconds(s.persistence); ok {
			b.put("persistence_timeout", duration(d))
		}
	}
	if s.netmask != "" {
		b.put("persistence_granularity", quote(s.netmask))
	}
	if s.engine != "" {
		b.put("persistence_engine", quote(s.engine))
	}
	for _, flag := range s.flags {
		b.put(flag, "true")
	}
	for k := range s.servers {
		b.items = append(b.items, s.servers[k].item(first))
		j.report.add(Same, s.servers[k].at, "ipvsadm", "")
	}
	if len(s.servers) > 0 {
		j.report.add(Different, s.at, "ipvsadm", "its servers have no checks: they serve whether they answer or not; add one to each")
	}
	return it
}

// familyWord is the family of a mark as ip_family has it; false is that the servers say it.
func (s *ipvsService) familyWord() (string, bool) {
	switch {
	case s.family == 6:
		return "inet6", true
	case len(s.servers) > 0 && s.servers[0].address.Addr().Is6():
		return "inet", true
	}
	return "", false
}

// item is the server as a block, which says how it is reached where that is not as the others are.
func (r *ipvsServer) item(others string) *item {
	it := &item{name: "real_server", lead: r.lead, block: &body{},
		labels: []string{r.address.Addr().String(), fmt.Sprint(r.address.Port())}}
	it.block.put("weight", strconv.Itoa(r.weight))
	if own := method(r.forwarding, r.tunnel); own != others {
		it.block.put("lb_kind", quote(own))
	}
	if r.upper != "" {
		it.block.put("uthreshold", r.upper)
	}
	if r.lower != "" {
		it.block.put("lthreshold", r.lower)
	}
	return it
}
