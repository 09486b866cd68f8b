package conf

import (
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
	refused := "yet: the other node would drop adverts without it, and both would be masters; remove it on both nodes"
	for line, want := range map[string]string{
		"authentication {\nauth_type PASS\nauth_pass secret\n}":            "error lb.conf:5:1: lvsd does not have authentication PASS " + refused,
		"authentication {\nauth_type AH\n}":                                "error lb.conf:5:1: lvsd does not have authentication AH " + refused,
		"authentication {\nauth_pass secret\n}\nversion 2":                 "error lb.conf:5:1: lvsd does not have authentication PASS " + refused,
		"authentication {\nauth_type PASS\nauth_pass secret\n}\nversion 3": "warning lb.conf:5:1: Version 3 has no authentication (RFC 9568 §9); it is ignored, by keepalived too",
	} {
		if got := lines(read(t, Keepalived, instanceWith(line)).Diags); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n%q, want %q", line, got, want)
		}
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
		cfg, diags := load("f", []byte(src), c.options, nil)
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
