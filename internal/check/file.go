package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// FileRequest is a file with a number in it that speaks for a server.
type FileRequest struct {
	Path string
	// Factor times the number is added to the server's weight. With 0, another number than 0 says
	// that the server is down.
	Factor int
}

// Words are what the request says in keepalived's words.
func (q FileRequest) Words() []Word {
	return []Word{{Name: "file", Value: q.Path}, {Name: "weight", Value: strconv.Itoa(q.Factor)}}
}

func (q FileRequest) suffix() string { return q.Path }

const (
	// maxNumber is how much of a file is looked at, in bytes.
	maxNumber = 128
	// rewriting is how long a file may be empty while somebody writes it.
	rewriting = 100 * time.Millisecond
	// faultOffset is what makes a server fail instead of taking weight from it.
	faultOffset = -1 << 31
)

// probeFile reads the number in a file. A file that is not there has a 0 in it.
func probeFile(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(FileRequest)
	text, err := readNumber(q.Path)
	if err == nil && text == "" {
		select {
		case <-time.After(rewriting):
		case <-ctx.Done():
		}
		text, err = readNumber(q.Path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = ""
	case err != nil:
		return &fault{op: "read " + q.Path, cause: err}
	}
	value := leadingNumber(text)
	offset := value * q.Factor
	switch {
	case q.Factor == 0 && value != 0:
		return fmt.Errorf("%s says %d, want 0", q.Path, value)
	case offset <= faultOffset:
		return fmt.Errorf("%s says %d, which is %d times the weight", q.Path, value, q.Factor)
	}
	note(ctx, func(f *Finding) { f.Offset = offset })
	return nil
}

// readNumber reads the beginning of a file, and waits for nobody: not for the writer of a FIFO.
func readNumber(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", syscall.EINVAL
	}
	text, err := io.ReadAll(io.LimitReader(f, maxNumber))
	return strings.TrimSpace(string(text)), err
}

// leadingNumber is the number that a text begins with, 0 if it begins with none. What is out of the
// range of 32 bits counts as its end.
func leadingNumber(text string) int {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	v, _ := strconv.ParseInt(text[:end], 10, 32) // beyond the range it is the range's end
	return int(v)
}
