package elector

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/vrrp"
)

// Process is an elector in a child process. Its methods are those of an Elector.
type Process struct {
	program []string
	options Options
	orders  *outbox[order]
	present chan Presence
	vigil   *vigil // for the child's answers
}

// NewProcess returns an elector that Run starts as a process of program, which calls Serve with
// its descriptor 3. Options.Kernel must be nil.
func NewProcess(o Options, program ...string) *Process {
	register()
	if o.Silence == 0 {
		o.Silence = DefaultSilence
	}
	p := &Process{program: program, options: o, orders: newOutbox[order](), present: make(chan Presence, 1),
		vigil: newVigil(o.Silence)}
	p.orders.put(order{Start: &start{o.StateFile, o.RecordFile, o.Silence}}, nil)
	return p
}

// Configure is that of Elector.
func (p *Process) Configure(c Configuration) { p.orders.put(order{Configure: &c}, nil) }

// SetReadings is that of Elector.
func (p *Process) SetReadings(readings map[vrrp.Tracker]vrrp.Reading) {
	p.orders.put(order{Readings: readings}, nil)
}

// Want is that of Elector.
func (p *Process) Want(n Network) {
	p.orders.put(order{Network: &n}, func(last *order) bool {
		if last.Network == nil {
			return false
		}
		last.Network = &n
		return true
	})
}

// Resign is that of Elector.
func (p *Process) Resign() { p.orders.put(order{Resign: true}, nil) }

// patience is how long the child may take to answer.
const patience = time.Second

// Present is that of Elector, but waits for 1 s at most, after which it is empty. It is called by one goroutine at a time.
func (p *Process) Present() Presence {
	select {
	case <-p.present: // of an earlier call, too late
	default:
	}
	p.orders.put(order{Present: true}, nil)
	select {
	case present := <-p.present:
		return present
	case <-time.After(patience):
		return Presence{}
	}
}

// Run starts the process and returns when it has ended: after ctx, or because it broke, which is
// reported as Lost.
func (p *Process) Run(ctx context.Context) {
	if err := p.run(ctx); err != nil {
		p.options.Report(Lost{err})
	}
}

func (p *Process) run(ctx context.Context) error {
	defer p.orders.close()
	ours, theirs, err := pair()
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd := exec.Command(p.program[0], p.program[1:]...)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr // of a panic
	cmd.Env = environment(os.Environ(), runtime.NumCPU())
	err = cmd.Start()
	_ = theirs.Close() // the child has it
	if err != nil {
		return fmt.Errorf("start %s: %w", p.program[0], err)
	}
	go func() { // ends with the connection or the outbox
		encoder := gob.NewEncoder(ours)
		for list := p.orders.take(); list != nil; list = p.orders.take() {
			for _, o := range list {
				if encoder.Encode(&o) != nil {
					return // the reader below finds out why
				}
			}
		}
	}()
	stop := context.AfterFunc(ctx, func() { p.orders.put(order{End: true}, nil) })
	defer stop()

	watched, enough := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { each(watched, func() { p.beat(cmd.Process) }) })
	err = p.read(ours)
	_ = ours.Close()
	enough()
	watch.Wait()
	if ended := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %w", err, errors.Join(ended))
	}
	return nil
}

// beat gives the child a sign of life, and ends it where it has given none for too long: it holds
// nothing any more that another node would not have taken.
func (p *Process) beat(child *os.Process) {
	if p.options.Alive == nil || p.options.Alive() {
		p.orders.put(order{Beat: true}, func(last *order) bool { return last.Beat })
	}
	if c, silent := p.vigil.look(); c == lost {
		p.options.Report(ElectionSilent{silent})
		_ = child.Kill() // what reads from it finds out
	}
}

// environment is that of the child on a machine with so many processors. On a single one it has garbage collected in one go
// (GODEBUG of package runtime): the runtime's sweeper else spins for as long as another thread sweeps, and that one, of the same
// real-time priority, gets the processor after 100 ms at the earliest (sched(7), SCHED_RR), and the adverts too.
func environment(env []string, processors int) []string {
	if processors > 1 {
		return env
	}
	debug := "GODEBUG=gcstoptheworld=2"
	for _, v := range env {
		if strings.HasPrefix(v, "GODEBUG=") && v != "GODEBUG=" {
			debug = v + ",gcstoptheworld=2"
		}
	}
	return append(slices.Clone(env), debug) // the last one counts
}

// read reports what the child tells until it says that it has ended.
func (p *Process) read(from io.Reader) error {
	decoder := gob.NewDecoder(from)
	for {
		var a answer
		switch err := decoder.Decode(&a); {
		case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET):
			return errEnded
		case err != nil:
			return fmt.Errorf("read from the process of the election: %w", err)
		}
		if a.Report != nil {
			p.options.Report(a.Report)
		}
		if a.Present != nil {
			select {
			case <-p.present: // of a call that did not wait for it: reports must not wait either
			default:
			}
			p.present <- *a.Present
		}
		if a.Beat {
			p.vigil.hear()
		}
		if a.Ended {
			return nil
		}
	}
}

// pair returns the two ends of a connection, of which the second is for another process.
func pair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "elector"), os.NewFile(uintptr(fds[1]), "director")
	conn, err := net.FileConn(ours)
	_ = ours.Close() // conn has a descriptor of its own
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("make a connection of a socket: %w", err)
	}
	return conn, theirs, nil
}
