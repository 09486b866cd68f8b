package netif

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// answer is what a watch of these tests reads: each time the next one, the last again and again.
type answer struct {
	links map[string]Link
	err   error
}

func runWatch(t *testing.T, patience time.Duration, notify int, answers ...answer) (reports chan map[string]Link, ended chan error, cancel func()) {
	t.Helper()
	end := eventfd(t)
	reports, ended = make(chan map[string]Link, 100), make(chan error, 1)
	w := watch{monitor: monitor(notify), end: end, patience: patience, report: func(l map[string]Link) { reports <- l },
		read: func() (map[string]Link, error) {
			a := answers[0]
			if len(answers) > 1 {
				answers = answers[1:]
			}
			return a.links, a.err
		}}
	ctx, stop := context.WithCancel(context.Background())
	go func() { ended <- w.run(ctx) }()
	cancel = func() {
		stop()
		_, _ = unix.Write(end, binary.NativeEndian.AppendUint64(nil, 1))
	}
	t.Cleanup(cancel)
	return reports, ended, cancel
}

func eventfd(t *testing.T) int {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestWatchReadsAgain: a table that could not be read is read again at once, not when the next
// interface changes.
func TestWatchReadsAgain(t *testing.T) {
	down, up := map[string]Link{"eth0": {Index: 1}}, map[string]Link{"eth0": {Index: 1, Up: true}}
	notify := eventfd(t)
	reports, ended, cancel := runWatch(t, patience, notify,
		answer{err: unix.ENOBUFS}, answer{links: down}, answer{err: unix.ENOBUFS}, answer{err: unix.ENOBUFS}, answer{links: up})
	next := func(want bool) {
		t.Helper()
		select {
		case l := <-reports:
			if l["eth0"].Up != want {
				t.Errorf("reported %v, want up %v", l, want)
			}
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		case <-time.After(patience):
			t.Fatal("nothing is reported")
		}
	}
	next(false)
	began := time.Now()
	_, _ = unix.Write(notify, binary.NativeEndian.AppendUint64(nil, 1))
	next(true)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("the change was seen after %v", took)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestWatchGivesUp: a watch that has been blind for too long says so, and not before.
func TestWatchGivesUp(t *testing.T) {
	const blind = 300 * time.Millisecond
	began := time.Now()
	_, ended, _ := runWatch(t, blind, eventfd(t), answer{err: unix.ENOBUFS})
	select {
	case err := <-ended:
		if !errors.Is(err, unix.ENOBUFS) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took < blind {
			t.Errorf("gave up after %v", took)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

// TestWatchForgives: failures that are long over do not add up.
func TestWatchForgives(t *testing.T) {
	const blind = 300 * time.Millisecond
	links := map[string]Link{"eth0": {Index: 1}}
	notify := eventfd(t)
	var answers []answer
	for range 10 {
		answers = append(answers, answer{err: unix.ENOBUFS}, answer{links: links})
	}
	_, ended, cancel := runWatch(t, blind, notify, answers...)
	for range 9 {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		case <-time.After(blind / 5):
		}
		_, _ = unix.Write(notify, binary.NativeEndian.AppendUint64(nil, 1))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
