package vrrp

import (
	"strings"
	"testing"
	"time"
)

// defect is something wrong with the elections of a lan. The zero value is nothing.
type defect struct {
	deaf    bool          // a master takes every other one for a lesser one
	overdue time.Duration // how late a machine goes on as the master that it was
	before  func(*machine, *instance)
	after   func(*machine, *instance)
}

// decides is before the timers of a step are served.
func (d *defect) decides(m *machine) { m.each(d.before) }

// decided is when the step has said what is to be done.
func (d *defect) decided(m *machine) { m.each(d.after) }

func (m *machine) each(do func(*machine, *instance)) {
	if do == nil {
		return
	}
	for _, i := range m.e.order {
		do(m, i)
	}
}

// shifted moves the timer of a backup once each time that it is set.
func shifted(by time.Duration) func(*machine, *instance) {
	set := map[*instance]time.Time{}
	return func(_ *machine, i *instance) {
		if i.state == Backup && !i.deadline.Equal(set[i]) {
			i.deadline = i.deadline.Add(by)
			set[i] = i.deadline
		}
	}
}

// unsaid takes adverts away that a step wants sent.
func unsaid(of func(*Send) bool) func(*machine, *instance) {
	return func(m *machine, i *instance) {
		kept := m.out.Sends[:0]
		for _, s := range m.out.Sends {
			if s.Key != i.cfg.Key || !of(&s) {
				kept = append(kept, s)
			}
		}
		m.out.Sends = kept
	}
}

// What the simulation holds an election to, it notices: each of these is found within some hundred
// lives.
func TestSimulationNoticesDefects(t *testing.T) {
	for _, c := range []struct {
		name  string
		d     func() defect
		found string // in what is said of it
	}{
		{"two masters", func() defect { return defect{deaf: true} }, "heard a better master"},
		{"too early", func() defect { return defect{after: shifted(-20 * time.Millisecond)} }, "of silence"},
		{"too late", func() defect { return defect{after: shifted(20 * time.Millisecond)} }, "longer than it has to"},
		{"half a group", func() defect {
			return defect{after: func(_ *machine, i *instance) {
				if i.group != nil && i.group.members[0] != i && i.state == Master {
					i.becomeBackup(epoch, "", &Output{})
				}
			}}
		}, "is MASTER"},
		{"a backup that speaks", func() defect {
			return defect{after: func(m *machine, i *instance) {
				if i.state == Backup {
					i.send(m.l.now, i.cfg.Priority, &m.out)
				}
			}}
		}, "not entitled"},
		{"a silent master", func() defect {
			return defect{after: unsaid(func(s *Send) bool { return s.Advert.Priority != 0 })}
		}, "silent since"},
		{"a master that leaves without a word", func() defect {
			return defect{after: unsaid(func(s *Send) bool { return s.Advert.Priority == 0 })}
		}, "tells nobody"},
		{"no announcement", func() defect {
			return defect{after: func(m *machine, _ *instance) { m.out.Announces = nil }}
		}, "announce"},
		{"a stall that is not noticed", func() defect {
			return defect{before: func(m *machine, i *instance) {
				if i.state == Master {
					i.sent = m.l.now
				}
			}}
		}, "at once"},
		{"a record that is too old", func() defect { return defect{overdue: 2 * time.Second} }, "resumes"},
		{"a fault that is not seen", func() defect {
			return defect{after: func(m *machine, i *instance) {
				if i.state == Fault {
					i.becomeBackup(m.l.now, "", &Output{})
				}
			}}
		}, "is broken"},
		{"a fault without a reason", func() defect {
			return defect{after: func(m *machine, i *instance) {
				if i.state == Backup && m.index == 1 {
					i.leave(m.l.now, Fault, "", &Output{})
				}
			}}
		}, "nothing of its group is broken"},
		{"a wrong weight", func() defect {
			return defect{before: func(_ *machine, i *instance) { i.cfg.Priority = max(i.cfg.Priority, 2) - 1 }}
		}, "has the priority"},
		{"no preemption", func() defect {
			return defect{before: func(_ *machine, i *instance) { i.cfg.Preempt = false }}
		}, "not the best"},
		{"a group that flaps when it grows", func() defect {
			sizes := map[*machine]int{}
			return defect{after: func(m *machine, i *instance) {
				if i.group == nil || i != i.group.members[0] {
					return
				}
				if size := len(i.group.members); sizes[m] > 0 && size > sizes[m] && i.state == Master {
					i.leave(m.l.now, Fault, "", &m.out)
					i.becomeMaster(m.l.now, "", &m.out)
				}
				sizes[m] = len(i.group.members)
			}}
		}, "because its group grows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := uint64(1); seed <= 600; seed++ {
				s := simulateWith(seed, false, c.d())
				if strings.Contains(s.l.failed, c.found) {
					t.Logf("seed %d: %s", seed, s.l.failed)
					return
				}
			}
			t.Errorf("nothing is said with %q", c.found)
		})
	}
}
