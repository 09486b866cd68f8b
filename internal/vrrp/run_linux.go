package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Observer hears what the election decides. Its methods are called on the election's thread,
// adverts already sent, and must not wait for anything.
type Observer interface {
	Transition(Transition)
	// Imminent says that an instance takes over at a time some milliseconds ahead if no advert comes: who
	// has a part in it had better be awake.
	Imminent(takeover time.Time)
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
	ended    chan struct{}  // closed when Run returns
	conns    map[Key]*conn  // by Key.socket
	broken   map[Key]string // what was last said of a socket, by Key.socket, or of sending from it
	poll     []unix.PollFd
	out      Output
	retry    time.Time // of interfaces that cannot be listened to; zero when there is none
	packet   []byte    // the last one sent
	advert   Advert    // the last one received
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
	return &Runner{observer: observer, wakefd: wakefd, timerfd: timerfd, election: NewElection(), ended: make(chan struct{}),
		conns: map[Key]*conn{}, broken: map[Key]string{}}, nil
}

// maxBatch bounds the packets read from one socket before timers are served, so that a flood
// delays no advert of ours. It is more than receiveBuffer holds: what was queued during a stall is
// read before any timer is looked at.
const maxBatch = 4096

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
		if mail.resumed != nil {
			r.election.Resume(mail.resumed)
		}
		if mail.delays != nil {
			r.election.DelayLinks(mail.delays)
		}
		if relisten && r.links != nil {
			r.election.SetLinks(now, r.links, &r.out)
		}
		switch { // after the links: what starts now is not to claim anything on one that is down
		case mail.configure:
			if mail.readings != nil { // what is tracked may have another name now
				r.election.readings = mail.readings
			}
			r.election.Configure(now, mail.configs, mail.groups, &r.out)
		case mail.readings != nil:
			r.election.SetReadings(now, mail.readings, &r.out)
		}
		for key, reason := range mail.failed {
			r.election.Fail(now, key, reason, &r.out)
		}
		if mail.demote != nil {
			r.election.Demote(now, *mail.demote, &r.out)
		}
		if mail.echo != nil {
			mail.echo()
		}
		if mail.resign {
			resigned = true
			r.election.Resign(now, &r.out)
		}
		r.election.Tick(now, &r.out)
		r.act()
		for _, reply := range mail.count {
			reply <- r.election.Counters()
		}
		if relisten {
			r.closeUnused() // after adverts of removed instances went out
		}
		if resigned && r.election.Done() {
			return nil
		}
	}
}

// wait sleeps until a packet, an order or the next deadline; shortly before a takeover it stays awake.
func (r *Runner) wait() error {
	r.poll = append(r.poll[:0], unix.PollFd{Fd: int32(r.wakefd), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(r.timerfd), Events: unix.POLLIN})
	for _, c := range r.conns {
		r.poll = append(r.poll, unix.PollFd{Fd: int32(c.fd), Events: unix.POLLIN})
	}
	deadline := r.election.Deadline()
	if !r.retry.IsZero() && (deadline.IsZero() || r.retry.Before(deadline)) {
		deadline = r.retry
	}
	takeover := r.election.Takeover()
	until, awake := rest(time.Now(), deadline, takeover)
	wait := r.sleep
	if awake {
		r.observer.Imminent(takeover)
		wait = r.awake
	}
	if err := wait(until); err != nil {
		return err
	}
	var buf [8]byte
	_, _ = unix.Read(r.wakefd, buf[:])
	_, _ = unix.Read(r.timerfd, buf[:])
	return nil
}

// sleep waits for a packet, an order or the deadline; zero is none.
func (r *Runner) sleep(deadline time.Time) error {
	var spec unix.ItimerSpec // zero disarms
	if !deadline.IsZero() {
		spec.Value = unix.NsecToTimespec(max(int64(time.Until(deadline)), 1))
	}
	if err := unix.TimerfdSettime(r.timerfd, 0, &spec, nil); err != nil {
		return fmt.Errorf("arm election timer: %w", err)
	}
	if _, err := unix.Poll(r.poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	return nil
}

// awake is sleep without sleeping.
func (r *Runner) awake(deadline time.Time) error {
	for time.Now().Before(deadline) {
		n, err := unix.Poll(r.poll, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("watch for adverts: %w", err)
		}
		if n > 0 {
			break
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // where there is one processor only
	}
	return nil
}

// receive reads what is queued on every socket, before any timer is looked at: an advert that
// came during a stall counts before the timer that the stall made late.
func (r *Runner) receive(now time.Time, buf []byte) {
	for key, c := range r.conns {
		for range maxBatch {
			ok, err := c.read(buf, &r.advert)
			if !ok {
				break
			}
			r.election.Receive(c.arrival.at(now), key.Interface, &r.advert, err, &r.out)
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
	for key, c := range r.conns {
		if link, ok := r.links[key.Interface]; !ok || link.Index != c.index {
			c.close()
			delete(r.conns, key)
		}
	}
	for key, groups := range r.groups() {
		link, ok := r.links[key.Interface]
		if !ok {
			continue
		}
		c, err := r.conns[key], error(nil)
		if c == nil {
			if c, err = listen(key, link.Index); err == nil {
				r.conns[key] = c
			}
		}
		if err == nil {
			err = c.join(groups)
		}
		if err == nil {
			err = c.hearOnly(r.routers(key))
		}
		if err != nil {
			r.election.deaf[key] = err
			r.retry = now.Add(listenRetry)
		}
		r.socket(key, err)
	}
}

// groups are the multicast groups of each socket that the configuration needs.
func (r *Runner) groups() map[Key]map[netip.Addr]bool {
	all := make(map[Key]map[netip.Addr]bool)
	for i := range r.configs {
		c := &r.configs[i]
		key := c.socket()
		if all[key] == nil {
			all[key] = make(map[netip.Addr]bool)
		}
		if !c.Transport.Unicast {
			all[key][c.group()] = true
		}
	}
	return all
}

// routers are the VRIDs of a socket's instances.
func (r *Runner) routers(socket Key) (vrids []uint8) {
	for i := range r.configs {
		if c := &r.configs[i]; c.socket() == socket {
			vrids = append(vrids, c.VRID)
		}
	}
	return vrids
}

// closeUnused closes the sockets that no instance needs any more.
func (r *Runner) closeUnused() {
	needed := r.groups()
	for key, c := range r.conns {
		if needed[key] == nil {
			c.close()
			delete(r.conns, key)
		}
	}
}

// socket notes that an interface's socket failed or works again, once each time.
func (r *Runner) socket(key Key, err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if r.broken[key] == said {
		return
	}
	if r.broken[key] = said; said == "" {
		delete(r.broken, key)
	}
	r.observer.Note(Note{Kind: NoteSocket, Key: key, Err: err})
}

// mended notes that an interface works again whose instance enters the election as a backup: a
// failure to send, as that of an interface going down, would else stand until the next advert.
func (r *Runner) mended(t Transition) {
	if t.To == Backup && (t.From == Init || t.From == Fault) && r.conns[t.Key.socket()] != nil {
		r.socket(t.Key, nil)
		r.socket(t.Key.socket(), nil)
	}
}

// act sends the adverts, then tells the observer.
func (r *Runner) act() {
	for _, t := range r.out.Transitions {
		r.mended(t)
	}
	for n := range r.out.Sends {
		s := &r.out.Sends[n]
		c := r.conns[s.Key.socket()]
		if c == nil {
			continue // the interface is gone, and a fault says so
		}
		sent, err := r.send(c, s)
		r.socket(s.subject(), err)
		if (sent || s.Regardless) && !s.Until.IsZero() {
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

// subject is what a failure to send is about: the socket, or the way to a peer.
func (s *Send) subject() Key {
	if len(s.To) > 0 && s.To[0].IsMulticast() {
		return s.Key.socket()
	}
	return s.Key
}

// send sends one advert to all whom it is for, and says whether it went to any of them: a peer that
// there is no way to just now must not take the addresses off.
func (r *Runner) send(c *conn, s *Send) (sent bool, err error) {
	for _, s.Advert.Destination = range s.To {
		r.packet = s.Advert.AppendTo(r.packet[:0])
		if e := c.send(&s.Advert, r.packet); e != nil {
			err = e
		} else {
			sent = true
		}
	}
	return sent, err
}

func (r *Runner) close() {
	close(r.ended)
	for _, c := range r.conns {
		c.close()
	}
	r.mu.Lock() // no order may write to a descriptor that is somebody else's by now
	defer r.mu.Unlock()
	_ = unix.Close(r.timerfd)
	_ = unix.Close(r.wakefd)
	r.wakefd = -1
}
