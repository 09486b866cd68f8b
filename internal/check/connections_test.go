package check

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// Sockets serve again and again; those that failed, or that were given up, do not.
func TestSocketsServeAgain(t *testing.T) {
	accepting, refusing, full := serve(t, silent), closedPort(t), fullBacklog(t)
	goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
	a := newAsker()
	for i := range 300 {
		if err := a.once(spec(TCP, accepting, 10*time.Second)).err; err != nil {
			t.Fatal(err)
		}
		err := a.once(spec(TCP, refusing, 10*time.Second)).err
		wantError(t, err, "connect "+refusing.String()+": connection refused")
		if i%10 == 0 {
			err := a.once(spec(TCP, full, time.Millisecond)).err
			wantError(t, err, "connect "+full.String()+": no answer within 1ms")
		}
	}
	settle(t, goroutines+1, fds+1+2) // the set's goroutine; epoll and two sockets
	a.Close()
	settle(t, goroutines, fds)
}

// An IPv4 address that is written as an IPv6 one is reached over IPv4, and an interface that is not
// there is no one's but ours.
func TestSockaddr(t *testing.T) {
	accepting := serve(t, silent)
	mapped := netip.AddrPortFrom(netip.AddrFrom16(accepting.Addr().As16()), accepting.Port())
	wantError(t, probeOnce(t, spec(TCP, mapped, 10*time.Second)), "")
	for text, scope := range map[string]uint32{"[fe80::1]:80": 0, "[fe80::1%lo]:80": 1, "[fe80::1%7]:80": 7} {
		if s, ok := newSockaddr(netip.MustParseAddrPort(text)); !ok || s.raw.Scope_id != scope {
			t.Errorf("%s: scope %d %t, want %d", text, s.raw.Scope_id, ok, scope)
		}
	}
	if _, ok := newSockaddr(netip.MustParseAddrPort("[fe80::1%none]:80")); ok {
		t.Error("an interface that is not there has an index")
	}
}
