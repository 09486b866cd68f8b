package elector

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// processors are more than the goroutines of an elector that are ever awake at once: none of them
// waits for one.
const processors = 8

// Serve is the child process of Process: it runs an elector as the process at the other end of
// conn orders, until that one says so or ends. In the last case it leaves the addresses as they
// are, as a crash of a single process would. Where that one falls silent and does not end, it makes
// way for other nodes, and calls silent, which must not wait: who would log it says nothing.
func Serve(conn *os.File, silent func(time.Duration)) error {
	register()
	runtime.GOMAXPROCS(max(processors, runtime.NumCPU()))
	refused := realtime()
	c, err := net.FileConn(conn)
	_ = conn.Close() // c has a descriptor of its own
	if err != nil {
		return fmt.Errorf("take over the connection to the director: %w", err)
	}
	defer c.Close()
	ctx, lost := context.WithCancel(context.Background())
	defer lost()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // what waits for it ends
	answers := newOutbox[answer]()
	report := func(r Report) {
		if !answers.put(answer{Report: sendable(r)}, nil) {
			lost()
		}
	}
	if refused != nil {
		report(RealtimeRefused{refused})
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		encoder := gob.NewEncoder(c)
		for list := answers.take(); list != nil; list = answers.take() {
			for _, a := range list {
				if encoder.Encode(&a) != nil {
					lost()
					return
				}
			}
		}
	}()
	err = follow(ctx, gob.NewDecoder(c), report, silent, answers)
	answers.put(answer{Ended: err == nil}, nil)
	answers.close()
	<-written
	return err
}

// follow carries out orders until one of them is the end.
func follow(ctx context.Context, orders *gob.Decoder, report func(Report), silent func(time.Duration), answers *outbox[answer]) error {
	var first order
	if err := orders.Decode(&first); err != nil {
		return fmt.Errorf("read the first order: %w", err)
	}
	if first.Start == nil {
		return errors.New("the first order is not to start")
	}
	e, err := New(Options{StateFile: first.Start.StateFile, RecordFile: first.Start.RecordFile, Report: report})
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	director := newVigil(first.Start.Silence)
	var parts sync.WaitGroup
	parts.Go(func() { e.Run(ctx) })
	parts.Go(func() { each(ctx, func() { watch(director, e, report, silent) }) })
	defer parts.Wait()
	defer end()
	for {
		var o order
		switch err := orders.Decode(&o); {
		case errors.Is(err, io.EOF):
			return errors.New("the director has ended without a word")
		case err != nil:
			return fmt.Errorf("read an order: %w", err)
		case o.End:
			return nil
		}
		if o.Beat {
			director.hear()
		}
		carryOut(&o, e, answers)
	}
}

// watch makes way for other nodes while the director is silent.
func watch(director *vigil, e *Elector, report func(Report), silent func(time.Duration)) {
	switch c, length := director.look(); c {
	case lost:
		e.Demote(true)
		silent(length)
	case found:
		e.Demote(false)
		report(DirectorBack{length})
	}
}

func carryOut(o *order, e *Elector, answers *outbox[answer]) {
	if o.Configure != nil {
		e.Configure(*o.Configure)
	}
	if o.Readings != nil {
		e.SetReadings(o.Readings)
	}
	if o.Network != nil {
		e.Want(*o.Network)
	}
	if o.Resign {
		e.Resign()
	}
	if o.Beat {
		e.Echo(func() { answers.put(answer{Beat: true}, func(last *answer) bool { return last.Beat }) })
	}
	if o.Present {
		present := e.Present()
		answers.put(answer{Present: &present}, nil)
	}
}

// roundRobinPriority is above every ordinary process and below the kernel's own threads.
const roundRobinPriority = 20

// realtime gives every thread of the process real-time priority (sched(7)), so that the kernel's
// scheduler keeps none waiting. New threads have that of the thread which makes them.
func realtime() error {
	for again := true; again; {
		again = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list the threads of this process: %w", err)
		}
		for _, task := range tasks {
			var id int
			if _, err := fmt.Sscan(task.Name(), &id); err != nil {
				return fmt.Errorf("read the thread id %q: %w", task.Name(), err)
			}
			attr, err := unix.SchedGetAttr(id, 0)
			if errors.Is(err, unix.ESRCH) || err == nil && attr.Policy == unix.SCHED_RR {
				continue
			}
			if err == nil {
				err = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: roundRobinPriority}, 0)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("set SCHED_RR %d: %w", roundRobinPriority, err)
			}
			again = true // a thread that was not there may have been made meanwhile
		}
	}
	return nil
}
