package main

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxQueued is how many lines of the log wait for a reader that is slow or has stopped.
const maxQueued = 4096

// queue is the log's way out. It never keeps the daemon waiting: a line that finds no room is
// lost, and counted.
type queue struct {
	out   io.Writer
	lines chan []byte
	lost  atomic.Uint64
	once  sync.Once
	quit  chan struct{}
	done  chan struct{}
}

func newQueue(out io.Writer) *queue {
	q := &queue{out: out, lines: make(chan []byte, maxQueued), quit: make(chan struct{}), done: make(chan struct{})}
	go q.run()
	return q
}

// Write takes a line; it has no error.
func (q *queue) Write(line []byte) (int, error) {
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.lost.Add(1)
	}
	return len(line), nil
}

// Sync has nothing to do: see Close.
func (q *queue) Sync() error { return nil }

// Lost is how many lines were lost so far.
func (q *queue) Lost() uint64 { return q.lost.Load() }

// Close writes what waits, for as long as it may take.
func (q *queue) Close(within time.Duration) {
	q.once.Do(func() { close(q.quit) })
	select {
	case <-q.done:
	case <-time.After(within):
	}
}

func (q *queue) run() {
	defer close(q.done)
	for {
		select {
		case line := <-q.lines:
			_, _ = q.out.Write(line) // there is nowhere else to say so
			continue
		default:
		}
		select {
		case line := <-q.lines:
			_, _ = q.out.Write(line)
		case <-q.quit:
			if len(q.lines) == 0 {
				return
			}
		}
	}
}
