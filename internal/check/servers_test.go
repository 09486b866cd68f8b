package check

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serve starts a server on loopback that treats each connection as handle says, and ends with the
// test. handle may take for ever: its connection is closed at the end.
func serve(t testing.TB, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu      sync.Mutex
		closed  bool
		conns   = map[net.Conn]struct{}{}
		running sync.WaitGroup
	)
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if closed {
				conn.Close()
			}
			conns[conn] = struct{}{}
			mu.Unlock()
			running.Go(func() {
				handle(conn)
				conn.Close()
				mu.Lock()
				delete(conns, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		closed = true
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// closedPort returns an address on loopback that refuses connections: a socket holds the port but
// does not listen.
func closedPort(t testing.TB) netip.AddrPort {
	t.Helper()
	return bound(t, -1)
}

// fullBacklog returns an address on loopback whose listener accepts nothing and has no room for
// another connection: a SYN is not answered.
func fullBacklog(t testing.TB) netip.AddrPort {
	t.Helper()
	addr := bound(t, 0)
	for connected, refused := 0, 0; refused < 3; {
		conn, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			refused++ // once may be the machine's being busy
			continue
		}
		t.Cleanup(func() { conn.Close() })
		if connected++; connected == 100 {
			t.Fatal("a backlog of 0 took 100 connections")
		}
	}
	return addr
}

// bound binds a TCP socket to a free port; it listens when backlog is at least 0.
func bound(t testing.TB, backlog int) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if backlog >= 0 {
		if err := syscall.Listen(fd, backlog); err != nil {
			t.Fatal(err)
		}
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port))
}

// readRequest reads a request up to its empty line.
func readRequest(conn net.Conn) (string, error) {
	var request []byte
	for one := make([]byte, 1); ; {
		if _, err := conn.Read(one); err != nil {
			return string(request), err
		}
		request = append(request, one[0])
		if n := len(request); n >= 4 && string(request[n-4:]) == "\r\n\r\n" {
			return string(request), nil
		}
	}
}

// answer reads a request and writes the response as it stands, then closes.
func answer(response string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, response)
		tcpOf(conn).CloseWrite()
		io.Copy(io.Discard, conn)
	}
}

// repeat reads a request, writes head, and then part again and again with a pause between.
func repeat(head, part string, pause time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, err := io.WriteString(conn, head)
		for err == nil {
			time.Sleep(pause)
			_, err = io.WriteString(conn, part)
		}
	}
}

// hold reads a request and writes head, and no more.
func hold(head string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, head)
		silent(conn)
	}
}

// silent accepts and says nothing.
func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

// tcpOf is what a connection is made of beneath TLS, if it has that.
func tcpOf(conn net.Conn) *net.TCPConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return conn.(*net.TCPConn)
}

// reset reads so many bytes, then closes with a reset.
func reset(bytes int) func(net.Conn) {
	return func(conn net.Conn) {
		io.ReadFull(conn, make([]byte, bytes))
		tcpOf(conn).SetLinger(0)
	}
}

// dripRecord sends the head of a TLS record that will never be whole, a byte at a time.
func dripRecord(conn net.Conn) {
	_, err := conn.Write([]byte{0x16, 0x03, 0x03, 0x3f, 0xff})
	for err == nil {
		time.Sleep(20 * time.Millisecond)
		_, err = conn.Write([]byte{2})
	}
}

// webServer serves handler with net/http, over TLS with a certificate nobody vouches for if secure.
func webServer(t testing.TB, secure bool, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.Config.Protocols = &http.Protocols{}
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetHTTP2(secure)
	server.Config.Protocols.SetUnencryptedHTTP2(!secure)
	if secure {
		server.TLS = &tls.Config{}
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// spec is a check of addr that waits no longer than timeout.
func spec(kind Kind, addr netip.AddrPort, timeout time.Duration) Spec {
	s := Spec{Kind: kind, Addr: addr, Timing: Timing{Interval: time.Second, Timeout: timeout}}
	if kind == HTTP || kind == HTTPS {
		s.Detail = NewDetail(Socket{}, HTTPRequest{Path: "/healthz", Status: okStatus()})
	}
	return s
}

// asking is a spec with another request.
func (s Spec) asking(change func(*HTTPRequest)) Spec {
	q, _ := s.Detail.Request().(HTTPRequest)
	change(&q)
	s.Detail = NewDetail(s.Detail.Socket(), q)
	return s
}

// grace is how much later than its deadline a probe may return on a busy machine. The servers here
// would hold one for as long as it lets them.
const grace = 10 * time.Second

// asker probes with a set, outside of its checks.
type asker struct {
	*Set
	probers *probers
	mu      sync.Mutex
	waiting map[*check]chan result
}

func newAsker() *asker {
	p := newProbers()
	return newAskerOf(p, newSockets(p))
}

func newAskerOf(p *probers, e engine) *asker {
	a := &asker{probers: p, waiting: map[*check]chan result{}}
	a.Set = newSet(Options{}, p.probe, p.wait, e)
	a.Set.mu.Lock()
	defer a.Set.mu.Unlock()
	a.heard = func(c *check, r result, tell notices) notices {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.waiting[c] <- r
		delete(a.waiting, c)
		return tell
	}
	return a
}

// begin begins a probe; its result comes on the channel.
func (a *asker) begin(s Spec) chan result {
	c, heard := &check{spec: s}, make(chan result, 1)
	a.mu.Lock()
	a.waiting[c] = heard
	a.mu.Unlock()
	a.Set.mu.Lock()
	defer a.Set.mu.Unlock()
	a.schedule(c, 0)
	return heard
}

func (a *asker) once(s Spec) result { return <-a.begin(s) }

// probeOnce probes as a set does, and fails the test if the probe returns late.
func probeOnce(t testing.TB, s Spec) error {
	t.Helper()
	return probeResult(t, s).err
}

// probeResult is probeOnce with all that was found.
func probeResult(t testing.TB, s Spec) result {
	t.Helper()
	a := newAsker()
	defer a.Close()
	r := a.once(s)
	if took := r.end.Sub(r.start); took > s.Timeout+grace {
		t.Errorf("%v returned after %v, its timeout is %v", s, took, s.Timeout)
	}
	return r
}

// wantError fails the test unless err reads as wanted ("" for no error).
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
