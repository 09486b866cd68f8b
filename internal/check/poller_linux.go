package check

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gathering is how long a busy poller sleeps, so that what is due and what happens in that time is
// looked at together: at thousands of probes a second, waking up for each costs more than the probe.
const gathering = 3 * time.Millisecond

// poller waits for many sockets at once, by epoll(7). It has their events edge-triggered: each is
// told once, and a socket's owner looks for itself what is there. wait is called by one goroutine
// alone; the rest is not, under a lock of the owner's.
type poller struct {
	epoll, waker int // the waker is an eventfd(2); -1 while there is none
	events       []unix.EpollEvent
	waiting      int // how many of the events are not looked at yet
}

// wakerID is the waker's among the ids of the sockets.
const wakerID = -1

func newPoller() *poller {
	p := &poller{epoll: -1, waker: -1, events: make([]unix.EpollEvent, 256)}
	_ = p.open() // whoever adds a socket is told
	return p
}

// open opens what the poller waits by, unless it has it.
func (p *poller) open() error {
	if p.epoll >= 0 {
		return nil
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create", err)
	}
	waker, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return os.NewSyscallError("eventfd", err)
	}
	p.epoll, p.waker = epoll, waker
	if err := p.add(waker, wakerID, 0, unix.EPOLLIN); err != nil {
		p.close()
		return err
	}
	return nil
}

// add has the events of a socket told under an id, from 0, of a generation.
func (p *poller) add(fd int, id, generation int32, events uint32) error {
	if err := p.open(); err != nil {
		return err
	}
	event := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: id, Pad: generation}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// take calls look for each event that is there.
func (p *poller) take(look func(id, generation int32, events uint32)) {
	for {
		for _, e := range p.events[:p.waiting] {
			if e.Fd != wakerID {
				look(e.Fd, e.Pad, e.Events)
				continue
			}
			var count [8]byte
			_, _ = unix.Read(p.waker, count[:])
		}
		if p.waiting = 0; p.epoll < 0 {
			return
		}
		// It does not wait, so Go's scheduler need not know.
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
		if errno != 0 || n == 0 {
			return
		}
		p.waiting = int(n)
	}
}

// wait returns after so long, when there are events, or after wake. One that would be short lasts
// as long as gathering, whatever happens.
func (p *poller) wait(d time.Duration) {
	switch {
	case d <= 0:
	case d <= gathering || p.epoll < 0:
		time.Sleep(gathering)
	default:
		// Whole milliseconds, of which the last is not cut off.
		n, err := unix.EpollWait(p.epoll, p.events, int((d+time.Millisecond-1)/time.Millisecond))
		if err == nil {
			p.waiting = n
		}
	}
}

// wake has wait return.
func (p *poller) wake() {
	if p.waker >= 0 {
		_, _ = unix.Write(p.waker, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (p *poller) close() {
	if p.epoll >= 0 {
		unix.Close(p.epoll)
		unix.Close(p.waker)
		p.epoll, p.waker = -1, -1
	}
}
