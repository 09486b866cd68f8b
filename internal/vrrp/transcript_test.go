package vrrp

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/transcripts anew")

// scenario is a life of two nodes that a reviewer can read: node 1 with priority 150, node 2
// with 100, packets that take 1 ms.
type scenario struct {
	*lan
	one, two *machine
}

func pairConfigs(priority uint8) []Config {
	return []Config{config(outside, 2, priority), config(inside, 2, priority)}
}

func newScenario() scenario {
	l := newLAN(1)
	l.record = true
	l.delay = [2]time.Duration{time.Millisecond, time.Millisecond}
	s := scenario{lan: l, one: l.add(pairConfigs(150), together(outside, inside)), two: l.add(pairConfigs(100), together(outside, inside))}
	return s
}

// until lets time pass until d after the beginning.
func (s scenario) until(d time.Duration) { s.run(epoch.Add(d), func() {}) }

// settled is a scenario in which node 1 is master since long; what led there is not told.
func settledScenario() scenario {
	s := newScenario()
	s.one.boot()
	s.two.boot()
	s.until(7900 * time.Millisecond)
	s.log = nil
	return s
}

// partition cuts both segments, or heals them.
func (s scenario) partition(cut bool) {
	s.note("partition: %v", cut)
	for g := range 2 {
		s.cut[g][0][1], s.cut[g][1][0] = cut, cut
	}
}

func TestTranscripts(t *testing.T) {
	scenarios := []struct {
		name, about string
		run         func() scenario
	}{
		{"start", "Both nodes start; the better one takes both members of its group over, 3.41 s later.", func() scenario {
			s := newScenario()
			s.one.boot()
			s.until(200 * time.Millisecond)
			s.two.boot()
			s.until(6 * time.Second)
			return s
		}},
		{"crash", "The master crashes; node 2 takes over 3.61 s after the last advert that it heard.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.crash()
			s.until(13 * time.Second)
			return s
		}},
		{"stop", "The master stops in order: node 2 takes over a skew time later, and until then node 1 serves on.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.resign(func() { s.note("1 is done") })
			s.until(10 * time.Second)
			return s
		}},
		{"preemption", "The better node comes back, and takes over when it has ignored the lesser one's adverts for a down time.", func() scenario {
			s := newScenario()
			s.two.boot()
			s.until(6 * time.Second)
			s.log = nil
			s.one.boot()
			s.until(12 * time.Second)
			return s
		}},
		{"group-fault", "The master loses the link of one segment: it gives up both, and takes both back when the link is up again.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.setLink(1, false)
			s.until(12 * time.Second)
			s.one.setLink(1, true)
			s.until(17 * time.Second)
			return s
		}},
		{"dual-master", "Both segments are cut between the nodes, and heal: one master stays, and announces last.", func() scenario {
			s := settledScenario()
			s.partition(true)
			s.until(13 * time.Second)
			s.partition(false)
			s.until(16 * time.Second)
			return s
		}},
		{"crossed", "Each node is the better one on one segment when a partition heals: the first member of the group decides.", func() scenario {
			s := newScenario()
			s.two.configs[1].Priority = 200
			s.one.boot()
			s.until(500 * time.Millisecond)
			s.two.boot()
			s.until(6 * time.Second)
			s.partition(true)
			s.until(13 * time.Second)
			s.log = nil
			s.partition(false)
			s.until(16 * time.Second)
			return s
		}},
		{"one-segment", "The segment of the group's first member is cut: nobody takes over what he hears the master of.", func() scenario {
			s := settledScenario()
			s.note("eth0 is cut")
			s.cut[0][0][1], s.cut[0][1][0] = true, true
			s.until(15 * time.Second)
			s.note("eth0 is whole")
			s.cut = cuts{}
			s.until(17 * time.Second)
			return s
		}},
		{"member-added", "Both files get a third member of the group, the master's first: nothing flaps.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.reload(append(pairConfigs(150), config(third, 2, 150)), together(outside, inside, third))
			s.until(11 * time.Second)
			s.two.reload(append(pairConfigs(100), config(third, 2, 100)), together(outside, inside, third))
			s.until(16 * time.Second)
			return s
		}},
		{"preempt-delay", "The better node comes back, and leaves the lesser one in place for 5 s.", func() scenario {
			s := newScenario()
			for k := range s.one.configs {
				s.one.configs[k].PreemptDelay = 5 * time.Second
			}
			s.two.boot()
			s.until(6 * time.Second)
			s.log = nil
			s.one.boot()
			s.until(17 * time.Second)
			return s
		}},
		{"link-delay", "The master's link is down for less than its delay, and then for more.", func() scenario {
			s := newScenario()
			s.one.delays = map[string]LinkDelay{"eth1": {Down: 1500 * time.Millisecond, Up: 2 * time.Second}}
			s.one.boot()
			s.two.boot()
			s.until(7900 * time.Millisecond)
			s.log = nil
			s.one.setLink(1, false)
			s.until(9300 * time.Millisecond)
			s.one.setLink(1, true)
			s.until(11 * time.Second)
			s.one.setLink(1, false)
			s.until(14 * time.Second)
			s.one.setLink(1, true)
			s.until(20 * time.Second)
			return s
		}},
		{"stall", "The master sleeps for a minute: what is queued is read first, the new master serves on, and is preempted in order.", func() scenario {
			s := settledScenario()
			s.one.sleep(false)
			s.until(13 * time.Second)
			s.log = append(s.log, "             ...")
			record := len(s.log)
			s.until(68 * time.Second)
			s.log = s.log[:record]
			s.one.wake()
			s.until(74 * time.Second)
			return s
		}},
		{"stall-alone", "The master sleeps for ten seconds, and nobody has taken over: it listens, then speaks, and announces.", func() scenario {
			s := newScenario()
			s.one.boot()
			s.until(7900 * time.Millisecond)
			s.log = nil
			s.one.sleep(false)
			s.until(18 * time.Second)
			s.one.wake()
			s.until(21 * time.Second)
			return s
		}},
		{"owner", "The owner of the addresses starts while another node serves: it is master at once, whatever its weights.", func() scenario {
			s := newScenario()
			for k := range s.one.configs {
				s.one.configs[k].Priority, s.one.configs[k].StartMaster = 255, true
				s.one.configs[k].Track = []Track{{Tracker: health, Weight: -50}}
			}
			s.one.readings = map[Tracker]Reading{health: {Up: false}}
			s.two.boot()
			s.until(6 * time.Second)
			s.log = nil
			s.one.boot()
			s.until(8 * time.Second)
			s.one.resign(func() { s.note("1 is done") })
			s.until(9 * time.Second)
			return s
		}},
		{"restart", "The master is killed and started again within its down timer: it goes on, and node 2 stays backup.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.crash()
			s.until(10 * time.Second)
			s.one.boot()
			s.until(13 * time.Second)
			return s
		}},
		{"restart-late", "Started again after its down timer it is backup, and comes back in order.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.one.crash()
			s.until(11500 * time.Millisecond)
			s.one.boot()
			s.until(16 * time.Second)
			return s
		}},
		{"nopreempt", "The better node comes back, and with nopreempt it is backup until the lesser one goes.", func() scenario {
			s := newScenario()
			for k := range s.one.configs {
				s.one.configs[k].Preempt = false
			}
			s.two.boot()
			s.until(6 * time.Second)
			s.log = nil
			s.one.boot()
			s.until(12 * time.Second)
			s.two.crash()
			s.until(16 * time.Second)
			return s
		}},
		{"demoted", "The master's director falls silent: node 2, which does not preempt, takes over all the same, until it is heard again.", func() scenario {
			s := newScenario()
			for k := range s.two.configs {
				s.two.configs[k].Preempt = false
			}
			s.one.boot()
			s.two.boot()
			s.until(7900 * time.Millisecond)
			s.log = nil
			s.one.demote(true)
			s.until(11 * time.Second)
			s.one.demote(false)
			s.until(16 * time.Second)
			return s
		}},
		{"weight", "A check of the master fails and takes 100 from its priority: the other node takes over, and back.", func() scenario {
			s := newScenario()
			for k := range s.one.configs {
				s.one.configs[k].Track = []Track{{Tracker: health, Weight: -100}}
			}
			s.one.readings = map[Tracker]Reading{health: {Up: true}}
			s.one.boot()
			s.two.boot()
			s.until(7900 * time.Millisecond)
			s.log = nil
			s.one.read(health, Reading{Up: false})
			s.until(13 * time.Second)
			s.one.read(health, Reading{Up: true})
			s.until(18 * time.Second)
			return s
		}},
		{"reload", "Node 2 becomes the better one by a reload, then loses an address; nobody leaves MASTER for it.", func() scenario {
			s := settledScenario()
			s.until(8 * time.Second)
			s.two.reload(pairConfigs(200), together(outside, inside))
			s.until(12 * time.Second)
			configs := pairConfigs(200)
			configs[0].Addresses = addrs("10.0.0.201")
			s.two.reload(configs, together(outside, inside))
			s.until(14 * time.Second)
			return s
		}},
	}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			s := sc.run()
			if s.failed != "" {
				t.Fatal(s.failed)
			}
			got := "# " + sc.about + "\n" + strings.Join(s.log, "\n") + "\n"
			path := filepath.Join("testdata", "transcripts", sc.name+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
