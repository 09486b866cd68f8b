package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// errAnswered ends the relay: the guest has said how the program ended.
var errAnswered = errors.New("answered")

// relay passes the guest's output on until the marker, after which the exit code stands.
type relay struct {
	to     io.Writer
	marker []byte
	held   []byte // output not passed on yet because it may be the beginning of the marker
	first  time.Time
	code   int
}

func (r *relay) Write(p []byte) (int, error) {
	if r.first.IsZero() {
		r.first = time.Now()
	}
	r.held = append(r.held, p...)
	at := bytes.Index(r.held, r.marker)
	if at < 0 {
		at = len(r.held) - overlap(r.held, r.marker)
	}
	if _, err := r.to.Write(r.held[:at]); err != nil {
		return 0, err
	}
	r.held = r.held[at:]
	answer, ok := bytes.CutPrefix(r.held, r.marker)
	if !ok {
		return len(p), nil
	}
	number, _, ok := bytes.Cut(answer, []byte("\n"))
	if !ok {
		return len(p), nil
	}
	code, err := strconv.Atoi(string(number))
	if err != nil {
		return 0, fmt.Errorf("read the guest's answer: %w", err)
	}
	r.code = code
	return len(p), errAnswered
}

// overlap is the length of the longest end of b that begins the marker.
func overlap(b, marker []byte) int {
	n := min(len(b), len(marker))
	for n > 0 && !bytes.HasSuffix(b, marker[:n]) {
		n--
	}
	return n
}
