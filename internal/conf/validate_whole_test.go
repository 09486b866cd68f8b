package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wholeService = `
virtual_server "192.168.2.11" "80" {
  real_server "10.10.10.11" "80" {
    TCP_CHECK {}
  }
  real_server "10.10.10.12" "80" {
    TCP_CHECK {}
  }
}
`

func wholeInstance(name, id, addresses string) string {
	return `
vrrp_instance "` + name + `" {
  interface         = "eth0"
  virtual_router_id = ` + id + `
  virtual_ipaddress = [` + addresses + `]
}
`
}

// What only the whole file shows is told as a warning, once for each service.
func TestWarningsOfTheWhole(t *testing.T) {
	group := "vrrp_sync_group \"g\" {\n  group = [\"a\", \"b\"]\n}\n"
	for name, c := range map[string]struct{ src, want string }{
		"VIP and V-gate in one instance": {
			wholeInstance("a", "1", `"192.168.2.11/24", { address = "10.10.10.9/24", dev = "eth1" }`) + wholeService, ""},
		"VIP and V-gate in one group": {
			wholeInstance("a", "1", `"192.168.2.11/24"`) + wholeInstance("b", "2", `"10.10.10.9/24"`) + group + wholeService, ""},
		"VIP and V-gate apart": {
			wholeInstance("a", "1", `"192.168.2.11/24"`) + wholeInstance("b", "2", `"10.10.10.9/24"`) + wholeService,
			`VIP 192.168.2.11 and V-gate 10.10.10.9 are in vrrp_instance "a" and "b", which no vrrp_sync_group holds together`},
		"V-gate outside the servers' subnet": {
			wholeInstance("a", "1", `"192.168.2.11/24", { address = "10.10.20.9/24", dev = "eth1" }`) + wholeService,
			"real_server 10.10.10.11 is in the subnet of no virtual address"},
		"no V-gate to be seen": {wholeInstance("a", "1", `"192.168.2.11/32"`) + wholeService, ""},
		"no instance":          {wholeService, ""},
		"DR needs no V-gate": {
			wholeInstance("a", "1", `"192.168.2.11/24", "10.10.20.9/24"`) + strings.Replace(wholeService, "{", "{\n  lb_kind = \"DR\"", 1), ""},
		"a check longer than its interval": {
			strings.Replace(wholeService, "{", "{\n  delay_loop = \"1s\"", 1),
			"TCP_CHECK may take 2 s (connect_timeout) and begins every 1 s (delay_loop)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, HCL, c.src)
			if r.Config == nil {
				t.Fatalf("refused: %v", r.Diags)
			}
			var got []string
			for _, d := range r.Diags {
				got = append(got, d.Summary)
			}
			switch {
			case c.want == "" && got != nil:
				t.Errorf("warned %q", got)
			case c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)):
				t.Errorf("warned %q, not %q", got, c.want)
			}
		})
	}
}

// A diagnostic shows the other place that it is about.
func TestRelatedPlaces(t *testing.T) {
	r := read(t, HCL, wholeInstance("a", "1", `"192.168.2.11/24"`)+wholeInstance("a", "2", `"192.168.2.12/24"`))
	var out strings.Builder
	if err := r.WriteDiagnostics(&out, false); err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(out.String(), "note: ")
	want := "first defined here\n     2 | vrrp_instance \"a\" {\n       | ^^^^^^^^^^^^^^^^^\n"
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("%s\n%s", diff, out.String())
	}
}
