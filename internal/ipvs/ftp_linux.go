package ipvs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// askTimeout is how long the process that asks for the helper may live: to load a module takes a tenth of that.
	askTimeout = 2 * time.Second
	// loadTimeout is how long the helper may take after that process was killed.
	loadTimeout = time.Second
	// loadPoll is how often it is looked for then.
	loadPoll = 20 * time.Millisecond
)

// AskForFTP has the kernel load its helper for FTP. The kernel itself loads modules named ip_vs_NAME for schedulers alone, so
// it is asked for a service that has the scheduler "ftp" (ip_vs_scheduler_get of net/netfilter/ipvs/ip_vs_sched.c): the module is
// loaded, there is no such scheduler in it, and no service is made. CAP_NET_ADMIN is enough for that. Whether the
// module came, it does not tell.
//
// It is for a process of its own, which can be killed: see OpenAsking.
func AskForFTP() error {
	g, err := dial("IPVS")
	if err != nil {
		return err
	}
	defer g.wire.close()
	key := ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.IPv4Unspecified(), Port: 21} // of which no packet can be
	err = g.exchange(cmdNewService, 0, func(m *message) {
		m.service(key, &Service{Scheduler: "ftp", Netmask: HostMask(4)})
	}, func([]byte) error { return nil })
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("ask for ip_vs_ftp: %w", err)
	}
	return nil
}

// OpenAsking is Open with a program, and its arguments, that calls AskForFTP.
//
// While the kernel loads a module for somebody it holds IPVS's lock, and ip_vs_ftp waits for every network namespace that is
// being taken down, of which each waits for that lock: nothing of that ends, and no namespace comes or goes on this host any
// more, until the asking process is killed. Then the module is loaded all the same.
func OpenAsking(program ...string) func() (Kernel, error) {
	return func() (Kernel, error) {
		k, err := open()
		if err != nil {
			return nil, err
		}
		k.asker = program
		return k, nil
	}
}

// loadFTP has the helper loaded.
func (k *netlinkKernel) loadFTP() error {
	if has, err := k.hasFTP(); has || err != nil {
		return err
	}
	if len(k.asker) == 0 {
		return ErrNoFTP
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	said, err := exec.CommandContext(ctx, k.asker[0], k.asker[1:]...).CombinedOutput()
	for deadline := time.Now().Add(loadTimeout); ; time.Sleep(loadPoll) {
		switch has, unread := k.hasFTP(); {
		case has || unread != nil:
			return unread
		case ctx.Err() == nil && err != nil:
			return fmt.Errorf("%w: %w: %s", ErrNoFTP, err, bytes.TrimSpace(said))
		case ctx.Err() == nil || time.Now().After(deadline):
			return ErrNoFTP
		}
	}
}

// hasFTP tells whether the namespace has the helper.
func (k *netlinkKernel) hasFTP() (bool, error) {
	if k.apps == nil {
		return false, nil
	}
	if _, err := k.apps.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	text, err := io.ReadAll(k.apps)
	if err != nil {
		return false, fmt.Errorf("read the helpers of IPVS: %w", err)
	}
	return showsFTP(text), nil
}
