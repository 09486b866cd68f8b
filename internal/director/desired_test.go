package director

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

var update = flag.Bool("update", false, "write the golden files")

// groupID is the group that opens ping sockets in these tests.
const groupID = 990

// desire is desired of a configuration that was not compiled before.
func desire(cfg *conf.Config, h health) want { return desired(compile(cfg, groupID), h) }

// TestDesired shows what is wanted for every configuration in testdata, while the specs in the
// file NAME.down fail.
func TestDesired(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/*.conf", "testdata/*.hcl"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 10 {
		t.Fatalf("only %d configurations found", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, filepath.Ext(file))
		t.Run(filepath.Base(name), func(t *testing.T) {
			cfg := load(t, file)
			down := failingSpecs(t, cfg, name+".down")
			golden(t, name+".golden", render(desire(cfg, health{down: down})))
		})
	}
}

// TestOneFileTwoNodes: what two nodes want of one file differs in the priority alone.
func TestOneFileTwoNodes(t *testing.T) {
	text := map[string]string{}
	for _, node := range []string{"lb1", "lb2"} {
		r := conf.Load("testdata/pair.hcl", conf.Options{Hostname: node})
		if r.Config == nil {
			t.Fatal(r.Diags)
		}
		text[node] = render(desire(r.Config, health{}))
	}
	if !strings.Contains(text["lb1"], "priority 150") {
		t.Errorf("lb1 has not the priority 150:\n%s", text["lb1"])
	}
	if got := strings.ReplaceAll(text["lb1"], "priority 150", "priority 100"); got != text["lb2"] {
		t.Errorf("the nodes differ beyond the priority:\n%s", gocmp.Diff(got, text["lb2"]))
	}
}

func load(t testing.TB, file string) *conf.Config {
	t.Helper()
	r := conf.Load(file, conf.Options{Hostname: "lb1"})
	if r.Config == nil {
		t.Fatalf("%s: %v", file, r.Diags)
	}
	return r.Config
}

// failingSpecs reads the specs that fail, one to a line as Spec.String writes it. Each has to be
// one of the configuration's.
func failingSpecs(t *testing.T, cfg *conf.Config, file string) map[check.Spec]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	down := map[check.Spec]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		found := false
		for spec := range desire(cfg, health{}).checks {
			if spec.String() == line {
				down[spec], found = true, true
			}
		}
		if !found {
			t.Fatalf("%s: no check %q in the configuration", file, line)
		}
	}
	return down
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// render writes everything that is wanted, one thing to a line, in a stable order.
func render(w want) string {
	var b strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
	for _, i := range w.instances {
		line("instance %s %q: VRRPv%d priority %d every %v preempt %t start master %t", i.Key, i.Name, i.Version,
			i.Priority, i.Interval, i.Preempt, i.StartMaster)
		line("  advertises %v, tracks [%s]", i.Addresses, trackText(i.Track, vrrp.TrackInterface))
		for kind := vrrp.TrackScript; kind <= vrrp.TrackPing; kind++ {
			if text := trackText(i.Track, kind); text != "" {
				line("  tracks %v [%s]", kind, text)
			}
		}
		line("  takes over after %d adverts, preempts after %v; no answer %t, last advert %t, ignores %t, without its link %t",
			i.DownTimerAdverts, i.PreemptDelay, i.LowerPrioNoAdvert, i.HigherPrioSendAdvert, i.OwnerIgnoreAdverts, i.DontTrackPrimary)
		if text := fmt.Sprintf("%+v", i.Transport); text != fmt.Sprintf("%+v", vrrp.Transport{}) {
			line("  travels by %s", text)
		}
		if len(i.Excluded) > 0 {
			line("  excluded %v", i.Excluded)
		}
		if i.Password != (vrrp.Password{}) {
			line("  password %q", [8]byte(i.Password))
		}
		if h := i.HMAC; h.Active != 0 {
			line("  signed by key %d, monotonic %t, window %v, permissive %t, silent %t", h.Active, h.Monotonic, h.Window, h.Permissive, h.Silent)
			for _, k := range h.Keys {
				line("    key %d %q", k.ID, string(k.Key))
			}
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(w.programs), func(a, b call) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		line("%s %s: %s", c.subject, c.word, w.programs[c].text())
	}
	for _, t := range slices.SortedFunc(maps.Keys(w.trackers), func(a, b vrrp.Tracker) int { return cmp.Compare(a.String(), b.String()) }) {
		line("%v: %v", t, trackerAttributes(w.trackers[t]))
	}
	for _, g := range w.groups {
		line("group %q: %v", g.Name, g.Members)
	}
	for _, key := range slices.Sorted(maps.Keys(w.network.Instances)) {
		n := w.network.Instances[key]
		line("addresses of %s: %d announcements, again after %v; against a lesser master %d, again after %v; refreshed by %d every %v",
			key, n.Repeat, n.Delay, n.LowerPrioRepeat, n.LowerPrioDelay, n.RefreshRepeat, n.Refresh)
		for _, a := range n.Addresses {
			line("  %s scope %d", a, a.Scope)
			if slices.Contains(n.NoTrack, a) {
				line("    not tracked")
			}
		}
		for _, r := range n.Routes {
			line("  route %s protocol %d scope %d append %t, %v %q %d", r, r.Protocol, r.Scope, r.Append, r.Metrics, r.Congctl, r.Pref)
		}
		for _, r := range n.Rules {
			line("  rule %s protocol %d", r, r.Protocol)
		}
	}
	if w.network.Spacing != (netif.Spacing{}) {
		line("announcements apart by %v, %v", w.network.Spacing.ARP, w.network.Spacing.NA)
	}
	for _, g := range w.network.SpacingGroups {
		line("announcements on %v apart by %v, %v", g.Interfaces, g.ARP, g.NA)
	}
	for _, dev := range slices.Sorted(maps.Keys(w.delays)) {
		line("%s is seen down after %v, up after %v", dev, w.delays[dev].Down, w.delays[dev].Up)
	}
	for _, s := range w.network.Sysctls {
		line("sysctl %s = %s", s.Name, s.Value)
	}
	table := plainTable(w.services)
	for _, key := range slices.SortedFunc(maps.Keys(table), ipvs.ServiceKey.Compare) {
		e := table[key]
		line("service %s: %s, netmask %#x", key, e.Service, e.Service.Netmask)
		for _, address := range sortedAddresses(e.Destinations) {
			line("  %s %s", address, e.Destinations[address])
		}
	}
	for _, s := range sortedSpecs(w.checks) {
		said := ""
		for _, a := range checkAttributes(s) {
			if a.value != "" {
				said += " " + a.name + " " + a.value
			}
		}
		line("check %s%s", s, said)
	}
	return b.String()
}

func sortedSpecs[V any](specs map[check.Spec]V) []check.Spec {
	return slices.SortedFunc(maps.Keys(specs), func(a, b check.Spec) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Interval, b.Interval),
			cmp.Compare(fmt.Sprint(checkAttributes(a)), fmt.Sprint(checkAttributes(b))))
	})
}
