package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// history keeps what was reported.
type history struct {
	mu   sync.Mutex
	rans []Ran
}

func (h *history) add(r Ran) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rans = append(h.rans, r)
}

func (h *history) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rans)
}

// noting is a program that notes its arguments in a file, and waits there for another file if it is
// told to.
func noting(t *testing.T) (note func(words ...string) Command, noted func() []string, release func()) {
	t.Helper()
	dir := t.TempDir()
	c := program(t, `cd $1; shift
echo "$*" >> notes
if [ "$1" = slow ]; then while ! [ -e go ]; do sleep 0.02; done; fi
[ "$1" != bad ]`, dir)
	note = func(words ...string) Command { return Command{Line: c.Line.With(words...)} }
	noted = func() []string {
		text, _ := os.ReadFile(filepath.Join(dir, "notes"))
		return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	}
	return note, noted, func() {
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func closed(t *testing.T, q *Latest) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	q.Close(ctx)
}

// What waits is the newest alone; what runs is not disturbed, nor what runs for another key.
func TestLatestKeepsTheOrder(t *testing.T) {
	note, noted, release := noting(t)
	var h history
	q := NewLatest(time.Minute, h.add)
	q.Put("a", "label a", note("slow", "1"))
	eventually(t, "the first runs", func() bool { return len(noted()) == 1 })
	for n := 2; n < 7; n++ {
		q.Put("a", "label a", note(fmt.Sprint(n)))
	}
	q.Put("b", "label b", note("b"))
	eventually(t, "the other key's ran", func() bool { return h.count() == 1 })
	if got := noted(); !slices.Equal(got, []string{"slow 1", "b"}) {
		t.Errorf("%q", got)
	}
	release()
	eventually(t, "all ran", func() bool { return h.count() == 3 })
	if got := noted(); !slices.Equal(got, []string{"slow 1", "b", "6"}) {
		t.Errorf("%q", got)
	}
	q.Put("a", "label a", note("bad"))
	closed(t, q)
	if r := h.rans[3]; r.Status != 1 || r.Err != nil || r.Label != "label a" || r.Took <= 0 {
		t.Errorf("%+v", r)
	}
	q.Put("a", "label a", note("late"))
	closed(t, q)
	if got := noted(); slices.Contains(got, "late") {
		t.Errorf("%q", got)
	}
}

// A program that hangs is ended when another has waited for long enough, and the other runs.
func TestLatestIsImpatient(t *testing.T) {
	note, noted, _ := noting(t)
	var h history
	q := NewLatest(300*time.Millisecond, h.add)
	begin := time.Now()
	q.Put("a", "label a", note("slow"))
	eventually(t, "it runs", func() bool { return len(noted()) == 1 })
	q.Put("a", "label a", note("2"))
	eventually(t, "both are over", func() bool { return h.count() == 2 })
	if r := h.rans[0]; !errors.Is(r.Err, context.Canceled) || r.Took < 300*time.Millisecond {
		t.Errorf("%+v", r)
	}
	if took := time.Since(begin); took < 300*time.Millisecond {
		t.Errorf("after %v", took)
	}
	if got := noted(); !slices.Equal(got, []string{"slow", "2"}) {
		t.Errorf("%q", got)
	}
	closed(t, q)
}

// At the end what waits is run, what others wait for is ended, and all is ended in time.
func TestLatestEnds(t *testing.T) {
	note, noted, _ := noting(t)
	var h history
	q := NewLatest(time.Hour, h.add)
	q.Put("a", "label a", note("slow"))
	q.Put("b", "label b", note("slow"))
	eventually(t, "they run", func() bool { return len(noted()) == 2 })
	q.Put("a", "label a", note("last"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	begin := time.Now()
	q.Close(ctx)
	if took := time.Since(begin); took < 2*time.Second || took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := noted(); !slices.Equal(got, []string{"slow", "slow", "last"}) {
		t.Errorf("%q", got)
	}
	if h.count() != 3 {
		t.Errorf("%+v", h.rans)
	}
}
