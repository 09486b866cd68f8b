package convert

import (
	"fmt"
	"slices"
	"strconv"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

func (k *tree) instance(n *keepalived.Node, i *conf.Instance) []*item {
	k.note(n)
	it := &item{name: n.Name, at: n.Range, labels: []string{n.Args[0].Text}}
	addresses := map[string][]conf.VirtualAddress{
		"virtual_ipaddress": slices.Clone(i.Addresses), "virtual_ipaddress_excluded": slices.Clone(i.Excluded)}
	moving := standing{routes: i.Routes, rules: i.Rules}
	inner := k.body(n.Children, n.Tail, it, func(c *keepalived.Node) []*item {
		switch c.Name {
		case "advert_int":
			k.note(c)
			return []*item{{name: c.Name, expr: duration(i.AdvertInterval), at: c.Range}}
		case "state":
			k.note(c)
			return []*item{{name: c.Name, expr: quote(string(i.State)), at: c.Range}}
		case "lower_prio_no_advert":
			k.note(c)
			return []*item{{name: c.Name, expr: strconv.FormatBool(i.LowerPrioNoAdvert), at: c.Range}}
		case "higher_prio_send_advert":
			k.note(c)
			return []*item{{name: c.Name, expr: strconv.FormatBool(i.HigherPrioSendAdvert), at: c.Range}}
		case "no_virtual_ipaddress":
			k.note(c)
			return []*item{{name: c.Name, expr: strconv.FormatBool(len(i.Addresses) == 0), at: c.Range}}
		case "preempt_delay":
			if i.PreemptDelay == 0 {
				return nil
			}
		case "preempt", "nopreempt":
			if (k.value(c) == "true") == (c.Name == "nopreempt") && i.Preempt {
				return nil // keepalived takes no notice of it, and says so in the model
			}
		case "authentication":
			if c != lastOf(n, c.Name) {
				return nil
			}
			return k.authentication(c, i)
		case "auth_hmac":
			if c != lastOf(n, c.Name) {
				return nil
			}
			return k.hmac(c)
		case "virtual_ipaddress", "virtual_ipaddress_excluded":
			return k.virtualAddresses(c, addresses)
		}
		if items, ok := k.transport(c, &i.Transport); ok {
			return items
		}
		if items, ok := k.placed(c, &moving); ok {
			return items
		}
		return k.word(c)
	})
	it.block = &inner
	k.instanceDefaults(it, n, i)
	return []*item{it}
}

// counting is the line of an address without the words that keepalived takes no notice of.
func counting(n *keepalived.Node, a *conf.VirtualAddress) *keepalived.Node {
	line := *n
	line.Args = nil
	six := a.Prefix.Addr().Is6()
	for words := n.Args; len(words) > 0; {
		size, counts := 2, true
		switch words[0].Text {
		case "brd", "broadcast":
			counts = !six
		case "preferred_lft":
			counts = six
		case "home", "-nodad", "mngtmpaddr":
			size, counts = 1, six
		case "nodad", "noprefixroute", "autojoin", "no_track":
			size = 1
		}
		if counts {
			line.Args = append(line.Args, words[:size]...)
		}
		words = words[size:]
	}
	return &line
}

// lasting is the line of an address with keepalived's lifetime written out, where HCL's is another one.
func (k *tree) lasting(line *keepalived.Node, a *conf.VirtualAddress) *keepalived.Node {
	given := slices.ContainsFunc(line.Args, func(w keepalived.Word) bool { return w.Text == "preferred_lft" })
	if given || !a.Prefix.Addr().Is6() || a.PreferredLft == 0 {
		return line
	}
	k.report.add(Different, line.Range, "preferred_lft", "keepalived's default forever is written out; HCL's is 0")
	line.Args = append(line.Args, keepalived.Word{Text: "preferred_lft"}, keepalived.Word{Text: "forever"})
	return line
}

// instanceDefaults writes out what keepalived takes for a word that is not there, where HCL takes
// something else.
func (k *tree) instanceDefaults(it *item, n *keepalived.Node, i *conf.Instance) {
	usual := &k.usual.instance
	fill := func(word, global, is, other string) {
		if !has(n, word) && !k.globals[global] && is != other {
			it.block.put(word, is)
			k.report.add(Different, n.Range, word, "keepalived's default %s is written out; HCL's is %s", is, other)
		}
	}
	if len(i.Addresses) == 0 && !has(n, "no_virtual_ipaddress") {
		it.block.put("no_virtual_ipaddress", "true")
		k.report.add(Different, n.Range, "no_virtual_ipaddress", "adverts name no address; HCL has to be told so")
	}
	if !has(n, "interface") {
		it.block.items = slices.Insert(it.block.items, 0, &item{name: "interface", expr: quote(i.Interface)})
		k.report.add(Different, n.Range, "interface", "keepalived's default %s is written out; HCL has none", i.Interface)
	}
	fill("version", "vrrp_version", strconv.Itoa(int(i.Version)), strconv.Itoa(int(usual.Version)))
	fill("priority", "", strconv.Itoa(int(i.Priority)), strconv.Itoa(int(usual.Priority)))
	fill("advert_int", "", duration(i.AdvertInterval), duration(usual.AdvertInterval))
	fill("garp_master_delay", "vrrp_garp_master_delay", duration(i.GARPMasterDelay), duration(usual.GARPMasterDelay))
	fill("garp_master_refresh", "vrrp_garp_master_refresh", duration(i.GARPMasterRefresh), duration(usual.GARPMasterRefresh))
	fill("garp_master_repeat", "vrrp_garp_master_repeat", fmt.Sprint(i.GARPMasterRepeat), fmt.Sprint(usual.GARPMasterRepeat))
}

// usual are the defaults of HCL.
type usual struct {
	instance conf.Instance
	service  conf.VirtualServer
	checks   map[conf.CheckKind]conf.Check
}

// hclDefaults asks HCL for its defaults, by what a file that says nothing means.
func hclDefaults() usual {
	loaded := conf.LoadText(Output, []byte(`
vrrp_instance "i" {
  interface         = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["192.0.2.1"]
}
track_file "f" {
  file = "/f"
}
virtual_server "192.0.2.1" "80" {
  real_server "192.0.2.2" "80" {
    PING_CHECK {}
    TCP_CHECK {}
    HTTP_GET {
      url "/" {}
    }
    SSL_GET {
      url "/" {}
    }
    SMTP_CHECK {}
    DNS_CHECK {}
    UDP_CHECK {}
    GRPC_CHECK {}
    MISC_CHECK { misc_path = "/bin/true" }
    FILE_CHECK { track_file = "f" }
  }
}
`), conf.Options{Format: conf.HCL, Hostname: "lb1"})
	u := usual{checks: map[conf.CheckKind]conf.Check{}}
	if loaded.Config == nil {
		return u // then every default is written out
	}
	u.instance, u.service = loaded.Config.Instances[0], loaded.Config.Services[0]
	for _, c := range u.service.RealServers[0].Checks {
		u.checks[c.Kind] = c
	}
	return u
}
