package keepalived

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// outline writes a tree on one line: words in brackets, blocks in braces.
func outline(nodes []*Node) string {
	var parts []string
	for _, n := range nodes {
		var b strings.Builder
		for _, w := range append([]Word{n.Keyword}, n.Args...) {
			fmt.Fprintf(&b, "[%s]", w.Text)
		}
		if n.Block {
			fmt.Fprintf(&b, "{%s}", outline(n.Children))
		}
		parts = append(parts, b.String())
	}
	return strings.Join(parts, " ")
}

func parse(src string) ([]*Node, []string) {
	tree := Parse("f", []byte(src), Options{Hostname: "lb1.example.org"})
	nodes := tree.Nodes
	var texts []string
	for _, d := range tree.Diags {
		text := d.Summary
		if d.Detail != "" {
			text += ": " + d.Detail
		}
		texts = append(texts, fmt.Sprintf("%d:%d-%d: %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Subject.End.Column, text))
	}
	return nodes, texts
}

func TestTrees(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"nothing", "", ""},
		{"comments only", "# a\n! b { } \"\n", ""},
		{"brace behind a word", "virtual_server 1.2.3.4 80{\n}", "[virtual_server][1.2.3.4][80]{}"},
		{"brace on the next line", "virtual_server 1.2.3.4 80 # c {\n\n{\n}", "[virtual_server][1.2.3.4][80]{}"},
		{"blocks on one line", "vrrp_instance a{track_interface{eth0}state MASTER}", "[vrrp_instance][a]{[track_interface]{[eth0]} [state][MASTER]}"},
		{"line ends of DOS", "\xef\xbb\xbfglobal_defs {\r\nrouter_id a\r\n}\r\n", "[global_defs]{[router_id][a]}"},
		{"tabs and form feeds", "\tglobal_defs\t{\v\f\n\trouter_id\ta }", "[global_defs]{[router_id][a]}"},
		{"quotes", `global_defs { router_id "a # ! { } b" # c` + "\n}", "[global_defs]{[router_id][a # ! { } b]}"},
		{"a quote ends a word", `virtual_server 1.2.3.4"80"{}`, "[virtual_server][1.2.3.4][80]{}"},
		{"an empty word", `global_defs { router_id "" }`, "[global_defs]{[router_id][]}"},
		{"single quotes are letters", "vrrp_instance 'a{\n}", "[vrrp_instance]['a]{}"},
		{"comment within a word", "global_defs { router_id a!b\n}", "[global_defs]{[router_id][a]}"},
		{"escaped comment", `global_defs { router_id a\!b\#c }`, "[global_defs]{[router_id][a!b#c]}"},
		{"backslash", `global_defs { router_id a\nb\ }`, `[global_defs]{[router_id][a\nb\]}`},
		{"check without a block", "virtual_server 1.2.3.4{real_server 1.2.3.5{ICMP_CHECK\nTCP_CHECK\n\n{retry 1\n}\nweight 1}}",
			"[virtual_server][1.2.3.4]{[real_server][1.2.3.5]{[ICMP_CHECK] [TCP_CHECK]{[retry][1]} [weight][1]}}"},
		{"no line end at the end", "global_defs { } # x", "[global_defs]{}"},
		{"a quoted keyword", `"global_defs" { }`, "[global_defs]{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nodes, problems := parse(c.src)
			if got := outline(nodes); got != c.want || problems != nil {
				t.Errorf("%s %q, want %s", got, problems, c.want)
			}
		})
	}
}

// What stands around a mistake is read as if the mistake were not there.
func TestMistakesStayWhereTheyAre(t *testing.T) {
	for _, c := range []struct {
		name, src, want string
		problems        []string
	}{
		{"unknown block", "virtual_server 1.2.3.4 80 {\nreal_server 1.2.3.5 80 {\nTCP_CHECKK {\n x { y }\n}\nweight 1\n}\nlb_algo rr\n}",
			"[virtual_server][1.2.3.4][80]{[real_server][1.2.3.5][80]{[weight][1]} [lb_algo][rr]}",
			[]string{`3:1-11: Unknown keyword "TCP_CHECKK"; did you mean "TCP_CHECK"?`}},
		{"word that takes no block", "global_defs {\nrouter_id a { b {\n}\n}\nvrrp_version 3\n}",
			"[global_defs]{[router_id][a] [vrrp_version][3]}",
			[]string{`2:13-14: "router_id" takes no block; write router_id NAME`}},
		{"brace too many", "global_defs {\n}\n}\nglobal_defs { }",
			"[global_defs]{} [global_defs]{}",
			[]string{`3:1-2: Unexpected "}"; no block is open here`}},
		{"brace out of nowhere", "{ router_id a }\nglobal_defs { }",
			"[global_defs]{}",
			[]string{`1:1-2: Unexpected "{"; no keyword that takes a block stands before it`}},
		{"brace that is missing", "global_defs {\nrouter_id a\n",
			"[global_defs]{[router_id][a]}",
			[]string{`1:1-12: The block of "global_defs" is not closed; write "}" at its end`}},
		{"unknown block that is open", "globl_defs {\n{\n}\n",
			"",
			[]string{`1:1-11: Unknown keyword "globl_defs"; did you mean "global_defs"?`,
				`1:12-13: This block is not closed; write "}" at its end`}},
		{"two words on a line", "global_defs { router_id a vrrp_version 3\nvrrp_garp_master_delay 1 }",
			"[global_defs]{[router_id][a] [vrrp_garp_master_delay][1]}",
			[]string{`1:27-41: Unexpected "vrrp_version 3" at the end of the line; write router_id NAME`}},
		{"many words on a line", "global_defs { router_id 1 2 3 4 5 6\n}",
			"[global_defs]{[router_id][1]}",
			[]string{`1:27-36: Unexpected "2 3 4 …" at the end of the line; write router_id NAME`}},
		{"words behind a closing brace", "global_defs { } vrrp_instance a { }",
			"[global_defs]{} [vrrp_instance][a]{}", nil},
		{"quote that is not closed", "global_defs {\nrouter_id \"a }\nvrrp_version 3\n}",
			"[global_defs]{[router_id][a }] [vrrp_version][3]}",
			[]string{`2:11-15: This quote is not closed; write another " at the end of the word`}},
		{"letter case", "Global_Defs { }", "",
			[]string{`1:1-12: Unknown keyword "Global_Defs"; did you mean "global_defs"?`}},
		{"include without a source", "include a.conf\nglobal_defs { }", "[global_defs]{}",
			[]string{"1:9-15: A file cannot be included here"}},
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

func TestRanges(t *testing.T) {
	src := "\xef\xbb\xbf# größe\r\nvrrp_instance größe\t{\r\n\tpriority\t 7 # x\r\n}\r\n"
	nodes, problems := parse(src)
	if problems != nil {
		t.Fatal(problems)
	}
	priority := nodes[0].Children[0]
	for _, c := range []struct {
		name  string
		at    hcl.Range
		want  string
		place string
	}{
		{"instance", nodes[0].Range, "vrrp_instance größe", "2:1-20"},
		{"its name", nodes[0].Args[0].Range, "größe", "2:15-20"},
		{"priority", priority.Range, "priority\t 7", "3:2-13"},
		{"value", priority.Args[0].Range, "7", "3:12-13"},
		{"comment", priority.Trail.Range, "# x", "3:14-17"},
		{"first comment", nodes[0].Lead[0].Range, "# größe", "1:1-8"},
	} {
		got := fmt.Sprintf("%d:%d-%d", c.at.Start.Line, c.at.Start.Column, c.at.End.Column)
		if text := string(c.at.SliceBytes([]byte(src))); text != c.want || got != c.place {
			t.Errorf("%s is %q at %s, want %q at %s", c.name, text, got, c.want, c.place)
		}
	}
}

func TestCommentsStayOnTheTree(t *testing.T) {
	nodes, problems := parse("# before\n! and\nvirtual_server 1.2.3.4 80 # behind\n# between\n{ # first\n lb_algo rr ! rr\n # last\n}\n# end\n")
	if problems != nil {
		t.Fatal(problems)
	}
	texts := func(comments []Comment) (all []string) {
		for _, c := range comments {
			all = append(all, c.Text)
		}
		return all
	}
	service := nodes[0]
	algo := service.Children[0]
	got := map[string][]string{
		"lead": texts(service.Lead), "trail": {service.Trail.Text}, "tail": texts(service.Tail),
		"lead of lb_algo": texts(algo.Lead), "trail of lb_algo": {algo.Trail.Text},
	}
	want := map[string][]string{
		"lead": {"# before", "! and", "# between"}, "trail": {"# behind"}, "tail": {"# last"},
		"lead of lb_algo": {"# first"}, "trail of lb_algo": {"! rr"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAliasesHaveOneName(t *testing.T) {
	nodes, problems := parse("virtual_server 1.2.3.4 {\nlvs_sched rr\nlvs_method DR\nnb_get_retry 1\nreal_server 1.2.3.5 { ICMP_CHECK\n}\n}")
	if problems != nil {
		t.Fatal(problems)
	}
	var names []string
	for _, n := range nodes[0].Children {
		names = append(names, n.Name)
	}
	names = append(names, nodes[0].Children[3].Children[0].Name)
	if got := strings.Join(names, " "); got != "lb_algo lb_kind retry real_server PING_CHECK" {
		t.Error(got)
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name, src, want string
	}{
		{"long line", "# " + strings.Repeat("x", maxLine), fmt.Sprintf("1:1-2: This line has %d bytes; a line has at most %d", maxLine+2, maxLine)},
		{"long word", strings.Repeat("ö", 1000), `1:1-1001: Unknown keyword "` + strings.Repeat("ö", 80) + `…"`},
		{"NUL", "global_defs {\n}\nx\x00y", "3:1-1: This line holds a NUL byte; a configuration is a text file"},
		{"deep unknown blocks", "x " + strings.Repeat("{", maxLine/2) + strings.Repeat("}", maxLine/2-2), `1:1-2: Unknown keyword "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, problems := parse(c.src); len(problems) == 0 || problems[0] != c.want {
				t.Errorf("%q", problems)
			}
		})
	}
	t.Run("statements", func(t *testing.T) {
		_, problems := parse("vrrp_sync_group a {\ngroup {\n" + strings.Repeat("a\n", maxStatements) + "}\n}\n")
		if want := "1000001:1-2: More than 1000000 statements; nothing behind this is read"; len(problems) == 0 || problems[0] != want || len(problems) > 3 {
			t.Errorf("%q", problems)
		}
	})
	t.Run("problems", func(t *testing.T) {
		_, problems := parse(strings.Repeat("}\n", 100000))
		if n := len(problems); n != maxProblems+1 || problems[n-1] != "1000:1-2: More than 1000 problems; correct those above first" {
			t.Errorf("%d problems, the last %q", n, problems[n-1])
		}
	})
}

func TestNearest(t *testing.T) {
	known := newTable().find("virtual_server").spellings()
	for word, want := range map[string]string{
		"lb_alog": "lb_algo", "lvs_shced": "lvs_sched", "realserver": "real_server", "PROTOCOL": "protocol",
		"connection_timeout": "connect_timeout", "virtualserver": "", "xyz": "", "": "", strings.Repeat("retry", 20): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}

func TestAlternatives(t *testing.T) {
	for pattern, want := range map[string]string{
		"a": "a", "{a,b}": "a b", "x{a,b}y": "xay xby", "{a,b}{1,2}": "a1 a2 b1 b2", "{a,{b,c}}": "a b a c",
		"a}": "a}", "{a": "{a", "{}": "",
	} {
		if got := strings.Join(alternatives(pattern), " "); got != want {
			t.Errorf("%s is %q, want %q", pattern, got, want)
		}
	}
	if all := alternatives(strings.Repeat("{a,b}", 40)); all != nil {
		t.Errorf("%d alternatives", len(all))
	}
}

// What stands behind a secret may be its other half.
func TestSecretsAreNotTold(t *testing.T) {
	_, problems := parse("vrrp_instance a {\nauthentication {\nauth_pass my s3cr3t\n}\nauth_hmac {\nkey 1 my s3cr3t words\n}\n}\nSSL {\npassword my s3cr3t\n}\n")
	if len(problems) != 3 {
		t.Errorf("%q", problems)
	}
	for _, p := range problems {
		if strings.Contains(p, "s3cr3t") {
			t.Error(p)
		}
	}
}
