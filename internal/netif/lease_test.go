package netif

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A lease ends, with the second that the kernel may take, before another node takes over.
func TestLeaseFor(t *testing.T) {
	for vouched, want := range map[time.Duration]time.Duration{
		30 * time.Millisecond:   time.Second,
		300 * time.Millisecond:  time.Second,
		1999 * time.Millisecond: time.Second,
		2 * time.Second:         time.Second,
		2999 * time.Millisecond: 2 * time.Second, // the renewal came a moment after the advert
		3 * time.Second:         2 * time.Second,
		30 * time.Second:        29 * time.Second,
		765 * time.Second:       764 * time.Second,
	} {
		if got := leaseFor(vouched); got != want {
			t.Errorf("vouched for %v: %v, want %v", vouched, got, want)
		}
	}
}

func (k *fakeKernel) lease(a Address) (l Lease, renewed int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.leases[a], k.renewed
}

// vouch is what the election does with an advert every second, in a shorter time.
func (r *rig) vouch(instance string, d time.Duration) {
	r.Role(instance, Role{Master: true, Until: time.Now().Add(d)})
}

func TestAddressesAreLeased(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.vouch("web", 3*time.Second)
	r.settled()
	for _, a := range []Address{vip, gate} {
		if l, _ := k.lease(a); l.Valid != 2*time.Second || l.Preferred != 0 || l.Deprecated {
			t.Errorf("%+v", l)
		}
	}
	_, renewed := k.lease(vip)
	eventually(t, "a renewal", func() bool {
		r.vouch("web", 3*time.Second)
		_, n := k.lease(vip)
		return n >= renewed+2 // both addresses, in one pass
	})
}

// Adverts every 10 ms are not as many renewals.
func TestRenewalsAreRare(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.vouch("web", 30*time.Millisecond)
	r.settled()
	_, before := k.lease(vip)
	began := time.Now()
	for range 100 {
		r.vouch("web", 30*time.Millisecond)
		r.Want(2, r.want) // a pass
	}
	r.settled()
	passed := time.Since(began)
	if l, n := k.lease(vip); l.Valid != time.Second || n-before > 2*(2+int(passed/(125*time.Millisecond))) {
		t.Errorf("%+v: %d renewals in %v", l, n-before, passed)
	}
}

// What the host had before keeps its own lifetime; so does what is there whoever is master.
func TestOnlyOurAddressesAreLeased(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	k.strangerAdds(vip)
	r := startApplier(t, Options{Kernel: k})
	w := web(0)
	other := addr("192.0.2.77/24", "eth0")
	w.Instances["static"] = Instance{Static: true, Addresses: []Address{other}}
	r.Want(1, w)
	r.vouch("web", 3*time.Second)
	r.settled()
	for range 3 {
		r.vouch("web", 4*time.Second)
		r.settled()
	}
	if l, _ := k.lease(vip); l != (Lease{}) {
		t.Errorf("the host's: %+v", l)
	}
	if l, _ := k.lease(other); l != (Lease{Address: other}) {
		t.Errorf("static: %+v", l)
	}
	if l, _ := k.lease(gate); l.Valid == 0 {
		t.Errorf("ours: %+v", l)
	}
}

// One failure, or a few, are borne; then the election is told, once.
func TestLeaseFailure(t *testing.T) {
	renewVIP := "renew " + vip.String()
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	r.Want(1, web(0))
	r.vouch("web", 3*time.Second)
	r.settled()
	failures := func(n int) (told int) {
		k.failNext(renewVIP, slices.Repeat([]error{unix.ENOBUFS}, n)...)
		renewed := 0
		eventually(t, "failures", func() bool {
			r.vouch("web", 3*time.Second)
			k.mu.Lock()
			defer k.mu.Unlock()
			renewed = k.renewed
			return len(k.fail[renewVIP]) == 0
		})
		eventually(t, "a renewal", func() bool {
			r.vouch("web", 3*time.Second)
			_, n := k.lease(vip)
			return n > renewed+1
		})
		seen := len(r.all)
		r.settled()
		for _, rep := range r.all[seen:] {
			if f, is := rep.(LeaseFailed); is {
				told++
				if f.Instance != "web" || !errors.Is(f.Err, unix.ENOBUFS) {
					t.Errorf("%+v", f)
				}
			}
		}
		return told
	}
	for _, c := range []struct{ failures, told int }{{1, 0}, {leaseTries - 1, 0}, {leaseTries, 1}, {leaseTries + 3, 1}} {
		if told := failures(c.failures); told != c.told {
			t.Errorf("%d failures are told %d times", c.failures, told)
		}
	}
}

// preferred_lft goes on while the lease is renewed.
func TestPreferredLifetimeOfALease(t *testing.T) {
	k := newFakeKernel(t, "eth0")
	a, err := NewApplier(Options{Kernel: k, Report: func(Report) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.end()
	l := newLoop(a)
	six := addr("2001:db8::1/64", "eth0")
	six.Preferred = 100
	l.roles = map[string]Role{"web": {Master: true, Until: time.Now().Add(3 * time.Second)}}
	l.why[six] = Takeover
	if got := l.lease("web", six); got.Preferred != 100*time.Second || got.Valid != 2*time.Second {
		t.Errorf("%+v", got)
	}
	delete(l.why, six)
	l.born[six] = time.Now().Add(-40 * time.Second)
	if got := l.lease("web", six); got.Preferred != 60*time.Second || got.Deprecated {
		t.Errorf("%+v", got)
	}
	l.born[six] = time.Now().Add(-100 * time.Second)
	if got := l.lease("web", six); !got.Deprecated {
		t.Errorf("%+v", got)
	}
	six.Preferred = Deprecated
	if got := l.lease("web", six); !got.Deprecated || got.Preferred != 0 {
		t.Errorf("%+v", got)
	}
}

// Whatever a notification holds, it is read within its bounds.
func FuzzNotice(f *testing.F) {
	message := func(attributes ...byte) []byte {
		n := make([]byte, leastNotice-4)
		n[4] = unix.RTM_NEWADDR
		n[unix.SizeofNlMsghdr+4] = 7
		return append(n, attributes...)
	}
	f.Add(message(8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 11))
	f.Add(message(8, 0, unix.IFA_ADDRESS, 0, 192, 0, 2, 1, 8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 11))
	f.Add(message(3, 0, unix.IFA_LOCAL, 0))
	f.Add(message(255, 0, unix.IFA_LOCAL, 0, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < leastNotice {
			return
		}
		index, ip, ok := notice(b).renewed()
		if ok != ip.IsValid() || ok && b[4] != unix.RTM_NEWADDR {
			t.Errorf("%d %v %v", index, ip, ok)
		}
	})
}

func TestNoticeOfAnAddress(t *testing.T) {
	n := make(notice, leastNotice-4)
	n[4], n[unix.SizeofNlMsghdr+4] = unix.RTM_NEWADDR, 7
	n = append(n, 8, 0, unix.IFA_ADDRESS, 0, 192, 0, 2, 1, 8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 11)
	if index, ip, ok := n.renewed(); index != 7 || ip.String() != "192.0.2.11" || !ok {
		t.Error(index, ip, ok)
	}
	n[4] = unix.RTM_DELADDR
	if _, _, ok := n.renewed(); ok {
		t.Error("a deletion is no renewal")
	}
}
