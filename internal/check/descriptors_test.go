package check

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// newBounded returns an asker whose probes have so many descriptors, and its engine.
func newBounded(most int) (*asker, *sockets) {
	shared := newProbers()
	engine := newSockets(shared)
	engine.most = most
	return newAskerOf(shared, engine), engine
}

// waitOpen waits until probes have so many descriptors.
func (a *asker) waitOpen(t *testing.T, e *sockets, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		a.Set.mu.Lock()
		open := e.descriptors.open
		a.Set.mu.Unlock()
		if open == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("probes have %d descriptors, want %d", open, want)
		}
	}
}

func wantNoDescriptors(t *testing.T, err error) {
	t.Helper()
	var f *fault
	if !errors.As(err, &f) || f.cause != syscall.EMFILE {
		t.Errorf("got %v, want a fault for want of descriptors", err)
	}
}

// Where probes have all descriptors that they may have, nothing is known of the next target, until some are free:
// whether the engine probes or a goroutine does.
func TestDescriptorsAreBounded(t *testing.T) {
	accepting, full, quiet := serve(t, silent), fullBacklog(t), serve(t, silent)
	for name, c := range map[string]struct {
		hangs, next Spec
		each        int
	}{
		"connections":               {spec(TCP, full, 2*time.Second), spec(TCP, accepting, 10*time.Second), 1},
		"goroutines":                {spec(HTTPS, quiet, 2*time.Second), spec(SMTP, quiet, 10*time.Second), perGoroutine},
		"connections by goroutines": {spec(HTTPS, quiet, 2*time.Second), spec(TCP, accepting, 10*time.Second), perGoroutine},
		"goroutines by connections": {spec(TCP, full, 2*time.Second), spec(HTTPS, quiet, 10*time.Second), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, e := newBounded(3 * c.each)
			defer a.Close()
			var hanging []chan result
			for range 3 {
				hanging = append(hanging, a.begin(c.hangs))
			}
			a.waitOpen(t, e, 3*c.each)
			wantNoDescriptors(t, a.once(c.next).err)
			for _, h := range hanging {
				if r := <-h; r.err == nil || isFault(r.err) {
					t.Errorf("got %v, want no answer", r.err)
				}
			}
			a.waitOpen(t, e, 0)
			wantError(t, a.once(spec(TCP, accepting, 10*time.Second)).err, "")
		})
	}
}

// A socket that is kept for the next probe gives way to one that is wanted now.
func TestKeptSocketsGiveWay(t *testing.T) {
	accepting, quiet := serve(t, silent), serve(t, silent)
	a, e := newBounded(perGoroutine)
	defer a.Close()
	wantError(t, a.once(spec(TCP, accepting, 10*time.Second)).err, "")
	a.waitOpen(t, e, 1)
	goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
	if err := a.once(spec(SMTP, quiet, 10*time.Millisecond)).err; err == nil || isFault(err) {
		t.Errorf("got %v, want no greeting", err)
	}
	a.waitOpen(t, e, 0)
	settle(t, goroutines, fds-1)
}

// A response that a goroutine goes on to hear keeps the descriptor that the engine opened.
func TestHandedOverConnectionsAreCounted(t *testing.T) {
	quiet := serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", "xxxx", 10*time.Millisecond))
	a, e := newBounded(10)
	defer a.Close()
	heard := a.begin(spec(HTTP, quiet, time.Second))
	a.waitOpen(t, e, 1)
	if r := <-heard; r.err == nil || isFault(r.err) {
		t.Errorf("got %v, want no complete response", r.err)
	}
	a.waitOpen(t, e, 0)
}

func TestDescriptorsLeaveSome(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	d := newDescriptors()
	if may := int(min(limit.Cur, 1<<30)); d.most <= 0 || d.most >= may {
		t.Errorf("probes may have %d of %d", d.most, may)
	}
	if n := d.most; !d.reserve(n) || d.reserve(1) {
		t.Errorf("not just %d are granted", n)
	}
	d.release(1)
	if !d.reserve(1) {
		t.Error("none is granted after one was released")
	}
}
