// Package lab builds networks of hosts inside one machine: a host is a network namespace with its own host name and its own
// /run, a switch is a bridge, a wire is a veth pair between the two. Tests, the demo and the benchmarks run the daemons of
// several machines in it, with real packets between them. It needs root.
package lab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netns"
)

// Lab is a set of hosts and switches. Its methods are for one goroutine; those of its hosts may be used by many.
type Lab struct {
	prefix   string // what the names of its namespaces begin with
	lan      *Host  // holds the bridges
	hosts    []*Host
	switches map[string]*Switch
	ports    int
}

// netnsDir is where named network namespaces are, for "ip netns" too.
const netnsDir = "/run/netns"

// New returns an empty lab. The names of its namespaces begin with lvsd-, prefix and the process's id ("ip netns" shows them);
// what a process that no longer lives left behind under the same prefix is removed first.
func New(prefix string) (*Lab, error) {
	if err := removeLeftovers(prefix); err != nil {
		return nil, err
	}
	l := &Lab{
		prefix:   fmt.Sprintf("lvsd-%s-%d-%s-", prefix, os.Getpid(), strings.ToLower(rand.Text()[:4])),
		switches: map[string]*Switch{},
	}
	lan, err := l.Host("lan")
	if err != nil {
		return nil, err
	}
	l.lan = lan
	// A switch speaks no IP; without this each port would send router solicitations.
	if err := lan.Sysctl("net.ipv6.conf.default.disable_ipv6", "1"); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeLeftovers deletes the namespaces of dead processes.
func removeLeftovers(prefix string) error {
	paths, err := filepath.Glob(filepath.Join(netnsDir, "lvsd-"+prefix+"-*"))
	if err != nil {
		return fmt.Errorf("look for left-over namespaces of %s: %w", prefix, err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		owner, _, _ := strings.Cut(strings.TrimPrefix(name, "lvsd-"+prefix+"-"), "-")
		pid, err := strconv.Atoi(owner)
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		if err := netns.DeleteNamed(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("delete the left-over namespace %s: %w", name, err)
		}
	}
	return nil
}

// Close kills every process of the lab and removes its namespaces, and with them interfaces, addresses and IPVS tables.
func (l *Lab) Close() error {
	var errs []error
	for _, h := range l.hosts {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}
