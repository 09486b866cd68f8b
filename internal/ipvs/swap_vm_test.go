//go:build vm

package ipvs_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// swaps is how often the servers of a service are exchanged.
const swaps = 1000

// While a sorry server and the real servers take turns a thousand times, as a quorum is lost and
// gained, no new connection is refused. Each of several clients connects again and again.
func TestNoConnectionIsRefusedInSwaps(t *testing.T) {
	ns := newNamespace(t)
	servers := []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80"}
	for _, a := range append([]string{web.Addr.String() + ":80"}, servers...) {
		ns.address(t, netip.MustParseAddrPort(a).Addr())
	}
	for _, a := range servers {
		ns.accept(t, a)
	}
	up, sorry := entry("rr", 1, servers[:2]...), entry("rr", 1, servers[2])
	silent := entry("rr", 0, servers[:2]...) // inhibited
	for addr, d := range sorry.Destinations {
		silent.Destinations[addr] = d
	}
	s := startIn(t, ns, time.Minute)
	generation := uint64(0)
	want := func(e ipvs.Entry) {
		generation++
		s.applier.Want(generation, ipvs.Table{web: e}.Wanted())
		for deadline := time.After(time.Minute); ; {
			select {
			case r := <-s.reports:
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if r.Generation == generation {
					return
				}
			case <-deadline:
				t.Fatalf("generation %d was not reached", generation)
			}
		}
	}
	want(up)

	var connected, refused, lost atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			_ = ns.do(func() error {
				pace := time.NewTicker(10 * time.Millisecond)
				defer pace.Stop()
				for {
					select {
					case <-stop:
						return nil
					case <-pace.C:
					}
					conn, err := net.DialTimeout("tcp4", web.String()[len("TCP "):], 5*time.Second)
					switch {
					case err == nil:
						connected.Add(1)
						_ = conn.Close()
					case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ETIMEDOUT):
						lost.Add(1) // its server was deleted between its first packets
					default:
						refused.Add(1)
						t.Log(err)
					}
				}
			})
		})
	}
	// swap exchanges the servers, and lets a connection be made after it.
	swap := func(e ipvs.Entry) {
		want(e)
		deadline := time.Now().Add(time.Minute)
		for n := connected.Load(); connected.Load() == n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no connection is made any more")
			}
		}
	}
	began := time.Now()
	for n := range swaps / 2 {
		if n%2 == 0 {
			swap(sorry)
		} else {
			swap(silent)
		}
		swap(up)
	}
	took := time.Since(began)
	close(stop)
	clients.Wait()
	rate := float64(connected.Load()) / took.Seconds()
	fmt.Printf("%d swaps in %s, %.0f new connections a second: %d made, %d refused, %d lost\n",
		swaps, took.Round(time.Millisecond), rate, connected.Load(), refused.Load(), lost.Load())
	if refused.Load() > 0 {
		t.Errorf("%d connections were refused", refused.Load())
	}
	if rate < 50 {
		t.Errorf("only %.0f connections a second", rate)
	}
	want(up)
	s.applier.Want(generation+1, ipvs.Table{}.Wanted())
	s.until("empty", func(r ipvs.Report) bool { return r.Generation == generation+1 })
}
