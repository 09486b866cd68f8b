package check

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// icmpVersion is what ICMP (RFC 792) and ICMPv6 (RFC 4443) call things.
type icmpVersion struct {
	family, protocol int
	request, reply   byte // types of messages
	id               int32
}

var (
	icmp4 = icmpVersion{unix.AF_INET, unix.IPPROTO_ICMP, 8, 0, icmp4ID}
	icmp6 = icmpVersion{unix.AF_INET6, unix.IPPROTO_ICMPV6, 128, 129, icmp6ID}
)

// echoes probes by ICMP echo, all targets of a family over one raw socket: to one of each the kernel
// would offer every reply. A reply is told by the number of the probe in it, which only a target
// that has heard the request knows, and by where it comes from.
type echoes struct {
	icmpVersion
	poller  *poller
	endings *endings
	fd      int    // -1 while there is none
	denied  bool   // no raw sockets for us
	name    uint16 // the identifier of our messages
	secret  uint64 // a part of their contents
	pending []echo
	free    []int32 // of pending
	batch   *batch
}

// echo is a request without a reply.
type echo struct {
	check *check // nil where the place is free
	count uint32 // of the requests that had this place
}

// message is the length of a request: a header of 8, the secret, place and count. In bytes.
const message = 8 + 16

func newEchoes(p *poller, e *endings, v icmpVersion) *echoes {
	return &echoes{icmpVersion: v, poller: p, endings: e, fd: -1}
}

// open opens the socket, unless it is there.
func (e *echoes) open() error {
	if e.fd >= 0 {
		return nil
	}
	fd, err := unix.Socket(e.family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, e.protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	var random [10]byte
	rand.Read(random[:])
	e.name, e.secret = binary.BigEndian.Uint16(random[8:]), binary.BigEndian.Uint64(random[:])
	if err := e.prepare(fd); err != nil {
		unix.Close(fd)
		return err
	}
	e.fd, e.batch = fd, newBatch()
	return nil
}

// prepare has a socket hear what is for us alone, and a lot of it at once.
func (e *echoes) prepare(fd int) error {
	const room = 4 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room) // as much as we may have
	}
	// Over IPv4 the header of the packet is there too; its length is in its first byte.
	load := unix.SockFilter{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH}
	if e.family == unix.AF_INET6 {
		load = unix.SockFilter{Code: unix.BPF_LDX | unix.BPF_IMM}
	}
	program := []unix.SockFilter{
		load,
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_IND},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(e.reply), Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: 4},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(e.name), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		{Code: unix.BPF_RET | unix.BPF_K},
	}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return &optionError{"SO_ATTACH_FILTER", err}
	}
	return e.poller.add(fd, e.id, 0, unix.EPOLLIN)
}

// begin puts the request of a check among those that are sent next; false where raw sockets are not
// allowed.
func (e *echoes) begin(c *check) bool {
	if e.denied {
		return false
	}
	c.flight = -1
	if err := e.open(); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			e.denied = true
			return false
		}
		e.fail(c, err)
		return true
	}
	to, ok := newSockaddr(c.spec.Addr)
	if !ok {
		e.fail(c, os.NewSyscallError("socket", unix.ENODEV))
		return true
	}
	if e.batch.full() {
		e.flush()
	}
	if len(e.free) == 0 {
		e.free = append(e.free, int32(len(e.pending)))
		e.pending = append(e.pending, echo{})
	}
	place := e.free[len(e.free)-1]
	e.free = e.free[:len(e.free)-1]
	p := &e.pending[place]
	p.check, c.flight = c, place
	e.write(e.batch.next(place, to), place, p.count)
	return true
}

// write makes a request. The kernel adds the checksum of ICMPv6 alone (RFC 3542 §3.1).
func (e *echoes) write(b *[message]byte, place int32, count uint32) {
	*b = [message]byte{0: e.request}
	binary.BigEndian.PutUint16(b[4:], e.name)
	binary.BigEndian.PutUint16(b[6:], uint16(count))
	binary.BigEndian.PutUint64(b[8:], e.secret)
	binary.BigEndian.PutUint32(b[16:], uint32(place))
	binary.BigEndian.PutUint32(b[20:], count)
	if e.family == unix.AF_INET {
		binary.BigEndian.PutUint16(b[2:], checksum(b[:]))
	}
}

// checksum is the Internet checksum (RFC 1071) of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}

// flush sends the requests that wait for it.
func (e *echoes) flush() {
	if e.batch == nil {
		return
	}
	e.batch.send(e.fd, func(place int32, errno unix.Errno) {
		if c := e.pending[place].check; c != nil {
			e.release(place)
			e.fail(c, os.NewSyscallError("sendmsg", errno))
		}
	})
}

// receive hears the replies that have come.
func (e *echoes) receive() {
	e.batch.receive(e.fd, func(b []byte, from netip.Addr) {
		if e.family == unix.AF_INET {
			if header := int(b[0]&0xf) * 4; header < len(b) {
				b = b[header:]
			}
		}
		if len(b) < message || b[0] != e.reply || binary.BigEndian.Uint64(b[8:]) != e.secret {
			return
		}
		place, count := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
		if place >= uint32(len(e.pending)) || e.pending[place].count != count || e.pending[place].check == nil {
			return // too late, or twice
		}
		c := e.pending[place].check
		e.release(int32(place))
		target := c.spec.Addr.Addr()
		if from != target.Unmap().WithZone("") {
			e.endings.end(c, fmt.Errorf("echo reply came from %s, not from %s", from, target))
			return
		}
		e.endings.end(c, nil)
	})
}

func (e *echoes) fail(c *check, err error) {
	e.endings.end(c, failure("send echo request to "+c.spec.Addr.Addr().String(), err))
}

func (e *echoes) abandon(c *check) error {
	if c.flight >= 0 {
		e.release(c.flight)
	}
	return fmt.Errorf("no echo reply within %v", c.spec.Timeout)
}

// release frees a place: what comes for it from now on is too late.
func (e *echoes) release(place int32) {
	p := &e.pending[place]
	p.check = nil
	p.count++
	e.free = append(e.free, place)
}

func (e *echoes) close() {
	if e.fd >= 0 {
		unix.Close(e.fd)
		e.fd = -1
	}
}
