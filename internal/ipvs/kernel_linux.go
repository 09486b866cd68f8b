package ipvs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// netlinkKernel is the IPVS of the network namespace it was opened in.
type netlinkKernel struct {
	genl *genlSocket
	moby *mobyServices // nil where moby/ipvs speaks to a family that is gone
	dead bool          // an exchange did not end: the sockets are closed
}

// Open connects to the IPVS of the current network namespace. The error is ErrNoIPVS where the
// kernel has none and cannot load it.
func Open() (Kernel, error) {
	genl, err := dial("IPVS")
	if err != nil {
		return nil, fmt.Errorf("open IPVS: %w", err)
	}
	services, err := openMoby()
	if err != nil {
		genl.sock.Close()
		return nil, fmt.Errorf("open IPVS: %w", err)
	}
	k := &netlinkKernel{genl: genl, moby: services}
	current, err := guard(k, services.current)
	if err != nil {
		k.Close()
		return nil, fmt.Errorf("open IPVS: %w", err)
	}
	if !current {
		services.close()
		k.moby = nil
	}
	return k, nil
}

// Close implements Kernel.
func (k *netlinkKernel) Close() {
	if k.dead {
		return
	}
	k.dead = true
	k.genl.sock.Close()
	k.moby.close()
}

// guard runs one exchange and waits for it for a bounded time: a system call can hang in the
// kernel (on its lock while somebody else loads a module), and moby/ipvs waits for an answer
// without end. After that the sockets are closed, which ends the exchange.
func guard[T any](k *netlinkKernel, exchange func() (T, error)) (T, error) {
	var zero T
	if k.dead {
		return zero, net.ErrClosed
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := exchange()
		done <- result{value, err}
	}()
	timer := time.NewTimer(exchangeTimeout + time.Second)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
		k.Close()
		return zero, os.ErrDeadlineExceeded
	}
}

// Apply implements Kernel.
func (k *netlinkKernel) Apply(op Op) error {
	if err := op.check(); err != nil {
		return err
	}
	_, err := guard(k, func() (struct{}, error) { return struct{}{}, k.write(op) })
	return err
}

func (k *netlinkKernel) write(op Op) error {
	var err error
	switch op.Kind {
	case AddService, EditService, DeleteService:
		return k.writeService(op)
	case AddDestination:
		_, err = k.genl.exchange(cmdNewDest, 0, serviceAttr(op.Key, nil), destinationAttr(op.Address, &op.Destination))
	case EditDestination:
		_, err = k.genl.exchange(cmdSetDest, 0, serviceAttr(op.Key, nil), destinationAttr(op.Address, &op.Destination))
	case SetTimeouts:
		_, err = k.genl.exchange(cmdSetConfig, 0, timeoutAttrs(op.Timeouts)...)
	case StartDaemon:
		_, err = k.genl.exchange(cmdNewDaemon, 0, daemonAttr(op.State, op.Daemon))
	case StopDaemon:
		_, err = k.genl.exchange(cmdDelDaemon, 0, daemonAttr(op.State, op.Daemon))
	case DeleteDestination:
		_, err = k.genl.exchange(cmdDelDest, 0, serviceAttr(op.Key, nil), destinationAttr(op.Address, nil))
	}
	return err
}

func (k *netlinkKernel) writeService(op Op) error {
	if k.moby != nil {
		return k.moby.write(op)
	}
	var err error
	switch op.Kind {
	case AddService:
		_, err = k.genl.exchange(cmdNewService, 0, serviceAttr(op.Key, &op.Service))
	case EditService:
		_, err = k.genl.exchange(cmdSetService, 0, serviceAttr(op.Key, &op.Service))
	case DeleteService:
		_, err = k.genl.exchange(cmdDelService, 0, serviceAttr(op.Key, nil))
	}
	return err
}

// Settings implements Kernel.
func (k *netlinkKernel) Settings() (Settings, error) {
	var s Settings
	ask := func(command uint8, flags int, read func([]byte) error) error {
		replies, err := guard(k, func() ([][]byte, error) { return k.genl.exchange(command, flags) })
		if errors.Is(err, unix.ENOENT) { // of the family: the module has been unloaded
			return ErrNoIPVS
		}
		for _, b := range replies {
			err = errors.Join(err, read(b))
		}
		return err
	}
	err := ask(cmdGetConfig, 0, func(b []byte) (err error) {
		s.Timeouts, err = parseTimeouts(b)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("read the timeouts: %w", err)
	}
	err = ask(cmdGetDaemon, unix.NLM_F_DUMP, func(b []byte) error { return parseDaemon(b, &s) })
	if err != nil && !errors.Is(err, ErrInconsistent) {
		return s, fmt.Errorf("dump the sync daemons: %w", err)
	}
	return s, nil
}

// Dump implements Kernel.
func (k *netlinkKernel) Dump() (Table, error) {
	services, err := k.Stats()
	if err != nil && !errors.Is(err, ErrInconsistent) {
		return nil, err
	}
	return tableOf(services), err
}

// Stats implements Kernel.
func (k *netlinkKernel) Stats() ([]ServiceStats, error) {
	services, err := dumpOf(k, cmdGetService, nil, parseService,
		func(s ServiceStats) ServiceKey { return s.Key })
	if err != nil && !errors.Is(err, ErrInconsistent) {
		return nil, fmt.Errorf("dump the services: %w", err)
	}
	interrupted := err
	for i := range services {
		s := &services[i]
		s.Destinations, err = dumpOf(k, cmdGetDest, &s.Key,
			func(b []byte) (DestinationStats, error) { return parseDestination(b, s.Key.Family) },
			func(d DestinationStats) netip.AddrPort { return d.Address })
		if err != nil && !errors.Is(err, ErrInconsistent) {
			return nil, fmt.Errorf("dump the destinations of %s: %w", s.Key, err)
		}
		interrupted = errors.Join(interrupted, err)
	}
	sortStats(services)
	return services, interrupted
}

// dumpOf reads a list of what the command gets, of a service or of all. IPVS dumps in portions
// and does not say when the table changed in between: entries then come twice, or not at all.
// One that comes twice is left out, and ErrInconsistent returned beside the list.
func dumpOf[T any, K comparable](k *netlinkKernel, command uint8, of *ServiceKey, parse func([]byte) (T, error), key func(T) K) ([]T, error) {
	replies, interrupted := guard(k, func() ([][]byte, error) {
		if of != nil {
			return k.genl.exchange(command, unix.NLM_F_DUMP, serviceAttr(*of, nil))
		}
		return k.genl.exchange(command, unix.NLM_F_DUMP)
	})
	switch {
	case errors.Is(interrupted, unix.ENOENT): // of the family: the module has been unloaded
		return nil, ErrNoIPVS
	case interrupted != nil && !errors.Is(interrupted, ErrInconsistent):
		return nil, interrupted
	}
	list := make([]T, 0, len(replies))
	seen := make(map[K]bool, len(replies))
	for _, b := range replies {
		item, err := parse(b)
		if err != nil {
			return nil, err
		}
		if seen[key(item)] {
			interrupted = ErrInconsistent
			continue
		}
		seen[key(item)] = true
		list = append(list, item)
	}
	return list, interrupted
}
