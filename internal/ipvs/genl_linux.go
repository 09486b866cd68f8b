package ipvs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exchangeTimeout bounds one request with all its answers. The kernel answers in microseconds,
// but may have to load a module first, or wait for another process that does.
const exchangeTimeout = 5 * time.Second

// wire is a netlink socket. Where it does not have to wait, a send is one system call and so is a
// receive.
type wire interface {
	send(b []byte) error
	// receive fills b with what the kernel has sent, and says how much that is.
	receive(b []byte) (int, error)
	// until sets the time at which send and receive give up, with os.ErrDeadlineExceeded.
	until(time.Time) error
	close()
}

// genlSocket speaks generic netlink with one family.
type genlSocket struct {
	wire     wire
	family   uint16
	sequence uint32
	out      message
	in       []byte
}

// receiveLen is more than the kernel sends at once (NLMSG_GOODSIZE, and 32 KiB of a dump).
const receiveLen = 64 << 10

// dial opens a socket in the current network namespace and looks up the family of the name, at
// which the kernel loads the module if it can. The error is ErrNoIPVS where there is none.
func dial(family string) (*genlSocket, error) {
	w, err := openWire()
	if err != nil {
		return nil, err
	}
	g, err := speak(w, family)
	if err != nil {
		w.close()
	}
	return g, err
}

// speak looks up the family of the name on a wire.
func speak(w wire, family string) (*genlSocket, error) {
	g := &genlSocket{wire: w, family: unix.GENL_ID_CTRL, in: make([]byte, receiveLen)}
	var id uint16
	err := g.exchange(unix.CTRL_CMD_GETFAMILY, 0, func(m *message) { m.text(unix.CTRL_ATTR_FAMILY_NAME, family) },
		func(b []byte) error {
			a, err := parseAttributes(b)
			id = a.u16(unix.CTRL_ATTR_FAMILY_ID)
			return err
		})
	switch {
	case errors.Is(err, unix.ENOENT) || err == nil && id == 0:
		return nil, ErrNoIPVS
	case err != nil:
		return nil, err
	}
	g.family = id
	return g, nil
}

// exchange sends one command, and calls read with what is behind the generic netlink header of each
// answer: it is valid until read returns. Where others changed the table during a dump, the error is
// ErrInconsistent, and all answers have been read.
func (g *genlSocket) exchange(command uint8, flags uint16, fill func(*message), read func([]byte) error) error {
	g.sequence++
	g.out.b = g.out.b[:0]
	g.out.request(g.family, command, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags, g.sequence, fill)
	if err := g.begin(); err != nil {
		return err
	}
	var interrupted error
	for {
		ended := false
		err := g.receive(func(h header, data []byte) error {
			if h.sequence != g.sequence || ended {
				return nil
			}
			if h.flags&unix.NLM_F_DUMP_INTR != 0 {
				interrupted = ErrInconsistent
			}
			if h.kind == unix.NLMSG_DONE || h.kind == unix.NLMSG_ERROR {
				ended = true
				return errnoOf(data)
			}
			if len(data) < genlHeaderLen {
				return errShort
			}
			return read(data[genlHeaderLen:])
		})
		if err != nil {
			return err
		}
		if ended {
			return interrupted
		}
	}
}

// batch sends n requests at once, which write has written, and returns the error of each. The kernel
// does them one after the other, whatever becomes of those before. It answers those that it refuses,
// and the last one, which asks for it.
func (g *genlSocket) batch(n int, write func(i int, m *message, flags uint16, sequence uint32)) []error {
	errs := make([]error, n)
	first := g.sequence + 1
	g.sequence += uint32(n)
	g.out.b = g.out.b[:0]
	for i := range n {
		flags := uint16(unix.NLM_F_REQUEST)
		if i == n-1 {
			flags |= unix.NLM_F_ACK
		}
		write(i, &g.out, flags, first+uint32(i))
	}
	err := g.begin()
	answered := 0 // those before it are known
	for err == nil && answered < n {
		err = g.receive(func(h header, data []byte) error {
			i := int(h.sequence - first)
			if i < 0 || i >= n || h.kind != unix.NLMSG_ERROR {
				return nil // of an earlier exchange that was given up
			}
			errs[i], answered = errnoOf(data), i+1
			return nil
		})
	}
	for ; answered < n; answered++ {
		errs[answered] = err
	}
	return errs
}

// begin sends what has been written.
func (g *genlSocket) begin() error {
	if err := g.wire.until(time.Now().Add(exchangeTimeout)); err != nil {
		return err
	}
	return g.wire.send(g.out.b)
}

// header is what is used of a netlink header.
type header struct {
	kind, flags uint16
	sequence    uint32
}

// receive reads once, and calls each with every message that came.
func (g *genlSocket) receive(each func(header, []byte) error) error {
	n, err := g.wire.receive(g.in)
	if err != nil {
		return err
	}
	for b := g.in[:n]; len(b) >= netlinkHeaderLen; {
		length := int(binary.NativeEndian.Uint32(b))
		if length < netlinkHeaderLen || length > len(b) {
			return errShort
		}
		h := header{kind: binary.NativeEndian.Uint16(b[4:]), flags: binary.NativeEndian.Uint16(b[6:]), sequence: binary.NativeEndian.Uint32(b[8:])}
		if err := each(h, b[netlinkHeaderLen:length]); err != nil {
			return err
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return nil
}

// errnoOf is the error that an answer carries, nil for success.
func errnoOf(data []byte) error {
	if len(data) < 4 {
		return nil
	}
	if errno := int32(binary.NativeEndian.Uint32(data)); errno != 0 {
		return syscall.Errno(-errno)
	}
	return nil
}

// netlinkWire is a wire to the kernel.
type netlinkWire struct {
	file *os.File
	raw  syscall.RawConn
}

// openWire opens a generic netlink socket in the current network namespace.
func openWire() (*netlinkWire, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_GENERIC)
	if err != nil {
		return nil, os.NewSyscallError("netlink socket", err)
	}
	file := os.NewFile(uintptr(fd), "netlink")
	w := &netlinkWire{file: file}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		w.close()
		return nil, os.NewSyscallError("bind netlink socket", err)
	}
	// A refused request is not sent back with its error: the answers to a whole batch have to find room.
	if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1); err != nil && !errors.Is(err, unix.ENOPROTOOPT) {
		w.close()
		return nil, fmt.Errorf("shorten the answers of netlink: %w", err)
	}
	if w.raw, err = file.SyscallConn(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *netlinkWire) until(at time.Time) error { return w.file.SetDeadline(at) }

func (w *netlinkWire) close() { _ = w.file.Close() }

func (w *netlinkWire) send(b []byte) error {
	var sent error
	err := w.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return !errors.Is(sent, unix.EAGAIN)
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("send to netlink", sent)
}

func (w *netlinkWire) receive(b []byte) (int, error) {
	var n int
	var from unix.Sockaddr
	var got error
	for {
		err := w.raw.Read(func(fd uintptr) bool {
			n, from, got = unix.Recvfrom(int(fd), b, 0)
			return !errors.Is(got, unix.EAGAIN)
		})
		if err != nil {
			return 0, err
		}
		if got != nil {
			return 0, os.NewSyscallError("receive from netlink", got)
		}
		if kernel, ok := from.(*unix.SockaddrNetlink); ok && kernel.Pid == 0 {
			return n, nil
		}
	}
}
