package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Host is a machine of the lab.
type Host struct {
	Name string

	namespace string // as "ip netns" shows it
	ns        netns.NsHandle
	handle    *netlink.Handle // see net; nil once the host is closed
	wires     map[string]wire
	launch    chan func()   // see onLauncher
	closed    chan struct{} // closed with the host

	mu        sync.Mutex
	processes map[*Process]struct{}
	sites     []*Site
}

// Host adds a machine with nothing but a loopback interface, which is up. Its name becomes its host name.
func (l *Lab) Host(name string) (*Host, error) {
	h := &Host{
		Name: name, namespace: l.prefix + name,
		wires: map[string]wire{}, launch: make(chan func()), closed: make(chan struct{}), processes: map[*Process]struct{}{},
	}
	err := onThread(func() error {
		var err error
		h.ns, err = netns.NewNamed(h.namespace)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create host %s: %w", name, err)
	}
	l.hosts = append(l.hosts, h)
	if h.handle, err = netlink.NewHandleAt(h.ns); err != nil {
		return nil, fmt.Errorf("open netlink on host %s: %w", name, err)
	}
	ready := make(chan error)
	go h.launcher(ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("start host %s: %w", name, err)
	}
	lo, err := h.link("lo")
	if err != nil {
		return nil, err
	}
	if err := h.handle.LinkSetUp(lo); err != nil {
		return nil, fmt.Errorf("bring lo up on %s: %w", name, err)
	}
	// An IPv6 address is usable at once, without a second of duplicate address detection.
	for _, key := range []string{"net.ipv6.conf.default.accept_dad", "net.ipv6.conf.all.accept_dad"} {
		if err := h.Sysctl(key, "0"); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// onThread runs fn on a thread of its own, which may enter namespaces: it is locked and ends with the goroutine.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("the function ended its goroutine") // t.Fatal does
		defer func() { done <- err }()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The process's first thread cannot end, and it is the one /proc/self is about: leave it alone. While this
			// goroutine holds it, the next one is on another.
			defer runtime.UnlockOSThread()
			err = onThread(fn)
			return
		}
		err = fn()
	}()
	return <-done
}

// Do runs fn on a thread of its own in the host's network namespace. Sockets that fn opens stay in that namespace wherever
// they are used; goroutines that fn starts are not in it.
func (h *Host) Do(fn func() error) error {
	return onThread(func() error {
		if err := netns.Set(h.ns); err != nil {
			return fmt.Errorf("enter host %s: %w", h.Name, err)
		}
		return fn()
	})
}

// launcher is the thread that starts the host's processes. It lives as long as the host, since the kernel kills them when it
// ends (Pdeathsig): a test that crashes leaves none behind.
func (h *Host) launcher(ready chan<- error) {
	err := onThread(func() error {
		if err := h.enter(); err != nil {
			return err
		}
		ready <- nil
		for {
			select {
			case fn := <-h.launch:
				fn()
			case <-h.closed:
				return nil
			}
		}
	})
	if err != nil {
		ready <- err
	}
}

// onLauncher runs fn on the host's launcher thread and waits for it.
func (h *Host) onLauncher(fn func() error) error {
	done := make(chan error, 1)
	select {
	case h.launch <- func() { done <- fn() }:
		return <-done
	case <-h.closed:
		return fmt.Errorf("host %s: %w", h.Name, errClosed)
	}
}

// enter makes the calling thread one of the host: its network, its name, its /sys and its /run.
func (h *Host) enter() error {
	if err := netns.Set(h.ns); err != nil {
		return fmt.Errorf("enter its network: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare name and mounts: %w", err)
	}
	if err := unix.Sethostname([]byte(h.Name)); err != nil {
		return fmt.Errorf("name it: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make its mounts private: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount its /sys: %w", err)
	}
	if err := unix.Mount("run", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount its /run: %w", err)
	}
	return nil
}

// Sysctl writes a kernel setting of the host's network, named as in sysctl(8).
func (h *Host) Sysctl(key, value string) error {
	return h.Do(func() error {
		path := filepath.Join("/proc/sys", strings.ReplaceAll(key, ".", "/"))
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set %s to %s on %s: %w", key, value, h.Name, err)
		}
		return nil
	})
}

// PowerOff kills the host's processes, closes its sites and unplugs its wires, all at once as a power cut does. What its kernel
// holds (addresses, IPVS) stays, unreachable.
func (h *Host) PowerOff() error {
	var errs []error
	for ifname := range h.wires {
		errs = append(errs, h.Cut(ifname))
	}
	return errors.Join(append(errs, h.stop())...)
}

// stop kills the host's processes and closes its sites.
func (h *Host) stop() error {
	var errs []error
	h.mu.Lock()
	processes, sites := h.processes, h.sites
	h.processes, h.sites = map[*Process]struct{}{}, nil
	h.mu.Unlock()
	for p := range processes {
		p.Kill()
		<-p.Done()
	}
	for _, s := range sites {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// net is the host's end of netlink. It must never be a closed handle: one of those works on the interfaces of the machine itself.
func (h *Host) net() (*netlink.Handle, error) {
	if h.handle == nil {
		return nil, fmt.Errorf("host %s: %w", h.Name, errClosed)
	}
	return h.handle, nil
}

var errClosed = errors.New("the lab is closed")

func (h *Host) close() error {
	err := h.stop()
	close(h.closed)
	if h.handle != nil {
		h.handle.Close()
		h.handle = nil
	}
	return errors.Join(err, h.ns.Close(), netns.DeleteNamed(h.namespace))
}
