package conf

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// fewSteps lets the tests of the budget be fast. More is spent in the same way.
const fewSteps = 1_500_000

const (
	overBudget   = "The expressions of this file take more than 1500000 steps; make lists shorter or nest fewer of them"
	longString   = "A string has at most 65536 bytes"
	largeNumber  = "A number is too large or too small; the largest is about 1e77"
	deepValue    = "More than 100 lists or objects within one another"
	longChain    = "More than 1000 locals that refer to one another"
	manyElements = "s = concat(range(1024), range(1024), range(1024), range(1024))\n" +
		"b = concat(local.s, local.s, local.s, local.s)\n"
)

// chain is n locals of which each is made of the one before: N in the expression.
func chain(n int, first, expression string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "x0 = %s\n", first)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "x%d = %s\n", i, strings.ReplaceAll(expression, "N", fmt.Sprintf("local.x%d", i-1)))
	}
	return b.String()
}

// bombs are bodies of a locals block that would take gigabytes or hours, with the place and text
// of the one error that refuses each.
func bombs() map[string]string {
	text := "k = join(\"\", [for i in range(1024) : \"" + strings.Repeat("0123456789abcdef", 3) + "\"])\n"
	return map[string]string{
		chain(50, `"xxxxxxxx"`, `"${N}${N}"`):                            "16:7: " + longString,
		chain(50, `[1]`, `[N, N]`):                                       "19:19: " + overBudget,
		chain(50, `[1]`, `concat(N, N)`):                                 "18:14: " + overBudget,
		chain(50, `[1]`, `true ? null : [N, N]`):                         "12:21: " + overBudget,
		chain(50, `[1]`, `slice(tolist([[N, N]]), 0, 0)`):                "11:12: " + overBudget,
		chain(50, `9`, `N * N`):                                          "9:6: " + largeNumber,
		chain(2000, `1`, `[N]`):                                          "104:9: " + deepValue,
		`x = ` + strings.Repeat("[for a in range(1000) : ", 4) + `1]]]]`: "2:101: " + overBudget,
		`x = "` + strings.Repeat("%{for a in range(1000)}", 3) + "x" + strings.Repeat("%{endfor}", 3) + `"`:          "2:63: " + overBudget,
		`x = ` + strings.Repeat("try(", 150) + "1" + strings.Repeat(")", 150):                                        "2:605: " + overBudget,
		`x = [for a in range(1000) : [for b in range(1000) : local.no]]`:                                             "2:29: " + overBudget,
		`x = indent(1000000000, "a\nb")`:                                                                             "2:5: " + longString,
		`x = indent(1e60, "a\nb")`:                                                                                   "2:5: " + longString,
		`x = jsondecode(format("%s", join("", [for i in range(1000) : "["])))`:                                       "2:5: " + deepValue,
		`x = setproduct([for i in range(1000) : i], [for i in range(1000) : i])`:                                     "2:5: " + overBudget,
		`x = setproduct([for i in range(1000) : range(1000)]...)`:                                                    "2:40: " + overBudget,
		`x = format("%1000000000d", 1)`:                                                                              "2:5: " + longString,
		`x = format("%.99999f", 1)`:                                                                                  "2:5: " + longString,
		`x = formatlist("%99999s", ["a", "b"])`:                                                                      "2:5: " + longString,
		`x = format("%d", "1e99999999")`:                                                                             "2:18: " + largeNumber,
		`x = ceil("1e99999999")`:                                                                                     "2:10: " + largeNumber,
		`x = "1e-99999999" % 7`:                                                                                      "2:5: " + largeNumber,
		`x = parseint("` + strings.Repeat("9", 200) + `", 10)`:                                                       "2:14: A number has at most 64 digits",
		text + `x = replace(local.k, "", local.k)`:                                                                   "3:5: " + longString,
		text + `x = [for i in range(1000) : trim(local.k, local.k)]`:                                                 "3:29: " + overBudget,
		text + `x = regexall("[0-9]*z|0", local.k)`:                                                                  "3:5: " + overBudget,
		text + `x = regex("` + strings.Repeat("a{1000}", 30) + `", local.k)`:                                         "3:5: " + overBudget,
		text + `x = regex("` + strings.Repeat("a", 300) + `", local.k)`:                                              "3:5: A regular expression has at most 256 bytes",
		text + manyElements + `x = join(local.k, local.b)`:                                                           "5:5: " + longString,
		text + manyElements + `x = [for v in local.b : split("", local.k)]`:                                          "5:25: " + overBudget,
		manyElements + `x = distinct([for i, v in local.b : i])`:                                                     "4:5: " + overBudget,
		manyElements + `x = toset([for i, v in local.b : 1e13 + i])`:                                                 "4:5: " + overBudget,
		manyElements + `x = setunion([for i, v in local.b : 1e13 + i])`:                                              "4:5: " + overBudget,
		manyElements + `x = tolist(flatten([for i, v in local.s : [tostring(i), i]]))`:                               "4:5: " + overBudget,
		manyElements + `x = true ? flatten([for i, v in local.s : [tostring(i), i]]) : []`:                           "4:12: " + overBudget,
		manyElements + "m = flatten([for i in range(1024) : [tostring(i), i, i]])\nx = coalesce(local.m, [\"a\"])":   "5:5: " + overBudget,
		manyElements + "m = flatten([for i in range(1024) : [tostring(i), i, i]])\nx = true ? [local.m] : [[\"a\"]]": "5:12: " + overBudget,
		manyElements + "m = flatten([for i in range(1024) : [tostring(i), i, i]])\nx = tolist([local.m, [\"a\"]])":   "5:5: " + overBudget,
		manyElements + "m = flatten([for i in range(1024) : [tostring(i), i, i]])\nx = join(\",\", local.m)":         "5:5: " + overBudget,
		manyElements + `x = setunion([for v in local.s : [v, tostring(v)]]...)`:                                      "4:5: " + overBudget,
		manyElements + `x = contains(local.b, [for v in local.b : v])`:                                               "4:5: " + overBudget,
		manyElements + `x = toset([for i, v in local.b : { a = i }])`:                                                "4:5: " + overBudget,
		manyElements + `x = [for v in local.b : contains(local.b, "x")]`:                                             "4:34: " + overBudget,
		manyElements + `x = [for v in local.b : v == local.b]`:                                                       "4:30: " + overBudget,
	}
}

func withFewSteps(src string) []string {
	w := &hclWalk{limit: maxStatements, budget: newBudget(fewSteps)}
	_, diags := w.files(hclFile(), []source{{"lb.hcl", []byte(src)}}, "lb1")
	return lines(diags)
}

// Each bomb is refused for one reason, after allocations that the budget bounds: at most 160 bytes
// a step, most of them garbage at once.
func TestBombsAreRefused(t *testing.T) {
	for body, want := range bombs() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := withFewSteps("locals {\n" + body + "\n}\n")
		runtime.ReadMemStats(&after)
		if len(got) != 1 || got[0] != "error lb.hcl:"+want {
			t.Errorf("%.200s\n%q, want %q", body, got, want)
		}
		if total := after.TotalAlloc - before.TotalAlloc; total > fewSteps*160 {
			t.Errorf("%.200s\ntook %d MiB", body, total>>20)
		}
	}
}

// No function makes up for what was refused within it.
func TestTryDoesNotSwallowTheBudget(t *testing.T) {
	got := lines(read(t, HCL, router(`try(format("%1000000000d", 1), "small")`, "")).Diags)
	if len(got) != 1 || got[0] != "error lb.hcl:2:19: "+longString {
		t.Errorf("%q", got)
	}
}

func TestLongChainOfLocalsIsRefused(t *testing.T) {
	got := lines(read(t, HCL, "locals {\n"+chain(2500, "1", "N")+"a = local.x2500\n}\n").Diags)
	if len(got) != 1 || !strings.HasSuffix(got[0], longChain) {
		t.Errorf("%q", got)
	}
}

func TestDynamicBlocksPayForTheirBlocks(t *testing.T) {
	block := "dynamic \"virtual_server\" {\nfor_each = local.b\nlabels = [\"10.0.0.1\", \"80\"]\ncontent {}\n}\n"
	got := withFewSteps("locals {\n" + manyElements + "}\n" + strings.Repeat(block, 100))
	if len(got) != 1 || !strings.HasSuffix(got[0], overBudget) {
		t.Errorf("%q", got)
	}
}

func TestFileOfSignsIsRefusedUnread(t *testing.T) {
	got := lines(read(t, HCL, "x = [\n"+strings.Repeat("1,", maxPieces/2)).Diags)
	want := "error lb.hcl:2:2999997: More than 3000000 words and signs in a configuration; write with dynamic blocks what repeats"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A tenth of 50,000 real servers, made in the ways that come to mind, takes a tenth of the budget.
func TestFleetsAreWithinTheBudget(t *testing.T) {
	for _, src := range []string{`
locals {
  services = { for s in range(5) : "10.1.${s}.1" => [for r in range(1000) : "10.2.${floor(r / 250)}.${r % 250 + 1}"] }
}
dynamic "virtual_server" {
  for_each = local.services
  labels   = [virtual_server.key, "80"]
  content {
    dynamic "real_server" {
      for_each = virtual_server.value
      labels   = [real_server.value, "80"]
      content {
        weight = real_server.key % 3 + 1
        HTTP_GET {
          url "/health" { status_code = 200 }
        }
      }
    }
  }
}`, `
locals {
  servers = flatten([for s in range(5) : [for r in range(1000) : {
    service = s, address = "10.${s}.${floor(r / 250)}.${r % 250 + 1}", port = 8000 + s, weight = r % 5 + 1
  }]])
  services = { for s in local.servers : "10.1.${s.service}.1" => s... }
}
dynamic "virtual_server" {
  for_each = local.services
  labels   = [virtual_server.key, "80"]
  content {
    dynamic "real_server" {
      for_each = virtual_server.value
      labels   = [real_server.value.address, real_server.value.port]
      content {
        weight = lookup(real_server.value, "weight", 1)
        TCP_CHECK {}
      }
    }
  }
}`, `
virtual_server "10.255.0.1" "80" {
  dynamic "real_server" {
    for_each = toset(flatten([for s in range(5) : [for r in range(1000) : "10.${s}.${floor(r / 250)}.${r % 250 + 1}"]]))
    labels   = [real_server.value, "80"]
    content {
      TCP_CHECK {}
    }
  }
}`} {
		w := &hclWalk{limit: maxStatements / 10, budget: newBudget(maxSteps / 10)}
		nodes, diags := w.files(hclFile(), []source{{"lb.hcl", []byte(src)}}, "lb1")
		if diags.HasErrors() {
			t.Fatal(lines(diags))
		}
		servers := 0
		for _, v := range nodes {
			for _, r := range v.Children {
				if r.Name == "real_server" {
					servers++
				}
			}
		}
		if servers != 5_000 {
			t.Errorf("%d real servers", servers)
		}
	}
}

// What became a list on the way to a common type is used as the tuple was.
func TestLongTuplesAreUniform(t *testing.T) {
	for expression, want := range map[string]string{
		`length(true ? [for i in range(100) : "a${i}"] : [])`:                "100",
		`(true ? [for i in range(100) : "a${i}"] : [])[7]`:                   "a7",
		`(true ? { for i in range(100) : "k${i}" => i } : {}).k42`:           "42",
		`length(distinct([for i in range(1000) : i % 10]))`:                  "10",
		`join("", distinct(flatten([for i in range(100) : [1, "x"]])))`:      "1x",
		`length(toset([for i in range(1000) : { a = i % 7 }]))`:              "7",
		`length(setunion(["a"], [for i in range(100) : "b"], toset(["a"])))`: "2",
		`length(chunklist([for i in range(100) : i], 30))`:                   "4",
		`"${2.5}-${1 / 4}-${-3}-${1e20}"`:                                    "2.5-0.25--3-100000000000000000000",
		`format("port-65535-%05.1f-%s%%", 2.25, "x")`:                        "port-65535-002.2-x%",
	} {
		if got := valid(t, HCL, router(expression, "")).RouterID; got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}
