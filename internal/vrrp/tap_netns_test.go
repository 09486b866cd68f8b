//go:build netns

package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// frame is one packet of the wire, from the Ethernet header on.
type frame []byte

func (f frame) packet() []byte { return f[14:] }

// heard is one advert as it passed the wire.
type heard struct {
	at     time.Time // the kernel's
	side   int       // that sent it
	advert Advert
	err    error // of decoding
	frame  frame
}

// tap hears the adverts of a segment of a wire, of both sides, with the kernel's time of each.
type tap struct {
	t     testing.TB
	close func() // ends it before the test does

	mu      sync.Mutex
	changed chan struct{}
	list    []heard
}

// tap listens at the switch's port of side 1 until the test ends: what that side loses of its own accord, and a link of side 0
// that goes down, changes nothing for it.
func (w *wire) tap(segment int) *tap {
	w.t.Helper()
	p := &tap{t: w.t, changed: make(chan struct{})}
	fd := -1
	w.enter(w.bridge, func() { fd = w.packetSocket(w.port(1, segment)) })
	f := os.NewFile(uintptr(fd), "tap")
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.listen(f)
	}()
	p.close = func() {
		_ = f.Close()
		<-done
	}
	w.t.Cleanup(func() {
		p.close()
		if w.t.Failed() {
			w.t.Logf("segment %d:\n%s", segment, p.transcript())
		}
	})
	return p
}

// transcript is what was heard, an advert a line.
func (p *tap) transcript() string {
	var b strings.Builder
	for _, h := range p.list {
		fmt.Fprintf(&b, "%s side %d %v/%d priority %d\n", h.at.Format("05.000000"), h.side, h.advert.Source, h.advert.VRID, h.advert.Priority)
	}
	return b.String()
}

// listen reads frames until the file is closed.
func (p *tap) listen(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		p.t.Error(err)
		return
	}
	buf, control := make([]byte, 2048), make([]byte, 128)
	for {
		var n, controls int
		var from unix.Sockaddr
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, controls, _, from, failed = unix.Recvmsg(int(fd), buf, control, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return // closed
		case failed != nil:
			continue // the link went down
		}
		side := 1
		if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING {
			side = 0
		}
		p.hear(buf[:n], stamped(control[:controls]), side)
	}
}

// packetSocket opens a socket for all frames of an interface of the calling thread's namespace.
func (w *wire) packetSocket(dev string) int {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		w.t.Error(err)
		return fd
	}
	link, err := netlink.LinkByName(dev)
	if err != nil {
		w.t.Error(err)
		return fd
	}
	everything := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: link.Attrs().Index})); err != nil {
		w.t.Error(err)
	}
	return fd
}

// stamped is the time in control messages; now where there is none.
func stamped(control []byte) time.Time {
	for len(control) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) == 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
		}
		control = rest
	}
	return time.Now()
}

// hear keeps a frame if it is an advert.
func (p *tap) hear(b []byte, at time.Time, side int) {
	h := heard{at: at, side: side, frame: slices.Clone(b)}
	switch {
	case len(b) > 34 && b[12] == 0x08 && b[13] == 0x00 && b[23] == protocol:
		h.err = h.advert.decode(h.frame.packet())
	case len(b) > 54 && b[12] == 0x86 && b[13] == 0xdd && b[20] == protocol:
		ip := h.frame.packet()
		end := min(40+int(ip[4])<<8+int(ip[5]), len(ip))
		h.err = h.advert.decode6(netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:])), ip[7], ip[40:end])
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, h)
	close(p.changed)
	p.changed = make(chan struct{})
}

// all are the adverts of a virtual router since a moment, in the order of their times.
func (p *tap) all(key Key, since time.Time) []heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []heard
	for _, h := range p.list {
		if h.advert.VRID == key.VRID && h.advert.Source.Is6() == key.IPv6 && !h.at.Before(since) {
			list = append(list, h)
		}
	}
	return list
}

// claims waits for the nth advert of a side since a moment that claims the addresses, and returns it.
func (p *tap) claims(key Key, side, n int, since time.Time) heard {
	p.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		left := n
		for _, h := range p.all(key, since) {
			if h.side == side && h.advert.Priority != 0 {
				if left--; left == 0 {
					return h
				}
			}
		}
		select {
		case <-changed:
		case <-timeout:
			p.t.Fatalf("%d adverts of side %d for %v did not come", left, side, key)
		}
	}
}

// change waits until a side claims addresses that the other had, and returns the other's last advert before that, and the claim.
func (p *tap) change(key Key, side int, since time.Time) (last, first heard) {
	p.t.Helper()
	first = p.claims(key, side, 1, since)
	last.side = -1
	for _, h := range p.all(key, time.Time{}) {
		if h.side != side && h.at.Before(first.at) {
			last = h
		}
	}
	if last.side < 0 {
		p.t.Fatalf("nobody had %v before", key)
	}
	return last, first
}

// sound fails for adverts that are not whole.
func (p *tap) sound() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.list {
		if h.err != nil {
			p.t.Errorf("side %d sent %x: %v", h.side, []byte(h.frame), h.err)
		}
	}
}
