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

// reported keeps what a queue says.
type reported struct {
	mu   sync.Mutex
	errs []string
}

func (r *reported) add(subject string, _ Command, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, subject+": "+err.Error())
}

func (r *reported) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errs)
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// What is told of one subject comes in order, whatever each takes; nobody waits for another subject.
func TestQueueKeepsTheOrder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	write := program(t, `sleep "$2"; echo "$1" >> `+out)
	var r reported
	q := NewQueue(time.Minute, r.add)
	var want []string
	for n := range 8 {
		pause := "0"
		if n%3 == 0 {
			pause = "0.05"
		}
		q.Add("a", Command{Line: write.Line.With(fmt.Sprint(n), pause)})
		want = append(want, fmt.Sprint(n))
	}
	block := program(t, "exec sleep 60")
	q.Add("b", block)
	eventually(t, "all of a", func() bool {
		text, _ := os.ReadFile(out)
		return strings.Count(string(text), "\n") == len(want)
	})
	if got := lines(t, out); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	q.Close(within(t, 10*time.Millisecond)) // which ends b
	if got := r.all(); len(got) != 1 || !strings.HasPrefix(got[0], "b: ") {
		t.Errorf("%q", got)
	}
	q.Add("a", write)
}

// One that fails, cannot be started or takes too long is told, and those behind it run.
func TestQueueGoesOn(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	var r reported
	q := NewQueue(200*time.Millisecond, r.add)
	q.Add("a", program(t, "exit 3"))
	q.Add("a", Command{Line: NewLine("/nonexistent/program")})
	q.Add("a", program(t, "exec sleep 60"))
	q.Add("a", Command{})
	q.Add("a", program(t, "echo done > "+out))
	q.Close(within(t, 20*time.Second))
	if got := lines(t, out); !slices.Equal(got, []string{"done"}) {
		t.Errorf("%v", got)
	}
	got := r.all()
	if len(got) != 3 || got[0] != "a: exit status 3" || !strings.Contains(got[1], "no such file") || !strings.Contains(got[2], "timed out") {
		t.Errorf("%q", got)
	}
}

// A program that hangs does not make the queue grow without end.
func TestQueueIsBounded(t *testing.T) {
	var r reported
	q := NewQueue(time.Minute, r.add)
	hang := program(t, "exec sleep 60")
	for range maxWaiting + 10 {
		q.Add("a", hang)
	}
	full := 0
	for _, e := range r.all() {
		if e == "a: "+ErrFull.Error() {
			full++
		}
	}
	if full < 9 || full > 10 {
		t.Errorf("%d were not taken", full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.Close(ctx)
	if last := r.all()[len(r.all())-1]; !strings.Contains(last, context.Canceled.Error()) && !errors.Is(ctx.Err(), context.Canceled) {
		t.Error(last)
	}
}
