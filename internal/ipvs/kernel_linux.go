package ipvs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// netlinkKernel is the IPVS of the network namespace it was opened in.
type netlinkKernel struct {
	genl *genlSocket
	vs   *os.Root      // net.ipv4.vs of the namespace; nil where it cannot be seen
	list *os.File      // /proc/net/ip_vs of the namespace; nil where there is none
	apps *os.File      // /proc/net/ip_vs_app likewise
	moby *mobyServices // nil where moby/ipvs speaks to a family that is gone
	dead bool          // an exchange did not end: the sockets are closed

	asker []string // that of OpenAsking; empty for none
}

// Open connects to the IPVS of the current network namespace. The error is ErrNoIPVS where the
// kernel has none and cannot load it.
func Open() (Kernel, error) { return OpenAsking()() }

func open() (*netlinkKernel, error) {
	genl, err := dial("IPVS")
	if err != nil {
		return nil, fmt.Errorf("open IPVS: %w", err)
	}
	services, err := openMoby()
	if err != nil {
		genl.wire.close()
		return nil, fmt.Errorf("open IPVS: %w", err)
	}
	k := &netlinkKernel{genl: genl, moby: services}
	// A file below /proc/sys/net is that of the namespace of who opens its directory.
	if k.vs, err = os.OpenRoot("/proc/sys/net/ipv4/vs"); err != nil {
		k.vs = nil
	}
	// Like the sockets it is of the namespace of the thread that opens it.
	if k.list, err = os.Open("/proc/thread-self/net/ip_vs"); err != nil {
		k.list = nil
	}
	if k.apps, err = os.Open("/proc/thread-self/net/ip_vs_app"); err != nil {
		k.apps = nil
	}
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
	k.genl.wire.close()
	k.moby.close()
	if k.vs != nil {
		_ = k.vs.Close()
	}
	for _, f := range []*os.File{k.list, k.apps} {
		if f != nil {
			_ = f.Close()
		}
	}
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
func (k *netlinkKernel) Apply(ops []Op) []error {
	errs := make([]error, len(ops))
	possible := make([]int, 0, len(ops))
	for i, op := range ops {
		switch errs[i] = op.check(); {
		case errs[i] != nil:
		case op.Kind == SetSysctl:
			_, errs[i] = guard(k, func() (struct{}, error) { return struct{}{}, writeSysctl(k.vs, op.Sysctl.Sysctl, op.Sysctl.Want) })
		case op.Kind == LoadFTP:
			_, errs[i] = guard(k, func() (struct{}, error) { return struct{}{}, k.loadFTP() })
		default:
			possible = append(possible, i)
		}
	}
	if len(possible) == 0 {
		return errs
	}
	answers, err := guard(k, func() ([]error, error) {
		if first := ops[possible[0]]; len(possible) == 1 && first.onService() && k.moby != nil {
			return []error{k.moby.write(first)}, nil
		}
		return k.genl.batch(len(possible), func(i int, m *message, flags uint16, sequence uint32) {
			write(m, ops[possible[i]], k.genl.family, flags, sequence)
		}), nil
	})
	for n, i := range possible {
		if errs[i] = err; err == nil {
			errs[i] = answers[n]
		}
	}
	return errs
}

// Look implements Kernel.
func (k *netlinkKernel) Look(show func(line []byte)) error {
	if k.list == nil {
		return errors.ErrUnsupported
	}
	if _, err := k.list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// An exchange that is given up may still read, but show is called here alone.
	lines := bufio.NewScanner(reading(func(b []byte) (int, error) {
		return guard(k, func() (int, error) { return k.list.Read(b) })
	}))
	for lines.Scan() {
		show(lines.Bytes())
	}
	return lines.Err()
}

// reading is a function that reads.
type reading func([]byte) (int, error)

func (r reading) Read(b []byte) (int, error) { return r(b) }

// commands are those of the kinds of operations.
var commands = [...]uint8{
	AddService: cmdNewService, EditService: cmdSetService, DeleteService: cmdDelService,
	AddDestination: cmdNewDest, EditDestination: cmdSetDest, DeleteDestination: cmdDelDest,
	SetTimeouts: cmdSetConfig, StartDaemon: cmdNewDaemon, StopDaemon: cmdDelDaemon,
}

// write writes the request for an operation.
func write(m *message, op Op, family, flags uint16, sequence uint32) {
	m.request(family, commands[op.Kind], flags, sequence, func(m *message) {
		switch op.Kind {
		case AddService, EditService:
			m.service(op.Key, &op.Service)
		case DeleteService:
			m.service(op.Key, nil)
		case AddDestination, EditDestination:
			m.service(op.Key, nil)
			m.destination(op.Address, &op.Destination)
		case DeleteDestination:
			m.service(op.Key, nil)
			m.destination(op.Address, nil)
		case SetTimeouts:
			m.timeouts(op.Timeouts)
		case StartDaemon, StopDaemon:
			m.daemon(op.State, op.Daemon)
		}
	})
}

// Settings implements Kernel.
func (k *netlinkKernel) Settings() (Settings, error) {
	var s Settings
	ask := func(command uint8, flags uint16, read func([]byte) error) error {
		_, err := guard(k, func() (struct{}, error) { return struct{}{}, k.genl.exchange(command, flags, nil, read) })
		if errors.Is(err, unix.ENOENT) { // of the family: the module has been unloaded
			return ErrNoIPVS
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
	if s.FTP, err = guard(k, k.hasFTP); err != nil {
		return s, err
	}
	s.Sysctls, err = guard(k, func() (Sysctls, error) { return readSysctls(k.vs) })
	return s, err
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
	list, err := guard(k, func() ([]T, error) {
		var list []T
		err := k.genl.exchange(command, unix.NLM_F_DUMP, func(m *message) {
			if of != nil {
				m.service(*of, nil)
			}
		}, func(b []byte) error {
			item, err := parse(b)
			list = append(list, item)
			return err
		})
		return list, err
	})
	switch {
	case errors.Is(err, unix.ENOENT): // of the family: the module has been unloaded
		return nil, ErrNoIPVS
	case err != nil && !errors.Is(err, ErrInconsistent):
		return nil, err
	}
	list, twice := distinct(list, key)
	if twice {
		err = ErrInconsistent
	}
	return list, err
}

// distinct are the entries of a dump, each once, and whether one came twice. It changes list.
func distinct[T any, K comparable](list []T, key func(T) K) (once []T, twice bool) {
	seen := make(map[K]bool, len(list))
	once = list[:0]
	for _, item := range list {
		if seen[key(item)] {
			twice = true
			continue
		}
		seen[key(item)] = true
		once = append(once, item)
	}
	return once, twice
}
