//go:build netns

package vrrp

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRunners(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			// The VIP stands on the interface, and first: it must not become the source.
			ip(t, "-n", w.side[0], "addr", "add", "10.0.0.200/32", "dev", "eth0")
			p := w.tap(0)
			low, high := slow(outside, version, 100), slow(outside, version, 150)
			a := w.start(0, []Config{low}, nil)
			a.waitState(Master, outside)

			p.claims(outside, 0, 2, time.Time{})
			checkFrames(t, p.all(outside, time.Time{}), low)

			b := w.start(1, []Config{high}, nil)
			b.waitState(Master, outside)
			a.waitState(Backup, outside)

			b.crash()
			a.waitState(Master, outside)
			if early := b.until(outside).Sub(a.became(outside)); early > 0 {
				t.Errorf("took over %v before 3 intervals were over", early)
			}

			b = w.start(1, []Config{low}, nil)
			b.wait("the master is heard", 10*time.Second, func() bool { return len(b.notes) > 0 })
			stopped := time.Now()
			a.runner.Resign()
			a.ended()
			b.waitState(Master, outside)
			if took, skew := b.became(outside).Sub(stopped), skewIn(low); took < skew || took > skew+late {
				t.Errorf("a clean stop took %v, the skew is %v", took, skew)
			}
			if got := a.state(outside); got != Init {
				t.Error(got)
			}
			if left := a.became(outside).Sub(stopped); left < min(skewIn(low), resignBound) {
				t.Errorf("left after %v, before there can have been a successor", left)
			}
		})
	}
}

// A thread that the machine wakes too late for its vigil does not announce a takeover; of many takeovers one is.
func TestImminentTakeoverIsAnnounced(t *testing.T) {
	w := newWire(t)
	c := config(outside, 3, 100)
	c.Interval = 10 * time.Millisecond
	for range 100 {
		a := w.start(0, []Config{c}, nil)
		a.waitState(Master, outside)
		a.crash()
		if a.imminent > 0 { // nobody counts any more
			return
		}
	}
	t.Error("none of 100 takeovers was announced")
}

// checkFrames looks at adverts as they are on the wire.
func checkFrames(t *testing.T, list []heard, c Config) {
	t.Helper()
	for _, h := range list {
		p := h.frame.packet()
		if got := fmt.Sprintf("%x", h.frame[:6]); got != "01005e000012" {
			t.Errorf("to MAC %s", got)
		}
		if p[8] != 255 {
			t.Errorf("TTL %d", p[8])
		}
		if got := fmt.Sprint(p[16:20]); got != "[224 0 0 18]" {
			t.Errorf("to %s", got)
		}
		if p[1] != 0xc0 {
			t.Errorf("TOS %#x", p[1])
		}
		a := h.advert
		if h.err != nil {
			t.Fatal(h.err)
		}
		if a.Source.String() != "10.0.0.1" {
			t.Errorf("from %v", a.Source)
		}
		if a.Version != c.Version || a.VRID != c.VRID || a.Priority != c.Priority || a.Interval != c.Interval || !sameAddresses(a.Addresses, c.Addresses) {
			t.Errorf("%+v", a)
		}
		if a.Checksum != ChecksumPseudo {
			t.Errorf("checksum %d", a.Checksum)
		}
	}
}

// An instance hears its own interface only, whatever else is on the host.
func TestRunnerSeparatesInterfaces(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	first, second := fast(outside, 3, 100), fast(Key{Interface: "eth1", VRID: 51}, 3, 100)
	a := w.start(0, []Config{first, second}, nil)
	b := w.start(1, []Config{fast(outside, 3, 150)}, nil)
	b.waitState(Master, outside)
	a.waitState(Backup, outside)
	a.waitState(Master, second.Key)
	a.wait("five adverts", 10*time.Second, func() bool { return a.vouches[second.Key] >= 5 })
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.states[second.Key] != Master || a.states[outside] != Backup {
		t.Error(a.states)
	}
	for _, n := range a.notes {
		if n.Key == second.Key {
			t.Errorf("%v notes %s", n.Key, n.text())
		}
	}
}

func TestRunnerGroupFault(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	group := together(outside, inside)
	a := w.start(0, []Config{fast(outside, 3, 150), fast(inside, 3, 150)}, group)
	b := w.start(1, []Config{fast(outside, 3, 100), fast(inside, 3, 100)}, group)
	a.waitState(Master, outside, inside)
	ip(t, "-n", w.side[0], "link", "set", "eth1", "down")
	a.runner.SetLinks(w.links(0))
	a.waitState(Fault, outside, inside)
	b.waitState(Master, outside, inside)
	ip(t, "-n", w.side[0], "link", "set", "eth1", "up")
	eventually(t, "eth1 has carrier", 5*time.Second, func() bool { return w.links(0)["eth1"].Up })
	a.runner.SetLinks(w.links(0))
	a.waitState(Master, outside, inside)
	b.waitState(Backup, outside, inside)
}

// An interface may come later, and come again with another index.
func TestRunnerFollowsItsInterface(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	ip(t, "-n", w.bridge, "link", "del", w.port(0, 0))
	a := w.start(0, []Config{fast(outside, 3, 150)}, nil)
	a.waitState(Fault, outside)
	b := w.start(1, []Config{fast(outside, 3, 100)}, nil)
	b.waitState(Master, outside)
	for range 2 {
		ip(t, "-n", w.bridge, "link", "add", w.port(0, 0), "type", "veth", "peer", "name", "eth0", "netns", w.side[0])
		ip(t, "-n", w.bridge, "link", "set", w.port(0, 0), "master", "br0", "up")
		ip(t, "-n", w.side[0], "addr", "add", "10.0.0.1/24", "dev", "eth0")
		ip(t, "-n", w.side[0], "link", "set", "eth0", "up")
		eventually(t, "eth0 has carrier", 5*time.Second, func() bool { return w.links(0)["eth0"].Up })
		a.runner.SetLinks(w.links(0))
		a.waitState(Master, outside)
		b.waitState(Backup, outside)
		ip(t, "-n", w.bridge, "link", "del", w.port(0, 0))
		a.runner.SetLinks(w.links(0))
		a.waitState(Fault, outside)
		b.waitState(Master, outside)
	}
}

// An advert that failed because the link was cut is no lasting trouble: a node that comes back as
// backup sends none that would show the end of it.
func TestRunnerOutlivesACutLink(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	a := w.start(0, []Config{fast(outside, 3, 100)}, nil)
	a.waitState(Master, outside)
	said := func() (errs []error) {
		for _, n := range a.notes {
			if n.Kind == NoteSocket {
				errs = append(errs, n.Err)
			}
		}
		return errs
	}
	ip(t, "-n", w.side[0], "link", "set", "eth0", "down")
	a.wait("an advert that fails", 5*time.Second, func() bool { return len(said()) == 1 && said()[0] != nil })
	a.runner.SetLinks(w.links(0))
	a.waitState(Fault, outside)
	b := w.start(1, []Config{fast(outside, 3, 150)}, nil)
	b.waitState(Master, outside)
	ip(t, "-n", w.side[0], "link", "set", "eth0", "up")
	eventually(t, "eth0 has carrier", 5*time.Second, func() bool { return w.links(0)["eth0"].Up })
	a.runner.SetLinks(w.links(0))
	a.waitState(Backup, outside)
	a.wait("a note that it works", 5*time.Second, func() bool { return len(said()) == 2 && said()[1] == nil })
	if got := a.state(outside); got != Backup {
		t.Errorf("%v: an advert may have shown that it works", got)
	}
}

// What the links say and the kernel denies is a fault, and is tried again without being asked.
func TestRunnerThatCannotListen(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	a := w.newDaemon(0)
	c := fast(Key{Interface: "late0", VRID: 51}, 3, 100)
	a.runner.Configure([]Config{c}, nil, nil)
	a.runner.SetLinks(map[string]Link{"late0": {Index: 77, Up: true, Addresses: addrs("10.0.9.1")}})
	a.waitState(Fault, c.Key)
	a.wait("a note about the socket", 10*time.Second, func() bool {
		return len(a.notes) == 1 && a.notes[0].Kind == NoteSocket && errors.Is(a.notes[0].Err, unix.ENODEV)
	})
	ip(t, "-n", w.side[0], "link", "add", "late0", "index", "77", "type", "veth", "peer", "name", "late1")
	ip(t, "-n", w.side[0], "addr", "add", "10.0.9.1/24", "dev", "late0")
	ip(t, "-n", w.side[0], "link", "set", "late0", "up")
	ip(t, "-n", w.side[0], "link", "set", "late1", "up")
	a.waitState(Master, c.Key)
	a.wait("a note that it works", 10*time.Second, func() bool {
		n := a.notes[len(a.notes)-1]
		return n.Kind == NoteSocket && n.Err == nil
	})
}

// A removed instance still says so, and then its socket is closed.
func TestRunnerReloads(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	p := w.tap(1)
	configs := func(priority uint8) []Config {
		return []Config{slow(outside, 3, priority), slow(inside, 3, priority)}
	}
	a := w.start(0, configs(150), nil)
	b := w.start(1, configs(100), nil)
	a.waitState(Master, outside, inside)
	b.wait("the master is heard", 10*time.Second, func() bool { return len(b.notes) >= 2 })
	stopped := time.Now()
	a.runner.Configure(configs(150)[:1], nil, nil)
	b.waitState(Master, inside)
	last, first := p.change(inside, 1, stopped)
	if took, skew := first.at.Sub(last.at), skewIn(configs(100)[1]); last.advert.Priority != 0 || took < skew-early || took > skew+late {
		t.Errorf("the removed instance's last advert has priority %d, its successor took %v, the skew is %v", last.advert.Priority, took, skew)
	}
	if a.state(outside) != Master || b.state(outside) != Backup {
		t.Error(a.state(outside), b.state(outside))
	}
}

// descriptors are the open ones of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// It runs alone: others open descriptors.
func TestRunnerLeaksNothing(t *testing.T) {
	w := newWire(t)
	before := descriptors(t)
	for _, clean := range []bool{false, true} {
		d := w.start(0, []Config{fast(outside, 3, 255), fast(inside, 3, 255)}, nil)
		d.waitState(Master, outside, inside)
		running := descriptors(t)
		d.runner.Configure([]Config{fast(outside, 3, 255)}, nil, nil)
		d.waitState(Init, inside)
		eventually(t, "the socket of eth1 is closed", 5*time.Second, func() bool { return descriptors(t) == running-1 })
		if clean {
			d.runner.Resign()
			d.ended()
		} else {
			d.crash()
		}
		d.runner.Resign() // orders after the end do nothing
		if got := descriptors(t); got != before {
			t.Errorf("%d descriptors, %d before", got, before)
		}
	}
}
