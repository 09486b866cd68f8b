package ipvs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

func TestOwnershipSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "services.json")
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Edit(func(table ipvs.Table) { table[other] = entry("rr", 1, "10.9.9.9:99") })
		r := run(t, kernel, file)
		mark := ipvs.ServiceKey{Family: 6, FWMark: 7}
		marked := entry("rr", 1)
		marked.Service.Netmask = ipvs.HostMask(6)
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80"), mail: entry("rr", 1), mark: marked}.Wanted())
		r.one()
		r.stop()

		r = run(t, kernel, file)
		if n := len(kernel.Writes()); n != 4 {
			t.Errorf("%d writes before anything is wanted again, want the 4 of the first run", n)
		}
		r.applier.Want(1, ipvs.Table{mail: entry("rr", 1)}.Wanted())
		if rep := r.one(); rep.Healed || ops(rep.Applied) != "delete service TCP 192.168.2.11:80\ndelete service FWM 7 IPv6\n" {
			t.Errorf("report %+v", rep)
		}
		r.table(ipvs.Table{mail: entry("rr", 1), other: entry("rr", 1, "10.9.9.9:99")})
		r.applier.Want(2, ipvs.Table{}.Wanted())
		r.one()
		r.stop()
		if b, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(b)) != "{\n  \"services\": []\n}" {
			t.Errorf("the state file at the end: %s, %v", b, err)
		}
	})
}

// The first dump after a restart does not show the service: it stays ours until one does.
func TestOwnershipSurvivesAnInconsistentDump(t *testing.T) {
	file := filepath.Join(t.TempDir(), "services.json")
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, file)
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		r.one()
		r.stop()
		kernel.TearDumps(7)
		r = run(t, kernel, file)
		defer r.stop()
		r.applier.Want(1, ipvs.Table{}.Wanted())
		time.Sleep(10 * time.Second)
		r.table(ipvs.Table{})
	})
}

// A service is ours before it is written, so that a crash in between leaves no orphan, and until
// it is really gone.
func TestStateFileIsWrittenFirstAndOnlyOnChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "services.json")
	read := func() string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, file)
		defer r.stop()
		kernel.Watch(func(op ipvs.Op, _ ipvs.Table) {
			if !strings.Contains(read(), `"192.168.2.11"`) {
				t.Errorf("%s: the state file does not have it", op)
			}
		})
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		r.one()
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		r.applier.Want(2, ipvs.Table{web: entry("rr", 2, "10.0.0.2:80")}.Wanted())
		time.Sleep(time.Hour)
		r.since()
		after, err := os.Stat(file)
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("the state file was written again: %v", err)
		}
		r.applier.Want(3, ipvs.Table{}.Wanted())
		r.one()
		if got := read(); strings.Contains(got, "192.168.2.11") {
			t.Errorf("the state file still has it: %s", got)
		}
	})
}

func TestStateFileThatCannotBeUsed(t *testing.T) {
	corrupt := func(content string) func(string) error {
		return func(file string) error { return os.WriteFile(file, []byte(content), 0o600) }
	}
	for name, tc := range map[string]struct {
		prepare func(file string) error
		err     string
		heals   bool // the next change writes a good one
	}{
		"not JSON":          {corrupt("{"), "read the state file", true},
		"another type":      {corrupt(`{"services": 7}`), "read the state file", true},
		"no such family":    {corrupt(`{"services": [{"family": 5}]}`), "read the state file", true},
		"address missing":   {corrupt(`{"services": [{"family": 4, "protocol": 6, "port": 80}]}`), "read the state file", true},
		"bad address":       {corrupt(`{"services": [{"family": 4, "protocol": 6, "address": "x", "port": 80}]}`), "read the state file", true},
		"a directory":       {func(file string) error { return os.Mkdir(file, 0o700) }, "read the state file", false},
		"directory is gone": {func(file string) error { return os.Remove(filepath.Dir(file)) }, "write the state file", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "services.json")
			if err := tc.prepare(file); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				kernel := ipvstest.NewKernel()
				r := run(t, kernel, file)
				defer r.stop()
				want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
				r.applier.Want(1, want.Wanted())
				time.Sleep(time.Hour)
				seen, reports := 0, r.since()
				for _, rep := range reports {
					if rep.Err != nil && strings.Contains(rep.Err.Error(), tc.err) && strings.Contains(rep.Err.Error(), file) {
						seen++
					}
				}
				if seen != 1 {
					t.Errorf("reported %d times, want once: %+v", seen, reports)
				}
				r.table(want)
				if b, err := os.ReadFile(file); (err == nil && strings.Contains(string(b), "192.168.2.11")) != tc.heals {
					t.Errorf("the state file: %q, %v", b, err)
				}
			})
		})
	}
}
