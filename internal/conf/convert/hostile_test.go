package convert

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
)

// holds says what is true of every conversion, of whatever.
func holds(t *testing.T, r *Result) {
	t.Helper()
	if (r.HCL == nil) != r.Diags.HasErrors() {
		t.Fatalf("output %q with %v", r.HCL, r.Diags)
	}
	var report bytes.Buffer
	if err := r.WriteReport(&report); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{report.String(), string(r.HCL)} {
		if i := strings.IndexFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }); i >= 0 {
			t.Fatalf("control character in %q", text)
		}
	}
	if r.HCL == nil {
		return
	}
	if !bytes.Equal(hclwrite.Format(r.HCL), r.HCL) {
		t.Fatalf("not formatted:\n%s", r.HCL)
	}
	if loaded := conf.LoadText(Output, r.HCL, conf.Options{Hostname: "lb1", Format: conf.HCL}); loaded.Config == nil {
		t.Fatalf("%v\n%s", loaded.Diags, r.HCL)
	}
}

func FuzzFiles(f *testing.F) {
	names := []string{"keepalived.conf", "haresources", "ha.cf", "authkeys", "rules"}
	cases, err := filepath.Glob("testdata/cases/*/*")
	if err != nil || len(cases) < 20 {
		f.Fatalf("%d seeds: %v", len(cases), err)
	}
	for _, path := range cases {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for k, name := range names {
			if filepath.Base(path) == name {
				f.Add(uint8(k), src)
			}
		}
		if strings.HasPrefix(string(src), "-A") || strings.HasPrefix(string(src), "#!") {
			f.Add(uint8(4), src)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, kind uint8, src []byte) {
		if bytes.Contains(src, []byte("include")) {
			return // the files of this machine are no part of the input
		}
		path := filepath.Join(dir, names[int(kind)%len(names)])
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		holds(t, Files([]string{path}, Options{Hostname: "lb1"}))
	})
}

// What has a meaning in HCL loses it on the way.
func TestTextsAreEscaped(t *testing.T) {
	const nasty = `${file('/etc')}%{if true}$${x}%%{y}\n\`
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	src := `! */ ${a} ` + "\x1b[2J\x9b" + `
global_defs {
    router_id "` + nasty + `"
}
vrrp_instance "` + nasty + `" {
    virtual_router_id 1
    virtual_ipaddress {
        10.0.0.1 label "${a}%{b}"
    }
}
vrrp_sync_group "%{if x}${" {
    group { "` + nasty + `" }
}
virtual_server 10.0.0.1 80 {
    protocol TCP
    real_server 10.0.0.2 80 {
        HTTP_GET {
            url {
                path "/${a}%{b}$${c}\"
            }
        }
    }
}
`
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	r := converted(t, "lb1", path)
	holds(t, r)
	c := conf.LoadText(Output, r.HCL, conf.Options{Hostname: "lb1", Format: conf.HCL}).Config
	if c.RouterID != nasty || c.Instances[0].Name != nasty || c.SyncGroups[0].Members[0] != nasty {
		t.Errorf("%q %q %q", c.RouterID, c.Instances[0].Name, c.SyncGroups[0].Members)
	}
	if got := c.Services[0].RealServers[0].Checks[0].HTTP.URLs[0].Path; got != `/${a}%{b}$${c}\` {
		t.Errorf("path %q", got)
	}
}

// Each refusal says what to write, at its place.
func TestRefusals(t *testing.T) {
	const tunnel = "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 "
	for _, c := range []struct{ name, src, want string }{
		{"a.hcl", "", "a.hcl:1:1: This file is HCL already; name a keepalived.conf, a file of heartbeat or rules of ipvsadm"},
		{"keepalived.conf", "virtual_server", "keepalived.conf:1:1: "},
		{"haresources", "n IPaddr::x/24", `haresources:1:3: "IPaddr::x/24": "x" is no IPv4 address; write IPaddr::ADDRESS/LENGTH/INTERFACE`},
		{"haresources", "n IPaddr::10.0.0.1/99", `haresources:1:3: "IPaddr::10.0.0.1/99": "99" is no prefix length; write IPaddr::ADDRESS/LENGTH/INTERFACE`},
		{"haresources", "a 10.0.0.1\nb 10.0.0.1", "lvsd.hcl:"},
		{"ha.cf", "keepalive 2", "ha.cf:1:1: ha.cf alone moves no address; name the haresources that belongs to it too"},
		{"ha.cf", "deadtime soon", `ha.cf:1:10: "soon" is no time from 10ms to an hour; write seconds such as 2, or 500ms`},
		{"ha.cf", "node", `ha.cf:1:1: "node" needs a value`},
		{"rules", "ipvsadm -A -t $VIP:80", `rules:1:15: "$VIP:80" is for a shell, which is not run here; write out what it stands for`},
		{"rules", "ipvsadm -A -t www:http", `rules:1:15: "www:http" is no address and port in numbers; write 192.168.2.11:80 (ipvsadm -S -n writes numbers)`},
		{"rules", "ipvsadm -A -s rr", "rules:1:1: This command names no service; write -t, -u or -f"},
		{"rules", "ipvsadm -A -f 0", `rules:1:15: "0" is no firewall mark; write a number from 1 to 4294967295`},
		{"rules", "ipvsadm -A -t 10.0.0.1:80 -M 255.255.255.0", `rules:1:30: Only a service with persistence has "255.255.255.0"; write -p SECONDS too`},
		{"rules", "ipvsadm -A -t 10.0.0.1:80 -p 60 -M 255.0.255.0", "lvsd.hcl:"},
		{"rules", "ipvsadm -A -t 10.0.0.1:80 -b sh-port,fast", `rules:1:30: "fast" is no flag of a scheduler; there are sh-fallback, sh-port, mh-fallback, mh-port, flag-1, flag-2, flag-3`},
		{"rules", "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -x -1", `rules:2:34: A threshold is a whole number of connections from 0, not "-1"`},
		{"rules", "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -x 5 -y 6", "lvsd.hcl:"},
		{"rules", "ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2", "rules:1:1: There is no service 10.0.0.1:80; add it with ipvsadm -A before its servers"},
		{"rules", "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -w many", `rules:2:34: A weight is a whole number from 0 to 65535, not "many"`},
		{"rules", "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80", "rules:2:1: This command names no real server; write -r ADDRESS:PORT"},
		{"rules", tunnel + "-m --tun-type gre", "rules:2:1: Only a server with -i has --tun-type"},
		{"rules", tunnel + "-i --tun-type vxlan", `rules:2:48: "vxlan" is no type of a tunnel; write ipip, gue or gre`},
		{"rules", tunnel + "-i --tun-type gue", "rules:2:1: A tunnel of type gue needs a port; write --tun-port 6080"},
		{"rules", tunnel + "-i --tun-type gue --tun-port=65536", `rules:2:52: The port of a tunnel is a whole number from 1 to 65535, not "65536"`},
		{"rules", tunnel + "-i --tun-type gre --tun-port 6080", "rules:2:1: Only a tunnel of type gue has --tun-port"},
		{"rules", tunnel + "-i --tun-csum", "rules:2:1: Only a tunnel of type gue or gre has --tun-csum"},
		{"rules", tunnel + "-i --tun-type gre --tun-remcsum", "rules:2:1: Only a tunnel of type gue has --tun-remcsum"},
		{"rules", tunnel + "-i --tun-type gre --tun-csum --tun-nocsum", "rules:2:1: A tunnel has --tun-nocsum or --tun-csum, not both"},
		{"rules", tunnel + "-i --tun-type", `rules:2:37: "" is no type of a tunnel; write ipip, gue or gre`},
		{"rules", "-A -t 10.0.0.1:80\n-D -t 10.0.0.1:80", "rules:2:1: This command takes away what another one made; leave both out"},
		{"rules", "-A -t 10.0.0.1:80 stray", `rules:1:19: Unexpected "stray" in a command of ipvsadm`},
		{"rules", "-A -t 10.0.0.1:80 -s round", "lvsd.hcl:"},
		{"rules", "-A -f 1 -p 9999999", "lvsd.hcl:"},
	} {
		t.Run(c.src, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(c.name, []byte(c.src), 0o600); err != nil {
				t.Fatal(err)
			}
			r := Files([]string{c.name}, Options{Hostname: "lb1"})
			holds(t, r)
			if len(r.Diags) == 0 || !strings.HasPrefix(conf.OneLine(r.Diags[0]), c.want) {
				t.Errorf("%v, want %s", r.Diags, c.want)
			}
		})
	}
}

func TestWhatIsNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := unix.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{"fifo"}, {"."}, {"missing"}, {"/dev/zero"}} {
		r := Files(paths, Options{Hostname: "lb1"})
		holds(t, r)
		if len(r.Diags) != 1 {
			t.Errorf("%s: %v", paths, r.Diags)
		}
	}
	if err := os.WriteFile("a.conf", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := Files([]string{"a.conf", "a.conf"}, Options{}); len(r.Diags) != 1 {
		t.Errorf("a file named twice: %v", r.Diags)
	}
}

// A mark of IPv4 and the same one of IPv6 are two services, in rules and in keepalived's file.
func TestMarksOfEitherFamily(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"keepalived.conf": "virtual_server fwmark 7 {\n lb_algo rr\n lb_kind DR\n ip_family inet6\n real_server 2001:db8::2 {\n }\n}\n",
		"rules":           "-A -f 7 -6 -s rr\n-A -f 7 -s wlc\n-a -f 7 -6 -r [2001:db8::3] -g\n-a -f 7 -r 10.0.0.3 -g\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := converted(t, "lb1", "rules", "keepalived.conf")
	c := conf.LoadText(Output, r.HCL, conf.Options{Hostname: "lb1", Format: conf.HCL}).Config
	var got []string
	for _, v := range c.Services {
		got = append(got, fmt.Sprintf("IPv%d %s", v.Family, v.Scheduler))
		for _, server := range v.RealServers {
			got = append(got, server.Address.Addr().String())
		}
	}
	if want := "IPv6 rr, 2001:db8::2, 2001:db8::3, IPv4 wlc, 10.0.0.3"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}

// Rules and keepalived's file about one service become one; keepalived's counts.
func TestRulesAndKeepalivedAreMerged(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"keepalived.conf": "virtual_server 10.0.0.1 80 {\n protocol TCP\n lb_algo rr\n real_server 10.0.0.2 80 {\n TCP_CHECK\n }\n}\n",
		"rules":           "-A -t 10.0.0.1:80 -s wlc -p 60\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -g\n-a -t 10.0.0.1:80 -r 10.0.0.3:80 -i -w 3 --tun-type gre\n-A -u 10.0.0.1:53\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := converted(t, "lb1", "rules", "keepalived.conf")
	c := conf.LoadText(Output, r.HCL, conf.Options{Hostname: "lb1", Format: conf.HCL}).Config
	if len(c.Services) != 2 {
		t.Fatalf("%d services", len(c.Services))
	}
	v := c.Services[0]
	if v.Scheduler != "rr" || v.PersistenceTimeout != 0 || len(v.RealServers) != 2 || v.RealServers[1].Weight != 3 || len(v.RealServers[1].Checks) != 0 {
		t.Errorf("%+v", v)
	}
	if r := v.RealServers; r[0].Forwarding != conf.NAT || r[1].Forwarding != conf.TUN || r[1].Tunnel.Type != conf.GRE {
		t.Errorf("reached by %s, %s %+v", r[0].Forwarding, r[1].Forwarding, r[1].Tunnel)
	}
	var report bytes.Buffer
	if err := r.WriteReport(&report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rules:1:1: -s: the rule says wlc; rr counts, which keepalived's file says",
		"rules:1:1: -p: the rule says 60; none counts, which keepalived's file says",
		"rules:2:1: -g: the rule says DR; NAT counts, which keepalived's file says",
		"rules:3:1: -r 10.0.0.3:80: only the rules have it: it is added, without a check",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, report.String())
		}
	}
}
