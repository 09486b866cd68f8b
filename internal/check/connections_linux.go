package check

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// spareSockets is how many sockets that are not connected are kept for the next probes.
const spareSockets = 512

// connections probes over TCP, all targets at once.
//
// A probe that wants no more than to be accepted is a SYN, the answer to it and a reset: the kernel
// holds back the ACK of a connection on which it is told to expect data (TCP_DEFER_ACCEPT in
// tcp(7)), and the reset is there before. The server's program does not hear of it. The socket is
// disconnected rather than closed, and serves again, without the cost of another.
type connections struct {
	poller      *poller
	endings     *endings
	descriptors *descriptors
	flights     []flight
	free        []int32    // flights without a socket
	idle        [2][]int32 // flights with one that is not connected, for IPv4 and IPv6
	talk        *talk
}

// flight is a connection, or a socket that waits for one.
type flight struct {
	check      *check // nil while it is idle
	fd         int
	generation int32  // tells its events from those of sockets that it had before
	stands     bool   // connected
	parts      uint8  // in which the response has come so far
	heard      []byte // of the response
}

func newConnections(p *poller, e *endings, d *descriptors, shared *probers) *connections {
	c := &connections{poller: p, endings: e, descriptors: d, talk: newTalk(shared)}
	d.reclaim = c.reclaim
	return c
}

// begin begins to connect to the target of a check.
func (c *connections) begin(check *check) {
	if err := c.connect(check); err != nil {
		c.endings.end(check, failure("connect "+check.spec.Addr.String(), err))
	}
}

// connect begins to connect to the target of a check.
func (c *connections) connect(check *check) error {
	check.flight = -1
	socket := check.spec.Detail.Socket()
	target, ok := newSockaddr(socket.target(check.spec.Addr))
	if !ok {
		return os.NewSyscallError("socket", unix.ENODEV)
	}
	id, err := c.socket(target.family(), socket)
	if err != nil {
		return err
	}
	f := &c.flights[id]
	if errno := target.connect(f.fd); errno != 0 && errno != unix.EINPROGRESS {
		c.discard(id)
		return os.NewSyscallError("connect", errno)
	}
	f.check, check.flight = check, id
	return nil
}

// socket returns a flight whose socket can be connected.
func (c *connections) socket(family int, from Socket) (int32, error) {
	idle := c.idleOf(family)
	if n := len(*idle); n > 0 && from == (Socket{}) {
		id := (*idle)[n-1]
		*idle = (*idle)[:n-1]
		return id, nil
	}
	if !c.descriptors.reserve(1) {
		return 0, errDescriptors
	}
	fd, err := newSocket(family, from)
	if err != nil {
		c.descriptors.release(1)
		return 0, err
	}
	if len(c.free) == 0 {
		c.free = append(c.free, int32(len(c.flights)))
		c.flights = append(c.flights, flight{})
	}
	id := c.free[len(c.free)-1]
	f := &c.flights[id]
	if err := c.poller.add(fd, id, f.generation, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP); err != nil {
		unix.Close(fd)
		c.descriptors.release(1)
		return 0, err
	}
	f.fd = fd
	c.free = c.free[:len(c.free)-1]
	return id, nil
}

func (c *connections) idleOf(family int) *[]int32 {
	if family == unix.AF_INET {
		return &c.idle[0]
	}
	return &c.idle[1]
}

// newSocket opens a socket for a connection from where a check says.
func newSocket(family int, from Socket) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1); err != nil {
		unix.Close(fd)
		return -1, &optionError{"TCP_DEFER_ACCEPT", err}
	}
	if from != (Socket{}) {
		if err := from.prepare(fd, family); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// prepare sets the options of a socket and binds it.
func (s Socket) prepare(fd, family int) error {
	if err := s.set(fd); err != nil {
		return err
	}
	local, bound := s.from(family)
	if !bound {
		return nil
	}
	addr, ok := newSockaddr(local)
	if !ok {
		return os.NewSyscallError("bind", unix.ENODEV)
	}
	if errno := addr.bind(fd); errno != 0 {
		return os.NewSyscallError("bind", errno)
	}
	return nil
}

// look follows what has happened to a connection.
func (c *connections) look(id, generation int32, events uint32) {
	f := &c.flights[id]
	if f.check == nil || f.generation != generation {
		return // of a time before
	}
	switch {
	case f.stands:
		c.hear(id)
	case events&(unix.EPOLLERR|unix.EPOLLHUP) != 0:
		c.refused(id)
	case f.check.spec.Kind == TCP:
		c.end(id, nil)
	default:
		f.stands = true
		if c.ask(id) && events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
			c.hear(id)
		}
	}
}

// refused finds why a connection does not stand.
func (c *connections) refused(id int32) {
	f := &c.flights[id]
	code, err := unix.GetsockoptInt(f.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	errno := unix.Errno(code)
	switch {
	case err != nil:
		err = os.NewSyscallError("getsockopt", err)
	case f.check.spec.Kind == TCP && (errno == 0 || errno == unix.ECONNRESET):
		// It was accepted, and reset before we looked: a reset in answer to the SYN is
		// ECONNREFUSED (tcp_reset in net/ipv4/tcp_input.c).
		c.endings.end(f.check, nil)
		c.remove(id)
		return
	default:
		err = os.NewSyscallError("connect", errno)
	}
	c.end(id, failure("connect "+f.check.spec.Addr.String(), err))
}

// end ends the probe of a connection.
func (c *connections) end(id int32, err error) {
	c.endings.end(c.flights[id].check, err)
	if err == nil {
		c.release(id)
	} else {
		c.remove(id)
	}
}

// abandon gives a connection up.
func (c *connections) abandon(check *check) error {
	stood := false
	if check.flight >= 0 {
		stood = c.flights[check.flight].stands
		c.remove(check.flight)
	}
	if stood {
		return fmt.Errorf("no complete response within %v", check.spec.Timeout)
	}
	return fmt.Errorf("connect %s: no answer within %v", check.spec.Addr, check.spec.Timeout)
}

// release ends a connection that stands, and keeps its socket if it can serve again.
func (c *connections) release(id int32) {
	f := &c.flights[id]
	idle := c.idleOf(familyOf(f.check.spec.Addr.Addr()))
	again := f.check.spec.Detail.Socket() == (Socket{}) && f.check.spec.Addr.Addr().Zone() == ""
	if !again || len(*idle) >= spareSockets || disconnect(f.fd) != 0 {
		c.remove(id)
		return
	}
	c.forget(f)
	*idle = append(*idle, id)
}

func familyOf(a netip.Addr) int {
	if a.Unmap().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// remove ends a connection, whatever state it is in. The other side sees a reset.
func (c *connections) remove(id int32) {
	disconnect(c.flights[id].fd)
	c.forget(&c.flights[id])
	c.discard(id)
}

// forget takes the probe off a flight.
func (c *connections) forget(f *flight) {
	f.check, f.stands, f.heard, f.parts = nil, false, nil, 0
}

// discard closes the socket of a flight.
func (c *connections) discard(id int32) {
	unix.Close(c.flights[id].fd)
	c.descriptors.release(1)
	c.vacate(id)
}

// reclaim closes a socket that is not connected; false where there is none.
func (c *connections) reclaim() bool {
	for i, idle := range c.idle {
		if n := len(idle); n > 0 {
			c.discard(idle[n-1])
			c.idle[i] = idle[:n-1]
			return true
		}
	}
	return false
}

// vacate makes a flight one without a socket.
func (c *connections) vacate(id int32) {
	c.flights[id].generation++
	c.free = append(c.free, id)
}

func (c *connections) close() {
	for c.reclaim() {
	}
}
