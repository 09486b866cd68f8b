package check

import (
	"os"
	"syscall"
)

const (
	// spareFiles is how many descriptors are left to the rest of the process.
	spareFiles = 200
	// perGoroutine is how many descriptors a probe with a goroutine of its own may have open: a socket, or
	// a program's pipes.
	perGoroutine = 4
)

// errDescriptors says that probes have as many descriptors open as they may.
var errDescriptors = os.NewSyscallError("socket", syscall.EMFILE)

// descriptors counts those that probes have open, under the lock of their set: the rest of the process needs
// some too, and without them an answer could not be given or a socket of the kernel's not be opened.
type descriptors struct {
	open, most int
	reclaim    func() bool // closes one that is kept for later; false where there is none
}

// newDescriptors returns those that the process may have (RLIMIT_NOFILE in getrlimit(2)).
func newDescriptors() *descriptors {
	d := &descriptors{most: 1 << 30, reclaim: func() bool { return false }}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		may := int(min(limit.Cur, 1<<30))
		d.most = max(may-spareFiles, may/2)
	}
	return d
}

// reserve counts n more; false where they are too many.
func (d *descriptors) reserve(n int) bool {
	for d.open+n > d.most {
		if !d.reclaim() {
			return false
		}
	}
	d.open += n
	return true
}

// release counts n less.
func (d *descriptors) release(n int) { d.open -= n }
