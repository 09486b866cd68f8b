//go:build netns

package director

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"lvsd/internal/check"
)

// exampleServer is the server of the examples, and exampleDirector the address of lvsd that one of them probes from.
const exampleServer, exampleDirector = "10.10.10.11", "10.10.10.2"

// examplesVar tells the test binary that it is in the namespaces of its own.
const examplesVar = "LVSD_DIRECTOR_EXAMPLES"

// Each example of docs/checks.md finds that its server is down while there is none, and up when there is.
func TestExamplesOfChecks(t *testing.T) {
	if os.Getenv(examplesVar) == "" {
		self, err := os.Executable()
		must(t, err)
		inside := exec.Command("unshare", "--mount", "--net", "--propagation", "private", self, "-test.run=^"+t.Name()+"$", "-test.timeout=300s")
		inside.Env = append(os.Environ(), examplesVar+"=1")
		if out, err := inside.CombinedOutput(); err != nil {
			t.Fatalf("inside the namespaces: %v\n%s", err, out)
		}
		return
	}
	for _, dir := range []string{"/usr/local/bin", "/run"} {
		must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"))
	}
	must(t, os.Mkdir("/run/lvsd", 0o755))
	must(t, os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0))
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, out)
		}
	}
	ip("link", "set", "lo", "up")
	ip("addr", "add", exampleDirector+"/32", "dev", "lo")
	say := func(number, status string) {
		t.Helper()
		must(t, os.WriteFile("/run/lvsd/web1", []byte(number+"\n"), 0o644))
		must(t, os.WriteFile("/usr/local/bin/replica-lag.new", []byte("#!/bin/sh\nexit "+status+"\n"), 0o755))
		must(t, os.Rename("/usr/local/bin/replica-lag.new", "/usr/local/bin/replica-lag"))
	}
	say("1", "1")

	asked := exampleSpecs(t)
	specs := map[check.Spec]struct{}{}
	for s := range asked {
		specs[s] = struct{}{}
	}
	set := check.NewSet(check.Options{})
	defer set.Close()
	set.Apply(specs)
	until := func(wanted check.State, offset int) {
		t.Helper()
		var missing string
		for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			missing = ""
			for s, v := range set.Verdicts() {
				want := wanted
				if q, file := s.Detail.Request().(check.FileRequest); file && q.Factor != 0 {
					want = check.Up // its number is a weight
					if v.Found.Offset != offset*q.Factor {
						want = check.Unknown
					}
				}
				if v.State() != want || v.Fault != nil {
					missing += fmt.Sprintf("\n%s of the example in %s is %s, error %v, fault %v", s, asked[s], v.State(), v.Err, v.Fault)
				}
			}
			if missing == "" {
				return
			}
		}
		t.Fatalf("want %s:%s", wanted, missing)
	}
	until(check.Down, 1)
	ip("addr", "add", exampleServer+"/32", "dev", "lo")
	serveExamples(t)
	say("0", "0")
	until(check.Up, 0)
}

// exampleSpecs are the checks of the examples in docs/checks.md, more often than these say, with the section of each.
func exampleSpecs(t *testing.T) map[check.Spec]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/checks.md")
	must(t, err)
	all, kinds := map[check.Spec]string{}, map[check.Kind]bool{}
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(string(text), -1)[1:] {
		title, rest, _ := strings.Cut(section, "\n")
		for i, block := range regexp.MustCompile("(?ms)^```(hcl|keepalived)\n(.*?)^```").FindAllStringSubmatch(rest, -1) {
			file := filepath.Join(t.TempDir(), map[string]string{"hcl": "lvsd.hcl", "keepalived": "keepalived.conf"}[block[1]])
			must(t, os.WriteFile(file, []byte(block[2]), 0o644))
			cfg, found := load(t, file), 0
			for s := range desire(cfg, health{}).checks {
				s.Timing = check.Timing{Interval: 200 * time.Millisecond, Timeout: 2 * time.Second}
				all[s] = fmt.Sprintf("%s (%s)", title, block[1])
				kinds[s.Kind] = true
				found++
			}
			if found == 0 {
				t.Errorf("example %d of %s checks nothing", i+1, title)
			}
		}
	}
	for k := check.ICMP; k <= check.File; k++ {
		if !kinds[k] {
			t.Errorf("no example has a %s", k.Keyword())
		}
	}
	return all
}

// serveExamples is the server that the examples speak of.
func serveExamples(t *testing.T) {
	t.Helper()
	listen := func(port string) net.Listener {
		t.Helper()
		l, err := net.Listen("tcp", exampleServer+":"+port)
		must(t, err)
		t.Cleanup(func() { l.Close() })
		return l
	}
	talk := func(port string, handle func(net.Conn, *bufio.Reader)) {
		l := listen(port)
		go func() {
			for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
				go func() {
					defer conn.Close()
					handle(conn, bufio.NewReader(conn))
				}()
			}
		}()
	}
	talk("6379", func(conn net.Conn, r *bufio.Reader) {
		if line, err := r.ReadString('\n'); err == nil && line == "PING\r\n" {
			io.WriteString(conn, "+PONG\r\n")
		}
		io.Copy(io.Discard, r)
	})
	for _, port := range []string{"25", "587"} {
		talk(port, func(conn net.Conn, r *bufio.Reader) {
			io.WriteString(conn, "220 mail.example.com\r\n")
			for line, err := r.ReadString('\n'); err == nil; line, err = r.ReadString('\n') {
				io.WriteString(conn, map[bool]string{true: "250 hello\r\n", false: "221 bye\r\n"}[strings.HasPrefix(line, "HELO ")])
			}
		})
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "www.example.com":
			http.NotFound(w, r)
		case r.URL.Path == "/healthz":
			io.WriteString(w, "hello")
		case r.URL.Path == "/version":
			io.WriteString(w, "release 4.2")
		case r.URL.Path == "/login":
			io.WriteString(w, "<!doctype HTML>\n")
		default:
			http.NotFound(w, r)
		}
	})
	plain, secure := httptest.NewUnstartedServer(pages), httptest.NewUnstartedServer(pages)
	plain.Listener.Close()
	secure.Listener.Close()
	plain.Listener, secure.Listener = listen("80"), listen("443")
	plain.Start()
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	for port, answer := range map[string]func([]byte) []byte{
		"53":  func(b []byte) []byte { b[2] |= 0x80; return b },       // it is an answer
		"123": func(b []byte) []byte { b[0] = b[0]&^7 | 4; return b }, // of a server
		"514": nil,
	} {
		conn, err := net.ListenPacket("udp", exampleServer+":"+port)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		go func() {
			buffer := make([]byte, 1500)
			for n, from, err := conn.ReadFrom(buffer); err == nil; n, from, err = conn.ReadFrom(buffer) {
				if answer != nil {
					conn.WriteTo(answer(buffer[:n]), from)
				}
			}
		}()
	}
	server, state := grpc.NewServer(), grpchealth.NewServer()
	grpc_health_v1.RegisterHealthServer(server, state)
	state.SetServingStatus("shop.Orders", grpc_health_v1.HealthCheckResponse_SERVING)
	l := listen("50051")
	go server.Serve(l)
	t.Cleanup(server.Stop)
}
