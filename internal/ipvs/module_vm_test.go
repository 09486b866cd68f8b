//go:build vm

package ipvs_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lvsd/internal/ipvs"
)

// unload removes ip_vs, which must be without services, and all that needs it.
func unload(t *testing.T) {
	t.Helper()
	out, err := exec.Command("modprobe", "-r", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc", "ip_vs_sh",
		"ip_vs_mh", "ip_vs_dh", "ip_vs_sed", "ip_vs_nq", "ip_vs_pe_sip", "ip_vs_ftp", "ip_vs").CombinedOutput()
	if err != nil {
		t.Fatalf("unload ip_vs: %v\n%s", err, out)
	}
}

// The order matters: moby/ipvs has the first family id of the process for ever.
func TestModuleComesAndGoesInTheKernel(t *testing.T) {
	t.Run("loaded again", moduleIsLoadedAgain)
	t.Run("not there", moduleIsNotThere)
}

// The module is unloaded and loaded again under an applier: the family id is another one, which
// moby/ipvs never learns.
func moduleIsLoadedAgain(t *testing.T) {
	ns := newNamespace(t)
	byMoby := func() bool {
		kernel, err := ns.open()
		if err != nil {
			t.Fatal(err)
		}
		defer kernel.Close()
		return ipvs.WritesByMoby(kernel)
	}
	if !byMoby() {
		t.Error("services are not written through moby/ipvs")
	}
	s := startIn(t, ns, time.Hour) // a write shows the loss, not a dump
	s.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
	s.until("first", func(r ipvs.Report) bool { return r.Generation == 1 })
	for generation, load := range []func(){
		2: func() {
			if out, err := exec.Command("modprobe", "ip_vs").CombinedOutput(); err != nil {
				t.Fatalf("modprobe ip_vs: %v\n%s", err, out)
			}
		},
		3: func() {}, // the kernel loads it when it is asked for the family
	} {
		if load == nil {
			continue
		}
		ns.ipvsadm(t, "-C")
		unload(t)
		load()
		server := fmt.Sprintf("10.0.0.%d:80", generation)
		s.applier.Want(uint64(generation), ipvs.Table{web: entry("rr", 1, "10.0.0.1:80", server)}.Wanted())
		r := s.until(fmt.Sprint("generation ", generation), func(r ipvs.Report) bool { return r.Generation == uint64(generation) })
		if !r.Available || !r.Healed || r.Err != nil || r.Pending != 0 || len(r.Applied) != 3 {
			t.Errorf("report %+v", r)
		}
		shown := "-A -t 192.168.2.11:80 -s rr\n-a -t 192.168.2.11:80 -r 10.0.0.1:80 -m -w 1\n-a -t 192.168.2.11:80 -r " + server + " -m -w 1\n"
		if d := cmp.Diff(lines(shown), lines(ns.ipvsadm(t, "-Sn"))); d != "" {
			t.Errorf("ipvsadm -Sn (-want +got):\n%s", d)
		}
	}
	s.applier.Want(4, ipvs.Table{}.Wanted())
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 4 && r.Pending == 0 })
	if byMoby() {
		t.Error("services are written through moby/ipvs, which has another family id")
	}
	// The code that writes services where moby cannot is as good.
	roundTrip(t, ns.open)
	errnos(t, ns.open)
}

// The kernel has no module to load; later it has one.
func moduleIsNotThere(t *testing.T) {
	const loader = "/proc/sys/kernel/modprobe"
	path, err := os.ReadFile(loader)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := os.WriteFile(loader, path, 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	ns := newNamespace(t)
	unload(t)
	if err := os.WriteFile(loader, []byte("/bin/false\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, ns, time.Hour)
	s.until("without IPVS", func(r ipvs.Report) bool { return !r.Available && errors.Is(r.Err, ipvs.ErrNoIPVS) })
	s.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
	s.until("acknowledged", func(r ipvs.Report) bool { return !r.Available && r.Generation == 1 && r.Err == nil })
	restore()
	s.until("with IPVS", func(r ipvs.Report) bool { return r.Available && len(r.Applied) == 2 && r.Pending == 0 })
	s.applier.Want(2, ipvs.Table{}.Wanted())
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == 2 })
}
