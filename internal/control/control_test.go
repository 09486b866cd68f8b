package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"lvsd/internal/director"
)

// claimVar names a directory that this binary claims instead of testing, to be another process.
const claimVar = "LVSD_TEST_CLAIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(claimVar); dir != "" {
		if _, err := Claim(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("claimed")
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// source answers with a status, or an error.
type source struct {
	status director.Status
	err    error
	plan   func(context.Context, director.PlanRequest) (director.PlanAnswer, error)
	order  func(uid uint32, q director.OrderRequest) (director.OrderAnswer, error)
	hang   chan struct{} // when not nil: closed by a request, which then waits for its context
}

func (s source) Status(ctx context.Context) (director.Status, error) {
	if s.hang != nil {
		close(s.hang)
		<-ctx.Done()
		return director.Status{}, ctx.Err()
	}
	return s.status, s.err
}

func (s source) PlanFile(ctx context.Context, q director.PlanRequest) (director.PlanAnswer, error) {
	if s.plan == nil {
		return director.PlanAnswer{}, s.err
	}
	return s.plan(ctx, q)
}

func (s source) Order(_ context.Context, uid uint32, q director.OrderRequest) (director.OrderAnswer, error) {
	return s.order(uid, q)
}

// serve serves a source in a directory of its own until the test ends.
func serve(t *testing.T, s Source) (dir string, server *Server, served chan error) {
	t.Helper()
	dir = t.TempDir()
	run := claim(t, dir)
	server, err := run.Listen(s)
	if err != nil {
		t.Fatal(err)
	}
	served = make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(server.Close)
	return dir, server, served
}

func claim(t *testing.T, dir string) *RunDir {
	t.Helper()
	run, err := Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Release)
	return run
}

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "lvsd")
	first, err := Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := os.ReadFile(filepath.Join(dir, "lvsd.pid")); err != nil || string(pid) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("lvsd.pid: %q, %v", pid, err)
	}
	if _, err := Claim(dir); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Claim: %v", err)
	}
	if out, err := claimElsewhere(t, dir); err == nil || !strings.Contains(out, ErrRunning.Error()) {
		t.Errorf("another process: %v %q", err, out)
	}
	first.Release()
	if out, err := claimElsewhere(t, dir); err != nil || out != "claimed\n" {
		t.Errorf("another process after Release: %v %q", err, out)
	}
	// The other process ended without Release: its directory is free.
	second, err := Claim(dir)
	if err != nil {
		t.Fatalf("after the end of another process: %v", err)
	}
	defer second.Release()
	if pid, err := os.ReadFile(filepath.Join(dir, "lvsd.pid")); err != nil || string(pid) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("lvsd.pid: %q, %v", pid, err)
	}
}

func claimElsewhere(t *testing.T, dir string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), claimVar+"="+dir)
	out, err := c.Output()
	return string(out), err
}

func TestClaimWithoutDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Claim(dir); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), file) {
			t.Errorf("Claim(%s): %v", dir, err)
		}
	}
}

func TestStatusRoundTrip(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want := director.Status{Node: "lb1", Version: "v1", Started: at, File: "/etc/lvsd.hcl", IPVSError: "none here",
		Instances: []director.InstanceStatus{{Name: "web", Interface: "eth0", VirtualRouterID: 51, Version: 3,
			State: "MASTER", Since: at, Reason: "no advert heard", Master: "", Priority: 150, EffectivePriority: 150, SyncGroup: "g",
			Addresses: []director.AddressStatus{{Address: netip.MustParsePrefix("192.0.2.1/24"), Dev: "eth0", Present: true}},
			Adverts:   director.AdvertStatus{Sent: 1, Heard: 2, Refused: map[string]uint64{"wrong TTL": 3}}}},
		Services: []director.ServiceStatus{{Name: "TCP 192.0.2.1:80", Address: "192.0.2.1:80", Protocol: "tcp", Scheduler: "rr", Forwarding: "NAT",
			PersistenceTimeout: 50, Quorum: 1, InKernel: true, Connections: 1 << 40,
			RealServers: []director.RealServerStatus{{Address: netip.MustParseAddrPort("10.0.0.1:80"), Weight: 2,
				EffectiveWeight: 1, Healthy: true, InKernel: true, Active: 3, Inactive: 4, Persistent: 5,
				Checks: []director.CheckStatus{{Check: "ping 10.0.0.1", State: "up", Since: at, Error: "e"}}}}}},
		Foreign: []string{"FWM 9"},
	}
	dir, _, _ := serve(t, source{status: want})
	for range 3 {
		got, err := Status(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(director.ServiceStatus{}),
			cmpopts.EquateComparable(netip.Prefix{}, netip.AddrPort{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestSocketIsItsOwners(t *testing.T) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	dir, _, _ := serve(t, source{})
	info, err := os.Stat(filepath.Join(dir, "lvsd.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// TestStaleSocket: what a crash left, be it a socket or a file, does not keep the next one from
// its socket.
func TestStaleSocket(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(path string) error
	}{
		{"socket", func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			return l.Close()
		}},
		{"file", func(path string) error { return os.WriteFile(path, []byte("x"), 0o666) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "lvsd.sock")
			if err := c.leave(path); err != nil {
				t.Fatal(err)
			}
			if _, err := Status(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
				t.Errorf("before: %v", err)
			}
			server, err := claim(t, dir).Listen(source{status: director.Status{Node: "new"}})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			go func() { _ = server.Serve() }()
			if s, err := Status(t.Context(), dir); err != nil || s.Node != "new" {
				t.Errorf("after: %q, %v", s.Node, err)
			}
		})
	}
}

func TestNotRunning(t *testing.T) {
	dir := t.TempDir()
	for _, dir := range []string{dir, filepath.Join(dir, "missing")} {
		_, err := Status(t.Context(), dir)
		if !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), filepath.Join(dir, "lvsd.sock")) {
			t.Errorf("Status(%s): %v", dir, err)
		}
	}
}

func TestPathTooLong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	_, err := claim(t, dir).Listen(source{})
	_, asked := Status(t.Context(), dir)
	for _, err := range []error{err, asked} {
		if err == nil || !strings.Contains(err.Error(), "shorter run directory") {
			t.Errorf("%v", err)
		}
	}
}

func TestSourceError(t *testing.T) {
	dir, _, _ := serve(t, source{err: errors.New("the director is asleep")})
	_, err := Status(t.Context(), dir)
	if err == nil || err.Error() != "ask for status: 503 Service Unavailable: read status: the director is asleep" {
		t.Errorf("%v", err)
	}
}

func TestUnknownRequests(t *testing.T) {
	dir, _, _ := serve(t, source{})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", filepath.Join(dir, "lvsd.sock"))
		}}}
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodPost, statusPath, http.StatusMethodNotAllowed},
		{http.MethodGet, statusPath, http.StatusOK},
	} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, "http://lvsd"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.code {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, answer.StatusCode, c.code)
		}
	}
}

// TestClose ends Serve, a request that hangs, and a connection that says nothing.
func TestClose(t *testing.T) {
	hang := make(chan struct{})
	dir, server, served := serve(t, source{hang: hang})
	silent, err := net.Dial("unix", filepath.Join(dir, "lvsd.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	asked := make(chan error, 1)
	go func() {
		_, err := Status(t.Context(), dir)
		asked <- err
	}()
	<-hang
	server.Close()
	for name, ended := range map[string]chan error{"Serve": served, "the request": asked} {
		select {
		case err := <-ended:
			if (name == "Serve") != (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s goes on", name)
		}
	}
	if _, err := Status(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after Close: %v", err)
	}
}

func TestStatusEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	dir, _, _ := serve(t, source{hang: hang})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-hang; cancel() }()
	if _, err := Status(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
