package realserver

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lvsd/internal/conf"
)

// fake is a host that behaves, and refuses one step.
type fake struct {
	Host
	steps  int
	refuse int // the step that is refused, from 1; 0 for none
}

var errRefused = errors.New("refused")

func (f *fake) Read([]string) (Host, error) { return f.clone(), nil }

func (f *fake) Do(s Step) error {
	if f.steps++; f.steps == f.refuse {
		return errRefused
	}
	f.take(s)
	return nil
}

const everything = instances + `
virtual_server "192.168.2.11" "80" {
  lb_kind = "DR"
  real_server "10.10.10.11" "80" {}
}
virtual_server "192.168.2.12" "80" {
  lb_kind = ["TUN", "type", "gue", "port", 5555]
  real_server "10.10.10.11" "80" {}
}
virtual_server "192.168.2.13" "80" {
  real_server "10.10.10.11" "80" {}
}
`

func server() Host {
	h := having("10.10.10.11/24 eth0")
	for _, name := range []string{"all.arp_ignore", "all.arp_announce", "eth0.arp_ignore", "eth0.arp_announce"} {
		h.Settings["net.ipv4.conf."+name] = "0"
	}
	return h
}

func same(t *testing.T, what string, want, got Host) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Each step fails once, on the way up and on the way down: the same command does the rest, and nothing
// that was set up is forgotten.
func TestJobGoesOn(t *testing.T) {
	cfg := read(t, everything)
	whole := &fake{Host: server()}
	job := Job{Kernel: whole, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	steps := whole.steps
	if steps < 8 {
		t.Fatalf("only %d steps", steps)
	}
	for n := 1; n <= steps; n++ {
		f := &fake{Host: server(), refuse: n}
		job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
		if _, err := job.Up(cfg, false); !errors.Is(err, errRefused) {
			t.Fatalf("step %d: %v", n, err)
		}
		half := f.clone()
		if err := job.Down(nil); err != nil {
			t.Fatal(err)
		}
		same(t, "taken down after half of it", server(), f.Host)
		f.Host = half
		f.refuse = 0
		if _, err := job.Up(cfg, false); err != nil {
			t.Fatal(err)
		}
		same(t, "set up in two goes", whole.Host, f.Host)
	}
	for n := 1; ; n++ {
		f := &fake{Host: server()}
		job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
		if _, err := job.Up(cfg, false); err != nil {
			t.Fatal(err)
		}
		f.steps, f.refuse = 0, n
		err := job.Down(nil)
		if err != nil {
			if !errors.Is(err, errRefused) {
				t.Fatal(err)
			}
			err = job.Down(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Tunnels, f.Ports = server().Tunnels, map[Port]bool{}
		same(t, "taken down in two goes", server(), f.Host)
		if _, err := os.Stat(job.StateFile); !os.IsNotExist(err) {
			t.Errorf("the state file is left: %v", err)
		}
		if f.steps < n {
			break
		}
	}
}

func TestJobStatus(t *testing.T) {
	cfg := read(t, everything)
	f := &fake{Host: server()}
	job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
	s, err := job.Status(cfg)
	if err != nil || s.Complete() || len(s.Lacks) != len(s.Items) {
		t.Fatalf("%v, %v", s, err)
	}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func(){
		func() { f.Settings["net.ipv4.conf.all.arp_ignore"] = "0" },
		func() { delete(f.Addresses, Address{netip.MustParseAddr("192.168.2.11"), loopback}) },
		func() { delete(f.Tunnels, "lvsd-ipip0") },
		func() { f.Tunnels["lvsd-ipip0"] = Device{f.Tunnels["lvsd-ipip0"].Tunnel, false} },
		func() { f.Ports = nil },
		func() { f.Defaults = nil },
		func() { f.Settings["net.ipv4.conf.lvsd-ipip0.rp_filter"] = "1" },
	} {
		was := f.clone()
		if s, err := job.Status(cfg); err != nil || !s.Complete() {
			t.Fatalf("%v, %v", s, err)
		}
		spoil()
		if s, err := job.Status(cfg); err != nil || s.Complete() {
			t.Errorf("what is missing is not told: %v, %v", s, err)
		}
		f.Host = was
	}
}

// Another default route stays in its place unless that is asked for, and the rest of the host too.
func TestJobLeavesADefaultRoute(t *testing.T) {
	cfg := read(t, everything)
	f := &fake{Host: server()}
	f.Defaults = []Gateway{{netip.MustParseAddr("10.10.10.254"), "eth0"}}
	before := f.clone()
	job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
	if _, err := job.Up(cfg, false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Fatal(err)
	}
	same(t, "after the refusal", before, f.Host)
	if _, err := job.Up(cfg, true); err != nil {
		t.Fatal(err)
	}
	if want := "10.10.10.9"; f.Defaults[0].Via.String() != want || len(f.Defaults) != 2 {
		t.Errorf("default routes %v", f.Defaults)
	}
	if err := job.Down(nil); err != nil {
		t.Fatal(err)
	}
	same(t, "after all", before, f.Host)
}

// A host that is no server there is told so, once nothing is left of what it was.
func TestJobElsewhere(t *testing.T) {
	cfg, other := read(t, everything), read(t, strings.ReplaceAll(everything, `"10.10.10.11"`, `"10.10.10.12"`))
	f := &fake{Host: server()}
	job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	if _, err := job.Up(other, false); err != nil {
		t.Fatal(err)
	}
	same(t, "no server any more", server(), f.Host)
	want := "this host is none of the real servers: it has the addresses 10.10.10.11, they have 10.10.10.12"
	if _, err := job.Up(other, false); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := job.Status(other); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// Without a memory the configuration says what to take down.
func TestJobDownByTheFile(t *testing.T) {
	cfg := read(t, everything)
	f := &fake{Host: server()}
	job := Job{Kernel: f, StateFile: filepath.Join(t.TempDir(), "state"), Told: func(Step) {}}
	if _, err := job.Up(cfg, false); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(job.StateFile); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*conf.Config{nil, cfg} {
		if err := job.Down(c); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.Addresses) != len(server().Addresses) || len(f.Tunnels)+len(f.Ports)+len(f.Defaults) > 0 {
		t.Errorf("left: %v", f.Host)
	}
}

func TestMemoryFile(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"bogus": 1}`, `{} {}`, `{"addresses":[{"address":"","dev":"lo"}]}`,
		`{"addresses":[{"address":"192.0.2.1"}]}`, `{"gateways":[{"via":"192.0.2.1"}]}`, `{"tunnels":[{"dev":"x"}]}`, `{"sysctls":[{"was":"1"}]}`} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := &fake{Host: server()}
		job := Job{Kernel: f, StateFile: path, Told: func(Step) {}}
		if _, err := job.Up(read(t, everything), false); err == nil || f.steps > 0 {
			t.Errorf("%s: %v, %d steps", text, err, f.steps)
		}
	}
}

func TestUnit(t *testing.T) {
	text, err := Unit("/usr/sbin/lvsd", []string{"realserver", "up", "-c", "/etc/a b/100%.hcl"}, []string{"realserver", "down"})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`ExecStart=/usr/sbin/lvsd realserver up -c "/etc/a b/100%%.hcl"`, `ExecStop=/usr/sbin/lvsd realserver down`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	if _, err := Unit("lvsd", []string{"-c", "a\nExecStop=/bin/false"}, nil); err == nil {
		t.Error("a path with a line break is taken")
	}
}

// FuzzMemory: what is taken from a state file can be taken down and written again.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"sysctls":[{"name":"net.ipv4.conf.all.arp_ignore","value":"1","good":"2 8","was":"0"}],"addresses":[{"address":"192.0.2.1","dev":"lo"}],"gateways":[{"via":"10.0.0.9","dev":"eth0"}]}`))
	f.Add([]byte(`{"ports":[{"family":4,"port":5555}],"tunnels":[{"dev":"lvsd-gre0","type":"gre","local":"10.0.0.1","checksum":true}]}`))
	f.Add([]byte(`{"addresses":[{"address":"fe80::1%eth0","dev":"lo"},{"address":"fe80::1%eth0","dev":"lo"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMemory(text)
		if err != nil {
			return
		}
		if n := len(remember(m.list()).list()); n != len(m.list()) {
			t.Errorf("%d of %d items are left", n, len(m.list()))
		}
		h := having()
		for _, r := range m.list() {
			h.take(Step{Item: r.item})
		}
		steps, left := Plan(nil, h, m)
		if len(left.list()) > 0 {
			t.Errorf("after %v there is left %v", steps, left)
		}
	})
}
