package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lvsd/internal/conf/keepalived"
)

// words writes a tree as keepalived.conf has it, one statement behind another.
func words(nodes []*keepalived.Node) string {
	var all []string
	for _, n := range nodes {
		text := n.Keyword.Text
		for _, a := range n.Args {
			text += " " + a.Text
		}
		if n.Block || len(n.Children) > 0 {
			text += " {" + words(n.Children) + "}"
		}
		if n.Broken {
			text += " (broken)"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// What arguments and blocks of every form are in keepalived's words.
func TestFormsOfArguments(t *testing.T) {
	schema := &hclBlock{
		args: []string{"args"}, scripts: []string{"run"},
		lines: []hclLines{
			{name: "names"},
			{name: "routes", first: "to", options: []string{"dev", "via"}, lists: []string{"or"}, flags: []string{"no_track"}},
		},
		blocks: []hclChild{{"track", &hclBlock{labels: []string{"name"}, line: true, values: []string{"weight"}, flags: []string{"reverse"}}}},
	}
	for src, want := range map[string]string{
		`args = 1`:                      "args 1",
		`args = "a  b"`:                 "args a b",
		`args = ["a", 2, true, "c d"]`:  "args a 2 true c d",
		`args = null`:                   "",
		`args = []`:                     "args",
		`args = {}`:                     "args (broken)\n1:8: args takes a list, not an object; write [ … ]",
		`args = [["a"]]`:                "args (broken)\n1:9: An element of args is one value, not a list",
		`run = "/bin/x 'a b' # {c}"`:    "run /bin/x a b # {c}",
		`run = ["/bin/x", "a b"]`:       "run /bin/x a b",
		`run = ["/bin/x y"]`:            "run /bin/x y",
		`run = "/bin/x 'a"`:             "run (broken)\n1:7: run: This quote is not closed; write another ' at the end of the word",
		`run = " "`:                     "run (broken)\n1:7: run takes a command line, which is empty here",
		`run = []`:                      "run (broken)\n1:7: run takes a command line, which is empty here",
		`run = [null]`:                  "run (broken)\n1:8: An element of run is one value, not null",
		`names = ["a", "b c"]`:          "names {a; b c}",
		`names = []`:                    "names {}",
		`names = "a"`:                   "names (broken)\n1:9: names takes a list, not a string; write [ … ]",
		`names = [{ to = "a" }]`:        "names {} (broken)\n1:10: An element of names is one value, not an object",
		`routes = ["10.0.0.0/8 via x"]`: "routes {10.0.0.0/8 via x}",
		`routes = [{ to = "d", via = "x", or = ["y", 1], no_track = true }, { to = "e", no_track = false }]`: "routes {d no_track or y 1 via x; e}",
		`routes = [{ via = "x" }]`:                       "routes {} (broken)\n1:11: This routes has no to; write to = \"…\"",
		`routes = [{ to = "d", vai = "x" }]`:             "routes {} (broken)\n1:11: Unknown keyword \"vai\" in routes; did you mean \"via\"?",
		`routes = [{ to = "d", via = ["x"] }]`:           "routes {} (broken)\n1:11: The via of a routes is one value, not a list",
		`routes = [{ to = "d", no_track = "x" }]`:        "routes {} (broken)\n1:11: The no_track of a routes is true or false, not a string",
		"track \"e0\" {}":                                "track {e0}",
		"track \"e0\" {\nweight = -5\nreverse = true\n}": "track {e0 weight -5 reverse}",
		"track \"e0\" {\nreverse = false\n}":             "track {e0}",
		"track \"e0\" {\nreverse = 1\n}":                 "track {e0 (broken)}\n2:1: reverse takes true or false, not \"1\"",
	} {
		w := &hclWalk{limit: maxStatements, budget: newBudget(maxSteps)}
		nodes, diags := w.files(schema, []source{{"lb.hcl", []byte(src + "\n")}}, "lb1")
		got := words(nodes)
		for _, d := range lines(diags) {
			got += "\n" + strings.TrimPrefix(d, "error lb.hcl:")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", src, diff)
		}
	}
}

// Every word of keepalived's that the decoder knows can be written in HCL too.
func TestEveryWordHasAForm(t *testing.T) {
	elsewhere := map[Place]bool{
		{"global_defs", "default_interface"}: true, // an instance has to say it
		{"url", "path"}:                      true, // the label
	}
	shapes := HCLShapes()
	for _, p := range keepalived.Implemented() {
		if place := (Place{p[0], p[1]}); shapes[place].Form == 0 && !elsewhere[place] {
			t.Errorf("%s of %q cannot be written in HCL", p[1], p[0])
		}
	}
}
