package ipvs_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
	"lvsd/internal/ipvs/ipvstest"
)

func daemon(dev string, id uint8) ipvs.Daemon {
	return ipvs.Daemon{Interface: dev, ID: id, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}
}

// state compares the settings with what they should be, the length of packets apart.
func (r *running) settings(want ipvs.Settings) {
	r.t.Helper()
	got := r.kernel.Settings()
	for _, pair := range [][2]*ipvs.Daemon{{&want.Sender, &got.Sender}, {&want.Receiver, &got.Receiver}} {
		if pair[0].MaxLen == 0 {
			pair[1].MaxLen = 0
		}
	}
	if want.Sysctls == (ipvs.Sysctls{}) {
		got.Sysctls = want.Sysctls
	}
	if got != want {
		r.t.Errorf("settings %+v, want %+v", got, want)
	}
}

var usual = ipvs.Timeouts{TCP: 900, TCPFin: 120, UDP: 300}

// The sync daemon follows what is wanted: it changes its role, its network and its id, and ends when
// nobody wants one.
func TestSyncDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{}.Wanted())
		steps := []struct {
			want   ipvs.Settings
			writes int
		}{
			{ipvs.Settings{Receiver: daemon("eth1", 51)}, 1},
			{ipvs.Settings{Receiver: daemon("eth1", 51)}, 0},
			{ipvs.Settings{Sender: daemon("eth1", 51)}, 2},
			{ipvs.Settings{Sender: daemon("eth1", 52)}, 2},
			{ipvs.Settings{Sender: daemon("eth1", 52), Receiver: daemon("eth1", 52)}, 1},
			{ipvs.Settings{Sender: daemon("eth2", 52), Receiver: daemon("eth2", 52)}, 4},
			{ipvs.Settings{}, 2},
		}
		for i, step := range steps {
			before := len(kernel.Writes())
			r.applier.Configure(step.want)
			synctest.Wait()
			want := step.want
			want.Timeouts = usual
			r.settings(want)
			if n := len(kernel.Writes()) - before; n != step.writes {
				t.Errorf("step %d: %d writes, want %d", i, n, step.writes)
			}
		}
		for _, rep := range r.since() {
			if rep.Err != nil || rep.Healed {
				t.Errorf("report %+v", rep)
			}
		}
	})
}

// What somebody else does to the settings is undone, and told; a daemon that lvsd was never asked
// for is left alone.
func TestSettingsAreRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		foreign := daemon("eth7", 7)
		kernel.EditSettings(func(s *ipvs.Settings) { s.Receiver = foreign })
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{}.Wanted())
		time.Sleep(2 * ipvs.MaxResync)
		r.settings(ipvs.Settings{Timeouts: usual, Receiver: foreign})

		want := ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1800, TCPFin: 120, UDP: 300}, Sender: daemon("eth1", 1)}
		r.applier.Configure(ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1800}, Sender: want.Sender})
		synctest.Wait()
		r.settings(want)
		r.since()
		kernel.EditSettings(func(s *ipvs.Settings) { s.Timeouts.TCP, s.Sender = 5, ipvs.Daemon{} })
		time.Sleep(ipvs.MaxResync)
		synctest.Wait()
		r.settings(want)
		healed := 0
		for _, rep := range r.since() {
			if rep.Healed {
				healed++
			}
		}
		if healed != 1 {
			t.Errorf("the repair was reported %d times", healed)
		}
	})
}

// Timeouts that nobody wants any more become what they were before lvsd, also after a restart.
func TestTimeoutsAreRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.EditSettings(func(s *ipvs.Settings) { s.Timeouts.UDP = 77 })
		file := filepath.Join(t.TempDir(), "services.json")
		r := run(t, kernel, file)
		r.applier.Want(1, ipvs.Table{}.Wanted())
		r.applier.Configure(ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1800, UDP: 9}, Sender: daemon("eth1", 1)})
		synctest.Wait()
		r.settings(ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 1800, TCPFin: 120, UDP: 9}, Sender: daemon("eth1", 1)})
		r.applier.Configure(ipvs.Settings{Timeouts: ipvs.Timeouts{UDP: 10}, Sender: daemon("eth1", 1)})
		synctest.Wait()
		r.settings(ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 900, TCPFin: 120, UDP: 10}, Sender: daemon("eth1", 1)})
		r.stop()

		r = run(t, kernel, file)
		defer r.stop()
		r.applier.Want(1, ipvs.Table{}.Wanted())
		synctest.Wait()
		r.settings(ipvs.Settings{Timeouts: ipvs.Timeouts{TCP: 900, TCPFin: 120, UDP: 77}})
	})
}

// A daemon whose interface is not there yet is tried again, and one that the kernel accepts and does
// not start is an error.
func TestSyncDaemonFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		kernel.Fail(func(_ int, op ipvs.Op) error {
			if op.Kind == ipvs.StartDaemon {
				return unix.ENODEV
			}
			return nil
		})
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")}.Wanted())
		r.applier.Configure(ipvs.Settings{Sender: daemon("eth1", 1)})
		time.Sleep(time.Minute)
		failed := 0
		for _, rep := range r.since() {
			for _, f := range rep.Failed {
				failed++
				if !errors.Is(f, unix.ENODEV) {
					t.Error(f)
				}
			}
		}
		if failed != 1 {
			t.Errorf("told %d times", failed)
		}
		r.table(ipvs.Table{web: entry("rr", 1, "10.0.0.1:80")})
		kernel.Fail(nil)
		time.Sleep(ipvs.MaxResync)
		synctest.Wait()
		r.settings(ipvs.Settings{Timeouts: usual, Sender: daemon("eth1", 1)})
	})
}

// The kernel makes packets of a receiver no shorter than 1024 bytes, and of one that says nothing
// what suits the interface: neither is a difference.
func TestLengthOfSyncPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := ipvstest.NewKernel()
		r := run(t, kernel, "")
		defer r.stop()
		r.applier.Want(1, ipvs.Table{}.Wanted())
		short := daemon("eth1", 1)
		short.MaxLen = 500
		r.applier.Configure(ipvs.Settings{Sender: short, Receiver: short})
		synctest.Wait()
		before := len(kernel.Writes())
		time.Sleep(2 * ipvs.MaxResync)
		if n := len(kernel.Writes()) - before; n != 0 {
			t.Errorf("%d writes: %v", n, kernel.Writes()[before:])
		}
		long := short
		long.MaxLen = 1400
		r.applier.Configure(ipvs.Settings{Sender: long, Receiver: long})
		synctest.Wait()
		r.settings(ipvs.Settings{Timeouts: usual, Sender: long, Receiver: long})
	})
}
