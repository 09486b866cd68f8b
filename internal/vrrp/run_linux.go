package vrrp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Observer hears what the election decides. Its methods are called on the election's thread,
// adverts already sent, and must not wait for anything.
type Observer interface {
	Transition(Transition)
	// Vouch extends the time for which the instance is surely master.
	Vouch(key Key, until time.Time)
	// Announce asks for the instance's addresses to be announced again.
	Announce(Key)
	Note(Note)
}

// Runner drives an Election with raw sockets, a timerfd and the clock.
type Runner struct {
	observer Observer
	wakefd   int
	timerfd  int

	mu   sync.Mutex // guards mail
	mail orders

	// The rest belongs to Run.
	election *Election
	configs  []Config
	links    map[string]Link
	conns    map[string]*conn
	broken   map[string]string // what was last said of an interface's socket
	poll     []unix.PollFd
	polled   []string // the interface of poll[i+2]
	out      Output
	retry    time.Time // of interfaces that cannot be listened to; zero when there is none
	packet   []byte    // the last one sent
	advert   Advert    // the last one received
}

// orders is a mailbox of one each: what is newer replaces what is older.
type orders struct {
	readings  map[Tracker]Reading
	configs   []Config
	groups    []SyncGroup
	configure bool
	links     map[string]Link
	delays    map[string]LinkDelay
	hold      time.Time
	resign    bool
}

// NewRunner returns a runner that tells observer. Run frees its descriptors.
func NewRunner(observer Observer) (*Runner, error) {
	wakefd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	timerfd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(wakefd)
		return nil, fmt.Errorf("create timerfd: %w", err)
	}
	return &Runner{observer: observer, wakefd: wakefd, timerfd: timerfd, election: NewElection(),
		conns: map[string]*conn{}, broken: map[string]string{}}, nil
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

// SetReadings makes readings all that is known of what instances track, apart from interfaces.
func (r *Runner) SetReadings(readings map[Tracker]Reading) {
	r.order(func(o *orders) { o.readings = readings })
}

// Resign ends the election in order: see Election.Resign. Run returns when it is over.
func (r *Runner) Resign() { r.order(func(o *orders) { o.resign = true }) }

func (r *Runner) order(change func(*orders)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.mail)
	r.wake()
}

func (r *Runner) wake() { _, _ = unix.Write(r.wakefd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// maxBatch bounds the packets read from one socket before timers are served, so that a flood
// delays no advert of ours.
const maxBatch = 1024

// Run runs the election until a Resign is over or ctx ends; then nothing more is said to anyone.
// It is called once, on a goroutine locked to its thread, so that the caller can give that thread
// real-time priority. Closing the sockets is left to it.
func (r *Runner) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { r.order(func(*orders) {}) })
	defer r.close()
	defer stop()
	buf := make([]byte, 2048)
	resigned := false
	for {
		if err := r.wait(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		r.mu.Lock()
		mail := r.mail
		r.mail = orders{}
		r.mu.Unlock()

		r.out.Reset()
		now := time.Now()
		r.receive(now, buf)
		if mail.configure {
			r.configs = mail.configs
		}
		if mail.links != nil {
			r.links = mail.links
		}
		relisten := mail.configure || mail.links != nil || r.retryDue(now)
		if relisten {
			r.listen(now) // before adverts go out
		}
		if !mail.hold.IsZero() {
			r.election.Hold(mail.hold)
		}
		if mail.delays != nil {
			r.election.DelayLinks(mail.delays)
		}
		switch {
		case mail.configure:
			if mail.readings != nil { // what is tracked may have another name now
				r.election.readings = mail.readings
			}
			r.election.Configure(now, mail.configs, mail.groups, &r.out)
		case mail.readings != nil:
			r.election.SetReadings(now, mail.readings, &r.out)
		}
		if relisten && r.links != nil {
			r.election.SetLinks(now, r.links, &r.out)
		}
		if mail.resign {
			resigned = true
			r.election.Resign(now, &r.out)
		}
		r.election.Tick(now, &r.out)
		r.act()
		if relisten {
			r.closeUnused() // after adverts of removed instances went out
		}
		if resigned && r.election.Done() {
			return nil
		}
	}
}

// wait sleeps until a packet, an order or the next deadline.
func (r *Runner) wait() error {
	var spec unix.ItimerSpec // zero disarms
	deadline := r.election.Deadline()
	if !r.retry.IsZero() && (deadline.IsZero() || r.retry.Before(deadline)) {
		deadline = r.retry
	}
	if !deadline.IsZero() {
		spec.Value = unix.NsecToTimespec(max(int64(time.Until(deadline)), 1))
	}
	if err := unix.TimerfdSettime(r.timerfd, 0, &spec, nil); err != nil {
		return fmt.Errorf("arm election timer: %w", err)
	}
	r.poll = append(r.poll[:0], unix.PollFd{Fd: int32(r.wakefd), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(r.timerfd), Events: unix.POLLIN})
	r.polled = r.polled[:0]
	for name, c := range r.conns {
		r.poll = append(r.poll, unix.PollFd{Fd: int32(c.fd), Events: unix.POLLIN})
		r.polled = append(r.polled, name)
	}
	if _, err := unix.Poll(r.poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	var buf [8]byte
	_, _ = unix.Read(r.wakefd, buf[:])
	_, _ = unix.Read(r.timerfd, buf[:])
	return nil
}

// receive reads what is queued on every socket, before any timer is looked at: an advert that
// came during a stall counts before the timer that the stall made late.
func (r *Runner) receive(now time.Time, buf []byte) {
	for name, c := range r.conns {
		for range maxBatch {
			n, ok := c.read(buf)
			if !ok {
				break
			}
			err := r.advert.decode(buf[:n])
			r.election.Receive(now, name, &r.advert, err, &r.out)
		}
	}
}

// listenRetry is how long an interface that could not be listened to is left alone.
const listenRetry = time.Second

func (r *Runner) retryDue(now time.Time) bool { return !r.retry.IsZero() && !now.Before(r.retry) }

// listen opens the sockets that the configuration needs and the links allow. An interface that
// cannot be listened to is a fault of its instances, and is tried again.
func (r *Runner) listen(now time.Time) {
	r.retry = time.Time{}
	clear(r.election.deaf)
	for name, c := range r.conns {
		if link, ok := r.links[name]; !ok || link.Index != c.index {
			c.close()
			delete(r.conns, name)
		}
	}
	for i := range r.configs {
		name := r.configs[i].Interface
		link, ok := r.links[name]
		if !ok || r.conns[name] != nil || r.election.deaf[name] != nil {
			continue
		}
		c, err := listen(name, link.Index)
		if err == nil {
			r.conns[name] = c
		} else {
			r.election.deaf[name] = err
			r.retry = now.Add(listenRetry)
		}
		r.socket(name, err)
	}
}

// closeUnused closes the sockets that no instance needs any more.
func (r *Runner) closeUnused() {
	for name, c := range r.conns {
		if !slices.ContainsFunc(r.configs, func(c Config) bool { return c.Interface == name }) {
			c.close()
			delete(r.conns, name)
		}
	}
}

// socket notes that an interface's socket failed or works again, once each time.
func (r *Runner) socket(name string, err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if r.broken[name] == said {
		return
	}
	if r.broken[name] = said; said == "" {
		delete(r.broken, name)
	}
	r.observer.Note(Note{Kind: NoteSocket, Key: Key{Interface: name}, Err: err})
}

// mended notes that an interface works again whose instance enters the election as a backup: a
// failure to send, as that of an interface going down, would else stand until the next advert.
func (r *Runner) mended(t Transition) {
	if t.To == Backup && (t.From == Init || t.From == Fault) && r.conns[t.Key.Interface] != nil {
		r.socket(t.Key.Interface, nil)
	}
}

// act sends the adverts, then tells the observer.
func (r *Runner) act() {
	for _, t := range r.out.Transitions {
		r.mended(t)
	}
	for _, s := range r.out.Sends {
		c := r.conns[s.Key.Interface]
		if c == nil {
			continue // the interface is gone, and a fault says so
		}
		r.packet = s.Advert.AppendTo(r.packet[:0])
		err := c.send(s.Advert.Source, r.packet)
		r.socket(s.Key.Interface, err)
		if (err == nil || s.Regardless) && !s.Until.IsZero() {
			r.observer.Vouch(s.Key, s.Until)
		}
	}
	for _, t := range r.out.Transitions {
		r.observer.Transition(t)
	}
	for _, key := range r.out.Announces {
		r.observer.Announce(key)
	}
	for _, n := range r.out.Notes {
		r.observer.Note(n)
	}
}

func (r *Runner) close() {
	for _, c := range r.conns {
		c.close()
	}
	r.mu.Lock() // no order may write to a descriptor that is somebody else's by now
	defer r.mu.Unlock()
	_ = unix.Close(r.timerfd)
	_ = unix.Close(r.wakefd)
	r.wakefd = -1
}
