package check

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// openDescriptors counts this process's open file descriptors.
func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// settle waits until no more than the given numbers of goroutines and descriptors are left.
func settle(t testing.TB, goroutines, fds int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		g, f := runtime.NumGoroutine(), openDescriptors(t)
		if g <= goroutines && f <= fds {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines and %d descriptors are left, were %d and %d", g, f, goroutines, fds)
		}
	}
}

// Whatever the servers do to 2,000 probes, nothing of them stays.
func TestProbesLeaveNothing(t *testing.T) {
	const pause = 10 * time.Millisecond
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	quiet, dripping := serve(t, silent), serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", "x", pause))
	targets := []struct {
		spec Spec
		ends bool // by its deadline only
	}{
		{spec(TCP, quiet, 10*time.Second), false},
		{spec(TCP, closedPort(t), 10*time.Second), false},
		{spec(TCP, fullBacklog(t), pause), true},
		{spec(HTTP, webServer(t, false, ok), 10*time.Second), false},
		{spec(HTTP, serve(t, serveReset), 10*time.Second), false},
		{spec(HTTP, serve(t, answer("nonsense")), 10*time.Second), false},
		{spec(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 8<<10), 0)), 10*time.Second), false},
		{spec(HTTP, quiet, pause), true},
		{spec(HTTP, dripping, pause), true},
		{spec(HTTPS, webServer(t, true, ok), 10*time.Second), false},
		{spec(HTTPS, quiet, pause), true},
		{spec(HTTPS, serve(t, dripRecord), pause), true},
	}
	p := newProbers()
	e := newSockets(p)
	s := newAskerOf(p, e)
	probeAll := func(times int) {
		var running sync.WaitGroup
		limit := make(chan struct{}, 32)
		for i := range times {
			target := targets[i%len(targets)]
			limit <- struct{}{}
			running.Go(func() {
				defer func() { <-limit }()
				if r := s.once(target.spec); target.ends && r.err == nil {
					t.Errorf("%v is healthy, want a timeout", target.spec)
				}
			})
		}
		running.Wait()
	}
	goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
	probeAll(2000)
	settle(t, goroutines, fds+2*spareSockets)
	s.Close()
	settle(t, goroutines, fds)
	if e.descriptors.open != 0 {
		t.Errorf("%d descriptors are still counted", e.descriptors.open)
	}
}

// A set of many checks on real servers ends whole, in the middle of its probes.
func TestSetLeavesNothing(t *testing.T) {
	quiet, full := serve(t, silent), fullBacklog(t)
	goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
	all := map[Spec]struct{}{}
	for i := range 300 {
		for _, kind := range []Kind{TCP, HTTP, HTTPS} {
			s := spec(kind, quiet, time.Minute)
			if i%2 == 0 {
				s.Addr = full
			}
			s.Interval = 100*time.Millisecond + time.Duration(i) // distinct specs
			all[s] = struct{}{}
		}
	}
	var r reports
	s := NewSet(r.options())
	s.Apply(all)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		known := 0
		for spec, v := range s.Verdicts() {
			if v.Known && spec.Kind == TCP {
				known++
			}
		}
		if known == 150 { // the TCP checks of the server that accepts; all others hang
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d checks have a verdict after 10 s, want 150", known)
		}
	}
	s.Close()
	settle(t, goroutines, fds)
	if changes := r.take(); changes != nil {
		t.Errorf("got %v, want no change", changes)
	}
}
