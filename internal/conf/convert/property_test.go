package convert

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"pgregory.net/rapid"

	"lvsd/internal/conf"
)

// Whatever valid keepalived.conf is converted, both files mean the same, no comment is lost, and
// the output is formatted.
func TestConversionMeansTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	valid, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		w.file()
		if err := os.WriteFile(path, []byte(w.text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		original := conf.Load(path, conf.Options{Hostname: "lb1"})
		r := Files([]string{path}, Options{Hostname: "lb1"})
		if original.Config == nil {
			refused++
			if r.HCL != nil || !r.Diags.HasErrors() {
				t.Fatalf("a file that is not valid is converted:\n%s", w.text.String())
			}
			return
		}
		valid++
		if r.HCL == nil {
			t.Fatalf("%s\n%s", conf.OneLine(r.Diags[0]), w.text.String())
		}
		loaded := conf.LoadText(Output, r.HCL, conf.Options{Hostname: "lb1", Format: conf.HCL})
		if loaded.Config == nil {
			t.Fatalf("%s\n%s\n%s", conf.OneLine(loaded.Diags[0]), w.text.String(), r.HCL)
		}
		if d := difference(reflect.ValueOf(original.Config), reflect.ValueOf(loaded.Config), "config"); d != "" {
			t.Fatalf("%s\n%s\n%s", d, w.text.String(), r.HCL)
		}
		for n := range w.comments {
			if c := fmt.Sprintf("remark %d.", n); bytes.Count(r.HCL, []byte(c)) != 1 {
				t.Fatalf("%q is not there once\n%s\n%s", c, w.text.String(), r.HCL)
			}
		}
		if !bytes.Equal(hclwrite.Format(r.HCL), r.HCL) {
			t.Fatalf("not formatted:\n%s", r.HCL)
		}
	})
	if !t.Failed() && valid < refused {
		t.Errorf("only %d of %d files were valid", valid, valid+refused)
	}
}

// writer writes a keepalived.conf in which words are there or not, and comments anywhere.
type writer struct {
	t        *rapid.T
	text     strings.Builder
	comments int
	misc     bool // in a MISC_CHECK
}

func (w *writer) chance(name string) bool { return rapid.Bool().Draw(w.t, name) }

// remark writes a comment, or a blank line, or nothing.
func (w *writer) remark(before string) {
	switch rapid.IntRange(0, 7).Draw(w.t, "remark") {
	case 0:
		fmt.Fprintf(&w.text, "%s%s remark %d. \"{ ${x} %%{y} \n", before, rapid.SampledFrom([]string{"#", "!", "##", "!!"}).Draw(w.t, "sign"), w.comments)
		w.comments++
	case 1:
		w.text.WriteString("\n\n")
	default:
		w.text.WriteString("\n")
	}
}

func (w *writer) line(format string, args ...any) {
	for range rapid.IntRange(0, 1).Draw(w.t, "before") {
		w.remark("")
	}
	fmt.Fprintf(&w.text, format, args...)
	w.remark(" ")
}

// some writes a word in half of the cases.
func (w *writer) some(format string, args ...any) bool {
	there := w.chance("word")
	if there {
		w.line(format, args...)
	}
	return there
}

func (w *writer) number(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(w.t, "number") }

func (w *writer) time() string {
	return rapid.SampledFrom([]string{"1", "5", "60", "0.5", "1.25", "0.0015", "3600", "2.000001"}).Draw(w.t, "time")
}

func (w *writer) one(texts ...string) string { return rapid.SampledFrom(texts).Draw(w.t, "one") }

func (w *writer) file() {
	if w.chance("global_defs") {
		w.line("global_defs {")
		w.ignored("notification_email { a@example.org }", "enable_snmp_vrrp")
		w.some("lvs_timeouts %s", w.one("tcp 5", "udp 9 tcp 100"))
		w.some("lvs_sync_daemon %s", w.one("eth1", "eth1 id 7", "bond0.5 ttl 3 group 239.1.1.1"))
		w.some("lvs_flush%s", w.one("", " off"))
		w.some("manage_sysctls%s", w.one("", " off"))
		w.some("rs_init_notifies")
		w.some("router_id %s", w.one("lb1", "007", "5", "true", `"a b"`, `"${x}"`, "größe", `a\#b`, `"a\n%{if}"`))
		w.some("vrrp_version %d", w.number(2, 3))
		w.some("vrrp_mcast_group4 %s", w.one("224.0.0.98", "10.0.0.1"))
		w.some("vrrp_mcast_group6 %s", w.one("ff02::98", "ff05::98"))
		w.some("vrrp_check_unicast_src")
		w.some("v3_checksum_as_v2 on")
		w.some("vrrp_garp_master_delay %d", w.number(0, 9))
		w.some("vrrp_garp_master_repeat %d", w.number(1, 9))
		w.some("vrrp_garp_lower_prio_repeat %d", w.number(0, 9))
		w.some("vrrp_garp_master_refresh %s", w.one("0", "60", "1.5"))
		w.some("vrrp_min_garp%s", w.one("", " on", " no"))
		w.some("vrrp_garp_interval %s", w.one("0", "0.001", "0.000001"))
		w.some("vrrp_startup_delay %s", w.time())
		w.some("vrrp_down_timer_adverts %d", w.number(1, 100))
		w.some("uplink_guard 10.0.0.254%s", w.one("", " eth1"))
		w.some("vrrp_strict%s", w.one(" off", " off", ""))
		w.some("vrrp_higher_prio_send_advert%s", w.one("", " on", " no"))
		w.line("}")
	}
	for n := range w.number(0, 2) {
		w.line("interface_up_down_delays {")
		w.line("eth%d %s", n, w.one("0", "0.5", "255 1.5", "0.00001"))
		w.line("}")
		w.line("garp_group {")
		w.some("garp_interval %s", w.time())
		w.some("interface eth%d", n)
		w.line("interfaces {")
		w.line("bond%d", n)
		w.line("}")
		w.line("}")
	}
	w.script("web")
	w.script("db")
	w.trackers()
	w.placed("static")
	instances := w.number(0, 2)
	for n := range instances {
		w.instance(n)
	}
	if instances > 0 && w.chance("group") {
		w.line("vrrp_sync_group g {")
		w.line("group {")
		for n := range instances {
			w.line("%d", n)
		}
		w.line("}")
		w.tracked("track_interface", "eth3", "eth5")
		w.tracked("track_script", "web")
		w.notify()
		w.some("%s", w.one("sync_group_tracking_weight", "global_tracking", "sync_group_tracking_weight no"))
		w.line("}")
	}
	grouped := w.chance("server group")
	if grouped {
		w.line("virtual_server_group VSG {")
		for range w.number(1, 3) {
			w.line("%s%s", w.one("10.3.0.1-9", "10.3.1.0-10.3.1.5", "10.3.2.8/29", "10.3.3.1"), w.one("", " 80", " 81 "))
			w.some("fwmark %d%s", w.number(90, 99), w.one("", " inet", " inet6"))
		}
		w.line("}")
	}
	for n := range w.number(0, 2) {
		w.service(n, grouped && n == 0)
	}
	w.remark("")
}

func (w *writer) script(name string) {
	w.line("vrrp_script %s {", name)
	w.line("script %s", w.one("/bin/true", `"/bin/x 'a b' --c=${d} \"e\""`, `/bin/x "a b" "%{ $"`, `'/bin/sh -c "a | b"'`))
	w.some("interval %s", w.time())
	w.some("timeout %s", w.time())
	w.some("rise %d", w.number(1, 3))
	w.some("fall %d", w.number(1, 3))
	w.some("weight %s", w.one("0", "-253", "10 reverse"))
	w.some("user %s", w.one("nobody", "nobody nogroup", "0"))
	w.some("init_fail")
	w.line("}")
}

// trackers writes one of everything else that may be tracked.
func (w *writer) trackers() {
	w.line("%s f {", w.one("track_file", "vrrp_track_file"))
	w.line("file %s", w.one("/run/x", `"/run/a b"`))
	w.some("weight %s", w.one("0", "-254", "254 reverse", "100000"))
	w.some("%s", w.one("init_file", "init_file 5", "init_file -5 overwrite", "init_file overwrite"))
	w.line("}")
	w.line("vrrp_track_process p {")
	w.line("process %s", w.one("nginx", `"/usr/bin/a b" -c "d e"`, "/usr/sbin/x"))
	w.some("%s", w.one("param_match", "param_match initial", "param_match partial"))
	w.some("weight %s", w.one("0", "254"))
	w.some("quorum %d", w.number(0, 3))
	w.some("quorum_max %d", w.number(3, 5))
	w.some("delay %s", w.time())
	w.some("fork_delay %s", w.time())
	w.some("terminate_delay %s", w.time())
	w.some("%s", w.one("full_command", "full_command no"))
	w.line("}")
	w.line("vrrp_track_ping g {")
	w.line("address %s", w.one("192.0.2.1", "2001:db8::1"))
	w.some("interval %s", w.time())
	w.some("timeout %s", w.time())
	w.some("rise %d", w.number(1, 3))
	w.some("fall %d", w.number(1, 3))
	w.line("}")
}

func (w *writer) instance(n int) {
	w.line("vrrp_instance %d {", n)
	w.line("virtual_router_id %d", n+1)
	master := w.some("state %s", w.one("MASTER", "BACKUP"))
	w.some("interface %s", w.one("eth0", "bond0.5"))
	w.some("priority %d", w.number(1, 255))
	w.ignored("smtp_alert", "garp_extra_if 60")
	w.some("garp_master_refresh %s", w.one("0", "60"))
	w.some("garp_lower_prio_delay %s", w.one("0", "1.5"))
	w.some("preempt_delay %s", w.one("0", "300", "0.25"))
	w.some("down_timer_adverts %d", w.number(1, 100))
	w.some("strict_mode%s", w.one(" no", " no", ""))
	w.some("lower_prio_no_advert%s", w.one("", " on", " false"))
	w.some("higher_prio_send_advert%s", w.one("", " on", " false"))
	w.some("owner_ignore_adverts%s", w.one("", " on", " false"))
	w.some("dont_track_primary")
	w.some("version %d", w.number(2, 3))
	w.some("advert_int %s", w.one("1", "2", "0.5", "1.5"))
	w.some("garp_master_delay %s", w.one("0", "3"))
	if !master {
		w.some("%s", w.one("nopreempt", "preempt", "preempt off", "nopreempt yes"))
	} else {
		w.some("nopreempt")
	}
	w.transport()
	for range max(0, w.number(-1, 2)) {
		w.line("authentication {")
		w.some("auth_type PASS")
		w.some("auth_pass %s", w.one("secret", "12345678", "123456789", "007", `"${x}"`))
		w.line("}")
	}
	if w.number(0, 3) == 0 {
		w.hmac()
	}
	none := w.number(0, 7) == 0
	if none {
		w.line("no_virtual_ipaddress")
	}
	for range w.number(1, 2) {
		if none {
			break
		}
		w.line("virtual_ipaddress {")
		w.some("2001:db8:%d::99/64", n) // ignored, except where it is the first
		for range w.number(1, 3) {
			w.line("10.0.%d.%d%s%s%s%s", n, w.number(1, 5), w.one("", "/24"), w.one("", " dev eth1"), w.one("", " label eth1:a", ` scope 200 label "${"`), w.options())
		}
		w.line("}")
	}
	for range w.number(0, 1) {
		w.line("virtual_ipaddress_excluded {")
		for range w.number(0, 2) {
			w.line("2001:db8:%d::%d%s%s", n, w.number(1, 5), w.one("", "/64"), w.options())
		}
		w.line("}")
	}
	w.tracked("track_interface", "eth3", "eth4")
	w.tracked("track_script", "web", `"db"`)
	w.tracked("track_file", "f")
	w.tracked("track_process", "p")
	w.tracked("track_ping", "g")
	w.placed("virtual")
	w.notify()
	w.some("notify_master_rx_lower_pri %s", w.call())
	w.line("}")
}

// call is a command line, with a user and a group or without.
func (w *writer) call() string {
	return w.one("/bin/x", `"/bin/x {"`, `"/bin/x 'a b' ${c} \"d\""`, "/bin/x nobody", `'/bin/x a' nobody nogroup`)
}

func (w *writer) notify() {
	for _, word := range []string{"notify", "notify_master", "notify_backup", "notify_fault", "notify_stop"} {
		w.some("%s %s", word, w.call())
	}
	w.some("notify_deleted %s", w.one("", w.call()))
}

// tracked writes blocks of lines about what is tracked.
func (w *writer) tracked(keyword string, names ...string) {
	for range w.number(0, 2) {
		w.line("%s {", keyword)
		for range w.number(1, 2) {
			w.line("%s%s", w.one(names...), w.one("", " weight 10", " weight -253 reverse", " reverse", " noreverse", " weight 3 noreverse"))
		}
		w.line("}")
	}
}

// transport writes words about how adverts travel, some of which count for nothing.
func (w *writer) transport() {
	w.some("%s 192.168.0.1", w.one("mcast_src_ip", "unicast_src_ip"))
	w.some("track_src_ip%s", w.one("", " off"))
	w.some("mcast_dst_ip %s", w.one("224.0.0.18", "224.0.0.99", "10.0.0.1"))
	w.some("unicast_ttl %d", w.number(1, 255))
	w.some("check_unicast_src%s", w.one("", " off", " true"))
	w.some("old_unicast_checksum%s", w.one("", " never"))
	w.some("v3_checksum_as_v2%s", w.one("", " no"))
	w.some("unicast_fault_no_peer")
	if w.chance("peers") {
		w.line("unicast_peer {")
		for range w.number(0, 3) {
			w.line("%s%s", w.one("192.168.0.1", "192.168.0.2", "192.168.0.3", "2001:db8::1"), w.one("", " min_ttl 5", " min_ttl 5 max_ttl 7"))
		}
		w.line("}")
	}
}

// options are words behind an address of any family.
func (w *writer) hmac() {
	w.line("auth_hmac {")
	w.line("key 1 %s", w.one("hex:"+strings.Repeat("0f", 32), strings.Repeat("k", 40), `"`+strings.Repeat("a key ${x} #", 4)+`"`))
	w.some("key 255 %s", strings.Repeat("z", 64))
	w.line("active_key 1")
	w.some("anti_replay %s", w.one("time", "monotonic"))
	w.some("time_window %d", w.number(1, 300))
	w.some("mode %s", w.one("enforce", "permissive", "receive-only"))
	w.line("}")
}

func (w *writer) options() string {
	var b strings.Builder
	for _, text := range []string{" brd +", " preferred_lft 5", " -nodad", " home", " no_track", " noprefixroute"} {
		if w.chance("option") {
			b.WriteString(text)
		}
	}
	return b.String()
}

func (w *writer) timing() {
	w.some("warmup %s", w.one("0", "3", "0.5"))
	w.some("alpha%s", w.one("", " off", " true"))
	w.some("rise %d", w.number(1, 3))
	w.some("delay_loop %s", w.time())
	if !w.misc { // which has none
		w.some("connect_timeout %s", w.time())
	}
	w.some("%s %d", w.one("retry", "nb_get_retry"), w.number(0, 3))
	w.some("delay_before_retry %s", w.time())
}

func (w *writer) method() string {
	return w.one("NAT", "DR", "TUN", "TUN type ipip nocsum", "TUN type gue port 6080 csum", "TUN type gre remcsum", "TUN type gre csum port 1")
}

func (w *writer) service(n int, grouped bool) {
	name := w.one(fmt.Sprintf("10.0.9.%d 80", n+1), fmt.Sprintf("10.0.9.%d", n+1), fmt.Sprintf("fwmark %d", n+1))
	if grouped {
		name = "group VSG"
	}
	w.line("virtual_server %s {", name)
	w.some("protocol %s", w.one("TCP", "udp", "SCTP"))
	w.some("%s %s", w.one("lb_algo", "lvs_sched"), w.one("rr", "wlc", "sh", "mh"))
	w.some("%s %s", w.one("lb_kind", "lvs_method"), w.method())
	w.some("%s", w.one("sh-port", "mh-fallback on", "flag-1", "flag-2 off", "flag-3", "hashed", "ops"))
	w.some("ip_family inet")
	w.some("persistence_granularity %s", w.one("255.255.255.0", "16", "32"))
	w.some("persistence_engine sip")
	w.some("quorum %d", w.number(1, 30))
	w.some("hysteresis %d", w.number(0, 30))
	w.some("sorry_server 10.1.1.1%s", w.one("", " 80", " 81"))
	w.some("sorry_server_inhibit%s", w.one("", " off"))
	w.some("sorry_server_lvs_method %s", w.method())
	w.some("alpha%s", w.one("", " off"))
	w.some("omega%s", w.one("", " off"))
	w.some("quorum_up %s", w.one("/bin/x", `"/bin/x a 'b c' {"`, `"/bin/x a" nobody`, "/bin/x nobody nogroup"))
	w.some("quorum_down '/bin/x \\'a b\\''")
	w.some("persistence_timeout%s", w.one("", " 50"))
	w.some("weight %d", w.number(0, 9))
	w.some("inhibit_on_failure%s", w.one("", " off", " true"))
	w.some("slow_start %s", w.time())
	w.some("drain_timeout %s", w.time())
	w.some("panic_threshold %d", w.number(0, 100))
	w.timing()
	for range w.number(0, 3) {
		w.line("real_server 10.1.0.%d%s {", w.number(1, 4), w.one("", " 80"))
		w.some("weight %d", w.number(0, 9))
		w.some("lvs_method %s", w.method())
		if w.some("uthreshold %d", w.number(1, 9)) {
			w.some("lthreshold 1")
		}
		w.some("notify_up %s", w.one("/bin/x", `"/bin/x a" nobody`))
		w.some("notify_down /bin/x 65534 65534")
		w.some("alpha true")
		w.timing()
		for range w.number(0, 3) {
			w.check()
		}
		w.line("}")
	}
	if w.chance("loop") {
		fmt.Fprintf(&w.text, "~SEQ(N, 11, %d) real_server 10.1.0.${N} 80 { %s }\n", w.number(11, 14), w.one("", "TCP_CHECK", "weight 2", "weight ${N}"))
	}
	if w.chance("late") {
		w.line("delay_loop %s", w.time())
	}
	w.line("}")
}

// ignored writes a word that lvsd does without, or nothing.
func (w *writer) ignored(words ...string) {
	if w.chance("ignored") {
		fmt.Fprintf(&w.text, "\n%s\n", w.one(words...)) // the comment above is not about it
	}
}

func (w *writer) check() {
	kind := w.one("ICMP_CHECK", "PING_CHECK", "TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "UDP_CHECK", "GRPC_CHECK", "MISC_CHECK", "FILE_CHECK")
	if !strings.HasSuffix(kind, "GET") && kind != "MISC_CHECK" && kind != "FILE_CHECK" && w.chance("bare") {
		w.line("%s", kind)
		return
	}
	w.line("%s {", kind)
	if kind == "FILE_CHECK" {
		w.line("track_file f")
		w.some("weight %s", w.one("0", "5", "-5 reverse"))
		w.line("}")
		return
	}
	w.misc = kind == "MISC_CHECK"
	w.timing()
	w.misc = false
	if kind == "MISC_CHECK" {
		w.line("misc_path %s", w.one("/bin/x", `"/bin/x 'a b'"`))
		w.some("misc_timeout 7")
		w.some("misc_dynamic")
		w.some("user nobody%s", w.one("", " nogroup"))
		w.line("}")
		return
	}
	w.some("connect_ip 10.1.0.9")
	if strings.HasSuffix(kind, "NG_CHECK") || kind == "ICMP_CHECK" {
		w.ignored("connect_port 8080", "bind_port 5")
	} else {
		w.some("connect_port %s", w.one("8080", "https"))
	}
	w.some("bindto 10.1.0.8")
	w.some("bind_if eth7")
	w.some("fwmark 9")
	w.some("log_all_failures%s", w.one("", " off"))
	if strings.HasSuffix(kind, "GET") {
		w.some("virtualhost %s", w.one("a.example", `"b.example:80"`))
		w.some("http_protocol %s", w.one("1.0", "1.0C", "1.1"))
		w.some("tls_compliant")
		w.some("fast_recovery")
		if kind == "SSL_GET" {
			w.some("%s", w.one("enable_sni", "sni_name c.example", "bind_port 5"))
		} else {
			w.ignored("enable_sni", "sni_name c.example")
		}
	}
	switch kind {
	case "TCP_CHECK":
		w.some(`send "PING\r\n"`)
		w.some(`expect '^"a" \\d'`)
	case "SMTP_CHECK":
		w.some("helo_name %s", w.one("a.example", "12"))
		if w.chance("host") {
			w.line("host {")
			w.line("connect_ip 10.1.0.7")
			w.line("}")
		}
	case "DNS_CHECK":
		w.some("type %s", w.one("A", "type65"))
		w.some("name %s", w.one("a.example", "."))
	case "UDP_CHECK":
		w.some("payload %s", w.one("12 3", "0a0b", "12"))
		w.some("require_reply%s", w.one("", " 1x", " 12 3", " 12"))
		w.some("max_reply_length 9")
	case "GRPC_CHECK":
		w.some("service a.B")
		w.some("tls")
	}
	for range w.number(1, 2) {
		if !strings.HasSuffix(kind, "GET") {
			break
		}
		w.line("url {")
		w.line("path %s", w.one("/", "/a?b=$c", `"/x#y"`, `"/%{if}${a}"`))
		w.some("status_code %s", w.one("200", "200 301-302", "200-299"))
		w.some("digest 5D41402ABC4B2A76B9719D911017C592")
		w.some("virtualhost d.example")
		if w.some(`regex %s`, w.one("abc", `"^a \\d\"$"`, `'[#x]{2} ${y} %{z}'`)) {
			w.some("regex_options %s", w.one("caseless", "caseless utf"))
			w.some("regex_no_match")
			w.some("regex_min_offset %s", w.one("0", "7"))
		}
		w.line("}")
	}
	w.line("}")
}
