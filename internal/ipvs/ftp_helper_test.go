package ipvs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// TestFTPHelper: it is loaded before the services come, again when somebody removes it, and stays when nobody wants it.
func TestFTPHelper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		loads := func(what string, want int, has bool) (healed bool) {
			t.Helper()
			before := len(kernel.Writes())
			time.Sleep(2 * ipvs.MaxResync)
			synctest.Wait()
			n := 0
			for _, op := range kernel.Writes()[before:] {
				if op.Kind == ipvs.LoadFTP {
					n++
				}
			}
			if n != want || kernel.Settings().FTP != has {
				t.Errorf("%s: loaded %d times, it is there: %t", what, n, kernel.Settings().FTP)
			}
			for _, rep := range r.since() {
				if rep.Err != nil {
					t.Errorf("%s: report %+v", what, rep)
				}
				healed = healed || rep.Healed
			}
			return healed
		}
		r.applier.Want(1, ipvs.Table{}.Wanted())
		loads("nobody wants it", 0, false)
		r.applier.Configure(ipvs.Settings{FTP: true})
		r.applier.Want(2, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		if loads("wanted", 1, true) {
			t.Error("what was never there was healed")
		}
		if first := kernel.Writes()[0]; first.Kind != ipvs.LoadFTP || first.String() != "load ip_vs_ftp" {
			t.Errorf("the first write is %s", first)
		}
		kernel.EditSettings(func(s *ipvs.Settings) { s.FTP = false })
		if !loads("removed", 1, true) {
			t.Error("not told that it was removed")
		}
		kernel.Unload()
		kernel.Load()
		loads("IPVS is loaded again", 1, true)
		r.applier.Configure(ipvs.Settings{})
		loads("nobody wants it any more", 0, true)
	})
}

// TestFTPHelperIsMissing: services come all the same, it is told once, and it is asked for until it comes.
func TestFTPHelperIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Fail(func(_ int, op ipvs.Op) error {
			if op.Kind == ipvs.LoadFTP {
				return ipvs.ErrNoFTP
			}
			return nil
		})
		r := run(t, kernel, "")
		defer r.stop()
		want := ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}
		r.applier.Configure(ipvs.Settings{FTP: true})
		r.applier.Want(1, want.Wanted())
		time.Sleep(time.Hour)
		r.table(want)
		told := 0
		for _, rep := range r.since() {
			for _, f := range rep.Failed {
				if f.Op.Kind != ipvs.LoadFTP || !errors.Is(f.Err, ipvs.ErrNoFTP) {
					t.Errorf("told %v", f)
				}
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
		kernel.Fail(nil)
		time.Sleep(2 * ipvs.MaxResync)
		if !kernel.Settings().FTP {
			t.Error("not asked for any more")
		}
	})
}
