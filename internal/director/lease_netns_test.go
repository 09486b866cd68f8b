//go:build netns

package director

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// sighting is that an address came to a node, or went from it.
type sighting struct {
	at      time.Time
	node    string
	address string
	there   bool
}

// sightings are all that the kernels of both nodes told of VIP and V-gate. A renewal is none.
type sightings struct {
	mu    sync.Mutex
	list  []sighting
	there map[string]bool
}

func (s segment) watch(t testing.TB) *sightings {
	t.Helper()
	w := &sightings{there: map[string]bool{}}
	for _, node := range []string{"lb1", "lb2"} {
		ns, err := netns.GetFromName(s.prefix + node)
		must(t, err)
		updates, done := make(chan netlink.AddrUpdate, 1000), make(chan struct{})
		must(t, netlink.AddrSubscribeWithOptions(updates, done, netlink.AddrSubscribeOptions{Namespace: &ns, ListExisting: true}))
		must(t, ns.Close())
		ended := make(chan struct{})
		t.Cleanup(func() {
			close(done)
			<-ended
		})
		go func() {
			defer close(ended)
			for u := range updates {
				w.add(sighting{time.Now(), node, u.LinkAddress.String(), u.NewAddr})
			}
		}()
	}
	return w
}

func (w *sightings) add(s sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.address != vip && s.address != vgate || w.there[s.node+s.address] == s.there {
		return
	}
	w.there[s.node+s.address] = s.there
	w.list = append(w.list, s)
}

func (w *sightings) since(when time.Time) []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.list), func(s sighting) bool { return s.at.Before(when) })
}

// both is for how long at most an address was on both nodes at once.
func (w *sightings) both() (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	on, since := map[string]int{}, map[string]time.Time{}
	for _, s := range append(slices.Clone(w.list), sighting{at: time.Now(), address: vip}, sighting{at: time.Now(), address: vgate}) {
		if on[s.address] == 2 {
			longest = max(longest, s.at.Sub(since[s.address]))
		}
		if s.there {
			on[s.address]++
		} else {
			on[s.address]--
		}
		since[s.address] = s.at
	}
	return longest
}

// secondly has adverts every second, and nobody who preempts.
func secondly() string {
	return strings.Replace(config(vip), `advert_int        = "100ms"`, "advert_int        = 1\n  preempt           = false", 1)
}

// processes are those of a node: of the director and of its election.
func (p *process) processes(t testing.TB) []int {
	t.Helper()
	return []int{electorOf(t, p), p.cmd.Process.Pid}
}

func signalAll(t testing.TB, pids []int, s unix.Signal) {
	t.Helper()
	for _, pid := range pids {
		must(t, unix.Kill(pid, s))
	}
}

// kill ends a node at once, and waits for the end.
func (p *process) kill(t testing.TB) (when time.Time) {
	t.Helper()
	pids := p.processes(t)
	when = time.Now()
	signalAll(t, pids, unix.SIGKILL)
	<-p.read
	_ = p.cmd.Wait() // it was killed
	return when
}

// A master that is killed, or stands still, holds no address that another node has: the kernel takes
// them off before.
func TestNobodyIsLeftHoldingTheAddresses(t *testing.T) {
	s := newSegment(t)
	w := s.watch(t)
	lb1 := s.nodeWith(t, "lb1", secondly())
	lb1.becomes(t, "MASTER")
	lb1.holds(t, vip, vgate)
	lb2 := s.nodeWith(t, "lb2", secondly())
	lb2.wait(t, MasterSeen)

	frozen := lb1.processes(t)
	signalAll(t, frozen, unix.SIGSTOP)
	lb2.becomes(t, "MASTER")
	lb2.holds(t, vip, vgate)
	lb1.holds(t)
	signalAll(t, frozen, unix.SIGCONT)
	lb1.becomes(t, "BACKUP") // and says nothing before it has listened

	lb2.kill(t)
	lb1.becomes(t, "MASTER")
	lb1.holds(t, vip, vgate)
	lb2.holds(t)
	if both := w.both(); both > 0 {
		t.Errorf("an address was on both nodes for %v: %v", both, w.since(time.Time{}))
	}
}

// A master that is started again within the down timer keeps its addresses, and nobody takes over.
func TestRestartWithinTheDownTimer(t *testing.T) {
	s := newSegment(t)
	w := s.watch(t)
	lb1 := s.nodeWith(t, "lb1", secondly())
	lb1.becomes(t, "MASTER")
	lb2 := s.nodeWith(t, "lb2", secondly())
	lb2.wait(t, MasterSeen)
	lb1.holds(t, vip, vgate)
	killed := lb1.kill(t)
	lb1.start(t)
	if e := lb1.becomes(t, "MASTER"); e.fields["from"] != "INIT" || e.fields["reason"] != "resumes: it was master a moment ago" {
		t.Errorf("%v", e)
	}
	lb1.wait(t, AddressAnnounced)
	waitFor(t, "the down timer to be over", func() bool { return time.Since(killed) > 4500*time.Millisecond })
	if moved := w.since(killed); len(moved) > 0 {
		t.Errorf("addresses moved: %v", moved)
	}
	if n := lb2.count(RoleChanged); n != 1 {
		t.Errorf("lb2 changed its role %d times", n)
	}
	lb1.holds(t, vip, vgate)

	// A stop in order is the end of it: what starts then is a backup.
	lb1.signal(t, unix.SIGTERM)
	lb1.wait(t, Stopped)
	<-lb1.read
	must(t, lb1.cmd.Wait())
	lb1.start(t)
	if e := lb1.becomes(t, "BACKUP"); e.fields["from"] != "INIT" {
		t.Errorf("%v", e)
	}
	lb2.holds(t, vip, vgate)
}

// BenchmarkKilledMaster kills the master, at adverts of 1 s, and prints how long an address was on
// two nodes at once, how long after the kill it went, and how long after that the other node had it.
func BenchmarkKilledMaster(b *testing.B) {
	s := newSegment(b)
	w := s.watch(b)
	nodes := map[string]*process{}
	for _, name := range []string{"lb1", "lb2"} {
		nodes[name] = s.nodeWith(b, name, secondly())
	}
	master, backup := nodes["lb1"], nodes["lb2"]
	master.becomes(b, "MASTER")
	backup.wait(b, MasterSeen)
	var gone, gap []time.Duration
	for b.Loop() {
		killed := master.kill(b)
		backup.becomes(b, "MASTER")
		backup.holds(b, vip, vgate)
		master.holds(b)
		var off, on time.Time
		for _, m := range w.since(killed) {
			if m.address == vip && m.there {
				on = m.at
			} else if m.address == vip {
				off = m.at
			}
		}
		gone, gap = append(gone, off.Sub(killed)), append(gap, on.Sub(off))
		master.start(b)
		master.wait(b, MasterSeen)
		master, backup = backup, master
	}
	slices.Sort(gone)
	slices.Sort(gap)
	for name, list := range map[string][]time.Duration{"gone": gone, "gap": gap} {
		b.ReportMetric(list[0].Seconds(), "s-"+name+"-min")
		b.ReportMetric(list[len(list)/2].Seconds(), "s-"+name+"-median")
		b.ReportMetric(list[len(list)-1].Seconds(), "s-"+name+"-max")
	}
	b.ReportMetric(w.both().Seconds(), "s-on-both")
	if both := w.both(); both > 0 {
		b.Errorf("an address was on both nodes for %v", both)
	}
}
