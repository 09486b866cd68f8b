package script

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// outputKept is how many bytes are kept of what a program writes to its standard output and error:
// the last ones, which mostly say why it failed.
const outputKept = 200

// output keeps the end of what a program writes. It is read for as long as anybody may write: who
// is left behind when the program has ended may go on to, until close.
type output struct {
	file *os.File
	raw  syscall.RawConn

	mu   sync.Mutex
	tail []byte
	cut  bool // there was more before tail
}

// newOutput returns one, and the end of its pipe that the program is to have and the caller to
// close.
func newOutput() (*output, *os.File, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "output") // which blocks, as programs expect
	err := unix.SetNonblock(fds[0], true)
	o := &output{file: os.NewFile(uintptr(fds[0]), "output")}
	if err == nil {
		o.raw, err = o.file.SyscallConn()
	}
	if err != nil {
		_, _ = o.file.Close(), theirs.Close()
		return nil, nil, fmt.Errorf("read a pipe: %w", err)
	}
	go o.read()
	return o, theirs, nil
}

// read reads until nobody can write any more.
func (o *output) read() {
	_ = o.raw.Read(o.drain)
	_ = o.file.Close()
}

// drain takes what there is. over is false where more may come.
func (o *output) drain(fd uintptr) (over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var buffer [4096]byte
	for {
		switch n, err := unix.Read(int(fd), buffer[:]); {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case err != nil || n == 0:
			return true
		default:
			o.tail = append(o.tail, buffer[:n]...)
			if more := len(o.tail) - outputKept; more > 0 {
				o.tail, o.cut = append(o.tail[:0], o.tail[more:]...), true
			}
		}
	}
}

// finish takes what a program wrote that has ended.
func (o *output) finish() {
	_ = o.raw.Control(func(fd uintptr) { o.drain(fd) })
}

// close has nobody write any more. It may be called again.
func (o *output) close() { _ = o.file.Close() }

// String is what was kept, in one line.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.tail
	for o.cut && len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	line := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(text), "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if o.cut {
		line = "…" + line
	}
	return line
}
