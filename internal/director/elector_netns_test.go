//go:build netns

package director

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// electorOf is the process of a node's election.
func electorOf(t testing.TB, p *process) int {
	t.Helper()
	pid := strconv.Itoa(p.cmd.Process.Pid)
	tasks, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
	must(t, err)
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if errors.Is(err, unix.ESRCH) || errors.Is(err, os.ErrNotExist) {
			continue // the thread has ended
		}
		must(t, err)
		for _, child := range strings.Fields(string(text)) {
			id, err := strconv.Atoi(child)
			must(t, err)
			return id
		}
	}
	t.Fatal("the node has no process for its election")
	return 0
}

// Every thread of the election's process has real-time priority, and none of the director's.
func TestElectionIsRealtime(t *testing.T) {
	lb1 := newSegment(t).node(t, "lb1")
	lb1.becomes(t, "MASTER")
	policies := func(pid int) map[uint32]int {
		count := map[uint32]int{}
		tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*"))
		must(t, err)
		for _, task := range tasks {
			id, err := strconv.Atoi(filepath.Base(task))
			must(t, err)
			attr, err := unix.SchedGetAttr(id, 0)
			if errors.Is(err, unix.ESRCH) {
				continue // it has ended meanwhile
			}
			must(t, err)
			count[attr.Policy]++
		}
		return count
	}
	if got := policies(electorOf(t, lb1)); got[unix.SCHED_RR] == 0 || len(got) != 1 {
		t.Errorf("threads of the election by policy: %v", got)
	}
	if got := policies(lb1.cmd.Process.Pid); got[unix.SCHED_RR] != 0 {
		t.Errorf("threads of the director by policy: %v", got)
	}
}

// An election whose director hangs makes way, and takes part again when it is heard; alone it stays.
func TestElectionMakesWayForAHungDirector(t *testing.T) {
	s := newSegment(t)
	nopreempt := strings.Replace(config(vip), "garp_master_delay = 0", "nopreempt = true", 1)
	lb1 := s.node(t, "lb1")
	lb1.becomes(t, "MASTER")
	lb2 := s.nodeWith(t, "lb2", nopreempt)
	lb2.wait(t, MasterSeen)
	lb1.signal(t, unix.SIGSTOP)
	lb2.becomes(t, "MASTER")
	lb2.holds(t, vip, vgate)
	lb1.holds(t) // its election and addresses go on
	lb1.signal(t, unix.SIGCONT)
	lb1.becomes(t, "BACKUP")
	if e := lb1.wait(t, DirectorBack); e.fields["silent"] == nil {
		t.Error(e)
	}
	lb1.becomes(t, "MASTER") // it is the better one again
	lb1.holds(t, vip, vgate)

	lb2.signal(t, unix.SIGTERM)
	lb2.wait(t, Stopped)
	lb1.signal(t, unix.SIGSTOP)
	time.Sleep(nodeSilence + 3*time.Second) // for nothing to happen
	lb1.holds(t, vip, vgate)
	lb1.signal(t, unix.SIGCONT)
	lb1.wait(t, DirectorBack)
	if log := lb1.transcript(); strings.Count(log, "to:MASTER") != 2 {
		t.Errorf("alone it did not stay:\n%s", log)
	}
}

// A director whose election hangs ends it, and ends itself as after a crash.
func TestHungElectionIsEnded(t *testing.T) {
	s := newSegment(t)
	lb1 := s.node(t, "lb1")
	lb1.becomes(t, "MASTER")
	lb2 := s.node(t, "lb2")
	lb2.wait(t, MasterSeen)
	must(t, unix.Kill(electorOf(t, lb1), unix.SIGSTOP))
	lb2.becomes(t, "MASTER")
	lb1.wait(t, ElectionSilent)
	if err := lb1.cmd.Wait(); lb1.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	lb1.holds(t)
}

// A director whose election is killed ends, and the election of a director that is killed ends too:
// neither goes on alone.
func TestNeitherProcessOutlivesTheOther(t *testing.T) {
	s := newSegment(t)
	for _, victim := range []string{"election", "director"} {
		lb1 := s.node(t, "lb1")
		lb1.becomes(t, "MASTER")
		election := electorOf(t, lb1)
		pid := election
		if victim == "director" {
			pid = lb1.cmd.Process.Pid
		}
		ended, err := unix.PidfdOpen(election, 0)
		must(t, err)
		must(t, unix.Kill(pid, unix.SIGKILL))
		_ = lb1.cmd.Wait() // the director has ended, whoever was killed
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(ended), Events: unix.POLLIN}}, 10_000); n != 1 || err != nil {
			t.Errorf("with the %s killed the election goes on: %v", victim, err)
		}
		must(t, unix.Close(ended))
	}
}
