package keepalived

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

func TestWordsThatAreKnown(t *testing.T) {
	for _, c := range []struct {
		name, src, want string
		problems        []string
	}{
		{"ignored", "global_defs {\nsmtp_server 192.0.2.1\nrouter_id a\n}", "[global_defs]{[router_id][a]}",
			[]string{`2:1-22: "smtp_server" does nothing here: lvsd sends no mail; let its log, which has every event by name, raise the alert`}},
		{"ignored in many places", "vrrp_instance a {\ndebug 1\n}\nvrrp_instance b {\ndebug 2\n}\nvrrp_instance c {\ndebug \"/x\n}\n",
			"[vrrp_instance][a]{} [vrrp_instance][b]{} [vrrp_instance][c]{}",
			[]string{`2:1-8: "debug" does nothing here: lvsd logs every change of a state (and in one more place)`,
				`8:7-10: This quote is not closed; write another " at the end of the word`}},
		{"ignored with its block", "global_defs {\nnotification_email {\na@example.org\n}\nvrrp_version 3\n}", "[global_defs]{[vrrp_version][3]}",
			[]string{`2:1-19: "notification_email" does nothing here: lvsd sends no mail; let its log, which has every event by name, raise the alert`}},
		{"refused with its block", "virtual_server 1.2.3.4 {\nreal_server 1.2.3.5 {\nBFD_CHECK {\nname x\nretry 3\nalpha\n}\nweight 1\n}\n}",
			"[virtual_server][1.2.3.4]{[real_server][1.2.3.5]{[weight][1]}}",
			[]string{`3:1-10: lvsd does not have "BFD_CHECK" yet: a server that fails this check would stay in service; use another checker`}},
		{"unknown in a refused block", "virtual_server 1.2.3.4 {\nreal_server 1.2.3.5 {\nBFD_CHECK {\nnam A\n}\n}\n}",
			"[virtual_server][1.2.3.4]{[real_server][1.2.3.5]{}}",
			[]string{`4:1-4: Unknown keyword "nam"; did you mean "name"?`,
				`3:1-10: lvsd does not have "BFD_CHECK" yet: a server that fails this check would stay in service; use another checker`}},
		{"agreed", "vrrp_instance a {\npromote_secondaries\nskip_check_adv_addr on\n}", "[vrrp_instance][a]{}", nil},
		{"with the value that lvsd has", "virtual_server 1.2.3.4 {\nsmtp_alert off\nha_suspend no\n}\nglobal_defs {\nlvs_flush_on_stop VS\n}",
			"[virtual_server][1.2.3.4]{} [global_defs]{}", nil},
		{"with another value", "virtual_server 1.2.3.4 {\nha_suspend\n}", "[virtual_server][1.2.3.4]{}",
			[]string{`2:1-11: "ha_suspend" does nothing here: lvsd checks the servers on both nodes, so that a takeover finds their states known`}},
		{"without a value", "virtual_server 1.2.3.4 {\nsnmp_name\n}", "[virtual_server][1.2.3.4]{}",
			[]string{`2:1-10: "snmp_name" needs a value; write snmp_name NAME`}},
		{"options of an address", "vrrp_instance a {\nvirtual_ipaddress {\n10.0.0.1/24 brd + dev eth0 no_track label x\n10.0.0.2 use_vmac dev eth1\n}\n}",
			"[vrrp_instance][a]{[virtual_ipaddress]{[10.0.0.1/24][brd][+][dev][eth0][no_track][label][x] [10.0.0.2][dev][eth1]}}",
			[]string{`4:10-18: lvsd does not have "use_vmac" yet: only virtual MAC addresses need it, and lvsd has none`}},
		{"weight of an interface", "vrrp_instance a {\ntrack_interface {\neth0 weight 0\neth1 weight -5 reverse\neth2 metric 3\n}\n}",
			"[vrrp_instance][a]{[track_interface]{[eth0][weight][0] [eth1][weight][-5][reverse] [eth2][metric][3]}}", nil},
		{"options of a tunnel", "virtual_server 1.2.3.4 {\nlb_kind TUN type gue port\nlvs_method TUN type gre csum more\n}",
			"[virtual_server][1.2.3.4]{[lb_kind][TUN][type][gue][port] [lvs_method][TUN][type][gre][csum][more]}", nil},
		{"in another block", "vrrp_instance a {\nsorry_server 1.2.3.4 80\n}", "[vrrp_instance][a]{}",
			[]string{`2:1-13: "sorry_server" does not stand in vrrp_instance; it belongs in virtual_server`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nodes, problems := parse(c.src)
			if got := outline(nodes); got != c.want {
				t.Errorf("tree %s, want %s", got, c.want)
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A caller tells the reports on known words from others, and has every place of an ignored one.
func TestReportsOnKnownWords(t *testing.T) {
	tree := Parse("f", []byte("vrrp_instance a {\ndebug 1\ndebug 2\nvrf red\n}\n"), Options{})
	if len(tree.Diags) != 2 {
		t.Fatal(tree.Diags)
	}
	ignored, ok := tree.Diags[0].Extra.(Ignored)
	if !ok || ignored.Word != "debug" || len(ignored.Places) != 2 || ignored.Places[1].Start.Line != 3 || tree.Diags[0].Severity != hcl.DiagWarning {
		t.Errorf("%+v", tree.Diags[0])
	}
	refused, ok := tree.Diags[1].Extra.(Refused)
	if !ok || refused.Word != "vrf" || refused.Why == "" || tree.Diags[1].Severity != hcl.DiagError {
		t.Errorf("%+v", tree.Diags[1])
	}
}

// Warnings do not fill the room for problems: a fleet may have an ignored word in each server.
func TestManyIgnoredWordsAreOneProblem(t *testing.T) {
	src := "vrrp_instance a {\n" + strings.Repeat("debug 1\n", 10*maxProblems) + "}\n"
	if _, problems := parse(src); len(problems) != 1 || !strings.HasSuffix(problems[0], "(and in 9999 more places)") {
		t.Errorf("%d problems", len(problems))
	}
}

// directory is a source of files below it.
type directory string

func (d directory) Read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	var missing *fs.PathError
	if errors.As(err, &missing) {
		err = missing.Err
	}
	return text, err
}

func TestIncludeFamily(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.conf": "a", "b.conf": "b\n$NAME=c", "sub/d.conf": "include ../a.conf\nd"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	no := func(pattern, word string) string {
		return "No file matches " + pattern + ", and " + word + " needs one"
	}
	for _, c := range []struct {
		line, want string
		problem    string
	}{
		{"include a.conf", "[a]", ""},
		{"includer a.conf", "[a]", ""},
		{"include {b,a}.conf", "[b] [a]", ""},
		{"include [ab].conf\n$NAME", "[a] [b] [c]", ""},
		{"include sub/*.conf", "[a] [d]", ""},
		{"include *.none", "", ""},
		{"include {*.none,a.conf}", "[a]", ""},
		{"includem *.conf", "[a] [b]", ""},
		{"includem *.none", "", no("*.none", "includem")},
		{"includem {*.none,a.conf}", "[a]", ""},
		{"includew *.none", "", no("*.none", "includew")},
		{"includew {*.none,a.conf}", "[a]", no("*.none", "includew")},
		{"includeb *.none", "", ""},
		{"includeb {*.none,a.conf}", "[a]", no("*.none", "includeb")},
		{"includea {a,[b]}.conf", "[a] [b]", ""},
		{"includea *.none", "", no("*.none", "includea")},
		{"include none", "", "Include of " + dir + "/none: no such file or directory"},
		{"includea", "", `"includea" needs the name of a file; write includea PATH`},
		{"@lb1 include a.conf\n@lb2 include b.conf", "[a]", ""},
		{"$FILE=a\ninclude ${FILE}.conf", "[a]", ""},
		{"~LST(F,b,a) include ${F}.conf", "[b] [a]", ""},
	} {
		tree := Parse(filepath.Join(dir, "main.conf"), []byte("vrrp_sync_group g {\ngroup {\n"+c.line+"\n}\n}\n"), Options{Source: directory(dir), Hostname: "lb1"})
		if got := outline(tree.Nodes[0].Children[0].Children); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
		switch {
		case c.problem == "" && len(tree.Diags) == 0:
		case len(tree.Diags) != 1 || tree.Diags[0].Summary != c.problem:
			t.Errorf("%s: %v, want %s", c.line, tree.Diags, c.problem)
		}
	}
}

// A definition, an expansion and a diagnostic keep the file that each is from.
func TestExpansionsAcrossFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "names.conf"), []byte("\n  $WHERE=${_PWD}\n$BAD= \\\n  nonsense \\\n  router_id x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "main.conf")
	tree := Parse(main, []byte("include names.conf\nglobal_defs {\n$BAD\n}\nvrrp_instance \"${WHERE}\" {\n}\n"), Options{Source: directory(dir)})
	if got, want := outline(tree.Nodes), "[global_defs]{[router_id][x]} [vrrp_instance]["+dir+"]{}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(tree.Diags) != 1 || tree.Diags[0].Subject.Filename != filepath.Join(dir, "names.conf") || tree.Diags[0].Subject.Start.Line != 4 ||
		tree.Diags[0].Detail != "in the expansion of $BAD at "+main+":3:1" {
		t.Errorf("%+v", tree.Diags)
	}
}
