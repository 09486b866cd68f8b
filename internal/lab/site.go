package lab

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Site is a web server on a host.
type Site struct {
	host   *Host
	server *http.Server
	ended  chan struct{}

	mu     sync.Mutex
	status int
	served map[string]int
}

// SlowPath is the page that is answered in two halves: the host's name at once, the end when the client has sent all of its request.
const SlowPath = "/slow"

// Serve starts a web server on the host, on a literal address such as ":80". It answers every request with the host's name, and
// tells in the header Seen-From what address the client seemed to have.
func (h *Host) Serve(address string) (*Site, error) {
	l, err := h.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Site{host: h, ended: make(chan struct{}), status: http.StatusOK, served: map[string]int{}}
	s.server = &http.Server{Handler: http.HandlerFunc(s.answer)}
	h.mu.Lock()
	h.sites = append(h.sites, s)
	h.mu.Unlock()
	go func() {
		defer close(s.ended)
		_ = s.server.Serve(l) // ends with Close, and with nothing else
	}()
	return s, nil
}

func (s *Site) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.served[r.URL.Path]++
	status := s.status
	s.mu.Unlock()
	w.Header().Set("Seen-From", r.RemoteAddr)
	if r.URL.Path != SlowPath {
		w.WriteHeader(status)
		fmt.Fprintln(w, s.host.Name)
		return
	}
	both := http.NewResponseController(w)
	if both.EnableFullDuplex() != nil {
		return // never: HTTP/1 has it
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, s.host.Name)
	if both.Flush() != nil {
		return // the client is gone
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // so is the rest of the request
	}
	fmt.Fprintln(w, slowEnd)
}

// slowEnd is the last line of a slow page.
const slowEnd = "the end"

// Status makes the site answer with this HTTP status from now on.
func (s *Site) Status(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = code
}

// Served returns how many requests for a path were answered.
func (s *Site) Served(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[path]
}

// Close stops the server: its port is closed and its connections are cut.
func (s *Site) Close() error {
	err := s.server.Close()
	<-s.ended
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
