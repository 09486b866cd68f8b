package director

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/check"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// A weight changes the effective priority, which is told and shown; a reload changes it again.
func TestEffectivePriority(t *testing.T) {
	tracking := func(line string) string {
		return strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id", line+"\n  virtual_router_id", 1)
	}
	n := startNode(t, tracking(`  track_interface "gone0" { weight = -40 }`))
	e := n.wait(t, PriorityChanged)
	if e.fields["from"] != uint8(100) || e.fields["to"] != uint8(60) || e.fields["weights"] != "interface gone0 -40" {
		t.Errorf("%v", e)
	}
	if i := n.status(t).Instances[0]; i.Priority != 100 || i.EffectivePriority != 60 || i.State != "FAULT" {
		t.Errorf("%+v", i)
	}
	n.write(t, instance("192.0.2.1/24"))
	n.Reload()
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(100) || e.fields["weights"] != "" {
		t.Errorf("%v", e)
	}
	if i := n.status(t).Instances[0]; i.EffectivePriority != 100 {
		t.Errorf("%+v", i)
	}
}

// A script that fails is told, and fails the instance; one that cannot be started is told, and fails
// nobody.
func TestTrackedScript(t *testing.T) {
	flag := filepath.Join(t.TempDir(), "ok")
	must(t, os.WriteFile(flag, nil, 0o600))
	text := func(program string) string {
		return fmt.Sprintf(`vrrp_script "web" {
  script   = [%q, "-e", %q]
  interval = "20ms"
  timeout  = "10s"
  weight   = 30
}
vrrp_script "unused" { script = "/bin/false" }
`, program, flag) + strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id", "  track_script \"web\" {}\n  virtual_router_id", 1)
	}
	n := startNode(t, text("/usr/bin/test"))
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(130) {
		t.Errorf("%v", e)
	}
	must(t, os.Remove(flag))
	if e := n.wait(t, TrackerFailed); e.fields["tracker"] != "script web" || e.fields["reason"] != "exited with status 1" {
		t.Errorf("%v", e)
	}
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(100) {
		t.Errorf("%v", e)
	}
	s := n.status(t)
	if len(s.Trackers) != 1 || s.Trackers[0].Kind != "script" || s.Trackers[0].Name != "web" || s.Trackers[0].State != "down" ||
		s.Trackers[0].Error != "exited with status 1" {
		t.Errorf("%+v", s.Trackers)
	}
	must(t, os.WriteFile(flag, nil, 0o600))
	n.wait(t, TrackerRestored)
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(130) {
		t.Errorf("%v", e)
	}
	// Another program, that cannot be started: nothing is known of it, and what was known stands.
	n.write(t, text("/no/such/program"))
	n.Reload()
	if e := n.wait(t, TrackerImpossible); e.fields["tracker"] != "script web" {
		t.Errorf("%v", e)
	}
	if i := n.status(t).Instances[0]; i.EffectivePriority != 130 {
		t.Errorf("%+v", i)
	}
	// One that has run counts.
	n.write(t, text("/bin/false"))
	n.Reload()
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(100) {
		t.Errorf("%v", e)
	}
}

// What the election knows of a name stands until something is known of what the name means now.
func TestReadings(t *testing.T) {
	x := vrrp.Tracker{Kind: vrrp.TrackScript, Name: "x"}
	spec := track.Script{Rise: 1}
	up, down := vrrp.Reading{Up: true}, vrrp.Reading{Why: "exited with status 1"}
	for _, c := range []struct {
		name   string
		seen   track.Reading
		before map[vrrp.Tracker]vrrp.Reading
		want   map[vrrp.Tracker]vrrp.Reading
	}{
		{"nothing", track.Reading{}, nil, map[vrrp.Tracker]vrrp.Reading{}},
		{"up", track.Reading{State: track.Up, Why: ""}, nil, map[vrrp.Tracker]vrrp.Reading{x: up}},
		{"down", track.Reading{State: track.Down, Why: "exited with status 1"}, map[vrrp.Tracker]vrrp.Reading{x: up}, map[vrrp.Tracker]vrrp.Reading{x: down}},
		{"nothing new", track.Reading{}, map[vrrp.Tracker]vrrp.Reading{x: down}, map[vrrp.Tracker]vrrp.Reading{x: down}},
		{"impossible", track.Reading{Fault: os.ErrNotExist}, nil, map[vrrp.Tracker]vrrp.Reading{x: {Void: true}}},
		{"impossible now", track.Reading{Fault: os.ErrNotExist}, map[vrrp.Tracker]vrrp.Reading{x: up}, map[vrrp.Tracker]vrrp.Reading{x: up}},
		{"up, and impossible now", track.Reading{State: track.Up, Fault: os.ErrNotExist}, nil, map[vrrp.Tracker]vrrp.Reading{x: up}},
		{"another one", track.Reading{}, map[vrrp.Tracker]vrrp.Reading{{Kind: vrrp.TrackFile, Name: "x"}: up}, map[vrrp.Tracker]vrrp.Reading{}},
	} {
		got := readings(map[vrrp.Tracker]watched{x: spec}, seen{tracked: map[track.Spec]track.Reading{spec: c.seen}}, c.before)
		if diff := gocmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSeen(t *testing.T) {
	ping := check.Spec{Kind: check.ICMP}
	for _, c := range []struct {
		of   watched
		now  seen
		want string
	}{
		{ping, seen{}, "{false false 0 } false"},
		{ping, seen{verdicts: map[check.Spec]check.Verdict{ping: {Healthy: true, Known: true}}}, "{false true 0 } true"},
		{ping, seen{verdicts: map[check.Spec]check.Verdict{ping: {Known: true}}}, "{false false 0 does not answer} true"},
		{ping, seen{verdicts: map[check.Spec]check.Verdict{ping: {Fault: os.ErrPermission}}}, "{true false 0 } true"},
		{quorumOf("x"), seen{}, "{false false 0 has lost its quorum} false"},
		{quorumOf("x"), seen{quorate: map[string]bool{"x": true}}, "{false true 0 } true"},
		{quorumOf("x"), seen{quorate: map[string]bool{"x": false}}, "{false false 0 has lost its quorum} true"},
		{track.File{Path: "/x"}, seen{tracked: map[track.Spec]track.Reading{track.File{Path: "/x"}: {State: track.Up, Value: -7}}}, "{false true -7 } true"},
	} {
		r, known := c.now.of(c.of)
		got := fmt.Sprint(r, " ", known)
		if got != c.want && known || !known && !strings.HasSuffix(c.want, "false") {
			t.Errorf("%+v: %s, want %s", c.of, got, c.want)
		}
	}
}

// All that can be tracked changes the priority: a file's value, a process, an answer, a quorum.
func TestTrackersOfEveryKind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "value")
	name := fmt.Sprint("lvsd-d-", os.Getpid()%100000)
	sleep := filepath.Join(t.TempDir(), name)
	must(t, os.Symlink("/bin/sleep", sleep))
	text := fmt.Sprintf(`track_file "f" { file = %q }
vrrp_track_process "p" {
  process = %q
  weight  = 20
}
vrrp_track_ping "g" {
  address  = "127.0.0.1"
  interval = "50ms"
  timeout  = "10s"
  weight   = 40
}
vrrp_track_service "s" {
  virtual_server = "192.0.2.1 80"
  weight         = -10
}
`, file, name) + strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id",
		"  track_file \"f\" {}\n  track_process \"p\" {}\n  track_ping \"g\" {}\n  track_service \"s\" {}\n  virtual_router_id", 1) +
		serviceText("192.0.2.1", "  quorum = 2\n"+twoServers)
	n := startNode(t, text)
	priority := func(want uint8) {
		t.Helper()
		waitFor(t, fmt.Sprint("priority ", want), func() bool { return n.status(t).Instances[0].EffectivePriority == want })
	}
	priority(140) // 127.0.0.1 answers
	must(t, os.WriteFile(file, []byte("-3"), 0o600))
	priority(137)
	if e := n.wait(t, TrackerChanged); e.fields["tracker"] != "file f" || e.fields["from"] != int64(0) || e.fields["to"] != int64(-3) {
		t.Errorf("%v", e)
	}
	process := exec.Command(sleep, "1000")
	must(t, process.Start())
	priority(157)
	must(t, process.Process.Kill())
	priority(137)
	_ = process.Wait()
	// The weight of the servers is less than the quorum.
	n.write(t, strings.Replace(text, "quorum = 2", "quorum = 2\n  weight = 0", 1))
	n.Reload()
	priority(127)
	var got []string
	for _, s := range n.status(t).Trackers {
		line := fmt.Sprint(s.Kind, " ", s.Name, " ", s.State, " ", s.Error)
		if s.Value != nil {
			line += fmt.Sprint(*s.Value)
		}
		got = append(got, line)
	}
	want := []string{"address g up ", "file f up -3", "process p down has 0 of 1 processes", "virtual server s down has lost its quorum"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	n.write(t, text)
	n.Reload()
	priority(137)
}
