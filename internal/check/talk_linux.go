package check

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// talk is what connections need for HTTP/1, once for all of them.
type talk struct {
	probers *probers
	buffer  []byte // a response, until it is judged
	part    part
	limited io.LimitedReader
	reader  *bufio.Reader
}

const (
	// talkBuffer is the room for a response that is judged without a goroutine of its own; of one
	// that comes in parts, maxHeard bytes in maxParts are kept, and of one in which an expression is
	// looked for maxMatched, since others wait. Any other one is handed over. All but maxParts are in
	// bytes.
	talkBuffer = 64 << 10
	maxHeard   = 16 << 10
	maxMatched = 4 << 10
	maxParts   = 4
)

func newTalk(p *probers) *talk { return &talk{probers: p, reader: bufio.NewReader(nil)} }

// part is what has come of a response, as a reader that ends with an error.
type part struct {
	rest []byte
	end  error
	read bool // to its end
}

// errIncomplete says that there may be more to come.
var errIncomplete = errors.New("the response is not complete")

func (p *part) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		p.read = true
		return 0, p.end
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// judge judges what has come of a response; the error is errIncomplete where that is not enough.
func (t *talk) judge(q HTTPRequest, heard []byte, end error) (unwanted string, err error) {
	t.part = part{rest: heard, end: end}
	t.limited.R = &t.part
	t.reader.Reset(&t.limited)
	unwanted, err = t.probers.readHTTP1(q, &t.limited, t.reader)
	if err != nil && t.part.read && errors.Is(end, errIncomplete) {
		err = errIncomplete // a line that is cut off is an error of another name
	}
	return unwanted, err
}

// ask sends the request; false is the end of the probe.
func (c *connections) ask(id int32) bool {
	f := &c.flights[id]
	spec := f.check.spec
	q, _ := spec.Detail.Request().(HTTPRequest)
	text := q.text(spec.Addr)
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(f.fd), uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)))
	switch {
	case errno != 0 && errno != unix.EAGAIN:
		c.end(id, failure("GET "+q.target(), os.NewSyscallError("write", errno)))
		return false
	case errno != 0 || int(n) < len(text): // a request that is longer than the socket's buffer
		if errno != 0 {
			n = 0
		}
		c.handOver(id, text[n:], nil, errIncomplete)
		return false
	}
	return true
}

// hear reads what has come of a response.
func (c *connections) hear(id int32) {
	f := &c.flights[id]
	spec := f.check.spec
	q, _ := spec.Detail.Request().(HTTPRequest)
	if c.talk.buffer == nil {
		c.talk.buffer = make([]byte, talkBuffer)
	}
	b := append(c.talk.buffer[:0], f.heard...)
	for {
		room := b[len(b):cap(b)]
		end := errIncomplete
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(f.fd), uintptr(unsafe.Pointer(unsafe.SliceData(room))), uintptr(len(room)))
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN && len(b) == len(f.heard):
			return
		case errno == unix.EAGAIN && len(b) <= maxHeard && f.parts < maxParts:
			f.heard = slices.Clone(b)
			f.parts++
			return
		case errno == unix.EAGAIN:
			c.handOver(id, "", b, end)
			return
		case errno != 0:
			end = os.NewSyscallError("read", errno)
		case n == 0:
			end = io.EOF
		}
		if errno == 0 {
			b = b[:len(b)+int(n)]
		}
		if len(b) > maxMatched && q.Match != (Match{}) {
			c.handOver(id, "", b, end)
			return
		}
		unwanted, err := c.talk.judge(q, b, end)
		switch {
		case !errors.Is(err, errIncomplete):
			c.end(id, responseError(context.Background(), spec, q, unwanted, err))
			return
		case len(b) == cap(b):
			c.handOver(id, "", b, end)
			return
		}
	}
}

// handOver gives a connection to a goroutine of its own, which says the rest of the request and hears
// that of the response, unless its end is known. The descriptor goes with it.
func (c *connections) handOver(id int32, say string, heard []byte, end error) {
	f := &c.flights[id]
	check := f.check
	spec := check.spec
	q, _ := spec.Detail.Request().(HTTPRequest)
	_ = unix.EpollCtl(c.poller.epoll, unix.EPOLL_CTL_DEL, f.fd, nil)
	file := os.NewFile(uintptr(f.fd), "connection")
	dialed, err := net.FileConn(file)
	file.Close()
	c.forget(f)
	c.vacate(id)
	if err != nil {
		c.descriptors.release(1)
		c.endings.end(check, failure("GET "+q.target(), err))
		return
	}
	heard = slices.Clone(heard)
	shared := c.talk.probers
	c.endings.over = append(c.endings.over, ending{c: check, rest: func(ctx context.Context) error {
		conn := dialed.(*net.TCPConn)
		defer conn.Close()
		defer cutOff(ctx, conn)()
		err := conn.SetLinger(0)
		if err == nil {
			_, err = io.WriteString(conn, say)
		}
		var unwanted string
		if err == nil {
			more := io.Reader(conn)
			if !errors.Is(end, errIncomplete) {
				more = &part{end: end}
			}
			limited := &io.LimitedReader{R: io.MultiReader(bytes.NewReader(heard), more)}
			unwanted, err = shared.readHTTP1(q, limited, bufio.NewReader(limited))
		}
		return responseError(ctx, spec, q, unwanted, err)
	}})
}
