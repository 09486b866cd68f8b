package convert

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"lvsd/internal/conf"
)

var update = flag.Bool("update", false, "write the golden files")

// converted converts files that are valid, and checks what holds for every conversion.
func converted(t *testing.T, hostname string, paths ...string) *Result {
	t.Helper()
	r := Files(paths, Options{Hostname: hostname})
	for _, d := range r.Diags {
		t.Error(conf.OneLine(d))
	}
	if r.HCL == nil {
		t.FailNow()
	}
	if !bytes.Equal(hclwrite.Format(r.HCL), r.HCL) {
		t.Error("the output is not formatted")
	}
	return r
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs:\n%s", path, diff)
	}
}

// Each case is a directory of testdata/cases with input files, lvsd.hcl and report.
func TestGoldens(t *testing.T) {
	cases := map[string][]string{
		"nat": {"../../../examples/nat/keepalived-lb1.conf"},
	}
	dirs, err := filepath.Glob("testdata/cases/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if name := filepath.Base(f); name != "lvsd.hcl" && name != "report" && !strings.HasPrefix(name, "included") {
				cases[filepath.Base(dir)] = append(cases[filepath.Base(dir)], f)
			}
		}
	}
	if len(cases) < 5 {
		t.Fatalf("only %d cases", len(cases))
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			r := converted(t, "Master", files...)
			dir := filepath.Join("testdata", "cases", name)
			golden(t, filepath.Join(dir, "lvsd.hcl"), r.HCL)
			var report bytes.Buffer
			if err := r.WriteReport(&report); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, "report"), report.Bytes())
			loaded := conf.Load(filepath.Join(dir, "lvsd.hcl"), conf.Options{Hostname: "Master"})
			if loaded.Config == nil {
				t.Fatal(loaded.Diags)
			}
			if len(files) == 1 && filepath.Ext(files[0]) == ".conf" {
				original := conf.Load(files[0], conf.Options{Hostname: "Master", Format: conf.Keepalived})
				if recognize(files[0], original.Files[files[0]].Bytes) != keepalivedFile {
					return
				}
				if d := difference(reflect.ValueOf(original.Config), reflect.ValueOf(loaded.Config), "config"); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// What the five files of the first pair of directors came to, beside how it is written.
func TestFiveFilesOfThePairAreOneConfiguration(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/seed/[ahkl]*")
	if err != nil {
		t.Fatal(err)
	}
	files = without(files, "lvsd.hcl")
	if len(files) != 5 {
		t.Fatalf("%d files: %v", len(files), files)
	}
	for node, priority := range map[string]uint8{"Master": 150, "Slave": 100, "other": 50} {
		r := converted(t, node, files...)
		c := conf.LoadText(Output, r.HCL, conf.Options{Hostname: node, Format: conf.HCL}).Config
		if len(c.Instances) != 1 || len(c.Services) != 1 {
			t.Fatalf("%d instances, %d services", len(c.Instances), len(c.Services))
		}
		i := c.Instances[0]
		if i.Priority != priority || i.Interface != "eth0" || !i.Preempt || len(i.Addresses) != 2 {
			t.Errorf("%s: %+v", node, i)
		}
		// RFC 9568 §6.1: Active_Down_Interval; deadtime was 10 s.
		down := 3*i.AdvertInterval.Seconds() + i.AdvertInterval.Seconds()*float64(256-int(i.Priority))/256
		if i.AdvertInterval.Seconds() != 2 || down > 10 {
			t.Errorf("%s takes over after %g s", node, down)
		}
		for _, a := range i.Addresses {
			want := map[string]string{"10.10.10.9/24": "eth1", "192.168.2.11/24": "eth0"}[a.Prefix.String()]
			if a.Dev != want {
				t.Errorf("%s on %s", a.Prefix, a.Dev)
			}
		}
		keepalived := conf.Load("testdata/cases/seed/keepalived.conf", conf.Options{Hostname: node}).Config
		if d := difference(reflect.ValueOf(keepalived.Services), reflect.ValueOf(c.Services), "services"); d != "" {
			t.Error(d)
		}
	}
	r := converted(t, "Master", files...)
	var report bytes.Buffer
	if err := r.WriteReport(&report); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(append(report.Bytes(), r.HCL...), []byte("cluster")) {
		t.Error("a key of authkeys is printed")
	}
}

func without(files []string, name string) []string {
	var kept []string
	for _, f := range files {
		if filepath.Base(f) != name {
			kept = append(kept, f)
		}
	}
	return kept
}

func TestDifferenceSeesEveryField(t *testing.T) {
	load := func(port string) *conf.Config {
		src := "virtual_server \"192.0.2.1\" \"80\" {\n real_server \"10.0.0.1\" \"" + port + "\" {\n TCP_CHECK {}\n }\n}\n"
		return conf.LoadText("a.hcl", []byte(src), conf.Options{Format: conf.HCL}).Config
	}
	a, b := load("80"), load("81")
	if d := difference(reflect.ValueOf(a), reflect.ValueOf(a), "c"); d != "" {
		t.Error(d)
	}
	if d := difference(reflect.ValueOf(a), reflect.ValueOf(b), "c"); d != "c.Services[0].RealServers[0].Address: 10.0.0.1:80, 10.0.0.1:81" {
		t.Error(d)
	}
	b = load("80")
	b.Services[0].Range = hcl.Range{}
	if d := difference(reflect.ValueOf(a), reflect.ValueOf(b), "c"); d != "" {
		t.Error(d)
	}
	b.Services[0].RealServers[0].Checks = nil
	if d := difference(reflect.ValueOf(a), reflect.ValueOf(b), "c"); d == "" {
		t.Error("a missing check is not seen")
	}
}

// The report names the node by the option that told it.
func TestConditionsNameTheirNode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(path, []byte("global_defs {\n@high router_id x\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"resolved for lb1; convert with --hostname for": {Hostname: "lb1"},
		"resolved for high; convert with -i for":        {Hostname: "lb1", Instance: "high"},
	} {
		var report bytes.Buffer
		if err := Files([]string{path}, o).WriteReport(&report); err != nil || !strings.Contains(report.String(), want) {
			t.Errorf("%v: %s\nnot %s", err, &report, want)
		}
	}
}
