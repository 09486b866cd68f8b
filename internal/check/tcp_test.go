package check

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"
)

const short = 300 * time.Millisecond

func TestTCPProbe(t *testing.T) {
	refusing := closedPort(t)
	for _, c := range []struct {
		name string
		addr netip.AddrPort
		want string
	}{
		{"accepts", serve(t, silent), ""},
		{"listens but does not accept yet", bound(t, 5), ""},
		{"refuses", refusing, "connect " + refusing.String() + ": connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, probeOnce(t, spec(TCP, c.addr, 5*time.Second)), c.want) })
	}
}

func TestTCPProbeEndsByItsDeadline(t *testing.T) {
	addr := fullBacklog(t)
	start := time.Now()
	wantError(t, probeOnce(t, spec(TCP, addr, short)), "connect "+addr.String()+": no answer within 300ms")
	if took := time.Since(start); took < short {
		t.Errorf("gave up after %v, before its timeout", took)
	}
}

// A connection that was accepted counts, whether its reset is seen or not: the verdict must not
// depend on who is faster.
func TestTCPProbeOfAServerThatResets(t *testing.T) {
	addr := serve(t, reset(0))
	for range 500 {
		wantError(t, probeOnce(t, spec(TCP, addr, 5*time.Second)), "")
	}
}

// The server's program hears of no probe that wants no more than to be accepted, and neither side
// keeps anything of it.
func TestTCPProbeResets(t *testing.T) {
	seen := make(chan struct{}, 1000)
	addr := serve(t, func(conn net.Conn) { seen <- struct{}{} })
	a := newAsker()
	defer a.Close()
	for range 500 {
		if err := a.once(spec(TCP, addr, 5*time.Second)).err; err != nil {
			t.Fatal(err)
		}
	}
	if n := len(seen); n > 50 { // a busy machine may send the ACK before the reset
		t.Errorf("%d of 500 probes were accepted by the program", n)
	}
}

func TestProbesEndWhenCancelled(t *testing.T) {
	quiet := serve(t, silent)
	for _, s := range []Spec{
		spec(TCP, fullBacklog(t), time.Hour),
		spec(HTTP, quiet, time.Hour),
		spec(HTTPS, quiet, time.Hour),
		spec(HTTP, serve(t, repeat("HTTP/1.1 200 OK\r\n\r\n", "x", 10*time.Millisecond)), time.Hour),
	} {
		a := newAsker()
		heard := a.begin(s)
		select {
		case r := <-heard:
			t.Errorf("%v ended by itself: %v", s, r.err)
		case <-time.After(50 * time.Millisecond):
		}
		a.mu.Lock()
		probes := slices.Collect(maps.Keys(a.waiting))
		a.mu.Unlock()
		a.Set.mu.Lock()
		a.stop(probes[0])
		a.Set.mu.Unlock()
		done := make(chan struct{})
		go func() {
			a.Close()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%v does not end when it is stopped", s)
		}
	}
}

// Without descriptors nothing is known of the target: a fault of ours.
func TestNoDescriptors(t *testing.T) { testNoDescriptors(t, TCP, HTTP, HTTPS) }

func testNoDescriptors(t *testing.T, kinds ...Kind) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	addr := serve(t, silent)
	a := newAsker()
	defer a.Close()
	none := limit
	none.Cur = 3
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	errs := map[Kind]error{}
	for _, kind := range kinds {
		errs[kind] = a.once(spec(kind, addr, time.Second)).err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for kind, err := range errs {
		var f *fault
		if !errors.As(err, &f) || f.cause != syscall.EMFILE {
			t.Errorf("%v: got %v, want a fault for want of descriptors", kind, err)
		}
	}
	wantError(t, probeOnce(t, spec(TCP, addr, 5*time.Second)), "")
}

func TestUnknownKindIsAFault(t *testing.T) {
	var f *fault
	if err := probeOnce(t, spec(99, closedPort(t), time.Second)); !errors.As(err, &f) {
		t.Errorf("got %v, want a fault", err)
	}
}
