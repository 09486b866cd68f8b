package elector

import (
	"sync"
	"time"

	"lvsd/internal/vrrp"
)

// gate keeps what the addresses should be until the election has said of each instance that may go
// on as master whether it does: else they would be taken off, and put on again.
type gate struct {
	open func(Network)

	mu      sync.Mutex
	waiting map[vrrp.Key]time.Time // until when at most
	kept    *Network
	timer   *time.Timer
}

func newGate(masters map[vrrp.Key]time.Time, open func(Network)) *gate {
	return &gate{open: open, waiting: masters}
}

// want passes n on, now or later.
func (g *gate) want(n Network) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = &n
	if g.timer == nil {
		var last time.Time
		for _, until := range g.waiting {
			if until.After(last) {
				last = until
			}
		}
		g.timer = time.AfterFunc(time.Until(last), g.giveUp)
	}
	g.pass()
}

// configured says that the election has no others than these instances.
func (g *gate) configured(instances []vrrp.Config) {
	known := map[vrrp.Key]bool{}
	for i := range instances {
		known[instances[i].Key] = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for key := range g.waiting {
		if !known[key] {
			delete(g.waiting, key)
		}
	}
	g.pass()
}

// told says that the election has told what becomes of an instance.
func (g *gate) told(key vrrp.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, key)
	g.pass()
}

func (g *gate) giveUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.waiting)
	g.pass()
}

// pass passes on what was kept if nothing is waited for. g.mu is held.
func (g *gate) pass() {
	if g.kept != nil && len(g.waiting) == 0 {
		g.open(*g.kept)
		g.kept = nil
	}
}

// close ends the wait's timer.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
}
