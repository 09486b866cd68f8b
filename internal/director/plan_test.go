package director

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// TestPlan shows the plan for every pair of configurations in testdata/plan: from.hcl, to.hcl,
// what is known of the node in facts, the plan as text, and as JSON where the file has one.
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	must(t, err)
	if len(files) < 15 {
		t.Fatalf("only %d plans found", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { planned(t, file) })
	}
}

func planned(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	must(t, err)
	given := map[string]*txtar.File{}
	for i := range archive.Files {
		given[archive.Files[i].Name] = &archive.Files[i]
	}
	if given["text"] == nil {
		archive.Files = append(archive.Files, txtar.File{Name: "text"})
		given["text"] = &archive.Files[len(archive.Files)-1]
	}
	from := planSide(t, string(given["from.hcl"].Data))
	to := from
	if given["to.hcl"] != nil {
		to = planSide(t, string(given["to.hcl"].Data))
	}
	known := facts{}
	if given["facts"] != nil {
		known = parseFacts(t, from, string(given["facts"].Data))
	}
	p := plan(from, to, known, groupID)

	var text strings.Builder
	must(t, p.WriteText(&text, false))
	got := map[string]string{"text": text.String()}
	if given["json"] != nil {
		out, err := json.MarshalIndent(p, "", "  ")
		must(t, err)
		got["json"] = string(out) + "\n"
	}
	for name, text := range got {
		if *update {
			given[name].Data = []byte(text)
			continue
		}
		if diff := gocmp.Diff(string(given[name].Data), text); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", name, file, diff)
		}
	}
	if *update {
		must(t, os.WriteFile(file, txtar.Format(archive), 0o644))
	}
	if p.Empty() != (text.Len() == 0) || p.Empty() && len(p.Consequences) > 0 {
		t.Errorf("empty is %t, the text has %d bytes, and there are %d consequences", p.Empty(), text.Len(), len(p.Consequences))
	}
}

func planSide(t *testing.T, text string) *conf.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lvsd.hcl")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return load(t, file)
}

// parseFacts reads what is known of a node that runs cfg, one fact to a line: "state eth0/51
// MASTER", "down ping 10.0.0.1", "active TCP 192.0.2.1:80 10.0.0.1:80 12" (or inactive).
func parseFacts(t *testing.T, cfg *conf.Config, text string) facts {
	t.Helper()
	known := facts{live: true, states: map[vrrp.Key]vrrp.State{}, health: health{down: map[check.Spec]bool{}},
		servers: map[serverKey]ipvs.DestinationStats{}}
	w := desire(cfg, health{})
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		used := false
		switch word {
		case "state":
			for _, c := range w.instances {
				for _, s := range []vrrp.State{vrrp.Init, vrrp.Fault, vrrp.Backup, vrrp.Master} {
					if rest == c.Key.String()+" "+s.String() {
						known.states[c.Key], used = s, true
					}
				}
			}
		case "down":
			for spec := range w.checks {
				if spec.String() == rest {
					known.health.down[spec], used = true, true
				}
			}
		case "active", "inactive":
			var n uint32
			for key, e := range w.services.All() {
				if after, ours := strings.CutPrefix(rest, key.String()+" "); ours {
					var address string
					if _, err := fmt.Sscan(after, &address, &n); err != nil {
						t.Fatal(err)
					}
					a := netip.MustParseAddrPort(address)
					if _, used = e.Destinations.Get(a); !used {
						continue
					}
					d := known.servers[serverKey{key, a}]
					if word == "active" {
						d.Active = n
					} else {
						d.Inactive = n
					}
					known.servers[serverKey{key, a}] = d
				}
			}
		}
		if !used {
			t.Fatalf("no such fact: %s", line)
		}
	}
	known.health.memory = desire(cfg, known.health).memory
	return known
}

// TestDocumentedPlan: what docs/plan.md shows of a daemon that runs is what the plan says, and its
// table has every kind of consequence and no other.
func TestDocumentedPlan(t *testing.T) {
	text, err := os.ReadFile("../../docs/plan.md")
	must(t, err)
	block := func(line string) string {
		t.Helper()
		_, behind, found := strings.Cut(string(text), "\n"+line+"\n\n```")
		_, behind, _ = strings.Cut(behind, "\n")
		block, _, closed := strings.Cut(behind, "```\n")
		if !found || !closed {
			t.Fatalf("docs/plan.md has no block behind %q", line)
		}
		return block
	}
	from := planSide(t, block("`lvsd.hcl`:"))
	known := parseFacts(t, from, "state eth0/51 MASTER\nactive TCP 192.168.2.11:80 10.10.10.13:80 12\n")
	p := plan(from, planSide(t, block("`new.hcl`:")), known, groupID)
	var got strings.Builder
	must(t, p.WriteText(&got, false))
	_, want, _ := strings.Cut(block("The same, asked of a daemon that is MASTER and has 12 connections on the third server:"), "\n")
	if diff := gocmp.Diff(want, got.String()); diff != "" {
		t.Errorf("docs/plan.md (-want +got):\n%s", diff)
	}

	documented, used := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (?:disruption|warning|info)").FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = true
	}
	files, err := filepath.Glob("plan_consequences*.go")
	must(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		must(t, err)
		for _, m := range regexp.MustCompile(`p\.follows\(\w+, "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = true
		}
	}
	if diff := gocmp.Diff(used, documented); diff != "" || len(used) < 15 {
		t.Errorf("kinds of consequences (-used +documented):\n%s", diff)
	}
}

// A plan says that keys change, never what they are, and whether the other node hears us then.
func TestPlanShowsNoKey(t *testing.T) {
	with := func(active uint8, mode conf.HMACMode, keys ...conf.HMACKey) *conf.Config {
		return &conf.Config{Instances: []conf.Instance{{Name: "web", Interface: "eth0", VirtualRouterID: 51, Version: 3,
			HMAC: conf.HMAC{Keys: keys, ActiveKey: active, Mode: mode, TimeWindow: 5 * time.Second}}}}
	}
	one, two, three := conf.HMACKey{ID: 1, Value: "secret1"}, conf.HMACKey{ID: 2, Value: "secret2"}, conf.HMACKey{ID: 1, Value: "secret3"}
	none := with(0, "")
	for _, c := range []struct {
		from, to *conf.Config
		want     string
		deaf     bool
	}{
		{none, with(1, conf.ReceiveOnly, one), "auth_hmac mode receive-only", false},
		{with(1, conf.ReceiveOnly, one), with(1, conf.Permissive, one), "auth_hmac mode receive-only → permissive", false},
		{with(1, conf.Permissive, one), with(1, conf.Enforce, one), "auth_hmac mode permissive → enforce", false},
		{with(1, conf.Enforce, one), with(1, conf.Enforce, one, two), "auth_hmac key 1 → 1, 2", false},
		{with(1, conf.Enforce, one, two), with(2, conf.Enforce, one, two), "auth_hmac active_key 1 → 2", false},
		{with(2, conf.Enforce, one, two), with(2, conf.Enforce, two), "auth_hmac key 1, 2 → 2", false},
		{none, with(1, conf.Permissive, one), "auth_hmac mode permissive", false},
		{none, with(1, conf.Enforce, one), "auth_hmac key 1", true},
		{with(1, conf.Enforce, one), none, "- auth_hmac key 1", true},
		{with(1, conf.ReceiveOnly, one), with(1, conf.Enforce, one), "auth_hmac mode", true},
		{with(1, conf.Enforce, one), with(1, conf.Enforce, three), "auth_hmac key 1 → changed", true},
		{with(1, conf.Permissive, one), with(2, conf.Permissive, one, two), "auth_hmac active_key 1 → 2", true},
	} {
		p := Compare(c.from, c.to, groupID)
		var text strings.Builder
		if err := p.WriteText(&text, false); err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		all := text.String() + string(encoded)
		if strings.Contains(all, "secret") || !strings.Contains(all, c.want) || strings.Contains(all, "the same auth_hmac") != c.deaf {
			t.Errorf("no %q, a key, or not deaf %t:\n%s", c.want, c.deaf, all)
		}
	}
}

// A plan says that a password changes, and never what it is.
func TestPlanShowsNoPassword(t *testing.T) {
	with := func(password conf.Secret) *conf.Config {
		return &conf.Config{Instances: []conf.Instance{{Name: "web", Interface: "eth0", VirtualRouterID: 51, Version: 2, AuthPass: password}}}
	}
	none := &conf.Config{}
	for _, c := range []struct {
		from, to *conf.Config
		want     string
	}{
		{with("secret1"), with("secret2"), "auth_pass set → changed"},
		{with(""), with("secret2"), "+ auth_pass set"},
		{with("secret1"), with(""), "- auth_pass set"},
		{none, with("secret2"), "auth_pass set"},
		{with("secret1"), none, "- vrrp_instance web"},
	} {
		p := Compare(c.from, c.to, groupID)
		var text strings.Builder
		if err := p.WriteText(&text, false); err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if all := text.String() + string(encoded); strings.Contains(all, "secret") || !strings.Contains(all, c.want) {
			t.Errorf("no %q, or a password:\n%s", c.want, all)
		}
	}
}

// Words that count at a start are no "No changes", and the plan says when they count.
func TestPlanOfStartupDelays(t *testing.T) {
	text := instance("192.0.2.1/24")
	p := Compare(planSide(t, text), planSide(t, "global_defs {\n  vrrp_startup_delay = \"5s\"\n}\n"+text), 0)
	if p.Summary.Change != 1 || len(p.Global) != 1 || p.Global[0].Note == "" ||
		p.Global[0].Changes[0] != (Change{"vrrp_startup_delay", "", "5s"}) {
		t.Errorf("%+v", p)
	}
}
