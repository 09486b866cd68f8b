// Package replace writes files that a reader, or a process after a crash, finds as they were or as
// they are meant to be, and never in between.
package replace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Bytes replaces the content of a file, as File does.
func Bytes(path string, content []byte) error {
	return File(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// File replaces a file by what write writes, which is buffered. The new one, of mode 0600, is made
// as .NAME.new in the same directory and renamed (rename(2)); whatever else has that name, such as what a
// crash left, goes. After an error the old file is as it was, and nothing is left of the new one.
//
// Nothing is synced to the disk: it is for what is true for one boot of the machine. A path has one
// writer at a time; of two processes that write at once, one gets an error.
func File(path string, write func(io.Writer) error) error {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	// A named pipe that stands there would hold whoever opens it.
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	buffer := bufio.NewWriter(f)
	if err = write(buffer); err == nil {
		err = buffer.Flush()
	}
	ours := isAt(f, next)
	err = errors.Join(err, f.Close())
	if err == nil && !ours {
		err = errors.New("another process writes it")
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		if ours {
			_ = os.Remove(next)
		}
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}

// isAt says whether an open file is the one with a name.
func isAt(f *os.File, name string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(name)
	return err == nil && os.SameFile(open, named)
}
