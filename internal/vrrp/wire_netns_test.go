//go:build netns

package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

var wires atomic.Int32

// wire is two namespaces with eth0 and eth1 each, plugged into two bridges in a third one.
type wire struct {
	t      testing.TB
	side   [2]string // the namespaces
	bridge string
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

func newWire(t testing.TB) *wire {
	realtime(t)
	prefix := fmt.Sprintf("vrrp%d-%d", os.Getpid(), wires.Add(1))
	w := &wire{t: t, side: [2]string{prefix + "a", prefix + "b"}, bridge: prefix + "s"}
	for _, ns := range []string{w.bridge, w.side[0], w.side[1]} {
		ip(t, "netns", "add", ns)
		t.Cleanup(func() { ip(t, "netns", "del", ns) })
		w.enter(ns, func() {
			// Addresses of IPv6 are there at once.
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	for segment := range 2 {
		br := fmt.Sprintf("br%d", segment)
		ip(t, "-n", w.bridge, "link", "add", br, "type", "bridge")
		ip(t, "-n", w.bridge, "link", "set", br, "up")
		for side := range 2 {
			dev := fmt.Sprintf("eth%d", segment)
			ip(t, "-n", w.bridge, "link", "add", w.port(side, segment), "type", "veth", "peer", "name", dev, "netns", w.side[side])
			ip(t, "-n", w.bridge, "link", "set", w.port(side, segment), "master", br, "up")
			ip(t, "-n", w.side[side], "addr", "add", fmt.Sprintf("10.0.%d.%d/24", segment, side+1), "dev", dev)
			ip(t, "-n", w.side[side], "addr", "add", fmt.Sprintf("2001:db8:%d::%d/64", segment, side+1), "dev", dev, "nodad")
			ip(t, "-n", w.side[side], "link", "set", dev, "up")
		}
	}
	for side := range 2 {
		eventually(t, "carriers", 10*time.Second, func() bool {
			links := w.links(side)
			return links["eth0"].Up && links["eth1"].Up
		})
	}
	return w
}

// realtime gives this process, and what it starts from here on, the priority that an election has: what is measured is the
// protocol's time, and not what else runs on the machine.
func realtime(t testing.TB) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		err = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 20}, 0)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal("set SCHED_RR: ", err)
		}
	}
}

func (w *wire) port(side, segment int) string { return fmt.Sprintf("port%d%d", side, segment) }

// partition takes one side's ports out of the bridges, or puts them back. Its carrier stays.
func (w *wire) partition(side int, cut bool) {
	w.t.Helper()
	for segment := range 2 {
		if cut {
			ip(w.t, "-n", w.bridge, "link", "set", w.port(side, segment), "nomaster")
		} else {
			ip(w.t, "-n", w.bridge, "link", "set", w.port(side, segment), "master", fmt.Sprintf("br%d", segment))
		}
	}
}

// enter runs do on a thread of its own in a namespace, and returns when do has.
func (w *wire) enter(ns string, do func()) {
	w.t.Helper()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err = w.join(ns); err == nil {
			do()
		}
	}()
	<-done
	if err != nil {
		w.t.Fatal(err)
	}
}

// join moves this goroutine's thread, which ends with it, to a namespace.
func (w *wire) join(ns string) error {
	runtime.LockOSThread()
	h, err := netns.GetFromName(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	return netns.Set(h)
}

// links are the interfaces of one side as the director would report them.
func (w *wire) links(side int) map[string]Link {
	w.t.Helper()
	links := map[string]Link{}
	w.enter(w.side[side], func() {
		list, err := netlink.LinkList()
		if err != nil {
			w.t.Error(err)
			return
		}
		for _, l := range list {
			a := l.Attrs()
			link := Link{Index: a.Index, Up: a.Flags&unix.IFF_UP != 0 && a.OperState != netlink.OperDown}
			addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
			if err != nil {
				w.t.Error(err)
			}
			for _, x := range addresses {
				ip, _ := netip.AddrFromSlice(x.IP)
				if x.Flags&unix.IFA_F_TENTATIVE == 0 {
					link.Addresses = append(link.Addresses, ip.Unmap())
				}
			}
			links[a.Name] = link
		}
	})
	return links
}

// holds tells whether one side has an address on any interface.
func (w *wire) holds(side int, a netip.Addr) bool {
	for _, l := range w.links(side) {
		if slices.Contains(l.Addresses, a) {
			return true
		}
	}
	return false
}

// eventually waits for something that no event tells of.
func eventually(t testing.TB, what string, within time.Duration, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// daemon is a Runner in a namespace, and what its observer heard.
type daemon struct {
	t      testing.TB
	runner *Runner
	cancel context.CancelFunc
	done   chan error

	mu          sync.Mutex
	changed     chan struct{}
	states      map[Key]State
	transitions []Transition
	times       []time.Time // of transitions
	vouched     map[Key]time.Time
	vouches     map[Key]int
	announces   int
	imminent    int
	notes       []Note
}

func (d *daemon) hear(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *daemon) Transition(t Transition) {
	d.hear(func() {
		d.states[t.Key] = t.To
		d.transitions = append(d.transitions, t)
		d.times = append(d.times, time.Now())
	})
}

func (d *daemon) Vouch(k Key, until time.Time) {
	d.hear(func() { d.vouched[k] = until; d.vouches[k]++ })
}

func (d *daemon) Imminent(time.Time) { d.hear(func() { d.imminent++ }) }

func (d *daemon) Announce(Key) { d.hear(func() { d.announces++ }) }

func (d *daemon) Note(n Note) { d.hear(func() { d.notes = append(d.notes, n) }) }

// wait waits until the observer heard what makes is true.
func (d *daemon) wait(what string, within time.Duration, is func() bool) {
	d.t.Helper()
	timeout := time.After(within)
	for {
		d.mu.Lock()
		ok, changed := is(), d.changed
		d.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			d.mu.Lock()
			defer d.mu.Unlock()
			d.t.Fatalf("not within %v: %s; heard %v, notes %v", within, what, d.transitions, d.notes)
		}
	}
}

func (d *daemon) waitState(state State, keys ...Key) {
	d.t.Helper()
	d.wait(fmt.Sprintf("%v for %v", state, keys), 15*time.Second, func() bool {
		for _, k := range keys {
			if d.states[k] != state {
				return false
			}
		}
		return true
	})
}

func (d *daemon) state(key Key) State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.states[key]
}

// became is when the instance's last transition was.
func (d *daemon) became(key Key) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := len(d.transitions) - 1; n >= 0; n-- {
		if d.transitions[n].Key == key {
			return d.times[n]
		}
	}
	return time.Time{}
}

func (d *daemon) until(key Key) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.vouched[key]
}

func (w *wire) newDaemon(side int) *daemon {
	w.t.Helper()
	d := &daemon{t: w.t, done: make(chan error, 1), changed: make(chan struct{}), states: map[Key]State{},
		vouched: map[Key]time.Time{}, vouches: map[Key]int{}}
	var err error
	if d.runner, err = NewRunner(d); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() {
		if err := w.join(w.side[side]); err != nil {
			d.done <- err
			return
		}
		d.done <- d.runner.Run(ctx)
	}()
	w.t.Cleanup(d.crash)
	return d
}

func (w *wire) start(side int, configs []Config, groups []SyncGroup) *daemon {
	w.t.Helper()
	d := w.newDaemon(side)
	d.runner.Configure(configs, groups, nil)
	d.runner.SetLinks(w.links(side))
	return d
}

// crash ends the runner without a word.
func (d *daemon) crash() {
	d.cancel()
	d.ended()
}

// ended waits for Run to return.
func (d *daemon) ended() {
	d.t.Helper()
	select {
	case err := <-d.done:
		if err != nil {
			d.t.Error(err)
		}
		d.done <- nil // for whoever asks again
	case <-time.After(10 * time.Second):
		d.t.Fatal("Run does not return")
	}
}

// fast is an instance of version 3 with 100 ms adverts, or of version 2 with the shortest there
// is, 1 s.
func fast(key Key, version, priority uint8) Config {
	c := config(key, version, priority)
	if version == 3 {
		c.Interval = 100 * time.Millisecond
	}
	return c
}
