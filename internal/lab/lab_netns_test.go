//go:build netns

package lab

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func seed(t *testing.T, f Forwarding) *Seed {
	t.Helper()
	s, err := NewSeed("labtest", f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(netnsDir, s.prefix+"*")); len(left) > 0 {
			t.Errorf("Close left %v behind", left)
		}
	})
	return s
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// The seed's network without directors' help: a director reaches each web server, and a pulled cable is felt on both ends.
func TestSeedIsWired(t *testing.T) {
	s := seed(t, NAT)
	client := s.LB[0].HTTPClient(500 * time.Millisecond)
	for i, real := range s.Real {
		if r := Ask(client, "http://"+real.String()+"/"); r.Err != nil || r.By != s.Web[i].Name {
			t.Errorf("web server %s answered %q, error %v", real, r.By, r.Err)
		}
	}
	if err := s.Web[0].Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Web[0].Run(within(t, 5*time.Second), "ip", "link", "show", "eth0"); err != nil || !strings.Contains(out, "NO-CARRIER") {
		t.Errorf("the web server's end of a pulled cable: %v\n%s", err, out)
	}
	if r := Ask(client, "http://"+s.Real[0].String()+"/"); r.Err == nil {
		t.Error("a request passed a pulled cable")
	}
	if err := s.Web[0].Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	if r := Ask(s.LB[1].HTTPClient(5*time.Second), "http://"+s.Real[0].String()+"/"); r.Err != nil {
		t.Errorf("after the cable was mended: %v", r.Err)
	}
	s.Sites[1].Status(503)
	if r := Ask(client, "http://"+s.Real[1].String()+"/down"); r.Err == nil {
		t.Error("status 503 counted as an answer")
	}
	if n := s.Sites[1].Served("/down"); n != 1 {
		t.Errorf("the site counted %d requests, want 1", n)
	}
}

// A slow request is answered to its end when it has been sent to its end, and fails if the answer is cut short.
func TestSlowPage(t *testing.T) {
	s := seed(t, NAT)
	client := s.LB[0].HTTPClient(5 * time.Second)
	url := "http://" + s.Real[0].String() + SlowPath
	slow := func() *Slow {
		t.Helper()
		r, err := AskSlow(client, url)
		if err != nil {
			t.Fatal(err)
		}
		if r.By != "web1" {
			t.Errorf("answered by %q", r.By)
		}
		return r
	}
	first, second := slow(), slow()
	if err := first.End(); err != nil {
		t.Error(err)
	}
	if err := s.Sites[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.End(); err == nil {
		t.Error("an answer that was cut short counts as whole")
	}
	if _, err := AskSlow(client, url); err == nil {
		t.Error("a closed site answered")
	}
}

// A process sees its host and no other; its output is found line by line; power off ends it.
func TestProcess(t *testing.T) {
	s := seed(t, DR)
	out, err := s.LB[1].Run(within(t, 5*time.Second), "sh", "-c", "uname -n; ls /run; ls /sys/class/net; ip -br addr show eth0")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"lb2\n", "eth0\neth1\n", "192.168.2.2/24"} {
		if !strings.Contains(out, want) {
			t.Errorf("output %q lacks %q", out, want)
		}
	}
	p, err := s.LB[0].Start([]string{"WORD=hello"}, "sh", "-c", "echo $WORD; echo again; exec sleep 100")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.WaitFor(within(t, 5*time.Second), time.Time{}, Containing("aga")); err != nil {
		t.Fatal(err)
	}
	if first := p.Lines()[0].Text; first != "hello" {
		t.Errorf("first line %q", first)
	}
	if _, err := p.WaitFor(within(t, 50*time.Millisecond), time.Time{}, Containing("never")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a line that never comes: %v", err)
	}
	if err := s.LB[0].PowerOff(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(within(t, time.Second)); err == nil {
		t.Error("a process survived the power cut")
	}
	if _, err := p.WaitFor(within(t, time.Second), time.Time{}, Containing("never")); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("waiting for a line of a dead process: %v", err)
	}
}

// Do leaves neither the caller's thread nor the first thread in another namespace, even when its function ends the goroutine.
func TestDoLeavesThreadsAlone(t *testing.T) {
	s := seed(t, NAT)
	here := func(path string) string {
		t.Helper()
		link, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	home := here("/proc/self/ns/net")
	for range 50 {
		var there string
		var tid int
		if err := s.Client.Do(func() error {
			tid = unix.Gettid()
			var err error
			there, err = os.Readlink("/proc/thread-self/ns/net")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if there == home {
			t.Fatal("Do did not enter the host")
		}
		if tid == unix.Getpid() {
			t.Fatal("Do used the process's first thread")
		}
		if here("/proc/self/ns/net") != home || here("/proc/thread-self/ns/net") != home {
			t.Fatal("Do left a thread in the host's namespace")
		}
	}
	if err := s.Client.Do(func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("a function that ended its goroutine counts as done")
	}
}

// A capture shows ARP, and the load generator keeps its rate and finds the hole a pulled cable makes.
func TestCaptureAndLoad(t *testing.T) {
	s := seed(t, DR)
	arp, err := s.Client.Capture(within(t, 5*time.Second), "eth0", "arp")
	if err != nil {
		t.Fatal(err)
	}
	traffic := Load{From: s.Client, URL: "http://" + s.Real[2].String() + "/", Rate: 50, Timeout: 200 * time.Millisecond}.Start()
	if _, err := arp.WaitFor(within(t, 5*time.Second), time.Time{}, Containing("who-has "+s.Real[2].String())); err != nil {
		t.Error(err)
	}
	until := func(what string, enough func(Report) bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !enough(traffic.SoFar()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no %s: %s", what, traffic.SoFar())
			}
		}
	}
	until("50 answers", func(r Report) bool { return r.By()["web3"] >= 50 })
	if failed := traffic.SoFar().Failed(); len(failed) > 0 {
		t.Errorf("failed without cause: %v", failed[0].Err)
	}
	cut := time.Now()
	if err := s.Web[2].Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	until("20 failures", func(r Report) bool { return len(r.Failed()) >= 20 })
	mended := time.Now()
	if err := s.Web[2].Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	until("answers again", func(r Report) bool { return r.Between(mended, time.Now()).By()["web3"] >= 50 })
	report := traffic.Stop()
	gap, began := report.LongestGap()
	if gap < mended.Sub(cut)-50*time.Millisecond || began.After(mended) {
		t.Errorf("longest gap %s from %s on; the cable was out for %s from %s on", gap, began, mended.Sub(cut), cut)
	}
	t.Log(report)
}

// A wire carries the addresses it was given, and an address can be added.
func TestAddresses(t *testing.T) {
	s := seed(t, NAT)
	if err := s.LB[0].AddAddress("eth0", netip.PrefixFrom(s.VIP, 32)); err != nil {
		t.Fatal(err)
	}
	have, err := s.LB[0].Addresses("eth0")
	if err != nil {
		t.Fatal(err)
	}
	if len(have) < 2 || have[0] != outsideLB[0] || have[1] != netip.PrefixFrom(s.VIP, 32) {
		t.Errorf("addresses of eth0: %v", have)
	}
}

// What a dead process left behind goes when the next lab of the same prefix is made.
func TestLeftoversAreRemoved(t *testing.T) {
	dead, err := New("labdead")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	// The largest number a process can have on 64 bits, plus one: nobody's.
	old := filepath.Join(netnsDir, "lvsd-labdead-4194305-x-lan")
	f, err := os.Create(old)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(filepath.Join(netnsDir, dead.lan.namespace), old, "none", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	next, err := New("labdead")
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the namespace of a dead process is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(netnsDir, dead.lan.namespace)); err != nil {
		t.Errorf("the namespace of a living process is gone: %v", err)
	}
}

// A closed lab refuses: its netlink would work on the interfaces of whoever calls. Here that would be another lab's host.
func TestClosedLabTouchesNothing(t *testing.T) {
	closed, err := NewSeed("labclosed", NAT)
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	s := seed(t, NAT)
	if err := s.LB[0].Do(func() error {
		inside := closed.switches["inside"]
		for what, err := range map[string]error{
			"Cut":        closed.LB[0].Cut("eth0"),
			"Mend":       closed.LB[0].Mend("eth0"),
			"AddAddress": closed.LB[0].AddAddress("eth0", insideLB[0]),
			"Plug":       closed.LB[0].Plug("eth9", inside),
			"Route":      closed.LB[0].DefaultRoute(closed.VGate),
			"PowerOff":   closed.LB[0].PowerOff(),
		} {
			if !errors.Is(err, errClosed) {
				t.Errorf("%s in a closed lab: %v", what, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
