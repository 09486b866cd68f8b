package conf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lvsd/internal/conf/keepalived"
)

// instanceWith and serverWith are files around one word, which stands in line 5 of the first and
// in line 3 of the second.
func instanceWith(line string) string {
	return "vrrp_instance a {\nvirtual_router_id 1\ninterface eth0\nvirtual_ipaddress { 10.0.0.1 }\n" + line + "\n}\n"
}

func serviceWith(line string) string {
	return "virtual_server 10.0.0.1 80 {\nprotocol TCP\n" + line + "\nreal_server 10.0.0.2 80 {\n}\n}\n"
}

func serverWith(line string) string {
	return "virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.0.2 80 {\n" + line + "\n}\n}\n"
}

func TestWordsOfInstance(t *testing.T) {
	def := usualInstance(keepalivedFrontEnd(), func(i *Instance) {
		i.Name, i.VirtualRouterID = "a", 1
		i.Addresses = []VirtualAddress{{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Dev: "eth0", PreferredLft: Forever}}
	})
	for line, change := range map[string]func(*Instance){
		"":                          func(*Instance) {},
		"state BACKUP":              func(*Instance) {},
		"state MASTER":              func(i *Instance) { i.State, i.Priority = Master, 255 },
		"priority 255":              func(i *Instance) { i.State, i.Priority = Master, 255 },
		"priority 1":                func(i *Instance) { i.Priority = 1 },
		"advert_int 255":            func(i *Instance) { i.AdvertInterval = 255 * time.Second },
		"advert_int 2.0":            func(i *Instance) { i.AdvertInterval = 2 * time.Second },
		"version 3":                 func(i *Instance) { i.Version = 3 },
		"accept":                    func(*Instance) {},
		"accept off":                func(i *Instance) { i.NoAccept = true },
		"no_accept":                 func(i *Instance) { i.NoAccept = true },
		"no_accept no":              func(*Instance) {},
		"accept off\nno_accept":     func(i *Instance) { i.NoAccept = true },
		"no_accept\npriority 255":   func(i *Instance) { i.State, i.Priority = Master, 255 },
		"preempt":                   func(*Instance) {},
		"preempt off":               func(i *Instance) { i.Preempt = false },
		"nopreempt":                 func(i *Instance) { i.Preempt = false },
		"nopreempt no":              func(*Instance) {},
		"preempt off\nnopreempt":    func(i *Instance) { i.Preempt = false },
		"preempt off\npriority 255": func(i *Instance) { i.State, i.Priority = Master, 255 },
		"nopreempt\nstate MASTER":   func(i *Instance) { i.State, i.Priority = Master, 255 },
		"garp_master_delay 0":       func(i *Instance) { i.GARPMasterDelay = 0 },
		"garp_master_delay 1.5 # seconds": func(i *Instance) {
			i.GARPMasterDelay = 1500 * time.Millisecond
		},
		"preempt_delay 0.5":                    func(i *Instance) { i.PreemptDelay = 500 * time.Millisecond },
		"preempt_delay 1000":                   func(i *Instance) { i.PreemptDelay = 1000 * time.Second },
		"preempt_delay 0\nnopreempt":           func(i *Instance) { i.Preempt = false },
		"preempt_delay 5\nnopreempt":           func(i *Instance) { i.Preempt = false },
		"preempt_delay 5\npriority 255":        func(i *Instance) { i.State, i.Priority = Master, 255 },
		"down_timer_adverts 1":                 func(i *Instance) { i.DownTimerAdverts = 1 },
		"down_timer_adverts 100":               func(i *Instance) { i.DownTimerAdverts = 100 },
		"lower_prio_no_advert":                 func(i *Instance) { i.LowerPrioNoAdvert = true },
		"higher_prio_send_advert off":          func(i *Instance) { i.HigherPrioSendAdvert = false },
		"owner_ignore_adverts yes":             func(i *Instance) { i.OwnerIgnoreAdverts = true },
		"dont_track_primary":                   func(i *Instance) { i.DontTrackPrimary = true },
		"strict_mode":                          func(i *Instance) { i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false },
		"strict_mode off":                      func(*Instance) {},
		"strict_mode\npreempt_delay 5":         func(i *Instance) { i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false },
		"strict_mode\nhigher_prio_send_advert": func(i *Instance) { i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false },
		"strict_mode\nlower_prio_no_advert no": func(i *Instance) { i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false },
		"strict_mode\nstate MASTER\npriority 90": func(i *Instance) {
			i.LowerPrioNoAdvert, i.HigherPrioSendAdvert, i.Priority = true, false, 90
		},
		"strict_mode\nstate BACKUP\npriority 255": func(i *Instance) {
			i.LowerPrioNoAdvert, i.HigherPrioSendAdvert, i.Priority, i.State = true, false, 255, Master
		},
		"garp_master_refresh 60":                                  func(i *Instance) { i.GARPMasterRefresh = time.Minute },
		"garp_master_refresh_repeat 2":                            func(i *Instance) { i.GARPMasterRefreshRepeat = 2 },
		"garp_lower_prio_delay 0":                                 func(i *Instance) { i.GARPLowerPrioDelay = 0 },
		"garp_lower_prio_repeat 0":                                func(i *Instance) { i.GARPLowerPrioRepeat = 0 },
		"garp_master_repeat 1":                                    func(i *Instance) { i.GARPMasterRepeat = 1 },
		"version 3\nadvert_int 0.01":                              func(i *Instance) { i.Version, i.AdvertInterval = 3, 10*time.Millisecond },
		"version 3\nadvert_int 40.95":                             func(i *Instance) { i.Version, i.AdvertInterval = 3, 40950*time.Millisecond },
		"authentication {\nauth_type PASS\nauth_pass secret\n}":   func(i *Instance) { i.AuthPass = "secret" },
		"authentication {\nauth_pass 12345678\nauth_type PASS\n}": func(i *Instance) { i.AuthPass = "12345678" },
		"auth_hmac {\nkey 2 " + sixtyFour + "\nkey 1 hex:" + sixtyFour + "\nactive_key 1\n}\nadvert_int 4": func(i *Instance) {
			i.AdvertInterval, i.HMAC = 4*time.Second, HMAC{Keys: []HMACKey{{1, Secret(strings.Repeat("\xaa", 32))}, {2, sixtyFour}},
				ActiveKey: 1, TimeWindow: 12 * time.Second, Mode: Enforce}
		},
		"auth_hmac {\nkey 1 " + sixtyFour + "\nactive_key 1\nanti_replay monotonic\ntime_window 300\nmode receive-only\n}\nauthentication {\nauth_type PASS\nauth_pass x\n}": func(i *Instance) {
			i.HMAC = HMAC{Keys: []HMACKey{{1, sixtyFour}}, ActiveKey: 1, TimeWindow: 300 * time.Second, Mode: ReceiveOnly, Monotonic: true}
		},
		"authentication {\n}": func(*Instance) {},
		"authentication {\nauth_type PASS\nauth_pass x\n}\nversion 3": func(i *Instance) { i.Version = 3 },
		"track_interface {\neth1\neth2\n}": func(i *Instance) {
			i.Track = []Tracked{{Kind: TrackInterface, Name: "eth1"}, {Kind: TrackInterface, Name: "eth2"}}
		},
		"track_interface\n{ eth1 }": func(i *Instance) { i.Track = []Tracked{{Kind: TrackInterface, Name: "eth1"}} },
		"track_interface {\neth1 weight -10\neth2 weight 253 reverse\n}\ntrack_interface {\neth3 reverse\n}": func(i *Instance) {
			i.Track = []Tracked{{Kind: TrackInterface, Name: "eth1", Weight: -10}, {Kind: TrackInterface, Name: "eth2", Weight: 253, Reverse: true}, {Kind: TrackInterface, Name: "eth3", Reverse: true}}
		},
		"virtual_ipaddress { 10.0.0.2/24 dev eth1 label eth1:x scope host }": func(i *Instance) {
			i.Addresses = append(i.Addresses, VirtualAddress{Prefix: netip.MustParsePrefix("10.0.0.2/24"), Dev: "eth1", Label: "eth1:x", Scope: 254, PreferredLft: Forever})
		},
		"virtual_ipaddress { 10.0.0.2 scope site\n10.0.0.3 scope nowhere\n10.0.0.4 scope 7 }": func(i *Instance) {
			for a, scope := range map[string]uint8{"10.0.0.2/32": 200, "10.0.0.3/32": 255, "10.0.0.4/32": 7} {
				i.Addresses = append(i.Addresses, VirtualAddress{Prefix: netip.MustParsePrefix(a), Dev: "eth0", Scope: scope, PreferredLft: Forever})
			}
		},
	} {
		want := def
		want.Addresses = append([]VirtualAddress(nil), def.Addresses...)
		change(&want)
		got := valid(t, Keepalived, instanceWith(line)).Instances[0]
		byAddress := func(a, b VirtualAddress) bool { return a.Prefix.Addr().Less(b.Prefix.Addr()) }
		if diff := cmp.Diff(want, got, cmpModel, sorted(byAddress)); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

func TestWordsOfAddresses(t *testing.T) {
	four := VirtualAddress{Prefix: netip.MustParsePrefix("10.0.0.9/24"), Dev: "eth0", PreferredLft: Forever}
	six := VirtualAddress{Prefix: netip.MustParsePrefix("2001:db8::9/64"), Dev: "eth0", PreferredLft: Forever}
	for line, c := range map[string]struct {
		of     VirtualAddress
		change func(*VirtualAddress)
	}{
		"10.0.0.9/24 brd 10.0.0.255": {four, func(a *VirtualAddress) { a.Broadcast = netip.MustParseAddr("10.0.0.255") }},
		"10.0.0.9/24 broadcast +":    {four, func(a *VirtualAddress) { a.Broadcast = netip.MustParseAddr("10.0.0.255") }},
		"10.0.0.9/20 brd +": {four, func(a *VirtualAddress) {
			a.Prefix, a.Broadcast = netip.MustParsePrefix("10.0.0.9/20"), netip.MustParseAddr("10.0.15.255")
		}},
		"10.0.0.9/24 brd -": {four, func(a *VirtualAddress) { a.Broadcast = netip.MustParseAddr("10.0.0.0") }},
		"10.0.0.9 peer 10.8.0.1": {four, func(a *VirtualAddress) {
			a.Prefix, a.Peer = netip.MustParsePrefix("10.0.0.9/32"), netip.MustParseAddr("10.8.0.1")
		}},
		"10.0.0.9 peer 10.8.0.1/16 brd +": {four, func(a *VirtualAddress) {
			a.Prefix, a.Peer, a.Broadcast = netip.MustParsePrefix("10.0.0.9/16"), netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("10.8.255.255")
		}},
		"10.0.0.9/24 peer 10.8.0.1":         {four, func(a *VirtualAddress) { a.Peer = netip.MustParseAddr("10.8.0.1") }},
		"10.0.0.9/24 noprefixroute":         {four, func(a *VirtualAddress) { a.NoPrefixRoute = true }},
		"10.0.0.9/24 no_track dev eth1":     {four, func(a *VirtualAddress) { a.NoTrack, a.Dev = true, "eth1" }},
		"224.1.2.3/24 autojoin":             {four, func(a *VirtualAddress) { a.Prefix, a.AutoJoin = netip.MustParsePrefix("224.1.2.3/24"), true }},
		"2001:db8::9/64 -nodad":             {six, func(a *VirtualAddress) { a.DAD = true }},
		"2001:db8::9/64 nodad":              {six, func(*VirtualAddress) {}},
		"2001:db8::9/64 home mngtmpaddr":    {six, func(a *VirtualAddress) { a.Home, a.ManageTempAddr = true, true }},
		"2001:db8::9/64 preferred_lft 0":    {six, func(a *VirtualAddress) { a.PreferredLft = 0 }},
		"2001:db8::9/64 preferred_lft 90":   {six, func(a *VirtualAddress) { a.PreferredLft = 90 * time.Second }},
		"2001:db8::9":                       {six, func(a *VirtualAddress) { a.Prefix, a.PreferredLft = netip.MustParsePrefix("2001:db8::9/128"), 0 }},
		"2001:db8::9 preferred_lft forever": {six, func(a *VirtualAddress) { a.Prefix = netip.MustParsePrefix("2001:db8::9/128") }},
		"2001:db8::9 peer 2001:db8::8": {six, func(a *VirtualAddress) {
			a.Prefix, a.PreferredLft, a.Peer = netip.MustParsePrefix("2001:db8::9/128"), 0, netip.MustParseAddr("2001:db8::8")
		}},
	} {
		c.change(&c.of)
		i := valid(t, Keepalived, instanceWith("virtual_ipaddress_excluded { "+line+" }")).Instances[0]
		if diff := cmp.Diff([]VirtualAddress{c.of}, i.Excluded, cmpModel); diff != "" || len(i.Addresses) != 1 {
			t.Errorf("%s\n%s", line, diff)
		}
	}
	// What keepalived takes no notice of, and HCL does not bear.
	for line, c := range map[string]struct{ warning, err string }{
		"10.0.0.9/24 home":            {"home is for IPv6 addresses; it is ignored", "home is for IPv6 addresses; remove it"},
		"10.0.0.9/24 -nodad":          {"-nodad is for IPv6 addresses; it is ignored", "-nodad is for IPv6 addresses; remove it"},
		"10.0.0.9/24 preferred_lft 5": {"preferred_lft counts for IPv6 addresses alone; it is ignored", "preferred_lft counts for IPv6 addresses alone; remove it"},
		"2001:db8::9/64 brd +":        {"IPv6 has no broadcast addresses; it is ignored", "IPv6 has no broadcast addresses; remove it"},
	} {
		r := read(t, Keepalived, instanceWith("virtual_ipaddress_excluded { "+line+" }"))
		if got := lines(r.Diags); len(got) != 1 || !strings.HasPrefix(got[0], "warning") || !strings.HasSuffix(got[0], c.warning) {
			t.Errorf("%s\n%q", line, got)
		}
		src := "vrrp_instance \"a\" {\nvirtual_router_id = 1\ninterface = \"eth0\"\nvirtual_ipaddress = [\"10.0.0.1\"]\nvirtual_ipaddress_excluded = [\"" + line + "\"]\n}\n"
		if got := lines(read(t, HCL, src).Diags); len(got) != 1 || !strings.HasPrefix(got[0], "error") || !strings.HasSuffix(got[0], c.err) {
			t.Errorf("%s\n%q", line, got)
		}
	}
}

func TestWordsOfNotify(t *testing.T) {
	run := func(words ...string) Program { return Program{Words: words} }
	for line, want := range map[string]Notify{
		"notify_master /bin/x":                                    {Master: run("/bin/x")},
		"notify_backup \"/bin/x 'a b' c\"":                        {Backup: run("/bin/x", "a b", "c")},
		"notify_fault \"/bin/x a\" nobody":                        {Fault: Program{Words: []string{"/bin/x", "a"}, User: "nobody"}},
		"notify_stop /bin/x nobody nogroup":                       {Stop: Program{Words: []string{"/bin/x"}, User: "nobody", Group: "nogroup"}},
		"notify_deleted":                                          {TellDeleted: true},
		"notify_deleted /bin/x":                                   {TellDeleted: true, Deleted: run("/bin/x")},
		"notify '/bin/sh -c \"a | b\"'":                           {Any: run("/bin/sh", "-c", "a | b")},
		"notify_master_rx_lower_pri /bin/x\nnotify_master /bin/y": {MasterRxLowerPri: run("/bin/x"), Master: run("/bin/y")},
		"notify_master /bin/x\n}\nglobal_defs {\nscript_user a b": {Master: Program{Words: []string{"/bin/x"}, User: "a", Group: "b"}},
	} {
		if diff := cmp.Diff(want, valid(t, Keepalived, instanceWith(line)).Instances[0].Notify, cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
	c := valid(t, Keepalived, "global_defs {\nstartup_script \"/bin/x a\" root\nshutdown_script /bin/y\nshutdown_script_timeout 30\nscript_user nobody\n}\n")
	want := Lifetime{Program{[]string{"/bin/x", "a"}, "root", ""}, Program{[]string{"/bin/y"}, "nobody", ""}, 10 * time.Second, 30 * time.Second}
	if diff := cmp.Diff(want, c.Lifetime); diff != "" {
		t.Error(diff)
	}
}

func TestWordsOfTrackers(t *testing.T) {
	process := Process{Name: "t", Words: []string{"nginx"}, Quorum: 1, QuorumMax: maxProcesses}
	for src, want := range map[string]Config{
		"track_file t {\nfile /x\n}":                            {Files: []File{{Name: "t", Path: "/x"}}},
		"vrrp_track_file t {\nfile \"/a b/../c\"\ninit_file\n}": {Files: []File{{Name: "t", Path: "/c", Init: true}}},
		"track_file t {\nfile /x\ninit_file 5\n}":               {Files: []File{{Name: "t", Path: "/x", Init: true, InitValue: 5}}},
		"track_file t {\nfile /x\ninit_file overwrite\n}":       {Files: []File{{Name: "t", Path: "/x", Init: true, Overwrite: true}}},
		"track_file t {\nfile /x\ninit_file -5 overwrite\n}":    {Files: []File{{Name: "t", Path: "/x", Init: true, InitValue: -5, Overwrite: true}}},
		"vrrp_track_ping t {\naddress 10.0.0.1\ninterval 0.5\nfall 2\n}": {Pings: []Ping{{Name: "t", Address: netip.MustParseAddr("10.0.0.1"),
			Interval: 500 * time.Millisecond, Timeout: 500 * time.Millisecond, Rise: 1, Fall: 2}}},
	} {
		c := valid(t, Keepalived, src+"\n")
		if diff := cmp.Diff(want, Config{Files: c.Files, Pings: c.Pings}, cmpModel); diff != "" {
			t.Errorf("%s\n%s", src, diff)
		}
	}
	for line, change := range map[string]func(*Process){
		"":                        func(*Process) {},
		"process /usr/sbin/nginx": func(p *Process) { p.Words, p.FullCommand = []string{"/usr/sbin/nginx"}, true },
		"process \"a b\" \"c d\" e": func(p *Process) {
			p.Words, p.FullCommand, p.ParamMatch = []string{"a b", "c d", "e"}, true, ExactParameters
		},
		"process a b\nparam_match initial":   func(p *Process) { p.Words, p.FullCommand, p.ParamMatch = []string{"a", "b"}, true, InitialParameters },
		"param_match":                        func(p *Process) { p.FullCommand, p.ParamMatch = true, ExactParameters },
		"param_match partial":                func(p *Process) { p.FullCommand, p.ParamMatch = true, PartialParameters },
		"full_command":                       func(p *Process) { p.FullCommand = true },
		"quorum 3\nquorum_max 4":             func(p *Process) { p.Quorum, p.QuorumMax = 3, 4 },
		"quorum_max 0":                       func(p *Process) { p.Quorum, p.QuorumMax = 0, 0 },
		"delay 1.5":                          func(p *Process) { p.ForkDelay, p.TerminateDelay = 1500*time.Millisecond, 1500*time.Millisecond },
		"fork_delay 2\ndelay 1":              func(p *Process) { p.ForkDelay, p.TerminateDelay = 2*time.Second, time.Second },
		"fork_delay 2\nterminate_delay 0.25": func(p *Process) { p.ForkDelay, p.TerminateDelay = 2*time.Second, 250*time.Millisecond },
	} {
		want := process
		change(&want)
		src := "vrrp_track_process t {\n" + line + "\n}\n"
		if !strings.HasPrefix(line, "process") {
			src = "vrrp_track_process t {\nprocess nginx\n" + line + "\n}\n"
		}
		if diff := cmp.Diff([]Process{want}, valid(t, Keepalived, src).Processes, cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
	// The weights of those that give none, and what keepalived allows beyond what counts.
	c := valid(t, Keepalived, "track_file f {\nfile /x\n}\ntrack_file g {\nfile /y\nweight -1000 reverse\n}\nvrrp_track_process p {\nprocess x\n}\n"+
		instanceWith("track_file {\nf\ng\n}\ntrack_process {\np\n}"))
	want := []Tracked{{Kind: TrackFile, Name: "f", Weight: 1}, {Kind: TrackFile, Name: "g", Weight: -254, Reverse: true}, {Kind: TrackProcess, Name: "p", Weight: 1}}
	if diff := cmp.Diff(want, c.Instances[0].Track, cmpModel); diff != "" {
		t.Error(diff)
	}
}

func TestTrackedServices(t *testing.T) {
	services := "virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.1.1 80 {\n}\n}\nvirtual_server 10.0.0.1 53 {\nprotocol TCP\nreal_server 10.0.1.1 53 {\n}\n}\n" +
		"virtual_server 10.0.0.1 53 {\nprotocol UDP\nreal_server 10.0.1.1 53 {\n}\n}\nvirtual_server fwmark 7 {\nreal_server 10.0.1.1 80 {\n}\n}\n"
	for words, want := range map[string]ServiceTracker{
		"virtual_server 10.0.0.1 80":               {Address: netip.MustParseAddrPort("10.0.0.1:80"), Protocol: TCP},
		"virtual_server 10.0.0.1 53\nprotocol UDP": {Address: netip.MustParseAddrPort("10.0.0.1:53"), Protocol: UDP},
		"virtual_server fwmark 7":                  {FWMark: 7},
	} {
		want.Name = "t"
		got := valid(t, Keepalived, "vrrp_track_service t {\n"+words+"\n}\n"+services).ServiceTrackers
		if diff := cmp.Diff([]ServiceTracker{want}, got, cmpModel); diff != "" {
			t.Errorf("%s\n%s", words, diff)
		}
	}
	for words, want := range map[string]string{
		"virtual_server 10.0.0.1 53":               "There are several such virtual_server; write the protocol of the one that vrrp_track_service \"t\" is about",
		"virtual_server 10.0.0.1 81":               "There is no such virtual_server as vrrp_track_service \"t\" is about",
		"virtual_server 10.0.0.1 80\nprotocol UDP": "There is no such virtual_server as vrrp_track_service \"t\" is about",
		"virtual_server fwmark 8":                  "There is no such virtual_server as vrrp_track_service \"t\" is about",
		"virtual_server group web":                 "There is no virtual_server_group \"web\"",
		"protocol TCP":                             "vrrp_track_service \"t\" has no virtual_server; write which one it is about",
	} {
		got := lines(read(t, Keepalived, "vrrp_track_service t {\n"+words+"\n}\n"+services).Diags)
		if !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, "error") && strings.HasSuffix(l, want) }) {
			t.Errorf("%s\n%q", words, got)
		}
	}
	// What is wrong is the virtual_server, and not the block.
	got := lines(read(t, Keepalived, "vrrp_track_service t {\nweight 5\nvirtual_server 10.0.0.1 81\n}\n"+services).Diags)
	if !strings.HasPrefix(got[0], "error lb.conf:3:1: There is no such") {
		t.Errorf("%q", got)
	}
}

func TestWordsOfScripts(t *testing.T) {
	def := Script{Name: "s", Command: Program{Words: []string{"/bin/true"}}, Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1}
	for line, change := range map[string]func(*Script){
		"":                            func(*Script) {},
		"interval 0.25":               func(s *Script) { s.Interval, s.Timeout = 250*time.Millisecond, 250*time.Millisecond },
		"timeout 3\ninterval 10":      func(s *Script) { s.Interval, s.Timeout = 10*time.Second, 3*time.Second },
		"rise 2\nfall 65535":          func(s *Script) { s.Rise, s.Fall = 2, 65535 },
		"init_fail":                   func(s *Script) { s.InitFail = true },
		"user nobody":                 func(s *Script) { s.Command.User = "nobody" },
		"user nobody nogroup":         func(s *Script) { s.Command.User, s.Command.Group = "nobody", "nogroup" },
		"script \"/bin/a b  'c d'\"":  func(s *Script) { s.Command.Words = []string{"/bin/a", "b", "c d"} },
		"script '/bin/a \"x y\" z'":   func(s *Script) { s.Command.Words = []string{"/bin/a", "x y", "z"} },
		"script /bin/a b \"c d\"":     func(s *Script) { s.Command.Words = []string{"/bin/a", "b", "c d"} },
		"script \"'/bin/a b'\"":       func(s *Script) { s.Command.Words = []string{"/bin/a b"} },
		"script killall\\ -0\\ nginx": func(s *Script) { s.Command.Words = []string{"killall", "-0", "nginx"} },
	} {
		want := def
		change(&want)
		src := "vrrp_script s {\nscript /bin/true\n" + line + "\n}\n"
		if strings.HasPrefix(line, "script") {
			src = "vrrp_script s {\n" + line + "\n}\n"
		}
		if diff := cmp.Diff([]Script{want}, valid(t, Keepalived, src).Scripts, cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
	// The weight is that of the script where the line has none, and script_user that of every script.
	c := valid(t, Keepalived, "vrrp_script s {\nscript /bin/true\nweight -20 reverse\n}\nglobal_defs {\nscript_user a b\nenable_script_security\n}\n"+
		"vrrp_script u {\nscript /bin/true\nuser c\n}\n"+
		instanceWith("track_script {\ns\n}")+"vrrp_sync_group g {\ngroup { a }\ntrack_script {\ns weight 10\nu\n}\nsync_group_tracking_weight\n}\n")
	want := []Tracked{{Kind: TrackScript, Name: "s", Weight: -20, Reverse: true}, {Kind: TrackScript, Name: "s", Weight: 10}, {Kind: TrackScript, Name: "u"}}
	if diff := cmp.Diff(want, append(c.Instances[0].Track, c.SyncGroups[0].Track...), cmpModel); diff != "" {
		t.Error(diff)
	}
	if s := c.Scripts; s[0].Command.User != "a" || s[0].Command.Group != "b" || s[1].Command.User != "c" || s[1].Command.Group != "" || !c.ScriptSecurity {
		t.Errorf("%+v", c)
	}
}

func TestWordsOfGlobalDefs(t *testing.T) {
	instance := "\nvrrp_instance a {\nvirtual_router_id 1\nvirtual_ipaddress { 10.0.0.1 }\n}\nglobal_defs { router_id x }"
	c := valid(t, Keepalived, "global_defs {\nvrrp_version 3\nvrrp_garp_master_delay 7\nvrrp_garp_master_repeat 8\n}"+instance)
	i := c.Instances[0]
	if c.RouterID != "x" || i.Version != 3 || i.GARPMasterDelay != 7*time.Second || i.GARPMasterRepeat != 8 || i.Interface != "eth0" {
		t.Errorf("%q %+v", c.RouterID, i)
	}
}

// The words of global_defs are the defaults of instances, wherever they stand.
func TestGlobalDefaultsOfInstances(t *testing.T) {
	for words, change := range map[string]func(*Instance){
		"vrrp_down_timer_adverts 5":        func(i *Instance) { i.DownTimerAdverts = 5 },
		"vrrp_lower_prio_no_advert":        func(i *Instance) { i.LowerPrioNoAdvert = true },
		"vrrp_higher_prio_send_advert off": func(i *Instance) { i.HigherPrioSendAdvert = false },
		"vrrp_owner_ignore_adverts":        func(i *Instance) { i.OwnerIgnoreAdverts = true },
		"vrrp_strict":                      func(i *Instance) { i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false },
		"vrrp_garp_master_delay 7\nvrrp_garp_master_repeat 8": func(i *Instance) {
			i.GARPMasterDelay, i.GARPMasterRepeat = 7*time.Second, 8
			i.GARPLowerPrioDelay, i.GARPLowerPrioRepeat = 7*time.Second, 8
		},
		"vrrp_garp_lower_prio_repeat 0\nvrrp_garp_lower_prio_delay 2\nvrrp_garp_master_delay 7": func(i *Instance) {
			i.GARPMasterDelay, i.GARPLowerPrioDelay, i.GARPLowerPrioRepeat = 7*time.Second, 2*time.Second, 0
		},
		"vrrp_garp_master_refresh 60\nvrrp_garp_master_refresh_repeat 2": func(i *Instance) {
			i.GARPMasterRefresh, i.GARPMasterRefreshRepeat = time.Minute, 2
		},
		"vrrp_min_garp off": func(*Instance) {},
		"vrrp_min_garp": func(i *Instance) {
			i.GARPMasterDelay, i.GARPMasterRepeat, i.GARPLowerPrioDelay, i.GARPLowerPrioRepeat = 0, 1, 0, 1
		},
		"vrrp_min_garp\nvrrp_garp_master_repeat 3\nvrrp_garp_lower_prio_delay 9\nvrrp_garp_master_refresh 60": func(i *Instance) {
			i.GARPMasterDelay, i.GARPMasterRepeat, i.GARPLowerPrioDelay, i.GARPLowerPrioRepeat = 0, 3, 9*time.Second, 3
			i.GARPMasterRefresh = time.Minute
		},
	} {
		want := usualInstance(keepalivedFrontEnd(), func(i *Instance) {
			i.Name, i.VirtualRouterID = "a", 1
			i.Addresses = []VirtualAddress{{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Dev: "eth0", PreferredLft: Forever}}
			change(i)
		})
		got := valid(t, Keepalived, instanceWith("")+"global_defs {\n"+words+"\n}\n").Instances[0]
		if diff := cmp.Diff(want, got, cmpModel); diff != "" {
			t.Errorf("%s\n%s", words, diff)
		}
	}
}

func TestWordsOfTheHost(t *testing.T) {
	c := valid(t, Keepalived, `global_defs {
vrrp_startup_delay 5.5
vrrp_delay_after_boot 30
vrrp_garp_interval 0.001
vrrp_gna_interval 0.000001
}
garp_group {
garp_interval 0.1
interfaces { eth1
eth2 }
interface eth3
}
interface_up_down_delays {
eth0 0.00001 255
eth1 1
}
interface_up_down_delays {
eth2 0
}
`)
	want := &Config{RouterID: "lb1", Lifetime: noLifetime(), StartupDelay: 5500 * time.Millisecond, DelayAfterBoot: 30 * time.Second,
		Spacing:    Spacing{time.Millisecond, time.Microsecond},
		GARPGroups: []GARPGroup{{Spacing: Spacing{ARP: 100 * time.Millisecond}, Interfaces: []string{"eth1", "eth2", "eth3"}}},
		LinkDelays: []LinkDelay{{Interface: "eth0", Down: 10 * time.Microsecond, Up: 255 * time.Second},
			{Interface: "eth1", Down: time.Second, Up: time.Second}, {Interface: "eth2"}},
	}
	if diff := cmp.Diff(want, c, cmpModel); diff != "" {
		t.Error(diff)
	}
}

// An instance that sees its link down only after others took over is told of.
func TestLinkDelaysAreShort(t *testing.T) {
	for delay, warned := range map[string]bool{"1.999999": false, "2": true, "0": false} {
		src := instanceWith("") + "interface_up_down_delays {\neth0 " + delay + " 9\neth1 200\n}\n"
		got := lines(read(t, Keepalived, src).Diags)
		want := `warning lb.conf:8:1: vrrp_instance "a" acts 2 s after eth0 went down, and another node may be master by then; write less than 2`
		if (len(got) > 0) != warned || warned && got[0] != want {
			t.Errorf("%s: %q", delay, got)
		}
	}
}

func TestInstanceWithoutAddresses(t *testing.T) {
	bare := func(word string) string {
		return "vrrp_instance a {\nvirtual_router_id 1\ninterface eth0\n" + word + "\n}\n"
	}
	if i := valid(t, Keepalived, bare("no_virtual_ipaddress\nvirtual_ipaddress_excluded { 10.0.0.1 }")).Instances[0]; len(i.Addresses) != 0 {
		t.Error(i.Addresses)
	}
	for word, want := range map[string]string{
		"no_virtual_ipaddress off":                               `error lb.conf:1:1: vrrp_instance "a" has no virtual_ipaddress; write the addresses that it moves, or no_virtual_ipaddress`,
		"virtual_ipaddress_excluded { 10.0.0.1 }":                `warning lb.conf:1:1: vrrp_instance "a" has no virtual_ipaddress; its adverts name none`,
		"no_virtual_ipaddress\nvirtual_ipaddress {\n10.0.0.1\n}": "error lb.conf:4:1: no_virtual_ipaddress contradicts virtual_ipaddress; remove one",
	} {
		if got := lines(read(t, Keepalived, bare(word)).Diags); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestWordsOfService(t *testing.T) {
	def := VirtualServer{
		Address: netip.MustParseAddrPort("10.0.0.1:80"), Protocol: TCP, Scheduler: "wlc", Forwarding: NAT, Quorum: 1, Family: 4,
		RealServers: []RealServer{{Address: netip.MustParseAddrPort("10.0.0.2:80"), Weight: 1, Forwarding: NAT}},
	}
	cases := map[string]func(*VirtualServer){
		"":                            func(*VirtualServer) {},
		"lb_algo rr":                  func(v *VirtualServer) { v.Scheduler = "rr" },
		"lvs_sched mh":                func(v *VirtualServer) { v.Scheduler = "mh" },
		"lb_kind TUN":                 func(v *VirtualServer) { tunnelled(v, Tunnel{Type: IPIP}) },
		"lvs_method DR":               func(v *VirtualServer) { v.Forwarding, v.RealServers[0].Forwarding = DR, DR },
		"persistence_timeout":         func(v *VirtualServer) { v.PersistenceTimeout = 360 * time.Second },
		"persistence_timeout 2678400": func(v *VirtualServer) { v.PersistenceTimeout = 31 * 24 * time.Hour },
		"weight 0":                    func(v *VirtualServer) { v.RealServers[0].Weight = 0 },
		"weight 65535":                func(v *VirtualServer) { v.RealServers[0].Weight = 65535 },
		"slow_start 60":               func(v *VirtualServer) { v.RealServers[0].SlowStart = time.Minute },
		"drain_timeout 60":            func(v *VirtualServer) { v.DrainTimeout = time.Minute },
		"panic_threshold 50":          func(v *VirtualServer) { v.PanicThreshold = 50 },
		"inhibit_on_failure":          func(v *VirtualServer) { v.RealServers[0].InhibitOnFailure = true },
		"weight 9\nquorum 7\nhysteresis 2": func(v *VirtualServer) {
			v.RealServers[0].Weight, v.Quorum, v.Hysteresis = 9, 7, 2
		},
		"lb_kind DR\nsorry_server 10.0.0.9": func(v *VirtualServer) {
			v.Forwarding, v.RealServers[0].Forwarding = DR, DR
			v.Sorry = SorryServer{Address: netip.MustParseAddrPort("10.0.0.9:80"), Forwarding: DR}
		},
		"sorry_server_inhibit\nsorry_server_lvs_method TUN\nsorry_server 10.0.0.9 http": func(v *VirtualServer) {
			v.Sorry = SorryServer{Address: netip.MustParseAddrPort("10.0.0.9:80"), Forwarding: TUN, Tunnel: Tunnel{Type: IPIP}, Inhibit: true}
		},
		"lb_kind TUN type gue port 6080":            func(v *VirtualServer) { tunnelled(v, Tunnel{GUE, 6080, ""}) },
		"lb_kind TUN csum port 6080 type gue":       func(v *VirtualServer) { tunnelled(v, Tunnel{GUE, 6080, OuterChecksum}) },
		"lvs_method TUN type gue port 6080 remcsum": func(v *VirtualServer) { tunnelled(v, Tunnel{GUE, 6080, RemoteChecksum}) },
		"lb_kind TUN type gre nocsum":               func(v *VirtualServer) { tunnelled(v, Tunnel{GRE, 0, ""}) },
		"lb_kind TUN type gre csum":                 func(v *VirtualServer) { tunnelled(v, Tunnel{GRE, 0, OuterChecksum}) },
		"lb_algo sh\nsh-port\nsh-fallback":          func(v *VirtualServer) { v.Scheduler, v.HashPort, v.Fallback = "sh", true, true },
		"mh-port on\nmh-fallback off\nlb_algo mh":   func(v *VirtualServer) { v.Scheduler, v.HashPort = "mh", true },
		"flag-1\nflag-2 true\nflag-3 yes\nhashed":   func(v *VirtualServer) { v.Fallback, v.HashPort, v.Flag3 = true, true, true },
		"ip_family inet":                            func(*VirtualServer) {},
		"persistence_timeout 9\npersistence_granularity 255.255.255.0": func(v *VirtualServer) {
			v.PersistenceTimeout, v.PersistencePrefix = 9*time.Second, 24
		},
		"persistence_granularity 16\npersistence_timeout 9": func(v *VirtualServer) {
			v.PersistenceTimeout, v.PersistencePrefix = 9*time.Second, 16
		},
		"persistence_granularity 255.255.255.255\npersistence_timeout 9": func(v *VirtualServer) { v.PersistenceTimeout = 9 * time.Second },
		"persistence_engine sip\npersistence_timeout 9\nprotocol UDP": func(v *VirtualServer) {
			v.Protocol, v.PersistenceTimeout, v.PersistenceEngine = UDP, 9*time.Second, "sip"
		},
	}
	for _, s := range schedulers() {
		cases["lb_algo "+s] = func(v *VirtualServer) { v.Scheduler = s }
	}
	for line, change := range cases {
		want := def
		want.RealServers = append([]RealServer(nil), def.RealServers...)
		change(&want)
		if diff := cmp.Diff(want, valid(t, Keepalived, serviceWith(line)).Services[0], cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

func tunnelled(v *VirtualServer, u Tunnel) {
	v.Forwarding, v.Tunnel = TUN, u
	v.RealServers[0].Forwarding, v.RealServers[0].Tunnel = TUN, u
}

func TestFamilyOfFirewallMark(t *testing.T) {
	for src, want := range map[string]uint8{
		"virtual_server fwmark 1 {\n}\n":                                                          4,
		"virtual_server fwmark 1 {\nip_family inet6\n}\n":                                         6,
		"virtual_server fwmark 1 {\nreal_server 2001:db8::1 {\n}\n}\n":                            6,
		"virtual_server fwmark 1 {\nsorry_server 2001:db8::1\n}\n":                                6,
		"virtual_server 2001:db8::9 80 {\nprotocol TCP\nip_family inet6\n}\n":                     6,
		"virtual_server fwmark 1 {\nip_family inet6\nlb_kind TUN\nreal_server 10.0.0.1 {\n}\n}\n": 6,
	} {
		if got := valid(t, Keepalived, src).Services[0].Family; got != want {
			t.Errorf("%s is of IPv%d", src, got)
		}
	}
}

func TestWordsOfServer(t *testing.T) {
	def := RealServer{Address: netip.MustParseAddrPort("10.0.0.2:80"), Weight: 1, Forwarding: NAT}
	for line, change := range map[string]func(*RealServer){
		"":                             func(*RealServer) {},
		"weight 3":                     func(r *RealServer) { r.Weight = 3 },
		"lvs_method TUN":               func(r *RealServer) { r.Forwarding, r.Tunnel = TUN, Tunnel{Type: IPIP} },
		"lvs_method TUN type gre csum": func(r *RealServer) { r.Forwarding, r.Tunnel = TUN, Tunnel{Type: GRE, Checksum: OuterChecksum} },
		"uthreshold 100":               func(r *RealServer) { r.UpperThreshold = 100 },
		"lthreshold 7\nuthreshold 7":   func(r *RealServer) { r.UpperThreshold, r.LowerThreshold = 7, 7 },
		"inhibit_on_failure on":        func(r *RealServer) { r.InhibitOnFailure = true },
	} {
		want := def
		change(&want)
		if diff := cmp.Diff(want, valid(t, Keepalived, serverWith(line)).Services[0].RealServers[0], cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

func TestAlphaIsInherited(t *testing.T) {
	for src, want := range map[string]bool{
		serviceWith("real_server 10.0.0.3 80 { TCP_CHECK }"):                              false,
		serviceWith("alpha\nreal_server 10.0.0.3 80 { TCP_CHECK }"):                       true,
		serviceWith("alpha\nreal_server 10.0.0.3 80 {\nalpha off\nTCP_CHECK }"):           false,
		serviceWith("alpha off\nreal_server 10.0.0.3 80 {\nTCP_CHECK {\nalpha true\n} }"): true,
		serviceWith("real_server 10.0.0.3 80 {\nalpha\nTCP_CHECK {\nalpha false\n} }"):    false,
	} {
		if got := valid(t, Keepalived, src).Services[0].RealServers[0].Checks[0].Alpha; got != want {
			t.Errorf("%s\nalpha is %t", src, got)
		}
	}
}

func TestProtocolIsWrittenInAnyCase(t *testing.T) {
	for written, want := range map[string]Protocol{"TCP": TCP, "udp": UDP, "Sctp": SCTP} {
		src := "virtual_server 10.0.0.1 80 {\nprotocol " + written + "\n}\n"
		if got := valid(t, Keepalived, src).Services[0].Protocol; got != want {
			t.Errorf("%s is %q", written, got)
		}
	}
}

func TestWordsOfChecks(t *testing.T) {
	def := Check{Kind: TCPCheck, Timing: Timing{Interval: time.Minute, Timeout: 5 * time.Second, Warmup: time.Minute, Retry: 1, Rise: 1, DelayBeforeRetry: time.Second}}
	for line, change := range map[string]func(*Check){
		"TCP_CHECK":    func(*Check) {},
		"TCP_CHECK {}": func(*Check) {},
		"TCP_CHECK # with a block\n# on a later line\n{\nretry 0\n}": func(c *Check) { c.Retry = 0 },
		"ICMP_CHECK":                          func(c *Check) { c.Kind = PingCheck },
		"PING_CHECK { delay_loop 0.001 }":     func(c *Check) { c.Kind, c.Interval, c.Warmup = PingCheck, time.Millisecond, time.Millisecond },
		"TCP_CHECK { connect_timeout 86400 }": func(c *Check) { c.Timeout = 24 * time.Hour },
		"TCP_CHECK { delay_before_retry 0 }":  func(c *Check) { c.DelayBeforeRetry = 0 },
		"TCP_CHECK { nb_get_retry 65535 }":    func(c *Check) { c.Retry = 65535 },
		"TCP_CHECK { alpha\nwarmup 0\nlog_all_failures }": func(c *Check) {
			c.Alpha, c.Warmup, c.LogAllFailures = true, 0, true
		},
		"TCP_CHECK { connect_ip 2001:db8::1\nconnect_port https\nbindto 2001:db8::2\nbind_port 7\nbind_if eth1\nfwmark 9 }": func(c *Check) {
			c.Socket = Socket{ConnectIP: netip.MustParseAddr("2001:db8::1"), ConnectPort: 443, BindTo: netip.MustParseAddr("2001:db8::2"),
				BindPort: 7, BindIf: "eth1", FWMark: 9}
		},
		"SSL_GET { http_protocol 1.0C\nsni_name a.example\ntls_compliant\nfast_recovery\nurl { path /\nregex \"a\\\\d\"\nregex_options utf\nregex_stack 1 2\n} }": func(c *Check) {
			c.Kind, c.DelayBeforeRetry = SSLGet, 3*time.Second
			c.HTTP = &HTTP{Protocol: "1.0C", SNI: true, SNIName: "a.example", URLs: []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}},
				Regex: Regex{Pattern: `a\d`, Options: []string{"utf"}}, TLSCompliant: true}}}
		},
		"TCP_CHECK { rise 3\nfall 4 }":                     func(c *Check) { c.Rise, c.Retry = 3, 3 },
		"TCP_CHECK { send \"PING\\r\\n\"\nexpect ^.PONG }": func(c *Check) { c.TCP = &TCPTalk{"PING\r\n", "^.PONG"} },
		"SMTP_CHECK": func(c *Check) { c.Kind, c.SMTP = SMTPCheck, &SMTPTalk{HeloName: "smtpchecker.keepalived.org"} },
		"SMTP_CHECK { helo_name \"a.example\"\nhost { connect_ip 10.0.0.9\nconnect_port 587 }\nhost { bindto 10.0.0.8 } }": func(c *Check) {
			c.Kind, c.SMTP = SMTPCheck, &SMTPTalk{HeloName: "a.example", Hosts: []Host{
				{Socket: Socket{ConnectIP: netip.MustParseAddr("10.0.0.9"), ConnectPort: 587}}, {Socket: Socket{BindTo: netip.MustParseAddr("10.0.0.8")}}}}
		},
		"SMTP_CHECK { fwmark 9\nconnect_port 25\nhost { connect_ip 10.0.0.9 }\nhost { connect_port 587 }\nbindto 10.0.0.8 }": func(c *Check) {
			c.Socket = Socket{ConnectPort: 25, BindTo: netip.MustParseAddr("10.0.0.8"), FWMark: 9}
			one, two := c.Socket, c.Socket
			one.ConnectIP, two.ConnectPort = netip.MustParseAddr("10.0.0.9"), 587
			c.Kind, c.SMTP = SMTPCheck, &SMTPTalk{HeloName: "smtpchecker.keepalived.org", Hosts: []Host{{Socket: one}, {Socket: two}}}
		},
		"DNS_CHECK": func(c *Check) {
			c.Kind, c.DNS, c.Retry, c.DelayBeforeRetry = DNSCheck, &DNSQuestion{"SOA", "."}, 3, time.Minute
		},
		"DNS_CHECK { type type65\nname example.com.\nretry 1\ndelay_loop 5\ndelay_before_retry 2 }": func(c *Check) {
			c.Kind, c.DNS, c.Interval, c.Warmup, c.DelayBeforeRetry = DNSCheck, &DNSQuestion{"TYPE65", "example.com."}, 5*time.Second, 5*time.Second, 2*time.Second
		},
		"UDP_CHECK": func(c *Check) { c.Kind, c.UDP = UDPCheck, &UDPPacket{MaxLength: 255} },
		"UDP_CHECK { payload Ab12f 3 456 546443123\nrequire_reply }": func(c *Check) {
			c.Kind, c.UDP = UDPCheck, &UDPPacket{Payload: "\xab\x12\x0f\x03\x45\x06\x54\x64\x43\x12\x03", RequireReply: true, MaxLength: 255}
		},
		"UDP_CHECK { require_reply 1xX2 x\nmin_reply_length 2\nmax_reply_length 9 }": func(c *Check) {
			c.Kind, c.UDP = UDPCheck, &UDPPacket{RequireReply: true, Reply: "\x10\x02\x00", Mask: "\xf0\x0f\xf0", MinLength: 2, MaxLength: 9}
		},
		"FILE_CHECK { track_file f }": func(c *Check) {
			c.Kind, c.Timing, c.File = FileCheck, fileTiming(), &FileTalk{Name: "f", Path: "/run/f", Weight: 3}
		},
		"FILE_CHECK { track_file f\nweight 5 reverse\ndynamic }": func(c *Check) {
			c.Kind, c.Timing, c.File = FileCheck, fileTiming(), &FileTalk{Name: "f", Path: "/run/f", Weight: -5}
		},
		"FILE_CHECK { track_file f\nweight 0 }": func(c *Check) {
			c.Kind, c.Timing, c.File = FileCheck, fileTiming(), &FileTalk{Name: "f", Path: "/run/f"}
		},
		"MISC_CHECK { misc_path /bin/x }": func(c *Check) {
			c.Kind, c.Misc, c.Timeout, c.Retry = MiscCheck, &Misc{Command: Program{Words: []string{"/bin/x"}}}, time.Minute, 0
		},
		"MISC_CHECK { misc_path \"/bin/x 'a b'\"\nmisc_timeout 3\nmisc_dynamic\nuser nobody nogroup\nretry 2 }": func(c *Check) {
			c.Kind, c.Timeout, c.Retry = MiscCheck, 3*time.Second, 2
			c.Misc = &Misc{Command: Program{Words: []string{"/bin/x", "a b"}, User: "nobody", Group: "nogroup"}, Dynamic: true}
		},
		"GRPC_CHECK { service a.B\nvirtualhost b.example\ntls\nsni_name c.example }": func(c *Check) {
			c.Kind, c.GRPC = GRPCCheck, &GRPCHealth{Service: "a.B", VirtualHost: "b.example", TLS: true, SNIName: "c.example"}
		},
		"HTTP_GET { url { path / } }": func(c *Check) {
			c.Kind, c.DelayBeforeRetry = HTTPGet, 3*time.Second
			c.HTTP = &HTTP{Protocol: "1.0", URLs: []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}}}}
		},
		"SSL_GET { url { path /?a=b#c\n} url { path \"/x#y\"\nstatus_code 100-599 204 } }": func(c *Check) {
			c.Kind, c.DelayBeforeRetry = SSLGet, 3*time.Second
			c.HTTP = &HTTP{Protocol: "1.0", URLs: []URL{
				{Path: "/?a=b", StatusCodes: []StatusRange{{200, 299}}},
				{Path: "/x#y", StatusCodes: []StatusRange{{100, 599}, {204, 204}}},
			}}
		},
	} {
		want := def
		change(&want)
		server := valid(t, Keepalived, "track_file f {\nfile /run/f\nweight 3\n}\n"+serverWith(line)).Services[0].RealServers[0]
		if diff := cmp.Diff([]Check{want}, server.Checks, cmpModel); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

func TestChecksInheritWord(t *testing.T) {
	words := []string{"delay_loop", "connect_timeout", "delay_before_retry", "retry"}
	of := func(c Check) []int {
		return []int{int(c.Interval.Seconds()), int(c.Timeout.Seconds()), int(c.DelayBeforeRetry.Seconds()), c.Retry}
	}
	for k, word := range words {
		for levels := range 8 {
			src, want := "virtual_server 10.0.0.1 80 {\nprotocol TCP\n", []int{60, 5, 3, 1}
			set := func(bit, value int) string {
				if levels&bit == 0 {
					return ""
				}
				want[k] = value
				return word + " " + string(rune('0'+value)) + "\n"
			}
			service, server, check := set(1, 7), set(2, 8), set(4, 9)
			// The virtual server's word counts wherever it stands.
			src += "real_server 10.0.0.2 80 {\nHTTP_GET { url { path / }\n" + check + "}\n" + server + "}\n" + service + "}\n"
			got := of(valid(t, Keepalived, src).Services[0].RealServers[0].Checks[0])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", src, diff)
			}
		}
	}
}

// A virtualhost is the url's own, else the checker's, the real server's, the virtual server's.
func TestVirtualHostIsInherited(t *testing.T) {
	for levels := range 16 {
		want := ""
		set := func(bit int, name string) string {
			if levels&bit == 0 {
				return ""
			}
			want = name
			return "virtualhost " + name + "\n"
		}
		service, server, check, url := set(1, "a"), set(2, "b"), set(4, "c"), set(8, "d")
		src := "virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.0.2 80 {\nHTTP_GET { url { path /\n" + url + "}\n" + check + "}\n" + server + "}\n" + service + "}\n"
		if got := valid(t, Keepalived, src).Services[0].RealServers[0].Checks[0].HTTP.URLs[0].VirtualHost; got != want {
			t.Errorf("%q: %s", got, src)
		}
	}
}

func TestDefaultsOfHCL(t *testing.T) {
	c := valid(t, HCL, `
vrrp_instance "a" {
  interface = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["10.0.0.1"]
}
virtual_server "10.0.0.1" "80" {
  real_server "10.0.0.2" "80" {
    HTTP_GET {
      url "/" {}
    }
  }
}`)
	want := &Config{
		RouterID: "lb1", Lifetime: noLifetime(),
		Instances: []Instance{{
			Name: "a", State: Backup, Interface: "eth0", VirtualRouterID: 1, Priority: 100,
			AdvertInterval: time.Second, Version: 3, Preempt: true, DownTimerAdverts: 3, HigherPrioSendAdvert: true, Transport: Transport{UnicastTTL: 255},
			Addresses:       []VirtualAddress{{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Dev: "eth0", PreferredLft: Forever}},
			GARPMasterDelay: 5 * time.Second, GARPMasterRepeat: 5, GARPLowerPrioDelay: 5 * time.Second, GARPLowerPrioRepeat: 5,
			GARPMasterRefresh: time.Minute, GARPMasterRefreshRepeat: 1,
		}},
		Services: []VirtualServer{{
			Address: netip.MustParseAddrPort("10.0.0.1:80"), Protocol: TCP, Scheduler: "wlc", Forwarding: NAT, Quorum: 1, Family: 4,
			RealServers: []RealServer{{
				Address: netip.MustParseAddrPort("10.0.0.2:80"), Weight: 1, Forwarding: NAT,
				Checks: []Check{{
					Kind: HTTPGet, HTTP: &HTTP{Protocol: "1.1", URLs: []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}}}},
					Timing: Timing{Interval: 5 * time.Second, Timeout: 2 * time.Second, Warmup: 5 * time.Second, Retry: 1, Rise: 1, DelayBeforeRetry: time.Second},
				}},
			}},
		}},
	}
	if diff := cmp.Diff(want, c, cmpModel); diff != "" {
		t.Error(diff)
	}
}

// Each word of the schema is known to the keepalived front end too, in the same block: HCL is
// keepalived's language with another syntax.
func TestHCLHasKeepalivedsWords(t *testing.T) {
	opening := map[string]string{
		"global_defs": "global_defs {", "vrrp_instance": "vrrp_instance x {", "vrrp_sync_group": "vrrp_sync_group x {",
		"virtual_server": "virtual_server 10.0.0.1 80 {", "real_server": "real_server 10.0.0.1 80 {", "url": "url {",
		"track_interface": "track_interface {",
	}
	var walk func(b *hclBlock, before string, depth int)
	walk = func(b *hclBlock, before string, depth int) {
		words := b.arguments()
		for _, word := range words {
			src := before + word + " 1\n" + strings.Repeat("}\n", depth)
			for _, d := range keepalived.Parse("x", []byte(src), keepalived.Options{}).Diags {
				if strings.HasPrefix(d.Summary, "Unknown keyword") || strings.Contains(d.Summary, "does not stand") {
					t.Errorf("%s\n%s", OneLine(d), src)
				}
			}
		}
		for _, child := range b.blocks {
			open, ok := opening[child.name]
			if !ok {
				open = child.name + " {"
			}
			walk(child.block, before+open+"\n", depth+1)
		}
	}
	walk(hclFile(), "", 0)
}

func TestServerGroup(t *testing.T) {
	src := "virtual_server group g {\nprotocol TCP\nlb_kind TUN\nreal_server 10.0.9.1 80 {\n}\n}\nvirtual_server_group g {\nfwmark 7 inet6\n10.0.0.254-10.0.1.1 80\nfwmark 8\n10.0.2.8/30 81\n" +
		"2001:db8::9-b http\n10.0.3.1-2\n10.0.4.1\n}\n"
	r := read(t, Keepalived, src)
	if r.Config == nil {
		t.Fatal(lines(r.Diags))
	}
	c := r.Config
	var got []string
	for a := range c.Addresses(&c.Services[0]) {
		if a.FWMark != 0 {
			got = append(got, fmt.Sprintf("%d IPv%d", a.FWMark, a.Family))
			continue
		}
		if a.Family != familyOf(a.Address.Addr()) {
			t.Errorf("%s is of IPv%d", a.Address, a.Family)
		}
		got = append(got, a.Address.String())
	}
	want := []string{"10.0.0.254:80", "10.0.0.255:80", "10.0.1.0:80", "10.0.1.1:80", "10.0.2.8:81", "10.0.2.9:81", "10.0.2.10:81",
		"10.0.2.11:81", "[2001:db8::9]:80", "[2001:db8::a]:80", "[2001:db8::b]:80", "10.0.3.1:0", "10.0.3.2:0", "10.0.4.1:0", "7 IPv6", "8 IPv4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v := c.Services[0]; v.Family != 0 || v.PersistenceTimeout != 360*time.Second {
		t.Errorf("%+v", v)
	}
}

const sixtyFour = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// Keys come from files too, and no message shows one.
func TestHMACKeys(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	type outcome struct{ key, message string }
	for value, want := range map[string]outcome{
		"file:" + file("hex", "hex:"+sixtyFour+"\n"): {key: strings.Repeat("\xaa", 32)},
		"file:" + file("text", sixtyFour+"\r\n"):     {key: sixtyFour},
		"file:" + file("short", "aaaa"):              {message: "Key 1: it has 4 bytes, and needs 32 to 64"},
		"file:relative":                              {message: "the path behind file: has to begin with /"},
		"file:" + dir + "/none":                      {message: "Key 1: read " + dir + "/none"},
		"hex:" + sixtyFour + "b":                     {message: "what is behind hex: is not hexadecimal"},
		"hex:" + sixtyFour + sixtyFour + "bb":        {message: "it has 65 bytes"},
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":            {message: "it has 31 bytes"},
	} {
		for name, text := range map[string]string{
			"a.conf": instanceWith("auth_hmac {\nkey 1 " + value + "\nactive_key 1\n}"),
			"a.hcl": fmt.Sprintf("vrrp_instance \"web\" {\ninterface = \"eth0\"\nvirtual_router_id = 51\nvirtual_ipaddress = [\"10.0.0.1/24\"]\n"+
				"auth_hmac {\nkey = [\"1 %s\"]\nactive_key = 1\n}\n}\n", value),
		} {
			r := Load(file(name, text), Options{})
			var printed strings.Builder
			if err := r.WriteDiagnostics(&printed, false); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(printed.String(), "aaaa") {
				t.Errorf("%s: a message shows the key:\n%s", name, &printed)
			}
			switch {
			case want.message != "":
				if !strings.Contains(printed.String(), want.message) {
					t.Errorf("%s: no %q:\n%s", name, want.message, &printed)
				}
			case r.Config == nil || len(r.Config.Instances[0].HMAC.Keys) != 1 || string(r.Config.Instances[0].HMAC.Keys[0].Value) != want.key:
				t.Errorf("%s: %s", name, &printed)
			}
		}
	}
}
