//go:build netns

package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is what processes have used since they began.
type usage struct{ user, system time.Duration }

func (u usage) total() time.Duration { return u.user + u.system }

func (u usage) since(before usage) usage {
	return usage{u.user - before.user, u.system - before.system}
}

// clockTick is the unit of time in /proc: USER_HZ, proc(5).
const clockTick = time.Second / 100

// processTree is a process and all that descend from it.
func processTree(root int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		fields, err := statFields(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		children[parent] = append(children[parent], pid)
	}
	tree := []int{root}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// statFields are those of /proc/PID/stat behind the program's name, from its state (field 3 in proc(5)) on.
func statFields(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("read %s: it has %d fields", path, len(fields))
	}
	return fields, nil
}

// cpu is what processes have used, their threads included.
func cpu(pids []int) (usage, error) {
	var u usage
	for _, pid := range pids {
		path := fmt.Sprintf("/proc/%d/stat", pid)
		fields, err := statFields(path)
		if err != nil {
			return u, err
		}
		user, err := strconv.Atoi(fields[11])
		if err != nil {
			return u, fmt.Errorf("read %s: %w", path, err)
		}
		system, err := strconv.Atoi(fields[12])
		if err != nil {
			return u, fmt.Errorf("read %s: %w", path, err)
		}
		u.user += time.Duration(user) * clockTick
		u.system += time.Duration(system) * clockTick
	}
	return u, nil
}

// machine is what all processes have used that live, and those that they have waited for.
func machine() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, path := range stats {
		fields, err := statFields(path)
		if err != nil {
			continue // it has ended
		}
		for _, field := range fields[11:15] {
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("read %s: %w", path, err)
			}
			sum += time.Duration(n) * clockTick
		}
	}
	return sum, nil
}

// memory is the proportional set size of processes, in bytes.
func memory(pids []int) (int, error) {
	sum := 0
	for _, pid := range pids {
		path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		_, line, _ := strings.Cut(string(text), "\nPss:")
		var kib int
		if _, err := fmt.Sscan(line, &kib); err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		sum += kib << 10
	}
	return sum, nil
}

// counters are those of the network that a process is in, by names such as TcpActiveOpens (proc(5), /proc/net/snmp and netstat).
func counters(pid int) (map[string]int, error) {
	all := map[string]int{}
	for _, file := range []string{"snmp", "netstat"} {
		path := fmt.Sprintf("/proc/%d/net/%s", pid, file)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for pair := range slices.Chunk(strings.Split(strings.TrimSpace(string(text)), "\n"), 2) {
			names, values := strings.Fields(pair[0]), strings.Fields(pair[1])
			for i := range names[1:] {
				n, err := strconv.Atoi(values[i+1])
				if err != nil {
					return nil, fmt.Errorf("read %s: %w", path, err)
				}
				all[strings.TrimSuffix(names[0], ":")+names[i+1]] = n
			}
		}
	}
	return all, nil
}

// snapshot is all that is known of a contestant and of the machine at a moment.
type snapshot struct {
	at        time.Time
	elsewhere time.Duration // used by processes that do not take part
	cpu       usage
	counters  map[string]int
}

// snapshotOf reads what a contestant has used and done. Servers take part in the contest but are not counted.
func snapshotOf(contestant, server *Process) (snapshot, error) {
	s := snapshot{at: time.Now()}
	pids, err := processTree(contestant.PID())
	if err != nil {
		return s, err
	}
	if s.cpu, err = cpu(pids); err != nil {
		return s, err
	}
	served, err := cpu([]int{server.PID()})
	if err != nil {
		return s, err
	}
	all, err := machine()
	if err != nil {
		return s, err
	}
	s.elsewhere = all - s.cpu.total() - served.total()
	s.counters, err = counters(contestant.PID())
	return s, err
}

// since is the difference between two snapshots, counters included.
func (s snapshot) since(before snapshot) snapshot {
	d := snapshot{at: s.at, cpu: s.cpu.since(before.cpu), elsewhere: s.elsewhere - before.elsewhere, counters: maps.Clone(s.counters)}
	for name := range d.counters {
		d.counters[name] -= before.counters[name]
	}
	return d
}
