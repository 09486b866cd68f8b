package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
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

// The server sees a reset, not a FIN: nobody is left in TIME_WAIT.
func TestTCPProbeResets(t *testing.T) {
	seen := make(chan error, 1)
	addr := serve(t, func(conn net.Conn) {
		_, err := conn.Read(make([]byte, 1))
		seen <- err
	})
	wantError(t, probeOnce(t, spec(TCP, addr, 5*time.Second)), "")
	select {
	case err := <-seen:
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the server read %v, want a reset", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the server saw no end of the connection")
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
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- newProbers().probe(ctx, s) }()
		select {
		case err := <-done:
			t.Errorf("%v ended by itself: %v", s, err)
		case <-time.After(50 * time.Millisecond):
		}
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%v does not end when cancelled", s)
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
	none := limit
	none.Cur = 3
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	errs := map[Kind]error{}
	for _, kind := range kinds {
		errs[kind] = probeOnce(t, spec(kind, addr, time.Second))
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
