package director

import (
	"strings"
	"testing"

	"lvsd/internal/ipvs"
)

const ftpText = `
virtual_server_group "addresses" {
  address = ["192.0.2.1-2 21"]
}
virtual_server "192.0.2.1" "21" {
  lb_kind = "NAT"
  real_server "10.0.0.1" "21" {}
}
`

// TestFTPHelperIsWanted where a service of TCP at port 21 has a server behind NAT, whatever the role.
func TestFTPHelperIsWanted(t *testing.T) {
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(ftpText) }
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"NAT":                  {ftpText, true},
		"IPv6":                 {change(`192.0.2.1" "21`, `2001:db8::1" "21`, "10.0.0.1", "2001:db8::2"), true},
		"at another port":      {change(`192.0.2.1" "21" {`, `192.0.2.1" "2121" {`), false},
		"to port 21 only":      {change(`192.0.2.1" "21" {`, `192.0.2.1" "80" {`), false},
		"to another port":      {change(`10.0.0.1" "21"`, `10.0.0.1" "2121"`), true},
		"UDP":                  {change(`lb_kind`, "protocol = \"UDP\"\n  lb_kind"), false},
		"DR":                   {change(`"NAT"`, `"DR"`), false},
		"one server by DR":     {change(`"21" {}`, "\"21\" {\n    lvs_method = \"DR\"\n  }\n  real_server \"10.0.0.2\" \"21\" {}"), true},
		"sorry server by NAT":  {change(`"NAT"`, `"DR"`, `real_server "10.0.0.1" "21" {}`, "sorry_server = \"10.0.0.2 21\"\n  sorry_server_lvs_method = \"NAT\"\n  real_server \"10.0.0.1\" \"21\" {}"), true},
		"a group with port 21": {change(`"192.0.2.1" "21" {`, `"group" "addresses" {`), true},
		"every port":           {change(`192.0.2.1" "21" {`, "192.0.2.1\" \"0\" {\n  persistence_timeout = \"1m\"", `10.0.0.1" "21"`, `10.0.0.1" "0"`), false},
		"a mark":               {change(`192.0.2.1" "21" {`, "fwmark\" \"7\" {\n  mark = [\"192.0.2.1 tcp 21\"]"), false},
	} {
		if got := settings(planSide(t, c.text), nil).FTP; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestFTPHelperThatIsMissing is told once, and the services stand; when it comes that is told too.
func TestFTPHelperThatIsMissing(t *testing.T) {
	n := startNode(t, ftpText, func(n *node) {
		n.ipvs.Fail(func(_ int, op ipvs.Op) error {
			if op.Kind == ipvs.LoadFTP {
				return ipvs.ErrNoFTP
			}
			return nil
		})
	})
	if text, _ := n.wait(t, FTPMissing).fields["error"].(string); !strings.Contains(text, "ip_vs_ftp") {
		t.Errorf("the error is %q", text)
	}
	n.kernelHas(t, "TCP 192.0.2.1:21 10.0.0.1:21=1")
	n.ipvs.Fail(nil)
	waitFor(t, "the event of its loading", func() bool { return strings.Contains(n.transcript(), "load ip_vs_ftp") })
	if n.count(FTPMissing) != 1 || n.count(ServicesFailed) != 0 || !n.ipvs.Settings().FTP {
		t.Errorf("%+v\n%s", n.ipvs.Settings(), n.transcript())
	}
}
