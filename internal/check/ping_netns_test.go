//go:build netns

package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// allowPing opens ping sockets to every group; a new namespace has them closed even to root.
func allowPing(t *testing.T) { sysctl(t, "net/ipv4/ping_group_range", "0 2147483647") }

func pingSpec(addr string, timeout time.Duration) Spec {
	return spec(ICMP, netip.AddrPortFrom(netip.MustParseAddr(addr), 0), timeout)
}

// pingOnly pings with one kind of socket, without falling back.
func pingOnly(t *testing.T, s Spec, raw bool) error {
	t.Helper()
	p := newPings()
	if raw {
		p.raw <- struct{}{}
	}
	defer p.wait()
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	return p.ping(ctx, s, raw)
}

func TestPingOverAPingSocket(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		for _, addr := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
			wantError(t, pingOnly(t, pingSpec(addr, 5*time.Second), false), "")
			wantError(t, probeOnce(t, pingSpec(addr, 5*time.Second)), "")
		}
	})
}

func TestPingFallsBackToARawSocket(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for _, addr := range []string{"127.0.0.1", "::1"} {
			if err := pingOnly(t, pingSpec(addr, 5*time.Second), false); !notPermitted(err) {
				t.Fatalf("ping socket: %v, want it not permitted", err)
			}
			wantError(t, probeOnce(t, pingSpec(addr, 5*time.Second)), "")
		}
	})
}

// Every raw socket is offered every reply: the cap holds, and is a fault of ours.
func TestRawPingsAreCapped(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
		p := newPings()
		s := pingSpec("127.0.0.1", 2*time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
		defer cancel()
		errs := make(chan error, maxRawPings+50)
		for range cap(errs) {
			go func() { errs <- p.probe(ctx, s) }()
		}
		faults, failures := 0, 0
		for range cap(errs) {
			switch err := <-errs; {
			case errors.Is(err, errManyRawPings):
				faults++
			case err != nil && err.Error() == "no echo reply within 2s":
				failures++
			default:
				t.Errorf("got %v", err)
			}
		}
		if faults != 50 || failures != maxRawPings {
			t.Errorf("%d faults and %d failures, want 50 and %d", faults, failures, maxRawPings)
		}
		p.wait()
		if n := len(p.raw); n != 0 {
			t.Errorf("%d raw sockets are still counted", n)
		}
	})
}

func TestPingNotPermittedAtAll(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		err := probeOnce(t, pingSpec("127.0.0.1", time.Second))
		var f *fault
		if !errors.As(err, &f) || !strings.Contains(err.Error(), "net.ipv4.ping_group_range") {
			t.Errorf("got %v, want a fault that names the sysctl to set", err)
		}
	}, "setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--")
}

func TestPingWithoutAnAnswer(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
		for _, raw := range []bool{false, true} {
			start := time.Now()
			wantError(t, pingOnly(t, pingSpec("127.0.0.1", short), raw), "no echo reply within 300ms")
			if took := time.Since(start); took < short || took > short+grace {
				t.Errorf("raw %v: took %v, want %v", raw, took, short)
			}
		}
		start := time.Now()
		wantError(t, probeOnce(t, pingSpec("127.0.0.1", short)), "no echo reply within 300ms")
		if took := time.Since(start); took < short {
			t.Errorf("took %v, want %v", took, short)
		}
	})
}

func TestPingWithoutDescriptors(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		testNoDescriptors(t, ICMP)
		allowPing(t)
		testNoDescriptors(t, ICMP)
	})
}

func TestPingWithoutARoute(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		run(t, "ip", "route", "add", "unreachable", "198.51.100.0/24")
		for addr, want := range map[string]string{
			"192.0.2.1":    "send echo request to 192.0.2.1: network is unreachable",
			"198.51.100.1": "send echo request to 198.51.100.1: no route to host",
		} {
			for _, raw := range []bool{false, true} {
				wantError(t, pingOnly(t, pingSpec(addr, 5*time.Second), raw), want)
			}
			wantError(t, probeOnce(t, pingSpec(addr, 5*time.Second)), want)
			tcp := spec(TCP, netip.AddrPortFrom(netip.MustParseAddr(addr), 80), 5*time.Second)
			wantError(t, probeOnce(t, tcp), strings.Replace(want, "send echo request to "+addr, "connect "+addr+":80", 1))
		}
	})
}

// A pinger whose packets a route prohibits (EACCES), or a full queue drops (ENOBUFS), would send
// again for ever: the probe ends at once, and so does the pinger.
func TestPingThatMayNotSend(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		run(t, "ip", "route", "add", "prohibit", "192.0.2.1")
		run(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		run(t, "ip", "addr", "add", "203.0.113.1/24", "dev", "v0")
		run(t, "ip", "link", "set", "v0", "up")
		run(t, "ip", "link", "set", "v1", "up")
		run(t, "ip", "neigh", "add", "203.0.113.2", "lladdr", "02:00:00:00:00:01", "dev", "v0")
		run(t, "tc", "qdisc", "add", "dev", "v0", "root", "pfifo", "limit", "0")

		goroutines := runtime.NumGoroutine()
		for _, c := range []struct {
			addr      string
			raw, ours bool
			want      string
		}{
			{"192.0.2.1", false, false, "send echo request to 192.0.2.1: permission denied"},
			{"192.0.2.1", true, false, "send echo request to 192.0.2.1: permission denied"},
			{"203.0.113.2", false, true, "send echo request to 203.0.113.2: no buffer space available"},
			// A raw socket is not told of ENOBUFS (net/ipv4/raw.c).
			{"203.0.113.2", true, false, "no echo reply within 1s"},
		} {
			err := pingOnly(t, pingSpec(c.addr, time.Second), c.raw) // waits for the pinger
			wantError(t, err, c.want)
			var f *fault
			if errors.As(err, &f) != c.ours {
				t.Errorf("%v: a fault of ours: %v, want %v", err, !c.ours, c.ours)
			}
		}
		settle(t, goroutines, 1000)

		var before, after syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		time.Sleep(500 * time.Millisecond)
		syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		if used := time.Duration(after.Utime.Nano() - before.Utime.Nano()); used > 250*time.Millisecond {
			t.Errorf("used %v of CPU time in 500 ms after the probes: something spins", used)
		}
	})
}

// An echo reply counts only when it comes from the target.
func TestPingReplyFromElsewhere(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
		conn, err := icmp.ListenPacket("ip4:icmp", "127.0.0.2")
		if err != nil {
			t.Fatal(err)
		}
		hear, err := icmp.ListenPacket("ip4:icmp", "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			buffer := make([]byte, 1500)
			for {
				n, from, err := hear.ReadFrom(buffer)
				if err != nil {
					return
				}
				m, err := icmp.ParseMessage(1, buffer[:n])
				if err != nil || m.Type != ipv4.ICMPTypeEcho {
					continue
				}
				m.Type = ipv4.ICMPTypeEchoReply
				reply, _ := m.Marshal(nil)
				conn.WriteTo(reply, from)
			}
		}()
		for _, raw := range []bool{false, true} {
			wantError(t, pingOnly(t, pingSpec("127.0.0.1", 5*time.Second), raw), "echo reply came from 127.0.0.2, not from 127.0.0.1")
		}
		wantError(t, probeOnce(t, pingSpec("127.0.0.1", 5*time.Second)), "echo reply came from 127.0.0.2, not from 127.0.0.1")
		hear.Close()
		conn.Close()
		<-done
	})
}

// A whole set: a target that answers, one that stops and one that comes back.
func TestSetPings(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		allowPing(t)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ping := pingSpec("127.0.0.1", short)
		ping.Interval = 100 * time.Millisecond
		tcp := spec(TCP, listener.Addr().(*net.TCPAddr).AddrPort(), 5*time.Second)
		tcp.Interval = 100 * time.Millisecond

		changes := make(chan Change, 10)
		s := NewSet(Options{Report: func(c Change) { changes <- c }})
		goroutines := runtime.NumGoroutine()
		s.Apply(specs(ping, tcp))
		for deadline := time.Now().Add(10 * time.Second); !s.Verdicts()[ping].Known; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no verdict after 10 s")
			}
		}
		for _, want := range []State{Down, Up, Down} {
			sysctl(t, "net/ipv4/icmp_echo_ignore_all", map[State]string{Down: "1", Up: "0"}[want])
			select {
			case c := <-changes:
				if c.Spec != ping || c.To != want {
					t.Fatalf("got %+v, want %v %v", c, ping, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("not %v after 10 s", want)
			}
		}
		if !s.Verdicts()[tcp].Healthy {
			t.Error("the TCP check suffers with the ping")
		}
		s.Close()
		settle(t, goroutines, 1000)
	})
}

func TestPingsLeaveNothing(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
		for _, allowed := range []bool{false, true} {
			if allowed {
				allowPing(t)
			}
			p := newPings()
			errs := make(chan error, 100)
			for range 5 {
				for i := range cap(errs) {
					s := pingSpec(fmt.Sprintf("127.0.0.%d", 1+i), 10*time.Second)
					if i%10 == 0 {
						s = pingSpec("192.0.2.1", 10*time.Second) // no route
					}
					go func() {
						ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
						defer cancel()
						errs <- p.probe(ctx, s)
					}()
				}
				failed := 0
				for range cap(errs) {
					if err := <-errs; err != nil {
						failed++
					}
				}
				if failed != 10 {
					t.Errorf("allowed %v: %d of 100 pings failed, want 10", allowed, failed)
				}
				p.wait() // else the raw pings of the next round would meet the cap
			}
		}
		settle(t, goroutines, fds)
	})
}
