// Package control is the unix socket through which subcommands talk to a running lvsd: the
// server, and a client for it.
package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrRunning says that another lvsd works with the same run directory.
var ErrRunning = errors.New("another lvsd runs with this directory")

// RunDir is a run directory that belongs to this process until Release.
type RunDir struct {
	path string
	lock *os.File
}

// Claim creates the directory if it is missing and takes it for this process, whose id it writes
// into lvsd.pid there. Errors wrap ErrRunning, or the file system's.
func Claim(dir string) (*RunDir, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lvsd.pid"), os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("use run directory: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrRunning
		}
		return nil, fmt.Errorf("use run directory %s: %w", dir, err)
	}
	if err := writePID(lock); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("use run directory: %w", err)
	}
	return &RunDir{dir, lock}, nil
}

// Release gives the directory up, and removes the socket in it.
func (r *RunDir) Release() {
	if path, err := socket(r.path); err == nil {
		_ = os.Remove(path)
	}
	_ = r.lock.Close()
}

// socket is the path of the control socket in a run directory. The error is of a path that no
// socket can have (unix(7)).
func socket(dir string) (string, error) {
	path := filepath.Join(dir, "lvsd.sock")
	if most := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return "", fmt.Errorf("%s: a socket's path has %d bytes at most, this one has %d: use a shorter run directory",
			path, most, len(path))
	}
	return path, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}
