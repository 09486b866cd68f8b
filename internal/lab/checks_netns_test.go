//go:build netns

package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkKind is a kind of check that daemons are measured at.
type checkKind struct {
	name     string
	word     string // the block within a real_server of keepalived.conf
	haproxy  string // the options within a backend of haproxy.cfg; empty if HAProxy has no such check
	counters string // the counter that each check adds one to, in the network's
}

func checkKinds() []checkKind {
	return []checkKind{
		{"tcp", "TCP_CHECK { connect_timeout 1 }", "option tcp-check", "TcpActiveOpens"},
		{"http", "HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\nconnect_timeout 1\n}", "option httpchk GET /", "TcpActiveOpens"},
		{"ping", "PING_CHECK { connect_timeout 1 }", "", "IcmpInEchoReps"},
	}
}

// checkerAt is how a daemon is started that checks so many targets by a kind of check once a second.
type checkerAt struct {
	name   string
	kinds  func(checkKind) bool
	most   int // targets
	config func(k checkKind, targets int) string
	start  func(h *Host, dir, config string) (*Process, error)
}

// checkTarget is the address of a server, from 0 on.
func checkTarget(i int) string { return fmt.Sprintf("127.1.%d.%d", 1+i/100, 1+i%100) }

func checkersAt() []checkerAt {
	every := func(checkKind) bool { return true }
	return []checkerAt{
		{"lvsd", every, 20_000, checksConf, func(h *Host, _, config string) (*Process, error) {
			return h.Start(nil, os.Getenv(BinaryVariable), "run", "-c", config)
		}},
		{"keepalived", every, 10_000, checksConf, func(h *Host, dir, config string) (*Process, error) {
			return startChecker(h, dir, config, "--no-syslog") // each line on a console would cost it 2 ms
		}},
		{"haproxy", func(k checkKind) bool { return k.haproxy != "" }, 10_000, haproxyConf, func(h *Host, _, config string) (*Process, error) {
			return h.Start(nil, "haproxy", "-db", "-f", config)
		}},
	}
}

// checksConf is the configuration of lvsd and keepalived.
func checksConf(k checkKind, targets int) string {
	var conf strings.Builder
	conf.WriteString("virtual_server 192.168.2.11 80 {\nprotocol TCP\ndelay_loop 1\n")
	for i := range targets {
		fmt.Fprintf(&conf, "real_server %s 8080 {\n%s\n}\n", checkTarget(i), k.word)
	}
	conf.WriteString("}\n")
	return conf.String()
}

// haproxyConf is the same for HAProxy, which wants something to listen to beside it.
func haproxyConf(k checkKind, targets int) string {
	var conf strings.Builder
	fmt.Fprintf(&conf, "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n  timeout check 1s\n"+
		"frontend idle\n  bind 127.0.0.1:9\n  default_backend servers\nbackend servers\n  %s\n  default-server inter 1s\n", k.haproxy)
	for i := range targets {
		fmt.Fprintf(&conf, "  server s%d %s:8080 check\n", i, checkTarget(i))
	}
	return conf.String()
}

// startChecker starts keepalived's checks alone, on a machine with or without IPVS.
func startChecker(h *Host, dir, config string, more ...string) (*Process, error) {
	absent := filepath.Join(dir, "ipvs_absent.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-O2", "-o", absent, "testdata/ipvs_absent.c").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile: %w\n%s", err, out)
	}
	return h.Start([]string{"LD_PRELOAD=" + absent}, append([]string{"keepalived", "--dont-fork", "--check", "--use-file", config,
		"--pid", filepath.Join(dir, "parent"), "--checkers_pid", filepath.Join(dir, "checkers")}, more...)...)
}

// serveTargets starts what all targets are: a web server on every address of the host.
func serveTargets(h *Host, dir string) (*Process, error) {
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(`daemon off;
master_process off;
worker_rlimit_nofile 65536;
pid nginx.pid;
error_log stderr crit;
events {
    worker_connections 60000;
    multi_accept on;
}
http {
    access_log off;
    keepalive_timeout 0;
    lingering_close off;
    server {
        listen 8080 backlog=65535;
        return 200 "ok\n";
    }
    server {
        listen 127.0.0.1:8081;
        stub_status;
    }
}
`), 0o644); err != nil {
		return nil, err
	}
	return h.Start(nil, "nginx", "-p", dir, "-e", "stderr", "-c", conf)
}

// served is how many requests the web server has had.
func served(ctx context.Context, h *Host) (int, error) {
	text := ""
	err := Until(ctx, func() error {
		var err error
		text, err = body(h.HTTPClient(time.Second), "http://127.0.0.1:8081/")
		return err
	})
	if err != nil {
		return 0, err
	}
	_, numbers, _ := strings.Cut(text, "requests\n")
	var accepts, handled, requests int
	if _, err := fmt.Sscan(numbers, &accepts, &handled, &requests); err != nil {
		return 0, fmt.Errorf("read the web server's status %q: %w", text, err)
	}
	return requests, nil
}

// checkedHost is a host with servers that can be checked by the ten thousand.
func checkedHost(b *testing.B, ctx context.Context) (h *Host, dir string, server *Process) {
	l, err := New("checks")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	if h, err = l.Host("lb"); err != nil {
		b.Fatal(err)
	}
	for key, value := range map[string]string{"net.core.somaxconn": "65535", "net.ipv4.ping_group_range": "0 2147483647"} {
		if err := h.Sysctl(key, value); err != nil {
			b.Fatal(err)
		}
	}
	dir = b.TempDir()
	if server, err = serveTargets(h, dir); err != nil {
		b.Fatal(err)
	}
	if _, err := served(ctx, h); err != nil {
		b.Fatalf("%v\n%s", err, server.tail())
	}
	return h, dir, server
}

// BenchmarkChecks measures what the checks of so many servers cost, once a second each: lvsd, Debian's keepalived and, on one thread, its
// HAProxy. A round begins when the checks are being made, lasts 20 s, and fails if fewer were made than were asked for.
func BenchmarkChecks(b *testing.B) {
	for _, k := range checkKinds() {
		for _, targets := range []int{1_000, 5_000, 10_000, 20_000} {
			for _, c := range checkersAt() {
				if c.kinds(k) && targets <= c.most {
					b.Run(fmt.Sprintf("%s/%d/%s", k.name, targets, c.name), func(b *testing.B) { benchmarkChecks(b, k, targets, c) })
				}
			}
		}
	}
}

func benchmarkChecks(b *testing.B, k checkKind, targets int, c checkerAt) {
	const (
		settle, round = 5 * time.Second, 20 * time.Second
		enough        = 0.85 // of what is asked for: the intervals of keepalived and HAProxy begin when a check has ended
	)
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	h, dir, server := checkedHost(b, ctx)
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(c.config(k, targets)), 0o644); err != nil {
		b.Fatal(err)
	}
	p, err := c.start(h, dir, config)
	if err != nil {
		b.Fatal(err)
	}
	during := func(d time.Duration) (snapshot, float64) {
		b.Helper()
		before, err := snapshotOf(p, server)
		if err != nil {
			b.Fatalf("%v\n%s", err, p.tail())
		}
		time.Sleep(d)
		after, err := snapshotOf(p, server)
		if err != nil {
			b.Fatalf("%v\n%s", err, p.tail())
		}
		return after.since(before), after.at.Sub(before.at).Seconds()
	}
	if err := Until(ctx, func() error {
		if s, seconds := during(time.Second); float64(s.counters[k.counters]) < enough*float64(targets)*seconds {
			return fmt.Errorf("%d checks in %.2f s", s.counters[k.counters], seconds)
		}
		return nil
	}); err != nil {
		b.Fatalf("%v\n%s", err, p.tail())
	}
	time.Sleep(settle)

	var used usage
	var seconds, elsewhere float64
	var made int
	for b.Loop() {
		before, err := served(ctx, h)
		if err != nil {
			b.Fatal(err)
		}
		s, took := during(round)
		after, err := served(ctx, h)
		if err != nil {
			b.Fatal(err)
		}
		n := s.counters[k.counters]
		if k.name == "http" {
			n = min(n, after-before-1) // the status is a request too
		}
		if dropped := s.counters["TcpExtListenDrops"]; float64(n) < enough*float64(targets)*took || dropped > 0 {
			b.Fatalf("%d checks of %d targets in %.2f s, and %d that the server dropped\n%s", n, targets, took, dropped, p.tail())
		}
		made += n
		seconds += took
		elsewhere += s.elsewhere.Seconds()
		used.user += s.cpu.user
		used.system += s.cpu.system
	}
	pids, err := processTree(p.PID())
	if err != nil {
		b.Fatal(err)
	}
	pss, err := memory(pids)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(float64(made)/seconds, "checks/s")
	b.ReportMetric(100*used.user.Seconds()/seconds, "%user")
	b.ReportMetric(100*used.system.Seconds()/seconds, "%system")
	b.ReportMetric(100*used.total().Seconds()/seconds, "%cpu")
	b.ReportMetric(1e6*used.total().Seconds()/float64(made), "µs-cpu/check")
	b.ReportMetric(float64(pss)/(1<<20), "MiB")
	b.ReportMetric(100*elsewhere/seconds, "%elsewhere")
}
