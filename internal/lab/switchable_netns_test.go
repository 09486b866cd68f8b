//go:build netns

package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// switchable is a web server that can be taken away in two ways: nobody listens any more, so that connections are refused, or
// nobody accepts, so that packets are dropped.
type switchable struct {
	host    *Host
	address string

	mu       sync.Mutex
	accepted []time.Time // by the listener that is open
	listener net.Listener
	filling  net.Conn // what fills the queue of one that is silent
}

// serve listens and accepts, as a new server does.
func (s *switchable) serve() error {
	if err := s.refuse(); err != nil {
		return err
	}
	l, err := s.host.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener, s.accepted = l, nil
	s.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepted = append(s.accepted, time.Now())
			s.mu.Unlock()
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") // to one that may be gone
				}
			}()
		}
	}()
	return nil
}

// first and last are when connections were accepted since serve; the zero Time if none were.
func (s *switchable) first() time.Time { return s.at(func(int) int { return 0 }) }
func (s *switchable) last() time.Time  { return s.at(func(n int) int { return n - 1 }) }

func (s *switchable) at(which func(n int) int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.accepted) == 0 {
		return time.Time{}
	}
	return s.accepted[which(len(s.accepted))]
}

// refuse closes the listener, if there is one.
func (s *switchable) refuse() error {
	s.mu.Lock()
	l, c := s.listener, s.filling
	s.listener, s.filling = nil, nil
	s.mu.Unlock()
	if c != nil {
		c.Close()
	}
	if l != nil {
		return l.Close()
	}
	return nil
}

// silence has the kernel drop what comes: it does while the queue of a listener is full.
func (s *switchable) silence(ctx context.Context) error {
	if err := s.refuse(); err != nil {
		return err
	}
	l, err := s.host.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var shrunk error
	if err := raw.Control(func(fd uintptr) { shrunk = unix.Listen(int(fd), 0) }); err != nil {
		return err
	}
	if shrunk != nil {
		return fmt.Errorf("shrink the queue of %s: %w", s.address, shrunk)
	}
	conn, err := s.host.Dial(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener, s.filling = l, conn
	s.mu.Unlock()
	return nil
}
