// Package examples_test keeps the examples, the README and what is beside them true.
package examples_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
)

// The nodes that the examples are for.
func nodes() []string { return []string{"lb1", "lb2"} }

// load reads a file that nothing is wrong with, not even a warning's worth.
func load(t *testing.T, path, hostname string) *conf.Config {
	t.Helper()
	r := conf.Load(path, conf.Options{Hostname: hostname})
	for _, d := range r.Diags {
		t.Errorf("for %s: %s", hostname, conf.OneLine(d))
	}
	if r.Config == nil {
		t.FailNow()
	}
	return r.Config
}

// sameButPlaces compares models without the places in the files that they come from.
func sameButPlaces() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreTypes(hcl.Range{}),
		cmpopts.EquateComparable(netip.AddrPort{}, netip.Prefix{}, netip.Addr{}),
	}
}

func TestEachExampleServesOnBothNodes(t *testing.T) {
	for dir, forwarding := range map[string]conf.Forwarding{"nat": conf.NAT, "dr": conf.DR, "tun": conf.TUN} {
		path := filepath.Join(dir, "lvsd.hcl")
		one, two := load(t, path, "lb1"), load(t, path, "lb2")
		if len(one.Instances) != 1 || len(one.Services) != 1 || one.Services[0].Forwarding != forwarding {
			t.Fatalf("%s: %+v", path, one)
		}
		if one.Instances[0].Priority <= two.Instances[0].Priority {
			t.Errorf("%s: lb1 is not the master of choice", path)
		}
		// Beside the name and the priority the nodes are the same.
		two.RouterID, two.Instances[0].Priority = one.RouterID, one.Instances[0].Priority
		if diff := cmp.Diff(one, two, sameButPlaces()); diff != "" {
			t.Errorf("%s differs between the nodes:\n%s", path, diff)
		}
	}
}

func TestNATIsTheSameInBothLanguages(t *testing.T) {
	for _, node := range nodes() {
		inHCL := load(t, "nat/lvsd.hcl", node)
		inKeepalived := load(t, "nat/keepalived-"+node+".conf", "another-name")
		if diff := cmp.Diff(inHCL, inKeepalived, sameButPlaces()); diff != "" {
			t.Errorf("%s: HCL and keepalived.conf differ:\n%s", node, diff)
		}
	}
}

func TestEveryConfigurationHereIsTested(t *testing.T) {
	known := map[string]bool{"nat/lvsd.hcl": true, "nat/keepalived-lb1.conf": true, "nat/keepalived-lb2.conf": true,
		"dr/lvsd.hcl": true, "tun/lvsd.hcl": true, "alerting/loki.yaml": true, "alerting/rsyslog.conf": true}
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(path, ".go") && !known[path] {
			t.Errorf("no test knows %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// blocks returns the fenced blocks of a Markdown file that are tagged with the language.
func blocks(t *testing.T, path, language string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, part := range strings.Split("\n"+string(text), "\n```"+language+"\n")[1:] {
		block, _, closed := strings.Cut(part, "\n```")
		if !closed {
			t.Fatalf("%s: a block of %s is not closed", path, language)
		}
		found = append(found, block+"\n")
	}
	return found
}

func TestTheConfigurationInTheREADMELoads(t *testing.T) {
	found := blocks(t, "../README.md", "hcl")
	if len(found) != 1 {
		t.Fatalf("%d blocks of HCL", len(found))
	}
	if n := strings.Count(found[0], "\n"); n > 10 {
		t.Errorf("the ten-line configuration has %d lines", n)
	}
	path := filepath.Join(t.TempDir(), "lvsd.hcl")
	if err := os.WriteFile(path, []byte(found[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes() {
		if c := load(t, path, node); len(c.Instances) != 1 || len(c.Services) != 1 || len(c.Services[0].RealServers) != 3 {
			t.Errorf("%s: %+v", node, c)
		}
	}
}
