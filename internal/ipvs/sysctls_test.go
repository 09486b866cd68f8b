package ipvs_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

// wishes is a wish for every parameter.
var wishes = ipvs.Sysctls{1, 1, 1}

// differed are the differences that were reported since the last look.
func (r *running) differed() (list []ipvs.SysctlDifference) {
	for _, rep := range r.since() {
		if rep.Err != nil {
			r.t.Errorf("report %+v", rep)
		}
		list = append(list, rep.Differ...)
	}
	return list
}

// TestSysctlsAreTold: what is not as wanted is told once for each value, and left as it is.
func TestSysctlsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		steps := []struct {
			change func(*ipvs.Settings)
			want   []ipvs.SysctlDifference
		}{
			{func(*ipvs.Settings) {}, []ipvs.SysctlDifference{{ipvs.ExpireNodestConn, 0, 1}, {ipvs.ExpireQuiescentTemplate, 0, 1}}},
			{func(*ipvs.Settings) {}, nil},
			{func(s *ipvs.Settings) { s.Sysctls[ipvs.ConnReuseMode] = 0 }, []ipvs.SysctlDifference{{ipvs.ConnReuseMode, 0, 1}}},
			{func(s *ipvs.Settings) { s.Sysctls[ipvs.ConnReuseMode] = 2 }, nil},
			{func(s *ipvs.Settings) { s.Sysctls[ipvs.ConnReuseMode] = 0 }, []ipvs.SysctlDifference{{ipvs.ConnReuseMode, 0, 1}}},
			{func(s *ipvs.Settings) { s.Sysctls = wishes }, nil},
			{func(s *ipvs.Settings) { s.Sysctls[ipvs.ExpireNodestConn] = ipvs.NoSysctl },
				[]ipvs.SysctlDifference{{ipvs.ExpireNodestConn, ipvs.NoSysctl, 1}}},
		}
		r.applier.Configure(ipvs.Settings{Sysctls: wishes})
		r.applier.Want(1, ipvs.Table{}.Wanted())
		for i, step := range steps {
			kernel.EditSettings(step.change)
			before := kernel.Settings().Sysctls
			time.Sleep(2 * ipvs.MaxResync)
			synctest.Wait()
			if got := r.differed(); !slices.Equal(got, step.want) {
				t.Errorf("step %d: told %v, want %v", i, got, step.want)
			}
			if len(kernel.Writes()) > 0 || kernel.Settings().Sysctls != before {
				t.Errorf("step %d: written: %v", i, kernel.Writes())
			}
		}
	})
}

// TestSysctlsAreManaged: they are set, kept against others and over a new loading of the module, and left
// as they are when nobody wants them any more; one that the kernel does not have is told.
func TestSysctlsAreManaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		has := func(what string, want ipvs.Sysctls, writes int) {
			t.Helper()
			before := len(kernel.Writes())
			time.Sleep(2 * ipvs.MaxResync)
			synctest.Wait()
			if got := kernel.Settings().Sysctls; got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
			if n := len(kernel.Writes()) - before; n != writes {
				t.Errorf("%s: %d writes, want %d", what, n, writes)
			}
			if told := r.differed(); len(told) > 0 {
				t.Errorf("%s: told %v", what, told)
			}
		}
		r.applier.Want(1, ipvs.Table{}.Wanted())
		has("no wish", ipvs.Sysctls{0, 0, 1}, 0)
		r.applier.Configure(ipvs.Settings{Sysctls: ipvs.Sysctls{1, 0, 1}, ManageSysctls: true})
		has("two wishes", ipvs.Sysctls{1, 0, 1}, 1)
		kernel.EditSettings(func(s *ipvs.Settings) { s.Sysctls = ipvs.Sysctls{0, 5, 0} })
		has("changed by others", ipvs.Sysctls{1, 5, 1}, 2)
		kernel.Unload()
		kernel.Load()
		has("loaded again", ipvs.Sysctls{1, 0, 1}, 1)
		r.applier.Configure(ipvs.Settings{})
		has("no wish any more", ipvs.Sysctls{1, 0, 1}, 0)
		kernel.EditSettings(func(s *ipvs.Settings) { s.Sysctls = ipvs.Sysctls{ipvs.NoSysctl, 0, 0} })
		r.applier.Configure(ipvs.Settings{Sysctls: wishes, ManageSysctls: true})
		time.Sleep(2 * ipvs.MaxResync)
		synctest.Wait()
		if got := r.differed(); !slices.Equal(got, []ipvs.SysctlDifference{{ipvs.ExpireNodestConn, ipvs.NoSysctl, 1}}) {
			t.Errorf("without the parameter: told %v", got)
		}
		if got := kernel.Settings().Sysctls; got != (ipvs.Sysctls{ipvs.NoSysctl, 1, 1}) {
			t.Errorf("without the parameter: %v", got)
		}
	})
}
