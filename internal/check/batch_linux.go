package check

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many messages go to the kernel, or come from it, in one call.
const batchSize = 32

// batch sends and receives messages, many in one call (sendmmsg(2), recvmmsg(2)). Its memory is
// there once.
type batch struct {
	out, in   [batchSize]header
	outs, ins [batchSize]unix.Iovec
	to, from  [batchSize]sockaddr
	requests  [batchSize][message]byte
	replies   [batchSize][60 + message]byte // behind the longest header of IPv4
	places    [batchSize]int32              // of the requests
	waiting   int                           // how many wait to be sent
}

// header is struct mmsghdr.
type header struct {
	unix.Msghdr
	length uint32
}

func newBatch() *batch {
	b := &batch{}
	for i := range batchSize {
		b.outs[i] = unix.Iovec{Base: &b.requests[i][0]}
		b.outs[i].SetLen(message)
		b.out[i].Msghdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&b.to[i].raw)), Iov: &b.outs[i]}
		b.out[i].SetIovlen(1)
		b.ins[i] = unix.Iovec{Base: &b.replies[i][0]}
		b.ins[i].SetLen(len(b.replies[i]))
		b.in[i].Msghdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&b.from[i].raw)), Iov: &b.ins[i]}
		b.in[i].SetIovlen(1)
	}
	return b
}

func (b *batch) full() bool { return b.waiting == batchSize }

// next is the memory of another message, which goes to an address. Its place is told if it cannot be
// sent.
func (b *batch) next(place int32, to sockaddr) *[message]byte {
	i := b.waiting
	b.waiting++
	b.to[i], b.places[i] = to, place
	if to.raw.Family == unix.AF_INET6 {
		// A raw socket takes a port there for its protocol (ipv6(7)).
		b.to[i].raw.Port = 0
	}
	b.out[i].Namelen = uint32(to.length)
	return &b.requests[i]
}

// send sends the messages that wait, and tells which could not be.
func (b *batch) send(fd int, failed func(place int32, errno unix.Errno)) {
	for sent := 0; sent < b.waiting; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.out[sent])), uintptr(b.waiting-sent), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN: // the socket has no room for more
			failed(b.places[sent], unix.ENOBUFS)
			sent++
		case errno != 0:
			failed(b.places[sent], errno)
			sent++
		default:
			sent += int(n)
		}
	}
	b.waiting = 0
}

// receive calls hear for each message that is there.
func (b *batch) receive(fd int, hear func(b []byte, from netip.Addr)) {
	for {
		for i := range b.in {
			b.in[i].Namelen = uint32(unsafe.Sizeof(b.from[i].raw))
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.in[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return
		}
		for i := range int(n) {
			hear(b.replies[i][:b.in[i].length], b.from[i].addr())
		}
		if n < batchSize {
			return
		}
	}
}
