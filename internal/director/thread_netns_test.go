//go:build netns

package director

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// realtime tells whether a thread (0: the calling one) has the priority that onThread gives.
func realtime(thread int) (bool, error) {
	attr, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		return false, err
	}
	return attr.Policy == unix.SCHED_RR && attr.Priority == roundRobinPriority && attr.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0, nil
}

// Root is given the priority.
func TestThreadIsRealtime(t *testing.T) {
	type answer struct {
		realtime bool
		err      error
	}
	ran, refused := make(chan answer, 1), make(chan error, 1)
	onThread(func() {
		is, err := realtime(0)
		ran <- answer{is, err}
	}, func(err error) { refused <- err })
	if a := <-ran; a.err != nil || !a.realtime {
		t.Errorf("real-time priority: %v, error %v", a.realtime, a.err)
	}
	select {
	case err := <-refused:
		t.Error(err)
	default:
	}
}

// A running director has two such threads: the election's and that of the addresses.
func TestElectionAndAddressesAreRealtime(t *testing.T) {
	lb1 := newSegment(t).node(t, "lb1")
	lb1.becomes(t, "MASTER")
	tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(lb1.cmd.Process.Pid), "task", "*"))
	must(t, err)
	count := 0
	for _, task := range tasks {
		id, err := strconv.Atoi(filepath.Base(task))
		must(t, err)
		is, err := realtime(id)
		if errors.Is(err, unix.ESRCH) {
			continue // it has ended meanwhile
		}
		must(t, err)
		if is {
			count++
		}
	}
	if count != 2 {
		t.Errorf("%d of %d threads run at real-time priority, not 2", count, len(tasks))
	}
}
