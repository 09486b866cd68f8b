package track

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// How long it takes until a file is looked at again of itself: while inotify(7) tells of changes, for
// the filesystems of which it does not know; and while it does not, as when the directory is missing.
const (
	fileRefresh = 10 * time.Second
	filePoll    = time.Second
	// fileEmpty is how long a file may be empty before that is its content: most writers empty it
	// first.
	fileEmpty = 100 * time.Millisecond
)

func (f File) watch(ctx context.Context, last Reading, report func(Reading)) {
	r := Reading{State: last.State, Value: last.Value}
	if f.Init && last.State == Unknown {
		if r.Fault = f.init(); r.Fault != nil {
			report(r)
		}
	}
	for ctx.Err() == nil {
		w, err := watchDirectory(filepath.Dir(f.Path), filepath.Base(f.Path))
		wait := fileRefresh
		if err != nil {
			wait, w = filePoll, &directoryWatch{}
		}
		var since time.Time // when it was first seen empty
		for again := true; again; {
			v, empty, fault := f.read()
			next := wait
			if !empty {
				since = time.Time{}
			} else if since.IsZero() {
				since = time.Now()
			}
			patience := empty && time.Since(since) < fileEmpty
			switch {
			case fault != nil:
				r.Fault = fault
				report(r)
			case patience:
				next = fileEmpty
			default:
				r = Reading{State: Up, Value: v}
				report(r)
			}
			timer := time.NewTimer(next)
			select {
			case <-ctx.Done():
				again = false
			case _, again = <-w.changed: // closed when the directory is gone
			case <-timer.C:
				again = err == nil || patience
			}
			timer.Stop()
		}
		w.close()
	}
}

// read is the file's value; empty is that it is there with nothing in it.
func (f File) read() (v int, empty bool, err error) {
	file, err := os.OpenFile(f.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, false, err
	}
	if !info.Mode().IsRegular() {
		return 0, false, fmt.Errorf("%s is no regular file", f.Path)
	}
	var text [maxFile]byte
	n, err := file.Read(text[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, err
	}
	return value(string(text[:n])), n == 0, nil
}

// init makes the file, or overwrites it.
func (f File) init() error {
	how := os.O_EXCL
	if f.Overwrite {
		how = os.O_TRUNC
	}
	// Whoever may write to the directory must not have lvsd write elsewhere.
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK|how, 0o644)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(file, f.InitValue); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// directoryWatch tells that a file of a directory has another content.
type directoryWatch struct {
	changed chan struct{} // closed when there is nothing more to tell
	file    *os.File
	reading sync.WaitGroup
}

// watchDirectory watches the directory, since a file that is replaced is another file. A file counts
// when it is written, not while it is.
func watchDirectory(dir, name string) (*directoryWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create inotify instance: %w", err)
	}
	_, err = unix.InotifyAddWatch(fd, dir, unix.IN_ONLYDIR|unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_MOVED_FROM|
		unix.IN_DELETE|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_ATTRIB)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	w := &directoryWatch{changed: make(chan struct{}, 1), file: os.NewFile(uintptr(fd), "inotify")}
	w.reading.Go(func() { w.read(name) })
	return w, nil
}

func (w *directoryWatch) close() {
	if w.file != nil {
		_ = w.file.Close()
	}
	w.reading.Wait()
}

// read reads what inotify tells until the directory is gone or the watch is closed.
func (w *directoryWatch) read(name string) {
	defer close(w.changed)
	buf := make([]byte, 64*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		ours, gone := events(buf[:n], name)
		if gone {
			return
		}
		if ours {
			select {
			case w.changed <- struct{}{}:
			default:
			}
		}
	}
}

// events tells whether one of the events is about the name, and whether the directory is gone.
func events(buf []byte, name string) (ours, gone bool) {
	for len(buf) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(buf[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		if size > len(buf) {
			break
		}
		of := strings.TrimRight(string(buf[unix.SizeofInotifyEvent:size]), "\x00")
		ours = ours || of == name || mask&unix.IN_Q_OVERFLOW != 0
		gone = gone || mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0
		buf = buf[size:]
	}
	return ours, gone
}
