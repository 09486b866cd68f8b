package director

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxRunFile bounds a file of the run directory that is read, in bytes.
const maxRunFile = 16 << 20

// readRunFile reads a file that a process before wrote into the run directory; nil is that there is none.
func readRunFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxRunFile:
		return nil, fmt.Errorf("it is not a regular file of %d MiB at most", maxRunFile>>20)
	}
	return os.ReadFile(path)
}
