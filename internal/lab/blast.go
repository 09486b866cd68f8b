package lab

import (
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Blast sends frames as fast as a link takes them. Its methods are for one goroutine.
type Blast struct {
	fd       int
	messages []mmsghdr
	vectors  []unix.Iovec
}

// mmsghdr is that of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	_      uint32 // how much was sent
	_      [4]byte
}

// batch is how many frames one system call sends.
const batch = 64

// NewBlast opens an interface of the calling thread's namespace for sending. Close frees it.
func NewBlast(ifname string) (*Blast, error) {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", ifname, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
		return nil, errors.Join(fmt.Errorf("bind a packet socket to %s: %w", ifname, err), unix.Close(fd))
	}
	b := &Blast{fd: fd, messages: make([]mmsghdr, batch), vectors: make([]unix.Iovec, batch)}
	for n := range b.messages {
		b.messages[n].header.Iov = &b.vectors[n]
		b.messages[n].header.SetIovlen(1)
	}
	return b, nil
}

// Send sends some of the frames, from the first on, each with its Ethernet header, and says how many.
func (b *Blast) Send(frames ...[]byte) (int, error) {
	frames = frames[:min(len(frames), batch)]
	for n := range frames {
		b.vectors[n].Base = &frames[n][0]
		b.vectors[n].SetLen(len(frames[n]))
	}
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.messages[0])), uintptr(len(frames)), 0, 0, 0)
	if errno != 0 {
		return 0, fmt.Errorf("send %d frames: %w", len(frames), errno)
	}
	return int(sent), nil
}

// Flood sends frames round and round for so long, at most rate of them a second, and says how many it sent.
func (b *Blast) Flood(frames [][]byte, rate int, long time.Duration) (int, error) {
	sent := 0
	for began := time.Now(); ; {
		passed := time.Since(began)
		if passed >= long {
			return sent, nil
		}
		due := int(passed * time.Duration(rate) / time.Second)
		if due <= sent {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		at := sent % len(frames)
		n, err := b.Send(frames[at:min(len(frames), at+due-sent)]...)
		if err != nil {
			return sent, err
		}
		sent += n
	}
}

// Close frees the socket.
func (b *Blast) Close() error { return unix.Close(b.fd) }
