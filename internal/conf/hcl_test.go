package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// router is a file whose router_id is an expression.
func router(expression, locals string) string {
	return "global_defs {\n  router_id = " + expression + "\n}\nlocals {\n" + locals + "\n}\n"
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ expression, locals, want string }{
		{`hostname`, ``, "lb1"},
		{`"${hostname}-x"`, ``, "lb1-x"},
		{`upper(hostname)`, ``, "LB1"},
		{`5`, ``, "5"},
		{`0.25`, ``, "0.25"},
		{`true`, ``, "true"},
		{`local.b`, "b = \"${local.a}b\"\na = hostname", "lb1b"},
		{`local.b`, "a = \"x\"\n}\nlocals {\nb = local[\"a\"]", "x"},
		{`local.d`, "d = local.c.b.a\nc = { b = { a = \"deep\" } }", "deep"},
		{`lookup({ lb1 = "one" }, hostname, "none")`, ``, "one"},
		{`lookup({ lb2 = "two" }, hostname, "none")`, ``, "none"},
		{`hostname == "lb1" ? "yes" : "no"`, ``, "yes"},
		{`try(local.missing.x, "else")`, `missing = {}`, "else"},
		{`join("-", [for s in ["a", "b"] : upper(s)])`, ``, "A-B"},
		{`format("lb%02d", 7)`, ``, "lb07"},
		{`tostring(length(tolist(["a", "b"])))`, ``, "2"},
		{`null`, ``, "lb1"},
	} {
		if got := valid(t, HCL, router(c.expression, c.locals)).RouterID; got != c.want {
			t.Errorf("%s with %s is %q, want %q", c.expression, c.locals, got, c.want)
		}
	}
}

func TestDynamicBlocksWithinDynamicBlocks(t *testing.T) {
	c := valid(t, HCL, `
locals {
  services = { 80 = ["10.0.0.2", "10.0.0.3"], 443 = ["10.0.0.4"] }
}
dynamic "virtual_server" {
  for_each = local.services
  labels   = ["10.0.0.1", virtual_server.key]
  content {
    dynamic "real_server" {
      for_each = virtual_server.value
      labels   = [real_server.value, virtual_server.key]
      content {
        weight = real_server.key + 1
        dynamic "HTTP_GET" {
          for_each = virtual_server.key == "80" ? [1] : []
          content {
            url "/" {}
          }
        }
      }
    }
  }
}`)
	var got []string
	for _, v := range c.Services {
		for _, r := range v.RealServers {
			got = append(got, v.Address.String()+" "+r.Address.String()+" "+strings.Repeat("w", r.Weight)+strings.Repeat(" check", len(r.Checks)))
		}
	}
	want := []string{"10.0.0.1:443 10.0.0.4:443 w", "10.0.0.1:80 10.0.0.2:80 w check", "10.0.0.1:80 10.0.0.3:80 ww check"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What would overflow the stack of HCL's parser, or take it minutes, is refused before it.
func TestHostileHCLIsRefused(t *testing.T) {
	const n = 1200
	for _, unit := range []string{
		"(", "[", "{a=", "!", "-", "1+", "1+/**/", "a&&", "a?a:", "a[a]", "a.*", "f(", "\"${", "%{if a}", "\"%{if a}", "[for a in ", "a {\n",
	} {
		for _, start := range []string{"locals {\nx = ", "locals {\nx = \"", "locals {\nx = <<A\n", ""} {
			r := read(t, HCL, start+strings.Repeat(unit, n))
			if r.Config != nil {
				t.Errorf("%q then %q is taken", start, unit)
			}
		}
	}
	for src, want := range map[string]string{
		"locals {\nx = \"${1e99999999}\"\n}":                            "error lb.hcl:2:8: A number has at most 64 digits and a short exponent",
		"locals {\nx = " + strings.Repeat("9", 65):                      "error lb.hcl:2:5: A number has at most 64 digits and a short exponent",
		"locals {\nx = (1 / 0) % 2\n}":                                  "error lb.hcl:2:5: Operation failed: Error during operation: panic in function implementation: runtime error: invalid memory address or nil pointer dereference",
		"locals {\nx = " + strings.Repeat("(", n):                       "error lb.hcl:2:204: More than 200 brackets or operators within one another; write it simpler",
		"locals {\nx = 1" + strings.Repeat("+1", n):                     "error lb.hcl:2:404: More than 200 brackets or operators within one another; write it simpler",
		"locals {\nx = <<A\n" + strings.Repeat("y\n", n) + "A\n}\n":     "error lb.hcl:1003:1: More than 1000 lines in a heredoc; split it",
		"locals {\nx = <<A\n" + strings.Repeat("%{if a}x", n) + "\nA\n": "",
	} {
		got := lines(read(t, HCL, src).Diags)
		if len(got) != 1 || want != "" && got[0] != want {
			t.Errorf("%.30q: %q", src, got)
		}
	}
}

// Long is not deep.
func TestLongHCLIsTaken(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n  list = [\n")
	b.WriteString(strings.Repeat("    [-1, { a = (1 + 2) }, \"${hostname}\"],\n", 300))
	b.WriteString("  ]\n  object = {\n")
	b.WriteString(strings.Repeat("    (\"a\") = 1 + 1\n", 300))
	b.WriteString("  }\n  text = <<A\n")
	b.WriteString(strings.Repeat("    ${hostname}\n", 150))
	b.WriteString("A\n")
	for i := range 300 {
		b.WriteString("  x" + strings.Repeat("x", i%60) + strings.Repeat("y", i/60) + " = 1 + 1 # (\n")
	}
	b.WriteString("}\nglobal_defs {\n  router_id = length(local.list)\n}\n")
	if got := valid(t, HCL, b.String()).RouterID; got != "300" {
		t.Errorf("router_id %q", got)
	}
}

func TestTooManyBlocksOfDynamicBlocks(t *testing.T) {
	src := "dynamic \"virtual_server\" {\nfor_each = range(1000)\nlabels = [\"10.0.0.1\", virtual_server.key]\ncontent {\n" +
		"dynamic \"real_server\" {\nfor_each = range(1024)\nlabels = [\"10.0.0.1\", \"80\"]\ncontent {\n" +
		"dynamic \"TCP_CHECK\" {\nfor_each = range(1024)\ncontent {}\n}\n}\n}\n}\n}\n"
	w := &hclWalk{limit: 5000, budget: newBudget(maxSteps)}
	_, diags := w.files(hclFile(), []source{{"lb.hcl", []byte(src)}}, "lb1")
	if len(diags) != 1 || !strings.HasPrefix(diags[0].Summary, "More than 5000 blocks") {
		t.Errorf("%q", lines(diags))
	}
}

func TestFunctionsOfTerraform(t *testing.T) {
	for expr, want := range map[string]string{
		`jsondecode("{\"name\": [\"a\", \"east\"]}").name[1]`:        "east",
		`jsondecode("\"[[[[\\\"{\"")`:                                "[[[[\"{",
		`indent(2, "a")`:                                             "a",
		`join("-", [for p in setproduct(["a", "b"], ["x"]) : p[0]])`: "a-b",
		`tostring(pow(2, 10))`:                                       "1024",
		`tostring(log(100, 10))`:                                     "2",
		`formatdate("YYYY", timeadd("2026-12-31T23:30:00Z", "1h"))`:  "2027",
	} {
		if got := valid(t, HCL, "global_defs {\n  router_id = "+expr+"\n}\n").RouterID; got != want {
			t.Errorf("%s is %q, want %q", expr, got, want)
		}
	}
}
