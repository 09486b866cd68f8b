package conf

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
)

// A range is what two files never have in common.
var cmpModel = cmp.Options{
	cmpopts.IgnoreTypes(hcl.Range{}),
	cmpopts.EquateComparable(netip.AddrPort{}, netip.Prefix{}, netip.Addr{}),
}

// read loads a text as a file of the format.
func read(t testing.TB, format Format, src string) *Result {
	t.Helper()
	name := "lb.conf"
	if format == HCL {
		name = "lb.hcl"
	}
	cfg, diags := load([]source{{name, []byte(src)}}, Options{Hostname: "lb1", Format: format}, nil)
	return finish(cfg, map[string]*hcl.File{name: {Bytes: []byte(src)}}, diags, nil)
}

func lines(diags hcl.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		word := "error "
		if d.Severity == hcl.DiagWarning {
			word = "warning "
		}
		all = append(all, word+OneLine(d))
	}
	return all
}

func valid(t *testing.T, format Format, src string) *Config {
	t.Helper()
	r := read(t, format, src)
	if r.Config == nil {
		t.Fatalf("refused:\n%s", strings.Join(lines(r.Diags), "\n"))
	}
	return r.Config
}

// seedServices is what the seed's file says, with keepalived's defaults.
func seedServices() []VirtualServer {
	v := VirtualServer{
		Address:    netip.MustParseAddrPort("192.168.2.11:80"),
		Protocol:   TCP,
		Scheduler:  "rr",
		Forwarding: NAT,
		Quorum:     1,
		Family:     4,
	}
	for _, address := range []string{"10.10.10.11:80", "10.10.10.12:80", "10.10.10.13:80"} {
		v.RealServers = append(v.RealServers, RealServer{
			Forwarding: NAT,
			Address:    netip.MustParseAddrPort(address),
			Weight:     1,
			Checks: []Check{{
				Kind: PingCheck,
				Timing: Timing{
					Interval:         time.Minute,
					Timeout:          5 * time.Second,
					Warmup:           time.Minute,
					Retry:            1,
					Rise:             1,
					DelayBeforeRetry: time.Second,
				},
			}},
		})
	}
	return []VirtualServer{v}
}

func TestSeedOfTheFirstUserLoadsAsItIs(t *testing.T) {
	r := Load("testdata/seed.conf", Options{Hostname: "Master"})
	if len(r.Diags) != 0 {
		t.Fatalf("problems:\n%s", strings.Join(lines(r.Diags), "\n"))
	}
	want := &Config{RouterID: "Master", Services: seedServices(), Lifetime: noLifetime()}
	if diff := cmp.Diff(want, r.Config, cmpModel); diff != "" {
		t.Error(diff)
	}
	at := r.Config.Services[0].RealServers[2].Checks[0].Range
	if got := place(at); got != "testdata/seed.conf:19:1" {
		t.Errorf("the last check stands at %s", got)
	}
}

func TestBothLanguagesSayTheSameNetwork(t *testing.T) {
	conf := Load("testdata/network.conf", Options{Hostname: "lb1"})
	inHCL := Load("testdata/network.hcl", Options{Hostname: "lb1"})
	for _, r := range []*Result{conf, inHCL} {
		if len(r.Diags) != 0 {
			t.Fatalf("problems:\n%s", strings.Join(lines(r.Diags), "\n"))
		}
	}
	if diff := cmp.Diff(conf.Config, inHCL.Config, cmpModel); diff != "" {
		t.Error(diff)
	}
	if n := len(conf.Config.Instances) + len(conf.Config.SyncGroups) + len(conf.Config.Services); n != 8 {
		t.Errorf("%d blocks were read", n)
	}
}

// usualInstance is an instance on eth0 with the defaults of a front end.
func usualInstance(f *frontEnd, change func(*Instance)) Instance {
	i := f.defaults.instance()
	i.State, i.Interface, i.Priority = Backup, "eth0", 100
	change(&i)
	return i
}

func TestDesignExample(t *testing.T) {
	for hostname, priority := range map[string]uint8{"lb1": 150, "lb2": 100, "other": 50} {
		r := Load("testdata/example.hcl", Options{Hostname: hostname})
		if got, want := lines(r.Diags), []string{
			"warning testdata/example.hcl:31:1: virtual_server fwmark 100 has no real_server; it refuses every connection",
		}; !cmp.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
		check := func(kind CheckKind, timeout time.Duration, urls ...URL) Check {
			c := Check{Kind: kind, Timing: Timing{Interval: 5 * time.Second, Timeout: timeout, Warmup: 5 * time.Second, Retry: 1, Rise: 1, DelayBeforeRetry: time.Second}}
			if kind == HTTPGet {
				c.HTTP = &HTTP{URLs: urls, Protocol: "1.1"}
			}
			return c
		}
		web := VirtualServer{
			Address: netip.MustParseAddrPort("192.168.2.11:80"), Protocol: TCP, Scheduler: "rr", Forwarding: NAT, Quorum: 1, Family: 4,
		}
		for _, a := range []string{"10.10.10.11:80", "10.10.10.12:80", "10.10.10.13:80"} {
			web.RealServers = append(web.RealServers, RealServer{
				Forwarding: NAT,
				Address:    netip.MustParseAddrPort(a),
				Weight:     1,
				Checks: []Check{
					check(PingCheck, 2*time.Second),
					check(HTTPGet, 2*time.Second, URL{Path: "/healthz", StatusCodes: []StatusRange{{200, 299}}}),
				},
			})
		}
		want := &Config{
			RouterID: hostname, Lifetime: noLifetime(),
			Instances: []Instance{usualInstance(hclFrontEnd(), func(i *Instance) {
				i.Name, i.VirtualRouterID, i.Priority, i.Track = "web", 51, priority, []Tracked{{Kind: TrackInterface, Name: "eth1"}}
				i.Addresses = []VirtualAddress{
					{Prefix: netip.MustParsePrefix("192.168.2.11/24"), Dev: "eth0", PreferredLft: Forever},
					{Prefix: netip.MustParsePrefix("10.10.10.9/24"), Dev: "eth1", PreferredLft: Forever},
				}
			})},
			Services: []VirtualServer{web, {FWMark: 100, Scheduler: "sh", Forwarding: NAT, Quorum: 1, Family: 4}},
		}
		if diff := cmp.Diff(want, r.Config, cmpModel); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFormatIsTakenFromTheName(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]Options{
		"a.hcl":           {},
		"keepalived.conf": {Format: HCL},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("global_defs {\n  router_id = upper(\"x\")\n}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if r := Load(path, o); r.Config == nil || r.Config.RouterID != "X" {
			t.Errorf("%s with %v: %v", name, o, lines(r.Diags))
		}
	}
	path := filepath.Join(dir, "b.hcl")
	if err := os.WriteFile(path, []byte("global_defs { router_id x }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := Load(path, Options{Format: Keepalived}); r.Config == nil || r.Config.RouterID != "x" {
		t.Errorf("%v", lines(r.Diags))
	}
}

// sorted compares lists without regard to their order.
func sorted[T any](less func(a, b T) bool) cmp.Option { return cmpopts.SortSlices(less) }
