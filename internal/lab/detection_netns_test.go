//go:build netns

package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The checks of the servers that are taken away and given back.
const (
	flipInterval = time.Second
	flipTimeout  = 500 * time.Millisecond
	flipDelay    = 100 * time.Millisecond // before the one retry
)

// detectionConf checks some servers that come and go, and many that stay. Those that go are asked for a page: of a connection that
// the client resets at once a server does not hear.
func detectionConf(targets, flipped int) string {
	var conf strings.Builder
	conf.WriteString("virtual_server 192.168.2.11 80 {\nprotocol TCP\ndelay_loop 1\n")
	for i := range targets {
		fmt.Fprintf(&conf, "real_server %s 8080 {\nTCP_CHECK { connect_timeout 1 }\n}\n", checkTarget(i))
	}
	for i := range flipped {
		fmt.Fprintf(&conf, "real_server 127.2.0.%d 9000 {\nHTTP_GET {\nurl {\npath /\nstatus_code 200\n}\nconnect_timeout %g\nretry 1\ndelay_before_retry %g\n}\n}\n",
			1+i, flipTimeout.Seconds(), flipDelay.Seconds())
	}
	conf.WriteString("}\n")
	return conf.String()
}

// says is whether a line of a daemon's log says that a server left (down) or came back.
func says(daemon, address string, down bool) func(string) bool {
	if daemon == "lvsd" {
		event := map[bool]string{true: `"server_lost"`, false: `"server_restored"`}[down]
		return Containing(`"event":`+event, `"`+address+`"`)
	}
	ip, port, _ := strings.Cut(address, ":")
	text := map[bool]string{true: "Removing service ", false: "Adding service "}[down]
	return Containing(text + "[" + ip + "]:tcp:" + port + " ")
}

// BenchmarkDetection takes servers away, among 10,000 that are checked once a second, and gives them back. It reports the time until
// the log says so, less what the configuration has the daemon wait: until the next probe is due after the last that was accepted,
// for the timeouts, and before the retry. Of those that come back it is the time from the first connection accepted.
func BenchmarkDetection(b *testing.B) {
	for _, way := range []string{"refused", "silent"} {
		for _, daemon := range daemons() {
			b.Run(way+"/"+daemon, func(b *testing.B) { benchmarkDetection(b, way, daemon) })
		}
	}
}

func benchmarkDetection(b *testing.B, way, daemon string) {
	const targets, flipped = 9_900, 100
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	h, dir, _ := checkedHost(b, ctx)
	servers := make([]*switchable, flipped)
	for i := range servers {
		servers[i] = &switchable{host: h, address: fmt.Sprintf("127.2.0.%d:9000", 1+i)}
		if err := servers[i].serve(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { servers[i].refuse() })
	}
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(detectionConf(targets, flipped)), 0o644); err != nil {
		b.Fatal(err)
	}
	var p *Process
	var err error
	if daemon == "lvsd" {
		p, err = h.Start(nil, os.Getenv(BinaryVariable), "run", "-c", config, "--log-format", "json")
	} else {
		p, err = startChecker(h, dir, config, "--log-console", "--log-detail")
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range servers {
		if err := Until(ctx, func() error {
			if s.last().IsZero() {
				return fmt.Errorf("%s was not checked", s.address)
			}
			return nil
		}); err != nil {
			b.Fatalf("%v\n%s", err, p.tail())
		}
	}

	var mu sync.Mutex
	var late, back, whole []time.Duration
	var checks int
	var seconds float64
	for b.Loop() {
		before, err := counters(p.PID())
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		var flipping sync.WaitGroup
		for _, s := range servers {
			flipping.Go(func() {
				f, err := flip(ctx, s, way, daemon, p)
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				late, back, whole = append(late, f.late), append(back, f.back), append(whole, f.whole)
			})
		}
		flipping.Wait()
		if b.Failed() {
			return
		}
		seconds += time.Since(began).Seconds()
		after, err := counters(p.PID())
		if err != nil {
			b.Fatal(err)
		}
		checks += after["TcpActiveOpens"] - before["TcpActiveOpens"]
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(checks)/seconds, "checks/s")
	for what, d := range map[string][]time.Duration{"late": late, "back": back, "restored": whole} {
		slices.Sort(d)
		for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
			b.ReportMetric(float64(d[min(len(d)-1, int(share*float64(len(d))))].Microseconds())/1000, "ms-"+what+"-"+name)
		}
	}
}

// flipTimes are what became of one server that went and came back.
type flipTimes struct {
	late  time.Duration // told that it is gone, after it had to be known
	back  time.Duration // told that it is back, after it accepted a connection
	whole time.Duration // the same, after it listened
}

// flip takes a server away at some moment between two probes, and gives it back at another.
func flip(ctx context.Context, s *switchable, way, daemon string, p *Process) (flipTimes, error) {
	var f flipTimes
	const spread, margin = 20 * time.Second, 50 * time.Millisecond
	time.Sleep(rand.N(spread)) // they do not all go at once
	for since := time.Since(s.last()); since < margin || since > flipInterval-margin; since = time.Since(s.last()) {
		time.Sleep(margin) // a probe is under way, or about to be
	}
	due := s.last().Add(flipInterval + flipDelay)
	gone := time.Now()
	var err error
	if way == "refused" {
		err = s.refuse()
	} else {
		due = due.Add(2 * flipTimeout)
		err = s.silence(ctx)
	}
	if err != nil {
		return f, err
	}
	line, err := p.WaitFor(ctx, gone, says(daemon, s.address, true))
	if err != nil {
		return f, err
	}
	f.late = line.At.Sub(due)
	time.Sleep(rand.N(flipInterval))
	returned := time.Now()
	if err := s.serve(); err != nil {
		return f, err
	}
	if line, err = p.WaitFor(ctx, returned, says(daemon, s.address, false)); err != nil {
		return f, err
	}
	for s.first().IsZero() { // the log may be read before the connection is accepted
		time.Sleep(time.Millisecond)
	}
	f.back, f.whole = line.At.Sub(s.first()), line.At.Sub(returned)
	return f, nil
}
