package vrrp

import (
	"time"

	"golang.org/x/sys/unix"
)

// orders is a mailbox of one each: what is newer replaces what is older.
type orders struct {
	readings  map[Tracker]Reading
	configs   []Config
	groups    []SyncGroup
	configure bool
	links     map[string]Link
	delays    map[string]LinkDelay
	hold      time.Time
	resumed   map[Key]time.Time
	failed    map[Key]string
	resign    bool
	count     []chan<- map[Key]Counters
	demote    *bool
	echo      func()
}

// Configure makes configs and groups the whole of the election, see Election.Configure, and readings
// all that is known of what they track, see SetReadings.
func (r *Runner) Configure(configs []Config, groups []SyncGroup, readings map[Tracker]Reading) {
	r.order(func(o *orders) {
		o.configs, o.groups, o.configure, o.readings = configs, groups, true, readings
	})
}

// SetLinks makes links the whole of the node's interfaces. The election starts with the first
// call of it.
func (r *Runner) SetLinks(links map[string]Link) {
	r.order(func(o *orders) { o.links = links })
}

// DelayLinks has interfaces seen going down or up only after a delay; see Election.DelayLinks.
func (r *Runner) DelayLinks(delays map[string]LinkDelay) {
	r.order(func(o *orders) { o.delays = delays })
}

// Hold starts no instance before until; see Election.Hold. It is called before SetLinks.
func (r *Runner) Hold(until time.Time) { r.order(func(o *orders) { o.hold = until }) }

// Resume has instances start as the masters that they were; see Election.Resume.
func (r *Runner) Resume(masters map[Key]time.Time) {
	r.order(func(o *orders) { o.resumed = masters })
}

// Fail takes the role from an instance that cannot fulfil it; see Election.Fail.
func (r *Runner) Fail(key Key, reason string) {
	r.order(func(o *orders) {
		if o.failed == nil {
			o.failed = map[Key]string{}
		}
		o.failed[key] = reason
	})
}

// SetReadings makes readings all that is known of what instances track, apart from interfaces.
func (r *Runner) SetReadings(readings map[Tracker]Reading) {
	r.order(func(o *orders) { o.readings = readings })
}

// Resign ends the election in order: see Election.Resign. Run returns when it is over.
func (r *Runner) Resign() { r.order(func(o *orders) { o.resign = true }) }

// Counters are those of every instance. It waits for Run to answer; once that has returned, they are nil.
func (r *Runner) Counters() map[Key]Counters {
	reply := make(chan map[Key]Counters, 1)
	r.order(func(o *orders) { o.count = append(o.count, reply) })
	select {
	case c := <-reply:
		return c
	case <-r.ended:
		return nil
	}
}

// Demote makes every priority the least one, or what it was; see Election.Demote.
func (r *Runner) Demote(on bool) { r.order(func(o *orders) { o.demote = &on }) }

// Echo has the election's thread call reply, which must not wait, when it comes round: a sign that
// it lives. A call that has not been answered yet is forgotten for it.
func (r *Runner) Echo(reply func()) { r.order(func(o *orders) { o.echo = reply }) }

func (r *Runner) order(change func(*orders)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.mail)
	r.wake()
}

func (r *Runner) wake() { _, _ = unix.Write(r.wakefd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }
