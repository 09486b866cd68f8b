//go:build netns

package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// party is a node that takes part in an election, by whatever program.
type party interface {
	start()
	stop()           // in order
	crash()          // without a word
	serves(yes bool) // waits until the node is master, or is not
	follows()        // waits until the node is backup
	content()        // fails if it complained of the other's adverts
}

// ours is lvsd's election as a party.
type ours struct {
	*daemon
	w       *wire
	side    int
	configs []Config
	groups  []SyncGroup
}

func (o *ours) start() { o.daemon = o.w.start(o.side, o.configs, o.groups) }

func (o *ours) keys() (keys []Key) {
	for _, c := range o.configs {
		keys = append(keys, c.Key)
	}
	return keys
}

func (o *ours) stop() {
	o.t.Helper()
	master := o.state(o.configs[0].Key) == Master
	o.runner.Resign()
	o.ended()
	if master && !slices.ContainsFunc(o.transitions, func(t Transition) bool { return t.To == Init && strings.HasPrefix(t.Reason, "successor ") }) {
		o.t.Errorf("left without a successor: %+v", o.transitions)
	}
}

func (o *ours) serves(yes bool) {
	o.t.Helper()
	if yes {
		o.waitState(Master, o.keys()...)
	} else {
		o.waitState(Backup, o.keys()...)
	}
}

// follows waits until another master is heard in place of ourselves.
func (o *ours) follows() {
	o.t.Helper()
	o.waitState(Backup, o.keys()...)
	for _, key := range o.keys() {
		o.wait(fmt.Sprintf("the master of %v is heard", key), 15*time.Second, func() bool {
			return slices.ContainsFunc(o.notes, func(n Note) bool { return n.Kind == NoteMaster && n.Key == key })
		})
	}
}

func (o *ours) content() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.notes {
		if n.Kind == NoteRefused || n.Kind == NoteAddresses || n.Kind == NoteSocket {
			o.t.Errorf("%v notes %s", n.Key, n.text())
		}
	}
}

// way is a way for adverts to travel between lvsd and another program. More than one key is a sync group.
type way struct {
	name    string
	keys    []Key
	version uint8
	change  func(c *Config, side int)
}

var (
	outside6 = Key{Interface: "eth0", VRID: 51, IPv6: true}
	inside6  = Key{Interface: "eth1", VRID: 52, IPv6: true}
)

func ways() []way {
	none := func(*Config, int) {}
	password := func(c *Config, _ int) { copy(c.Password[:], "secret") }
	group := func(ip string) func(*Config, int) {
		return func(c *Config, _ int) { c.Transport.Group = netip.MustParseAddr(ip) }
	}
	peer := func(format string, checksum Checksum) func(*Config, int) {
		return func(c *Config, side int) {
			c.Transport = Transport{Unicast: true, TTL: 64, Checksum: checksum, CheckSource: true,
				Source: netip.MustParseAddr(fmt.Sprintf(format, side+1)),
				Peers:  []Peer{{Addr: netip.MustParseAddr(fmt.Sprintf(format, 2-side)), Ranged: true, MinTTL: 64, MaxTTL: 64}}}
		}
	}
	return []way{
		{"version 2", []Key{outside}, 2, none},
		{"version 3", []Key{outside}, 3, none},
		{"version 2, password", []Key{outside}, 2, password},
		{"version 2, unicast", []Key{outside}, 2, peer("10.0.0.%d", ChecksumPseudo)},
		{"version 3, unicast", []Key{outside}, 3, peer("10.0.0.%d", ChecksumPseudo)},
		{"version 3, unicast, as before 1.3.7", []Key{outside}, 3, peer("10.0.0.%d", ChecksumGroup)},
		{"version 3, another group", []Key{outside}, 3, group("224.0.0.99")},
		{"IPv6", []Key{outside6}, 3, none},
		{"IPv6, another group", []Key{outside6}, 3, group("ff02::99")},
		{"IPv6, unicast", []Key{outside6}, 3, peer("2001:db8:0::%d", ChecksumPseudo)},
		{"version 2, password, two segments", []Key{outside, inside}, 2, password},
		{"version 3, two segments", []Key{outside, inside}, 3, none},
		{"IPv6, two segments", []Key{outside6, inside6}, 3, none},
		{"both families", []Key{outside, outside6}, 3, none},
	}
}

// configs are the instances of a side, and their sync group.
func (v *way) configs(side int, priority uint8, preempt bool) (list []Config, groups []SyncGroup) {
	for _, key := range v.keys {
		c := slow(key, v.version, priority)
		c.Preempt = preempt
		if key.IPv6 {
			c.Name += "6"
		}
		v.change(&c, side)
		list = append(list, c)
	}
	if len(list) > 1 {
		groups = together(v.keys...)
	}
	return list, groups
}

// slow is an instance whose skew and down timer differ by more than a busy machine is late.
func slow(key Key, version, priority uint8) Config {
	c := config(key, version, priority)
	if version == 3 {
		c.Interval = 400 * time.Millisecond
	}
	return c
}

func skewIn(c Config) time.Duration {
	if c.Version == 2 {
		return skewOf(c.Priority, time.Second)
	}
	return skewOf(c.Priority, c.Interval)
}

func downIn(c Config) time.Duration { return 3*c.Interval + skewIn(c) }

// What a takeover may differ from the protocol's time: a backup counts from when it woke to read an advert, and a busy machine
// lets each of the two wait.
const (
	early = 50 * time.Millisecond
	late  = time.Second
)

// encounter is two nodes on a wire. Side 0 has the higher priority.
type encounter struct {
	*wire
	node    [2]party
	configs [2][]Config
	taps    map[string]*tap // by interface
}

// takes holds the time at which a side takes over to the protocol's: after the other's last advert, in a sync group when the
// last of its members may.
func (e *encounter) takes(what string, side int, since time.Time, wait func(Config) time.Duration) {
	e.t.Helper()
	var due time.Time
	for _, c := range e.configs[side] {
		last, _ := e.taps[c.Interface].change(c.Key, side, since)
		if at := last.at.Add(wait(c)); at.After(due) {
			due = at
		}
	}
	for _, c := range e.configs[side] {
		last, first := e.taps[c.Interface].change(c.Key, side, since)
		took, want := first.at.Sub(last.at), due.Sub(last.at)
		e.t.Logf("%s %v was taken over after %v, by the protocol %v", what, c.Key, took, want)
		if took < want-early || took > want+late {
			e.t.Errorf("%s %v was taken over after %v, by the protocol %v", what, c.Key, took, want)
		}
	}
	e.node[side].serves(true)
}

// hears waits for n adverts of a side for each of its virtual routers.
func (e *encounter) hears(side, n int) {
	e.t.Helper()
	now := time.Now()
	for _, c := range e.configs[side] {
		e.taps[c.Interface].claims(c.Key, side, n, now)
	}
}

// keepsQuiet fails if a side claimed anything since a moment.
func (e *encounter) keepsQuiet(side int, since time.Time) {
	e.t.Helper()
	for _, c := range e.configs[side] {
		for _, h := range e.taps[c.Interface].all(c.Key, since) {
			if h.side == side {
				e.t.Errorf("side %d sent %+v beside the master", side, h.advert)
			}
		}
	}
}

// joins starts a node beside the other one as master.
func (e *encounter) joins(side int) {
	e.t.Helper()
	began := time.Now()
	e.node[side].start()
	e.node[side].follows()
	e.hears(1-side, 1)
	e.keepsQuiet(side, began)
}

// begins starts a node that becomes master, alone or before a lesser one.
func (e *encounter) begins(side int) {
	e.t.Helper()
	began := time.Now()
	e.node[side].start()
	for _, c := range e.configs[side] {
		took, want := e.taps[c.Interface].claims(c.Key, side, 1, began).at.Sub(began), downIn(c)
		if took < want-early || took > want+3*late { // a program has to start, too
			e.t.Errorf("%v was claimed %v after the start, by the protocol %v", c.Key, took, want)
		}
	}
	e.node[side].serves(true)
}

// preempts is a life in which the better node is master whenever it runs.
func (e *encounter) preempts() {
	e.begins(0)
	e.joins(1)
	stopped := time.Now()
	e.node[0].stop()
	e.takes("after a clean stop:", 1, stopped, skewIn)

	e.begins(0)
	e.node[1].serves(false)
	released := time.Now()
	e.hears(0, 2)
	e.keepsQuiet(1, released)

	crashed := time.Now()
	e.node[0].crash()
	e.takes("after a crash:", 1, crashed, downIn)
}

// waits is a life in which a node that comes back leaves the master be.
func (e *encounter) waits() {
	e.begins(0)
	e.joins(1)
	crashed := time.Now()
	e.node[0].crash()
	e.takes("after a crash:", 1, crashed, downIn)

	back := time.Now()
	e.joins(0)
	e.hears(1, 4)
	e.keepsQuiet(0, back)
	stopped := time.Now()
	e.node[1].stop()
	e.takes("after a clean stop:", 0, stopped, skewIn)
}

// neighbor makes the node beside lvsd, which does not run yet.
type neighbor func(w *wire, side int, configs []Config, groups []SyncGroup) party

func keepalived(w *wire, side int, configs []Config, groups []SyncGroup) party {
	return &peer{w: w, side: side, configs: configs, groups: groups}
}

// newEncounter is lvsd, on the side given, and another program.
func newEncounter(t *testing.T, v *way, lvsd int, other neighbor, preempt bool) *encounter {
	e := &encounter{wire: newWire(t), taps: map[string]*tap{}}
	for side, priority := range []uint8{150, 100} {
		configs, groups := v.configs(side, priority, preempt)
		e.configs[side] = configs
		if side == lvsd {
			e.node[side] = &ours{w: e.wire, side: side, configs: configs, groups: groups}
		} else {
			e.node[side] = other(e.wire, side, configs, groups)
		}
	}
	for segment := range 2 {
		e.taps[fmt.Sprintf("eth%d", segment)] = e.tap(segment)
	}
	return e
}

// lives has lvsd and another program meet in each way, with each of the programs named as the better one, lvsd first, and with
// and without preemption.
func lives(t *testing.T, ways []way, programs []string, other neighbor) {
	for _, v := range ways {
		for lvsd, better := range programs {
			for _, preempt := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s is better/preempt %v", v.name, better, preempt), func(t *testing.T) {
					t.Parallel()
					e := newEncounter(t, &v, lvsd, other, preempt)
					if preempt {
						e.preempts()
					} else {
						e.waits()
					}
					for _, p := range e.taps {
						p.sound()
					}
					for _, n := range e.node {
						n.content()
					}
				})
			}
		}
	}
}

func TestKeepalived(t *testing.T) {
	t.Parallel()
	lives(t, ways(), []string{"lvsd", "keepalived"}, keepalived)
}

// A fault of one segment moves the sync group from the better node, and its end moves it back, whoever is better.
func TestKeepalivedFault(t *testing.T) {
	t.Parallel()
	for lvsd, better := range []string{"lvsd", "keepalived"} {
		t.Run(better, func(t *testing.T) {
			t.Parallel()
			e := newEncounter(t, &way{keys: []Key{outside, inside}, version: 3, change: func(*Config, int) {}}, lvsd, keepalived, true)
			link := func(state string, up bool) {
				ip(t, "-n", e.side[0], "link", "set", "eth1", state)
				eventually(t, "eth1 is "+state, 10*time.Second, func() bool { return e.links(0)["eth1"].Up == up })
				if o, ok := e.node[0].(*ours); ok {
					o.runner.SetLinks(e.links(0))
				}
			}
			e.begins(0)
			e.joins(1)
			cut := time.Now()
			link("down", false)
			e.takes("after a fault:", 1, cut, func(c Config) time.Duration {
				if c.Key == outside {
					return skewIn(c)
				}
				return downIn(c)
			})
			if last := e.taps["eth0"].all(outside, cut); !slices.ContainsFunc(last, func(h heard) bool { return h.side == 0 && h.advert.Priority == 0 }) {
				t.Error("the node with the fault did not say that it stops")
			}
			link("up", true)
			e.node[0].serves(true)
			e.node[1].serves(false)
		})
	}
}

// Two masters with equal priority: the greater address stays, whoever has it.
func TestKeepalivedTie(t *testing.T) {
	t.Parallel()
	for side := range 2 {
		t.Run(fmt.Sprintf("lvsd has 10.0.0.%d", side+1), func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			c := slow(outside, 3, 100)
			w.partition(0, true)
			d := w.start(side, []Config{c}, nil)
			k := w.keepalived(1-side, []Config{c}, nil)
			d.waitState(Master, outside)
			k.serves(true)
			w.partition(0, false)
			if side == 1 {
				k.serves(false)
				if got := d.state(outside); got != Master {
					t.Error(got)
				}
			} else {
				d.waitState(Backup, outside)
				// Our last word tells it that there were two: it announces again.
				k.logs("lower priority")
				if !w.holds(1, c.Addresses[0]) {
					t.Error("keepalived gave the address up")
				}
			}
		})
	}
}
