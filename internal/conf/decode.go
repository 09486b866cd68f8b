package conf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// decoder turns a tree of keepalived's words, from either language, into a Config.
type decoder struct {
	front   *frontEnd
	from    *reader // of the files that keys are in; nil where none may be read
	cfg     Config
	diags   hcl.Diagnostics
	last    *hcl.Diagnostic // the one reported last, if it was kept
	told    map[hcl.DiagnosticSeverity]int
	global  globals
	grouped map[string]bool // the interfaces of the garp_groups
	// trackers are what instances may track, by the keyword that defines it and its name.
	trackers map[string]map[string]Tracked
	// members are the words that name the instances of each group, for their positions.
	members [][]keepalived.Word
	// quorums are the words of each service about its quorum.
	quorums []quorumWords
	// asked is what the HTTP check that was read last asks for; nil before the first.
	asked *HTTP
	// rulesWithout counts the rules without a preference, of IPv4 and of IPv6.
	rulesWithout [2]int
	// syncInstance is the word that names the instance of lvs_sync_daemon, nil for none; syncID says
	// that it has an id of its own.
	syncInstance *keepalived.Word
	syncID       bool
}

// globals are what global_defs makes the default of instances and checks.
type globals struct {
	instance Instance
	script   Program // the user of commands that name none
	strict   bool
	minGARP  bool
	group4   netip.Addr // multicast groups of adverts; the zero value is the usual one
	group6   netip.Addr
	given    map[string]bool // the words that stand there

	logAllFailures bool // of checks
}

// decode fills in the defaults and validates. What the words name is read by way of from. The Config is of use only if no error is reported.
func decode(nodes []*keepalived.Node, front *frontEnd, hostname string, from *reader) (*Config, hcl.Diagnostics) {
	d := &decoder{front: front, from: from, told: map[hcl.DiagnosticSeverity]int{}, grouped: map[string]bool{},
		trackers: map[string]map[string]Tracked{}}
	d.cfg.RouterID = hostname
	d.cfg.Lifetime.StartupTimeout, d.cfg.Lifetime.ShutdownTimeout = lifetimeTimeout, lifetimeTimeout
	d.global = globals{instance: front.defaults.instance(), given: map[string]bool{}}
	for _, n := range nodes {
		if n.Name == "global_defs" {
			d.globalDefs(n)
		}
		if n.Name == "SSL" {
			d.ssl(n)
		}
	}
	d.settleUser(&d.cfg.Lifetime.Startup)
	d.settleUser(&d.cfg.Lifetime.Shutdown)
	d.settleAnnouncements()
	for _, n := range nodes {
		if n.Name == "virtual_server_group" {
			d.serverGroup(n)
		}
	}
	services := statements(nodes, "virtual_server")
	d.cfg.Services, d.quorums = slices.Grow(d.cfg.Services, services), slices.Grow(d.quorums, services)
	for _, n := range nodes {
		d.trackerBlock(n)
	}
	for _, n := range nodes {
		switch n.Name {
		case "garp_group":
			d.garpGroup(n)
		case "interface_up_down_delays":
			d.linkDelays(n)
		case "vrrp_instance":
			d.instance(n)
		case "vrrp_sync_group":
			d.syncGroup(n)
		case "virtual_server":
			d.virtualServer(n)
		case "static_ipaddress":
			d.staticAddresses(n)
		case "static_routes":
			d.routes(n, &d.cfg.StaticRoutes)
		case "static_rules":
			d.rules(n, &d.cfg.StaticRules)
		}
	}
	d.validateInstances()
	d.validateGroups()
	d.validateRouting()
	d.validateGroupWeights()
	d.validateServices()
	d.validateMarks()
	d.validateSync()
	d.validateServiceTrackers()
	d.validateGateways()
	d.validateSources()
	d.validateTimes()
	d.throughServices()
	d.validateLinkDelays()
	cfg := d.cfg // alone: what was read to make it is not kept with it
	return &cfg, d.diags
}

func (d *decoder) errorf(at hcl.Range, format string, args ...any) {
	d.report(hcl.DiagError, at, format, args...)
}

func (d *decoder) warnf(at hcl.Range, format string, args ...any) {
	d.report(hcl.DiagWarning, at, format, args...)
}

// report keeps a diagnostic, if it is not one of too many.
func (d *decoder) report(severity hcl.DiagnosticSeverity, at hcl.Range, format string, args ...any) {
	if d.told[severity]++; d.told[severity] > maxProblems {
		d.last = &hcl.Diagnostic{}
		if d.told[severity] == maxProblems+1 {
			d.last = tooMany(severity, at)
			d.diags = append(d.diags, d.last)
		}
		return
	}
	d.last = problem(severity, at, format, args...)
	d.diags = append(d.diags, d.last)
}

// repairs reports a mistake that keepalived bears: with a warning that says what is made of it,
// and true, where the front end bears it too; else as an error that says what to write.
func (d *decoder) repairs(at hcl.Range, mistake, made, write string) bool {
	if d.front.repair {
		d.warnf(at, "%s; %s", mistake, made)
	} else {
		d.errorf(at, "%s; %s", mistake, write)
	}
	return d.front.repair
}

// singles calls do for each child that has a keyword, and warns of a word that stands twice. The
// last one counts, as it does for keepalived.
func (d *decoder) singles(n *keepalived.Node, many func(name string) bool, do func(*keepalived.Node)) {
	seen := make(map[string]bool, len(n.Children))
	for _, c := range n.Children {
		if seen[c.Name] && !many(c.Name) {
			d.repairs(c.Range, "\""+c.Keyword.Text+"\" is given twice", "the later one counts", "remove one")
		}
		seen[c.Name] = true
		do(c)
	}
}

func (d *decoder) globalDefs(n *keepalived.Node) {
	d.singles(n, never, func(c *keepalived.Node) {
		d.global.given[c.Name] = true
		switch c.Name {
		case "router_id":
			d.text(c, &d.cfg.RouterID)
		case "default_interface":
			if w, ok := first(c); ok {
				d.interfaceName(c.Keyword.Text, w, &d.front.defaults.Interface)
			}
		case "vrrp_mcast_group4", "vrrp_mcast_group6":
			d.globalGroup(c)
		case "vrrp_strict":
			d.flag(c, &d.global.strict)
		case "vrrp_min_garp":
			d.flag(c, &d.global.minGARP)
		case "vrrp_startup_delay":
			d.duration(c, 0, maxDuration, &d.cfg.StartupDelay)
		case "vrrp_delay_after_boot":
			d.duration(c, 0, maxDuration, &d.cfg.DelayAfterBoot)
		case "script_user":
			d.user(c, &d.global.script)
		case "enable_script_security":
			d.flag(c, &d.cfg.ScriptSecurity)
		case "vrrp_garp_interval":
			d.duration(c, 0, maxDuration, &d.cfg.Spacing.ARP)
		case "vrrp_gna_interval":
			d.duration(c, 0, maxDuration, &d.cfg.Spacing.NA)
		case "lvs_timeouts":
			d.lvsTimeouts(c)
		case "lvs_sync_daemon":
			d.syncDaemon(c)
		case "lvs_flush":
			d.flag(c, &d.cfg.LVS.Flush)
		case "manage_sysctls":
			d.flag(c, &d.cfg.LVS.ManageSysctls)
		case "rs_init_notifies":
			d.flag(c, &d.cfg.LVS.InitNotifies)
		case "uplink_guard":
			d.uplinkGuard(c)
		case "masquerade":
			d.masquerades(c)
		case "checker_log_all_failures":
			d.flag(c, &d.global.logAllFailures)
		default:
			if !d.lifetime(c, &d.cfg.Lifetime) {
				d.parameter(strings.TrimPrefix(c.Name, "vrrp_"), c, &d.global.instance)
			}
		}
	})
}

// globalGroup reads the multicast group of one family.
func (d *decoder) globalGroup(n *keepalived.Node) {
	var a netip.Addr
	at, ok := d.address(n, &a)
	to := &d.global.group4
	if n.Name == "vrrp_mcast_group6" {
		to = &d.global.group6
	}
	switch {
	case !ok:
	case a.Is6() != (to == &d.global.group6):
		d.errorf(at, "%s takes a group of its family, not %s", n.Name, a)
	case d.isGroup(a, n.Name, at):
		*to = a
	}
}

func never(string) bool { return false }
