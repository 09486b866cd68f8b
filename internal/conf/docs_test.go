package conf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// documentation is docs/configuration.md and docs/checks.md, by their headings.
type documentation struct {
	text     string
	sections map[string]string
}

func readDocumentation(t *testing.T) documentation {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	checks, err := os.ReadFile(filepath.Join("..", "..", "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := documentation{string(text) + string(checks), map[string]string{}}
	for _, part := range regexp.MustCompile(`(?m)^##+ `).Split(d.text, -1)[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		d.sections[title] = rest
	}
	return d
}

// row is a row of a table of words: its defaults as they are printed.
type row struct{ hcl, keepalived string }

var quotedWord = regexp.MustCompile("`([^`]+)`")

// table returns the rows of a section's table, one for each word of the first cell.
func (d documentation) table(t *testing.T, section string) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for line := range strings.Lines(d.sections[section]) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		words := quotedWord.FindAllStringSubmatch(cells[0], -1)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if len(cells) != 5 {
			t.Errorf("%s: %d cells: %s", section, len(cells), line)
			continue
		}
		plain := func(cell string) string { return strings.Trim(strings.TrimSpace(cell), "`") }
		for _, w := range words {
			if _, twice := rows[w[1]]; twice {
				t.Errorf("%s: %s has two rows", section, w[1])
			}
			rows[w[1]] = row{plain(cells[2]), plain(cells[3])}
		}
	}
	if len(rows) == 0 {
		t.Fatalf("section %q has no table", section)
	}
	return rows
}

// documentedBlocks are the sections with a table, and the block of the schema that each is about.
func documentedBlocks() map[string]*hclBlock {
	find := func(b *hclBlock, name string) *hclBlock {
		at := slices.IndexFunc(b.blocks, func(c hclChild) bool { return c.name == name })
		return b.blocks[at].block
	}
	file := hclFile()
	service := find(file, "virtual_server")
	server := find(service, "real_server")
	get := find(server, "SSL_GET")
	return map[string]*hclBlock{
		"global_defs": find(file, "global_defs"), "garp_group": find(file, "garp_group"), "vrrp_instance": find(file, "vrrp_instance"),
		"vrrp_sync_group": find(file, "vrrp_sync_group"), "virtual_server_group": find(file, "virtual_server_group"),
		"virtual_server": service, "real_server": server,
		"SSL": find(file, "SSL"), "Words of every checker": {values: hclPorts()}, "TCP_CHECK": find(server, "TCP_CHECK").without(hclPorts()),
		"SMTP_CHECK": find(server, "SMTP_CHECK").without(hclPorts()), "DNS_CHECK": find(server, "DNS_CHECK").without(hclPorts()),
		"UDP_CHECK": find(server, "UDP_CHECK").without(hclPorts()), "GRPC_CHECK": find(server, "GRPC_CHECK").without(hclPorts()), "MISC_CHECK": find(server, "MISC_CHECK").without(hclPorts()), "FILE_CHECK": find(server, "FILE_CHECK"),
		"HTTP_GET and SSL_GET": get.without(hclPorts()), "url": find(get, "url"),
		"vrrp_script": find(file, "vrrp_script"), "track_file": find(file, "track_file"),
		"vrrp_track_process": find(file, "vrrp_track_process"), "vrrp_track_ping": find(file, "vrrp_track_ping"),
		"vrrp_track_service": find(file, "vrrp_track_service"),
	}
}

// without is a block without some of its values.
func (b hclBlock) without(words []string) *hclBlock {
	b.values = slices.DeleteFunc(slices.Clone(b.values), func(w string) bool { return slices.Contains(words, w) })
	return &b
}

func TestDocumentationHasEveryWord(t *testing.T) {
	d := readDocumentation(t)
	for section, block := range documentedBlocks() {
		want := block.arguments()
		for _, c := range block.blocks {
			want = append(want, c.name)
		}
		got := slices.Collect(maps.Keys(d.table(t, section)))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("section %s has\n%v, the language has\n%v", section, got, want)
		}
	}
	for _, c := range hclFile().blocks {
		if _, ok := d.sections[c.name]; !ok {
			t.Errorf("no section about %s", c.name)
		}
	}
	for section, l := range map[string]hclLines{"Routes": hclRoutes(""), "Rules": hclRules("")} {
		want := slices.Sorted(slices.Values(slices.Concat(l.options, l.lists, l.flags)))
		if got := slices.Sorted(maps.Keys(d.table(t, section))); !slices.Equal(got, want) {
			t.Errorf("section %s has\n%v, the language has\n%v", section, got, want)
		}
	}
	for _, l := range hclFile().lines {
		if !strings.Contains(d.text, "\n## "+l.name) && !strings.Contains(d.text, ", "+l.name) {
			t.Errorf("no section about %s", l.name)
		}
	}
	if got := slices.Sorted(maps.Keys(d.table(t, "virtual_ipaddress"))); !slices.Equal(got, slices.Sorted(maps.Keys(addressWords()))) {
		t.Errorf("section virtual_ipaddress has %v", got)
	}
	tracking := hclTracked("interface")
	if got, want := slices.Sorted(maps.Keys(d.table(t, "Tracking"))), slices.Sorted(slices.Values(slices.Concat(tracking.flags, tracking.values))); !slices.Equal(got, want) {
		t.Errorf("section Tracking has %v, the language has %v", got, want)
	}
	var functions []string
	list, _, _ := strings.Cut(strings.TrimSpace(d.sections["Functions"]), "\n\n")
	for _, w := range quotedWord.FindAllStringSubmatch(list, -1) {
		functions = append(functions, w[1])
	}
	if want := slices.Sorted(maps.Keys(hclFunctions(newBudget(0)))); !slices.Equal(functions, want) {
		t.Errorf("functions are documented as\n%v, there are\n%v", functions, want)
	}
	schedulerCell := d.sections["virtual_server"]
	for _, s := range schedulers() {
		if !strings.Contains(schedulerCell, "`"+s+"`") {
			t.Errorf("scheduler %s is not documented", s)
		}
	}
}

// bareHCL and bareKeepalived say only what a file has to say.
const bareHCL = `vrrp_script "s" {
  script = "/bin/true"
}
track_file "f" {
  file = "/x"
}
vrrp_track_process "p" {
  process = "x"
}
vrrp_track_ping "g" {
  address = "10.0.0.1"
}
vrrp_track_service "v" {
  virtual_server = "10.0.0.1 80"
}
vrrp_instance "a" {
  interface = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["10.0.0.1"]
}
vrrp_instance "b" {
  interface = "eth0"
  virtual_router_id = 2
  virtual_ipaddress = ["10.0.0.2"]
  virtual_ipaddress_excluded = ["2001:db8::3/64", "2001:db8::1"]
  track_script "s" {}
  track_file "f" {}
  track_process "p" {}
  track_ping "g" {}
  track_service "v" {}
}
vrrp_instance "c" {
  interface = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["2001:db8::2"]
}
vrrp_sync_group "g" {
  group = ["a"]
}
virtual_server "10.0.0.1" "80" {
  real_server "10.0.0.2" "80" {
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
    MISC_CHECK {
      misc_path = "/bin/true"
    }
    FILE_CHECK {
      track_file = "f"
    }
  }
}
`

const bareKeepalived = `vrrp_script s {
    script /bin/true
}
track_file f {
    file /x
}
vrrp_track_process p {
    process x
}
vrrp_track_ping g {
    address 10.0.0.1
}
vrrp_track_service v {
    virtual_server 10.0.0.1 80
}
vrrp_instance a {
    virtual_router_id 1
    virtual_ipaddress { 10.0.0.1 }
}
vrrp_instance b {
    virtual_router_id 2
    virtual_ipaddress { 10.0.0.2 }
    virtual_ipaddress_excluded {
        2001:db8::3/64
        2001:db8::1
    }
    track_script {
        s
    }
    track_file {
        f
    }
    track_process {
        p
    }
    track_ping {
        g
    }
    track_service {
        v
    }
}
vrrp_instance c {
    virtual_router_id 1
    virtual_ipaddress { 2001:db8::2 }
}
vrrp_sync_group g {
    group { a }
}
virtual_server 10.0.0.1 80 {
    real_server 10.0.0.2 80 {
        TCP_CHECK
        HTTP_GET {
            url { path / }
        }
        SSL_GET {
            url { path / }
        }
        SMTP_CHECK
        DNS_CHECK
        UDP_CHECK
        GRPC_CHECK
        MISC_CHECK {
            misc_path /bin/true
        }
        FILE_CHECK {
            track_file f
        }
    }
}
`

// loadText reads a text as a file of a format, for the node lb1.
func loadText(t *testing.T, format Format, src string) *Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "configuration")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, Options{Hostname: "lb1", Format: format})
}

// printedDefaults are the defaults of a bare configuration, by section and word, as the
// documentation prints them. A word that is not here has no default of its own.
func printedDefaults(c *Config) map[string]map[string]string {
	i, v := c.Instances[0], c.Services[0]
	server := v.RealServers[0]
	tcp, get := server.Checks[0], server.Checks[1]
	time := func(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }
	retryDelay := time(tcp.DelayBeforeRetry)
	if get.DelayBeforeRetry != tcp.DelayBeforeRetry {
		retryDelay += "; HTTP_GET and SSL_GET: " + time(get.DelayBeforeRetry)
	}
	resolver := server.Checks[4]
	switch resolver.DelayBeforeRetry {
	case tcp.DelayBeforeRetry:
	case resolver.Interval:
		retryDelay += "; DNS_CHECK: delay_loop"
	}
	retry := fmt.Sprint(tcp.Retry)
	if resolver.Retry != tcp.Retry {
		retry += fmt.Sprintf("; DNS_CHECK: %d", resolver.Retry)
	}
	misc := server.Checks[7]
	if misc.Retry != tcp.Retry {
		retry += fmt.Sprintf("; MISC_CHECK: %d", misc.Retry)
	}
	helo := map[string]string{"through_service": fmt.Sprint(server.Checks[3].Through != nil)}
	if name := server.Checks[3].SMTP.HeloName; name != "" {
		helo["helo_name"] = name
	}
	persistence := "off"
	if v.PersistenceTimeout != 0 {
		persistence = time(v.PersistenceTimeout)
	}
	name := map[string]string{"lb1": "hostname"}
	warmup := time(tcp.Warmup)
	if tcp.Warmup == tcp.Interval {
		warmup = "delay_loop"
	}
	target := map[bool]string{true: "the server's"}
	secure := server.Checks[2].HTTP
	tracked := c.Instances[1].Track
	status, script, process := get.HTTP.URLs[0].StatusCodes[0], c.Scripts[0], c.Processes[0]
	dns, udp, grpc := resolver.DNS, server.Checks[5].UDP, server.Checks[6].GRPC
	return map[string]map[string]string{
		"global_defs": {
			"enable_script_security": fmt.Sprint(c.ScriptSecurity),
			"startup_script_timeout": time(c.Lifetime.StartupTimeout), "shutdown_script_timeout": time(c.Lifetime.ShutdownTimeout),
			"router_id": name[c.RouterID], "vrrp_version": fmt.Sprint(i.Version),
			"lvs_flush":              fmt.Sprint(c.LVS.Flush),
			"manage_sysctls":         fmt.Sprint(c.LVS.ManageSysctls),
			"rs_init_notifies":       fmt.Sprint(c.LVS.InitNotifies),
			"vrrp_garp_master_delay": time(i.GARPMasterDelay), "vrrp_garp_master_repeat": fmt.Sprint(i.GARPMasterRepeat),
			"vrrp_garp_master_refresh": time(i.GARPMasterRefresh), "vrrp_garp_master_refresh_repeat": fmt.Sprint(i.GARPMasterRefreshRepeat),
			"vrrp_garp_interval": time(c.Spacing.ARP), "vrrp_gna_interval": time(c.Spacing.NA), "vrrp_min_garp": "false",
			"vrrp_down_timer_adverts": fmt.Sprint(i.DownTimerAdverts), "vrrp_lower_prio_no_advert": fmt.Sprint(i.LowerPrioNoAdvert),
			"vrrp_higher_prio_send_advert": fmt.Sprint(i.HigherPrioSendAdvert), "vrrp_owner_ignore_adverts": fmt.Sprint(i.OwnerIgnoreAdverts),
			"vrrp_strict": "false", "vrrp_startup_delay": time(c.StartupDelay), "vrrp_delay_after_boot": time(c.DelayAfterBoot),
			"checker_log_all_failures": fmt.Sprint(tcp.LogAllFailures),
			"vrrp_mcast_group4":        usualGroup(c.Instances[0]), "vrrp_mcast_group6": usualGroup(c.Instances[2]),
			"vrrp_check_unicast_src": fmt.Sprint(i.Transport.CheckUnicastSource), "v3_checksum_as_v2": fmt.Sprint(i.Transport.V3ChecksumAsV2),
		},
		"vrrp_instance": {
			"interface": i.Interface, "priority": fmt.Sprint(i.Priority), "state": string(i.State),
			"advert_int": time(i.AdvertInterval), "version": fmt.Sprint(i.Version), "accept": fmt.Sprint(!i.NoAccept), "no_accept": fmt.Sprint(i.NoAccept), "preempt": fmt.Sprint(i.Preempt),
			"nopreempt": fmt.Sprint(!i.Preempt), "garp_master_delay": time(i.GARPMasterDelay),
			"garp_master_repeat": fmt.Sprint(i.GARPMasterRepeat), "preempt_delay": time(i.PreemptDelay),
			"dont_track_primary": fmt.Sprint(i.DontTrackPrimary), "no_virtual_ipaddress": "false",
			"track_src_ip": fmt.Sprint(i.Transport.TrackSourceIP), "unicast_ttl": fmt.Sprint(i.Transport.UnicastTTL),
			"unicast_fault_no_peer": fmt.Sprint(i.Transport.UnicastFaultNoPeer), "old_unicast_checksum": fmt.Sprint(i.Transport.OldUnicastChecksum),
			"native_ipv6": fmt.Sprint(i.Transport.IPv6),
		},
		"vrrp_script": {"interval": time(script.Interval), "rise": fmt.Sprint(script.Rise), "fall": fmt.Sprint(script.Fall),
			"init_fail": fmt.Sprint(script.InitFail), "weight": fmt.Sprint(tracked[0].Weight)},
		"track_file": {"weight": fmt.Sprint(tracked[1].Weight)},
		"vrrp_track_process": {"weight": fmt.Sprint(tracked[2].Weight), "quorum": fmt.Sprint(process.Quorum), "fork_delay": time(process.ForkDelay),
			"terminate_delay": time(process.TerminateDelay), "full_command": fmt.Sprint(process.FullCommand)},
		"vrrp_track_ping":    {"interval": time(c.Pings[0].Interval), "rise": fmt.Sprint(c.Pings[0].Rise), "fall": fmt.Sprint(c.Pings[0].Fall), "weight": fmt.Sprint(tracked[3].Weight)},
		"vrrp_track_service": {"weight": fmt.Sprint(tracked[4].Weight)},
		"vrrp_sync_group":    {"sync_group_tracking_weight": fmt.Sprint(c.SyncGroups[0].TrackingWeight)},
		"garp_group":         {"garp_interval": "0 s", "gna_interval": "0 s"},
		"virtual_ipaddress": {
			"scope": map[uint8]string{0: "global"}[i.Addresses[0].Scope], "preferred_lft": lifetimes(c.Instances[1]),
			"-nodad": fmt.Sprint(i.Addresses[0].DAD), "nodad": fmt.Sprint(!i.Addresses[0].DAD), "home": "false", "mngtmpaddr": "false",
			"noprefixroute": fmt.Sprint(i.Addresses[0].NoPrefixRoute), "autojoin": "false", "no_track": fmt.Sprint(i.Addresses[0].NoTrack),
		},
		"virtual_server": {
			"protocol": strings.ToUpper(string(v.Protocol)), "lb_algo": v.Scheduler, "lvs_sched": v.Scheduler,
			"lb_kind": string(v.Forwarding), "lvs_method": string(v.Forwarding), "persistence_timeout": persistence,
			"delay_loop": time(tcp.Interval), "connect_timeout": time(tcp.Timeout), "retry": retry,
			"nb_get_retry": retry, "delay_before_retry": retryDelay, "weight": fmt.Sprint(server.Weight),
			"inhibit_on_failure": fmt.Sprint(server.InhibitOnFailure), "quorum": fmt.Sprint(v.Quorum),
			"hysteresis": fmt.Sprint(v.Hysteresis), "sorry_server_inhibit": fmt.Sprint(v.Sorry.Inhibit),
			"alpha": fmt.Sprint(tcp.Alpha), "omega": fmt.Sprint(v.Omega), "flag-1": fmt.Sprint(v.Fallback), "flag-2": fmt.Sprint(v.HashPort),
			"flag-3": fmt.Sprint(v.Flag3), "sh-fallback": fmt.Sprint(v.Fallback), "mh-fallback": fmt.Sprint(v.Fallback),
			"sh-port": fmt.Sprint(v.HashPort), "mh-port": fmt.Sprint(v.HashPort), "ops": fmt.Sprint(v.OnePacket),
			"persistence_granularity": map[int]string{0: "off"}[v.PersistencePrefix],
			"persistence_engine":      map[string]string{"": "off"}[v.PersistenceEngine],
			"warmup":                  warmup, "slow_start": time(server.SlowStart), "panic_threshold": fmt.Sprint(v.PanicThreshold), "drain_timeout": time(v.DrainTimeout), "rise": fmt.Sprint(tcp.Rise), "fall": fmt.Sprint(tcp.Retry + 1),
		},
		"real_server": {"uthreshold": fmt.Sprint(server.UpperThreshold), "lthreshold": fmt.Sprint(server.LowerThreshold)},
		"Words of every checker": {
			"log_all_failures": fmt.Sprint(tcp.LogAllFailures), "connect_ip": target[!tcp.ConnectIP.IsValid()],
			"connect_port": target[tcp.ConnectPort == 0],
		},
		"HTTP_GET and SSL_GET": {
			"http_protocol": secure.Protocol, "enable_sni": fmt.Sprint(secure.SNI), "tls_compliant": fmt.Sprint(secure.URLs[0].TLSCompliant),
			"through_service": fmt.Sprint(get.Through != nil),
		},
		"TCP_CHECK":  {"through_service": fmt.Sprint(tcp.Through != nil)},
		"SMTP_CHECK": helo,
		"DNS_CHECK":  {"type": dns.Type, "name": dns.Name},
		"UDP_CHECK":  {"min_reply_length": fmt.Sprint(udp.MinLength), "max_reply_length": fmt.Sprint(udp.MaxLength)},
		"GRPC_CHECK": {"tls": fmt.Sprint(grpc.TLS), "through_service": fmt.Sprint(server.Checks[6].Through != nil)},
		"MISC_CHECK": {"misc_timeout": map[bool]string{true: "delay_loop"}[misc.Timeout == misc.Interval], "misc_dynamic": fmt.Sprint(misc.Misc.Dynamic)},
		"url": {
			"status_code": fmt.Sprintf("%d-%d", status.First, status.Last), "regex_no_match": fmt.Sprint(get.HTTP.URLs[0].Regex.NoMatch),
			"regex_min_offset": fmt.Sprint(get.HTTP.URLs[0].Regex.MinOffset),
		},
	}
}

// usualGroup is where adverts of an instance go that does not say.
func usualGroup(i Instance) string {
	if i.Transport.Group.IsValid() {
		return i.Transport.Group.String()
	}
	return map[bool]string{false: "224.0.0.18", true: "ff02::12"}[i.Transport.IPv6]
}

// lifetimes are the defaults of preferred_lft, of most addresses and of a /128.
func lifetimes(i Instance) string {
	text := map[time.Duration]string{0: "0", Forever: "`forever`"}
	return strings.TrimPrefix(text[i.Excluded[0].PreferredLft], "`") + "; /128: " + text[i.Excluded[1].PreferredLft]
}

// withoutWord is a file without a word: in the blocks of its section, where those stand outside of all
// others, else anywhere.
func withoutWord(src, section, word string) string {
	line := regexp.MustCompile(`(?m)^\s+` + word + `\b.*[^{\n]\n`)
	if !slices.ContainsFunc(hclFile().blocks, func(c hclChild) bool { return c.name == section }) {
		return line.ReplaceAllString(src, "")
	}
	return regexp.MustCompile(`(?ms)^`+section+` .*?^\}$`).ReplaceAllStringFunc(src, func(block string) string {
		return line.ReplaceAllString(block, "")
	})
}

func TestDocumentedDefaultsAreTheDefaults(t *testing.T) {
	d := readDocumentation(t)
	for _, c := range []struct {
		format Format
		src    string
		cell   func(row) string
	}{
		{HCL, bareHCL, func(r row) string { return r.hcl }},
		{Keepalived, bareKeepalived, func(r row) string { return r.keepalived }},
	} {
		loaded := loadText(t, c.format, c.src)
		if loaded.Config == nil {
			t.Fatal(loaded.Diags)
		}
		defaults := printedDefaults(loaded.Config)
		sections := append(slices.Collect(maps.Keys(documentedBlocks())), "virtual_ipaddress")
		for _, section := range sections {
			for word, r := range d.table(t, section) {
				printed := c.cell(r)
				without := withoutWord(c.src, section, word)
				needed := without != c.src && loadText(t, c.format, without).Config == nil
				if needed && printed != "required" {
					t.Errorf("%s in %s is required, and the documentation says %s", word, section, printed)
				}
				switch printed {
				case "none", "inherited":
					if want, ok := defaults[section][word]; ok {
						t.Errorf("%s in %s: the documentation says %s, the default is %s", word, section, printed, want)
					}
				case "required":
					if !needed {
						t.Errorf("%s in %s is said to be required, and is not", word, section)
					}
				default:
					if want := defaults[section][word]; printed != want {
						t.Errorf("%s in %s: the documentation says %q, the default is %q", word, section, printed, want)
					}
				}
			}
		}
	}
}

func TestDocumentedExamplesLoad(t *testing.T) {
	services, err := os.ReadFile(filepath.Join("..", "..", "docs", "services.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := readDocumentation(t).text + string(services)
	counted := map[Format]int{}
	for language, format := range map[string]Format{"hcl": HCL, "keepalived": Keepalived} {
		for _, part := range strings.Split(text, "\n```"+language+"\n")[1:] {
			block, _, _ := strings.Cut(part, "\n```")
			counted[format]++
			for _, diag := range loadText(t, format, block+"\n").Diags {
				t.Errorf("%s in\n%s", OneLine(diag), block)
			}
		}
	}
	if counted[HCL] < 7 || counted[Keepalived] < 6 {
		t.Errorf("examples were lost: %v", counted)
	}
}

// The error message that the documentation shows is the one that is printed.
func TestDocumentedErrorIsTheError(t *testing.T) {
	r := loadText(t, HCL, "virtual_server \"10.0.0.1\" \"80\" {\n  lb_algo = \"rrr\"\n}\n")
	if want := "lvsd.hcl:2:13: error: " + r.Diags[len(r.Diags)-1].Summary + "\n"; !strings.Contains(readDocumentation(t).text, want) {
		t.Errorf("the documentation does not show\n%s", want)
	}
}
