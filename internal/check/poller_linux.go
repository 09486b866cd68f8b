package check

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// gathering is how long a busy poller sleeps, so that what is due and what happens in that time is
	// looked at together: at thousands of probes a second, waking up for each costs more than the probe.
	gathering = 3 * time.Millisecond
	// glance is how soon a poller that is not busy looks for events, and rarest how seldom one does in
	// whose sight nothing happens.
	glance, rarest = time.Millisecond, 50 * time.Millisecond
	// haste is how long a poller sleeps at least, for what is urgent too.
	haste = 500 * time.Microsecond
)

// poller looks for what happens to many sockets at once, by epoll(7). It has their events
// edge-triggered: each is told once, and a socket's owner looks for itself what is there. wait is called by
// one goroutine alone; the rest is not, under a lock of the owner's.
//
// It sleeps by Go's timers, not in epoll_wait(2): Go's monitor thread answers each return from a system
// call that waits with some sixty wake-ups of its own, which cost more than a thousand pings.
type poller struct {
	epoll  int // -1 while there is none
	events []unix.EpollEvent
	timer  *time.Timer
	woken  chan struct{}
	quiet  time.Duration // how long nothing has happened
}

func newPoller() *poller {
	p := &poller{epoll: -1, events: make([]unix.EpollEvent, 256), timer: time.NewTimer(0), woken: make(chan struct{}, 1)}
	_ = p.open() // whoever adds a socket is told
	return p
}

// open opens what the poller looks by, unless it has it.
func (p *poller) open() error {
	if p.epoll >= 0 {
		return nil
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create", err)
	}
	p.epoll = epoll
	return nil
}

// add has the events of a socket told under an id of a generation.
func (p *poller) add(fd int, id, generation int32, events uint32) error {
	if err := p.open(); err != nil {
		return err
	}
	event := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: id, Pad: generation}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// take calls look for each event that is there.
func (p *poller) take(look func(id, generation int32, events uint32)) {
	for p.epoll >= 0 {
		// It does not wait, so Go's scheduler need not know.
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
		if errno != 0 || n == 0 {
			return
		}
		p.quiet = 0
		for _, e := range p.events[:n] {
			look(e.Fd, e.Pad, e.Events)
		}
	}
}

// wait returns after so long or after wake, and where probes are underway when it is time to look for
// events: of a probe that has waited for long, some later than they happen. A wait that would be short
// lasts as long as gathering, but not beyond urgent.
func (p *poller) wait(d, urgent time.Duration, underway bool) {
	if d <= 0 || urgent <= 0 {
		return
	}
	switch {
	case d <= gathering:
		d = gathering
	case underway:
		d = min(d, max(glance, p.quiet/4), rarest)
	}
	d = min(d, max(urgent, haste))
	p.quiet += d
	p.timer.Reset(d)
	select {
	case <-p.timer.C:
	case <-p.woken:
	}
}

// wake has wait return.
func (p *poller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *poller) close() {
	p.timer.Stop()
	if p.epoll >= 0 {
		unix.Close(p.epoll)
		p.epoll = -1
	}
}
