package netif

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// announcements are the frames that left since the last look.
func announcements(k *fakeKernel) (frames []string) {
	for _, line := range k.take() {
		if line == announceVIP || line == announceGate {
			frames = append(frames, line)
		}
	}
	return frames
}

func TestBurstsOfAContestedMaster(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	w := web(0)
	in := w.Instances["web"]
	in.LowerPrioRepeat, in.LowerPrioDelay = 3, 40*time.Millisecond
	w.Instances["web"] = in
	r.Want(1, w)
	r.master("web")
	await(r, func(rep Announced) bool { return rep == Announced{"web", 4, nil} })
	began := time.Now()
	r.Announce("web")
	await(r, func(rep Announced) bool { return rep == Announced{"web", 6, nil} })
	await(r, func(rep Announced) bool { return rep == Announced{"web", 6, nil} })
	if since := time.Since(began); since < 40*time.Millisecond {
		t.Errorf("second burst after %v", since)
	}
}

// A refresh is not told of, unless it fails: then once.
func TestRefresh(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	w := web(10 * time.Millisecond)
	in := w.Instances["web"]
	in.Refresh, in.RefreshRepeat = 20*time.Millisecond, 3
	w.Instances["web"] = in
	r.Want(1, w)
	began := time.Now()
	r.master("web")
	for range 2 { // the takeover's
		await(r, func(rep Announced) bool { return rep == Announced{"web", 4, nil} })
	}
	k.take()
	var frames []string
	eventually(t, "three refreshes", func() bool { frames = append(frames, announcements(k)...); return len(frames) >= 18 })
	if since := time.Since(began); since < 70*time.Millisecond { // 10 ms, and thrice 20 ms
		t.Errorf("three refreshes after %v", since)
	}
	if round := frames[:3]; !slices.Equal(round, []string{announceVIP, announceGate, announceVIP}) {
		t.Error(round)
	}
	k.failNext(announceVIP, unix.ENETDOWN, unix.ENETDOWN, unix.ENETDOWN)
	await(r, func(rep Trouble) bool { return errors.Is(rep.Err, unix.ENETDOWN) })
	k.take()
	eventually(t, "refreshes that work again", func() bool { return slices.Contains(announcements(k), announceVIP) })
	r.backup("web")
	r.settled()
	r.stop()
	told := 0
	for len(r.reports) > 0 {
		r.all = append(r.all, <-r.reports)
	}
	for _, rep := range r.all {
		switch rep.(type) {
		case Announced:
			told += 100
		case Trouble:
			told++
		}
	}
	if told != 201 {
		t.Errorf("told of %d bursts, and %d times of a trouble", told/100, told%100)
	}
}

// A Want that changes the refresh counts at once.
func TestRefreshIsReconfigured(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	refreshing := func(d time.Duration) Want {
		w := web(0)
		in := w.Instances["web"]
		in.Refresh, in.RefreshRepeat = d, 1
		w.Instances["web"] = in
		return w
	}
	r.Want(1, refreshing(time.Hour))
	r.master("web")
	r.settled()
	k.take()
	r.Want(2, refreshing(10*time.Millisecond))
	var frames []string
	eventually(t, "a refresh", func() bool { frames = append(frames, announcements(k)...); return len(frames) >= 4 })
	r.Want(3, refreshing(0))
	r.applied(3)
	k.take()
	r.Want(4, refreshing(time.Millisecond))
	eventually(t, "a refresh", func() bool { return len(announcements(k)) > 0 })
}

func TestSpacing(t *testing.T) {
	const gap = 10 * time.Millisecond
	both := []string{"eth0", "eth1"}
	for _, c := range []struct {
		name    string
		want    Want
		longest time.Duration // of the waits that must have been
	}{
		{"each interface by itself", Want{Spacing: Spacing{ARP: gap}}, gap},
		{"both together", Want{SpacingGroups: []SpacingGroup{{both, Spacing{ARP: gap}}}}, 3 * gap},
		{"not those of another family", Want{Spacing: Spacing{NA: time.Hour}}, 0},
		{"a group's own", Want{Spacing: Spacing{ARP: time.Hour}, SpacingGroups: []SpacingGroup{{both, Spacing{}}}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel(t, "eth0", "eth1")
			r := startApplier(t, Options{Kernel: k})
			c.want.Instances = web(0).Instances
			r.Want(1, c.want)
			began := time.Now()
			r.master("web")
			await(r, func(rep Announced) bool { return rep == Announced{"web", 4, nil} })
			if since := time.Since(began); since < c.longest {
				t.Errorf("sent within %v, want %v at least", since, c.longest)
			}
			if got := announcements(k); len(got) != 4 || got[0] != announceVIP {
				t.Error(got)
			}
		})
	}
}

// What waits is not sent for an instance that is no longer master.
func TestWaitingAnnouncementsAreWithdrawn(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k})
	w := web(0)
	w.SpacingGroups = []SpacingGroup{{[]string{"eth0", "eth1"}, Spacing{ARP: time.Hour}}}
	r.Want(1, w)
	r.master("web")
	r.settled()
	r.backup("web")
	await(r, func(rep Announced) bool { return rep == Announced{"web", 1, nil} })
	expectLog(t, k, addVIP, addGate, announceVIP, deleteVIP, deleteGate)
}

// However often an address is to be announced while announcements wait, they do not pile up.
func TestWaitingAnnouncementsAreBounded(t *testing.T) {
	k := newFakeKernel(t, "eth0", "eth1")
	a, err := NewApplier(Options{Kernel: k, Report: func(Report) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.end()
	l := newLoop(a)
	a.Want(1, Want{Instances: web(0).Instances, Spacing: Spacing{ARP: time.Hour}})
	a.Role("web", Role{Master: true, Until: time.Now().Add(time.Hour)})
	for n := range 100 {
		a.Announce("web")
		if n%3 == 0 {
			k.strangerDeletes(vip)
			l.stale = true
		}
		l.pass()
		if len(l.queue) > 4 {
			t.Fatalf("%d announcements wait", len(l.queue))
		}
	}
	if got := fmt.Sprint(announcements(k)); got != fmt.Sprint([]string{announceVIP, announceGate}) {
		t.Error(got)
	}
}
