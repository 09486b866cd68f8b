//go:build netns

package check

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Many pings at once, over both versions: each target's answer is its own, and one that cannot be
// sent does not hold up those behind it.
func TestPingsTogether(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		run(t, "ip", "route", "add", "prohibit", "198.51.100.0/24")
		goroutines, fds := runtime.NumGoroutine(), openDescriptors(t)
		a := newAsker()
		for range 5 {
			waiting := map[string]chan result{}
			for i := range 100 {
				for _, network := range []string{"127.0.0.%d", "192.0.2.%d", "198.51.100.%d", "::ffff:127.0.1.%d"} {
					addr := fmt.Sprintf(network, i+1)
					waiting[addr] = a.begin(pingSpec(addr, 10*time.Second))
				}
			}
			waiting["::1"] = a.begin(pingSpec("::1", 10*time.Second))
			for addr, heard := range waiting {
				want := ""
				switch addr[:3] {
				case "192":
					want = "send echo request to " + addr + ": network is unreachable"
				case "198":
					want = "send echo request to " + addr + ": permission denied"
				}
				wantError(t, (<-heard).err, want)
			}
		}
		settle(t, goroutines+1, fds+1+2) // the set's goroutine; epoll and a socket for each version
		a.Close()
		settle(t, goroutines, fds)
	})
}

// Without the right to a raw socket each ping has a ping socket of its own.
func TestPingWithoutRawSockets(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		if _, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP); err != unix.EPERM {
			t.Fatalf("a raw socket: %v, want it not permitted", err)
		}
		for _, addr := range []string{"127.0.0.1", "::1"} {
			wantError(t, probeOnce(t, pingSpec(addr, 10*time.Second)), "")
		}
	}, "sh", "-c", `echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range; exec setpriv --bounding-set=-net_raw --inh-caps=-net_raw -- "$@"`, "sh")
}

// Replies that do not have in them what was asked are not heard, whatever they are, nor are those
// that come again.
func TestPingRepliesThatAreForged(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
		conn, err := net.ListenPacket("ip4:icmp", "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		forgeries := map[string]func(b []byte) [][]byte{
			"no echo reply within 300ms": func(b []byte) [][]byte {
				all := [][]byte{b[:8], b[:9]}
				for i := 8; i < len(b); i++ {
					other := append([]byte{}, b...)
					other[i] ^= 0x80
					all = append(all, other)
				}
				return all
			},
			"": func(b []byte) [][]byte { return [][]byte{b, b, b} },
		}
		forge := make(chan func(b []byte) [][]byte, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			buffer := make([]byte, 1500)
			for {
				n, from, err := conn.ReadFrom(buffer)
				if err != nil {
					return
				}
				if buffer[0] != icmp4.request {
					continue
				}
				for _, b := range (<-forge)(append([]byte{icmp4.reply, 0, 0, 0}, buffer[4:n]...)) {
					b[2], b[3] = 0, 0
					sum := checksum(append(append([]byte{}, b...), make([]byte, len(b)%2)...))
					binary.BigEndian.PutUint16(b[2:], sum)
					conn.WriteTo(b, from)
				}
			}
		}()
		a := newAsker()
		for want, how := range forgeries {
			for range 3 {
				forge <- how
				wantError(t, a.once(pingSpec("127.0.0.1", short)).err, want)
			}
		}
		a.Close()
		conn.Close()
		<-done
	})
}
