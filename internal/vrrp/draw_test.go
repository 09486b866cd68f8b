package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// router is a virtual router as all machines have it.
type router struct {
	key      Key
	version  uint8
	interval time.Duration
	adverts  uint8
	delay    time.Duration // preempt_delay
	silent   bool          // lower_prio_no_advert
	last     bool          // higher_prio_send_advert
	priority [maxMachines]uint8
	preempt  [maxMachines]bool
	absent   bool // it comes with a reload
}

// traits are what a schedule has of what most have not.
type traits struct {
	foreign   [maxMachines]bool // the machine speaks the other version: it and those of its kind hear one another alone
	owner     int               // the machine with priority 255; -1 for none
	starts    bool              // the owner starts as MASTER
	deaf      bool              // the owner has owner_ignore_adverts
	untracked bool              // dont_track_primary
	unicast   bool
	key       int  // how far auth_hmac is, by keyStage
	tracks    bool // there are trackers beside health
}

// The trackers of the machines: health counts against a machine that has not got it, bonus for one
// that has it, and without the gate a machine takes no part.
var (
	health = Tracker{TrackScript, "health"}
	bonus  = Tracker{TrackFile, "bonus"}
	gate   = Tracker{TrackService, "gate"}
)

// draw makes the machines and their configuration.
func (s *schedule) draw() {
	rng := s.l.rng
	s.grouped = !s.odds(4)
	machines := 2
	for machines < maxMachines && s.odds(3) {
		machines++
	}
	common := router{adverts: 3, silent: s.odds(8), last: !s.odds(8)}
	common.version, common.interval = s.versionAndInterval()
	if s.odds(6) {
		common.adverts = uint8(2 + rng.IntN(4))
	}
	if s.odds(6) {
		common.delay = s.l.between(0, 6*time.Second)
	}
	for m := range maxMachines {
		common.priority[m], common.preempt[m] = s.somePriority(), !s.odds(4)
	}
	s.drawTraits(machines, &common)
	own := s.odds(5)       // priorities by segment
	addresses := s.odds(5) // and addresses, which decide where priorities are equal
	s.crossed = own || addresses
	for n, key := range []Key{outside, inside, third}[:1+rng.IntN(3)] {
		r := common
		r.key, r.absent = key, n > 0 && s.odds(6)
		if s.odds(5) {
			r.version, r.interval = s.versionAndInterval()
		}
		for m := range maxMachines {
			if own && m != s.owner {
				r.priority[m] = s.somePriority()
			}
		}
		s.routers = append(s.routers, &r)
	}
	s.slowest = s.longest()
	if s.odds(2) {
		s.l.late = s.l.between(0, min(s.shortest()/20, 50*time.Millisecond))
	}
	if s.odds(3) {
		s.l.woken = s.l.between(0, min(s.shortest()/100, time.Millisecond))
	}
	for range machines {
		m := s.l.add(nil, nil)
		if addresses {
			for g := range maxSegments {
				m.hosts[g] = byte(10*(1+rng.IntN(5)) + m.index)
			}
		}
	}
	for _, m := range s.l.machines {
		s.drawMachine(m)
	}
	s.calm = s.l.now.Add(6 * s.longest())
}

func (s *schedule) drawMachine(m *machine) {
	if s.odds(8) {
		m.delays = map[string]LinkDelay{"eth0": {Down: s.l.between(0, s.shortest()), Up: s.l.between(0, 3*s.shortest())}}
	}
	m.configs, m.groups = s.configs(m), s.groups()
	if s.tracks {
		m.readings = map[Tracker]Reading{health: {Up: true}, gate: {Up: true}, bonus: {Value: s.l.rng.IntN(2)}}
		m.blind = s.odds(3)
	}
	s.l.after(s.l.between(0, 5*s.longest()), m.boot)
	s.l.after(s.l.between(5*s.longest(), 6*s.longest()), m.see)
}

func (s *schedule) drawTraits(machines int, common *router) {
	s.owner = -1
	if s.odds(10) {
		s.owner = s.l.rng.IntN(machines)
		s.starts, s.deaf = s.odds(2), s.odds(2)
		common.priority[s.owner], common.preempt[s.owner] = 255, true
	}
	if s.odds(8) {
		for m := range maxMachines {
			s.foreign[m] = s.odds(2)
		}
	}
	s.untracked, s.unicast, s.tracks = s.odds(8), s.odds(8), s.odds(3)
	if s.odds(10) {
		s.key = 1 + s.l.rng.IntN(keyStages)
	}
}

func (s *schedule) versionAndInterval() (uint8, time.Duration) {
	if s.odds(2) {
		return 2, []time.Duration{time.Second, time.Second, time.Second, 3 * time.Second}[s.l.rng.IntN(4)]
	}
	return 3, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, time.Second}[s.l.rng.IntN(3)]
}

func (s *schedule) somePriority() uint8 {
	return []uint8{1, 50, 100, 100, 100, 150, 200, 254}[s.l.rng.IntN(8)]
}

func (s *schedule) configs(m *machine) []Config {
	var list []Config
	for _, r := range s.routers {
		if r.absent {
			continue
		}
		c := config(r.key, r.version, r.priority[m.index])
		c.Interval, c.Preempt, c.DownTimerAdverts, c.PreemptDelay = r.interval, r.preempt[m.index], r.adverts, r.delay
		if s.foreign[m.index] {
			c.Version, c.Interval = 5-r.version, time.Second
		}
		c.LowerPrioNoAdvert, c.HigherPrioSendAdvert = r.silent, r.last
		owner := m.index == s.owner
		c.StartMaster, c.OwnerIgnoreAdverts = owner && s.starts, owner && s.deaf
		c.DontTrackPrimary = s.untracked
		c.Track = []Track{{Tracker: health, Weight: -60}}
		if s.tracks {
			c.Track = append(c.Track, Track{Tracker: bonus, Weight: 40}, Track{Tracker: gate})
		}
		if s.unicast {
			c.Transport = Transport{Unicast: true, TTL: 64, CheckSource: true}
			for _, peer := range s.l.machines {
				if peer != m {
					c.Transport.Peers = append(c.Transport.Peers, Peer{Addr: peer.address(segmentOf(r.key))})
				}
			}
		}
		c.HMAC = keyStage(s.key)
		list = append(list, c)
	}
	return list
}

// keyStages are the steps of docs/vrrp-hmac.md, each of them on all machines before the next: to
// enforced, and from one key to another.
const keyStages = 6

// keyStage is what a step has come to; 0 is none.
func keyStage(step int) HMAC {
	h := HMAC{Keys: []HMACKey{keyOf(1)}, Active: 1, Window: time.Minute}
	switch step {
	case 0:
		return HMAC{}
	case 1:
		h.Permissive, h.Silent = true, true
	case 2:
		h.Permissive = true
	case 4:
		h.Keys = append(h.Keys, keyOf(2))
	case 5:
		h.Keys, h.Active = append(h.Keys, keyOf(2)), 2
	case 6:
		h.Keys, h.Active = []HMACKey{keyOf(2)}, 2
	}
	return h
}

func (s *schedule) groups() []SyncGroup {
	if !s.grouped {
		return nil
	}
	var keys []Key
	for _, r := range s.routers {
		if !r.absent {
			keys = append(keys, r.key)
		}
	}
	slices.Reverse(keys) // their order in the file does not matter
	return together(keys...)
}

// address is the machine's own on a segment.
func (m *machine) address(segment int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(segment), m.hosts[segment]})
}
