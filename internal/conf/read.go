package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/hashicorp/hcl/v2"
)

// maxSize bounds one file and all files of a configuration together, in bytes.
const maxSize = 64 << 20

// reader reads the files of one configuration and keeps them for the diagnostics.
type reader struct {
	files map[string]*hcl.File
	size  int64
	named bool // the configuration names files itself
}

func newReader() *reader { return &reader{files: map[string]*hcl.File{}} }

// Read returns the bytes of a regular file. It never waits, not even for a FIFO.
func (r *reader) Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plain(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, plain(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	tooLarge := fmt.Errorf("too large: a configuration has at most %d MiB", maxSize>>20)
	if info.Size() > maxSize-r.size {
		return nil, tooLarge
	}
	// The file may grow while it is read.
	src, err := io.ReadAll(io.LimitReader(f, maxSize-r.size+1))
	if err != nil {
		return nil, plain(err)
	}
	if r.size += int64(len(src)); r.size > maxSize {
		return nil, tooLarge
	}
	r.files[path] = &hcl.File{Bytes: src}
	return src, nil
}

// once is Read for a file that may be named many times.
func (r *reader) once(path string) ([]byte, error) {
	r.named = true
	if f := r.files[path]; f != nil {
		return f.Bytes, nil
	}
	return r.Read(path)
}

func regular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("it is a directory; name a file")
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("it is a FIFO; name a regular file")
	default:
		return errors.New("it is not a regular file")
	}
}

// plain leaves of an error what its reader does not see already: the path stands before it.
func plain(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
