package conf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHostnames(t *testing.T) {
	for name, c := range map[string]struct {
		file, src string
		want      []string
	}{
		"none":               {"lb.hcl", `vrrp_instance "a" {}`, nil},
		"lookup":             {"lb.hcl", `vrrp_instance "a" { priority = lookup({ lb1 = 150, "lb2" = 100 }, hostname, 50) }`, []string{"lb1", "lb2"}},
		"comparison":         {"lb.hcl", `vrrp_instance "a" { priority = hostname == "lb2" ? 1 : "lb3" != hostname ? 2 : 3 }`, []string{"lb2", "lb3"}},
		"index":              {"lb.hcl", `vrrp_instance "a" { priority = { b = 1, a = 2 }[hostname] }`, []string{"a", "b"}},
		"local":              {"lb.hcl", "locals {\n  p = { lb1 = 1 }\n  q = contains([\"lb9\"], hostname)\n}\nvrrp_instance \"a\" { priority = local.p[hostname] }", []string{"lb1", "lb9"}},
		"locals in a circle": {"lb.hcl", "locals {\n  p = local.p\n}\nvrrp_instance \"a\" { priority = local.p[hostname] }", nil},
		"other objects":      {"lb.hcl", `vrrp_instance "a" { priority = lookup({ lb1 = 150 }, "lb1", 50) }`, nil},
		"no HCL":             {"lb.hcl", `vrrp_instance {`, nil},
		"keepalived":         {"lb.conf", "@lb1 router_id a\n  @^lb2 router_id b\nmail a@b\n", []string{"lb1", "lb2"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.src), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := Hostnames(path, Options{}); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if got := Hostnames(filepath.Join(t.TempDir(), "missing.hcl"), Options{}); got != nil {
		t.Errorf("a missing file names %q", got)
	}
}
