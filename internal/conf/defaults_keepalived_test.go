package conf

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPortsByName(t *testing.T) {
	src := "virtual_server 10.0.0.1 https {\nprotocol TCP\nreal_server 10.0.0.2 HTTP-alt {\n}\nreal_server 10.0.0.3 {\n}\n}\n"
	v := valid(t, Keepalived, src).Services[0]
	if v.Address.Port() != 443 || v.RealServers[0].Address.Port() != 8080 || v.RealServers[1].Address.Port() != 443 {
		t.Errorf("%+v", v)
	}
	for text, want := range map[string]uint16{"0": 0, "65535": 65535, "domain": 53, "www": 80, "postgresql": 5432} {
		if got, ok := port(text); got != want || !ok {
			t.Errorf("%s is %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "65536", "-1", "+80", "0x50", "htttp", "80 "} {
		if got, ok := port(text); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
	for name := range servicePorts() {
		if name != strings.ToLower(name) {
			t.Errorf("%s is never found", name)
		}
	}
}

func TestDefaultInterface(t *testing.T) {
	// It counts for all instances, wherever it stands.
	src := "vrrp_instance a {\nvirtual_router_id 1\nvirtual_ipaddress { 10.0.0.1 }\n}\nglobal_defs {\ndefault_interface ens3\n}\n"
	if i := valid(t, Keepalived, src).Instances[0]; i.Interface != "ens3" || i.Addresses[0].Dev != "ens3" {
		t.Errorf("%+v", i)
	}
	if i := valid(t, Keepalived, instanceWith("")).Instances[0]; i.Interface != "eth0" {
		t.Errorf("the default of one file is that of another: %s", i.Interface)
	}
	got := lines(read(t, Keepalived, "global_defs {\ndefault_interface eth0/1\n}\n").Diags)
	want := []string{`error lb.conf:2:19: default_interface "eth0/1" is no name of an interface, which has no "/", ":" or blank in it`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuthentication(t *testing.T) {
	for _, c := range []struct {
		block, keepalived, hcl string
	}{
		{"auth_type PASS\nauth_pass secret", "", ""},
		{"auth_type AH",
			"error 5:1: lvsd does not have authentication AH yet: the other node would drop adverts without it, and both would be masters; write auth_type PASS on both nodes", "the same"},
		{"auth_pass secret", "warning 5:1: authentication has no auth_type; the password is ignored",
			"error 5:1: authentication has no auth_type; write auth_type PASS"},
		{"auth_type PASS", "warning 5:1: authentication has no auth_pass; it is ignored",
			"error 5:1: authentication has no auth_pass; write one of 1 to 8 bytes"},
		{"auth_type PASS\nauth_pass secretive", "warning 7:11: auth_pass has 9 bytes and an advert holds 8; the first 8 count",
			"error 7:13: auth_pass has 9 bytes and an advert holds 8; shorten it, on both nodes"},
		{"auth_type PASS\nauth_pass \"\"", "error 7:11: auth_pass is empty; write a password of 1 to 8 bytes",
			"error 7:13: auth_pass is empty; write a password of 1 to 8 bytes"},
		{"auth_type pass\nauth_pass secret", `error 6:11: auth_type is one of PASS, AH, not "pass"; did you mean "PASS"?`,
			`error 6:13: auth_type is one of PASS, AH, not "pass"; did you mean "PASS"?`},
	} {
		if c.hcl == "the same" {
			c.hcl = c.keepalived
		}
		argument := regexp.MustCompile(`(auth_\w+) "?([^"\n]*)"?`)
		for format, src := range map[Format]string{
			Keepalived: instanceWith("authentication {\n" + c.block + "\n}"),
			HCL: "vrrp_instance \"a\" {\nversion = 2\nvirtual_router_id = 1\ninterface = \"eth0\"\nauthentication {\n" +
				argument.ReplaceAllString(c.block, `$1 = "$2"`) + "\n}\nvirtual_ipaddress = [\"10.0.0.1\"]\n}\n",
		} {
			want := map[Format]string{Keepalived: c.keepalived, HCL: c.hcl}[format]
			r := read(t, format, src)
			got := strings.ReplaceAll(strings.Join(lines(r.Diags), "\n"), map[Format]string{Keepalived: "lb.conf:", HCL: "lb.hcl:"}[format], "")
			if got != want {
				t.Errorf("%s\n%s\nwant\n%s", src, got, want)
			}
			var printed bytes.Buffer
			if err := r.WriteDiagnostics(&printed, false); err != nil || strings.Contains(printed.String(), "secret") {
				t.Errorf("%v: the password is printed:\n%s", err, &printed)
			}
		}
	}
	if r := read(t, Keepalived, instanceWith("authentication {\nauth_type PASS\nauth_pass secretive\n}")); r.Config.Instances[0].AuthPass != "secretiv" {
		t.Error("not the first 8 bytes")
	} else if text := fmt.Sprintf("%v %+v %#v", r.Config, r.Config, r.Config.Instances[0]); strings.Contains(text, "secret") {
		t.Error("a configuration prints its passwords")
	}
	if got := lines(read(t, Keepalived, instanceWith("version 3\nauthentication {\nauth_type AH\n}")).Diags); len(got) != 1 ||
		got[0] != "warning lb.conf:6:1: Version 3 has no authentication (RFC 9568 §9); it is ignored, by keepalived too" {
		t.Errorf("%q", got)
	}
}

// A file that serves both nodes is read as each of them, by name or by keepalived's option -i.
func TestConditionsByNode(t *testing.T) {
	src := instanceWith("@lb1 priority 150\n@lb2 priority 120\n@other priority 90")
	for _, c := range []struct {
		options Options
		want    uint8
	}{
		{Options{Hostname: "lb1"}, 150},
		{Options{Hostname: "lb2.example.org"}, 120},
		{Options{Hostname: "lb1", Instance: "other"}, 90},
		{Options{Hostname: "lb1", Instance: "lb2.example.org"}, 100},
		{Options{}, 100},
	} {
		c.options.Format = Keepalived
		cfg, diags := load([]source{{"f", []byte(src)}}, c.options, nil)
		if len(diags) > 0 || cfg.Instances[0].Priority != c.want {
			t.Errorf("%+v: %d %q", c.options, cfg.Instances[0].Priority, lines(diags))
		}
	}
}

// What decoding finds wrong with a value that a definition makes names the definition's use.
func TestDecodingExplainsExpansions(t *testing.T) {
	got := lines(read(t, Keepalived, "$P=300\n"+instanceWith("priority $P")).Diags)
	want := []string{`error lb.conf:1:4: priority takes a whole number from 1 to 255, not "300": in the expansion of $P at lb.conf:6:10`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
